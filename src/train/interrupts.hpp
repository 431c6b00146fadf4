// Ctrl-C as a question that the training loop asks.
#pragma once

#include <csignal>

namespace wengert::train {

/// While it lives, SIGINT and SIGTERM are noted; the second one does what it did before.
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
