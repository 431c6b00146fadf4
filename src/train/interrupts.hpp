// SIGINT (Ctrl-C) and SIGTERM as a flag that the training loop polls.
#pragma once

#include <csignal>
#include <memory>

namespace wengert::train {

/// During its lifetime, the first SIGINT and the first SIGTERM are noted; a second one ends the program. The destructor
/// restores the previous handlers.
///
/// The handlers have a stack of their own in the thread that trains: kernels of oneDNN keep values below the stack
/// pointer, which a handler on their stack overwrites.
class Interrupts {
 public:
  explicit Interrupts(bool handle);
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  bool asked() const;

 private:
  bool handled_;
  std::unique_ptr<char[]> stack_{};
  stack_t stack_before_{};
  struct sigaction interrupt_before_ {};
  struct sigaction terminate_before_ {};
};

}  // namespace wengert::train
