// SIGINT (Ctrl-C) and SIGTERM as a flag that the training loop polls.
#pragma once

#include <csignal>

namespace wengert::train {

/// During its lifetime, the first SIGINT and the first SIGTERM are noted; a second one ends the program. The destructor
/// restores the previous handlers.
class Interrupts {
 public:
  explicit Interrupts(bool handle);
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  bool asked() const;

 private:
  bool handled_;
  struct sigaction interrupt_before_ {};
  struct sigaction terminate_before_ {};
};

}  // namespace wengert::train
