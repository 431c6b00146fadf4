// A progress bar on a terminal, nothing where output is piped.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>
#include <unistd.h>

#include <fmt/format.h>

namespace sample {

class ProgressBar {
 public:
  /// For an epoch of so many samples; draws to stderr if that is a terminal and `wanted`.
  ProgressBar(std::string label, std::size_t samples, bool wanted)
      : label_(std::move(label)), samples_(samples), shown_(wanted && isatty(STDERR_FILENO) != 0) {}
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// Takes the bar off the screen.
  void clear() {
    if (shown_) fmt::print(stderr, "\r\033[K");
  }
  /// Redraws in place, at most ten times a second.
  void update(std::size_t done, double cost) {
    if (!shown_) return;
    const auto now = Clock::now();
    if (now - drawn_ < std::chrono::milliseconds(100)) return;
    drawn_ = now;
    constexpr std::size_t width = 24;
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const double rate = static_cast<double>(done) / seconds;
    const std::size_t filled = width * done / samples_;
    fmt::print(stderr, "\r\033[K{} [{}{}] {:3}%  {:.0f} samples/s  {:.0f} s left  cost {:.4f}", label_,
               std::string(filled, '#'), std::string(width - filled, '.'), 100 * done / samples_, rate,
               static_cast<double>(samples_ - done) / rate, cost);
    std::fflush(stderr);
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_;
  std::size_t samples_;
  bool shown_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point drawn_ = start_;
};

}  // namespace sample
