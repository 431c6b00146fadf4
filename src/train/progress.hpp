// Progress of a training run: a bar on one line of a terminal, or plain lines if the output is piped.
#pragma once

#include <wengert/train/options.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace wengert::train {

/// Displays the progress of a training run: epoch, samples per second, remaining time and running loss. A bar is
/// redrawn in place, at most ten times per second, and truncated to the width of the terminal.
class Progress {
 public:
  /// Shows `epochs` epochs of `samples` samples each on `out`; an earlier run has processed `done` samples in total.
  Progress(Display display, std::size_t epochs, std::size_t samples, std::size_t done = 0, std::FILE* out = stderr);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Reports that `samples_done` samples of epoch `epoch` (counted from 1) are done; `loss` is the running loss.
  void step(std::size_t epoch, std::size_t samples_done, double loss) {
    if (display_ == Display::quiet) return;
    draw_if_due(epoch, samples_done, loss);
  }
  /// Reports the end of an epoch: prints a line if piped; on a terminal, the bar shows `figures` from now on.
  void end_epoch(std::size_t epoch, std::string_view figures);
  /// Prints a line that stays on the screen.
  void note(std::string_view line);
  /// Prints the last line, at the end of the run.
  void finish(std::string_view line);

 private:
  using Clock = std::chrono::steady_clock;
  void draw_if_due(std::size_t epoch, std::size_t samples_done, double loss);
  std::string bar(std::size_t epoch, std::size_t samples_done, double loss, Clock::time_point now) const;
  void show(std::string line);

  Display display_;
  std::size_t epochs_, samples_, done_before_;
  std::FILE* out_;
  Clock::time_point start_, drawn_;
  std::string figures_;
  bool drawn_any_ = false;
};

}  // namespace wengert::train
