// Interrupts: installs handlers for SIGINT and SIGTERM that request a stop, and restores the previous ones.
#include "train/interrupts.hpp"

#include <cstddef>

namespace wengert::train {
namespace {

volatile std::sig_atomic_t signals_noted = 0;

// The registers that a signal saves take up to 12 KiB.
constexpr std::size_t stack_bytes = std::size_t{1} << 16;

}  // namespace

Interrupts::Interrupts(bool handle) : handled_(handle) {
  if (!handled_) return;
  signals_noted = 0;
  stack_ = std::make_unique<char[]>(stack_bytes);
  stack_t stack{};
  stack.ss_sp = stack_.get();
  stack.ss_size = stack_bytes;
  sigaltstack(&stack, &stack_before_);
  struct sigaction note {};
  note.sa_handler = [](int) { signals_noted = 1; };
  sigemptyset(&note.sa_mask);
  // A second signal is not caught. System calls that the first one interrupts are restarted.
  note.sa_flags = static_cast<int>(static_cast<unsigned>(SA_RESETHAND) | SA_RESTART | SA_ONSTACK);
  sigaction(SIGINT, &note, &interrupt_before_);
  sigaction(SIGTERM, &note, &terminate_before_);
}

Interrupts::~Interrupts() {
  if (!handled_) return;
  sigaction(SIGINT, &interrupt_before_, nullptr);
  sigaction(SIGTERM, &terminate_before_, nullptr);
  sigaltstack(&stack_before_, nullptr);
}

bool Interrupts::asked() const { return handled_ && signals_noted != 0; }

}  // namespace wengert::train
