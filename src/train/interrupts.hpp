// Ctrl-C as a question that the training loop asks.
#pragma once

#include <csignal>

namespace wengert::train {

/// While it lives, the first SIGINT and the first SIGTERM are noted; a second one ends the program. Afterwards they do
/// what they did before.
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
