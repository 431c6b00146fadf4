// What a training shows while it runs: a bar that stays in its line on a terminal, plain lines where output is piped.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace wengert::train {

/// How a training shows itself.
enum class Display {
  automatic,  ///< a bar if the output is a terminal, otherwise lines
  bar,
  lines,  ///< one an epoch, and one every ten seconds within an epoch
  quiet   ///< nothing
};

/// The progress of a training: epoch, rate, time left and running cost.
///
/// A bar is redrawn in place, at most ten times a second, cut to the terminal's width; nothing ever scrolls.
class Progress {
 public:
  /// Shows `epochs` epochs of `samples` samples on `out`, of which `done` samples were done before.
  Progress(Display display, std::size_t epochs, std::size_t samples, std::size_t done = 0, std::FILE* out = stderr);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// So many samples of epoch `epoch` (counted from 1) are done; `cost` is the running cost.
  void step(std::size_t epoch, std::size_t samples_done, double cost) {
    if (display_ == Display::quiet) return;
    draw_if_due(epoch, samples_done, cost);
  }
  /// An epoch is over: a line when piped; on a terminal the bar shows `figures` beside the epochs to come.
  void end_epoch(std::size_t epoch, std::string_view figures);
  /// Says something that stays: a line of its own.
  void note(std::string_view line);
  /// The training is over: leaves one last line.
  void finish(std::string_view line);

 private:
  using Clock = std::chrono::steady_clock;
  void draw_if_due(std::size_t epoch, std::size_t samples_done, double cost);
  std::string bar(std::size_t epoch, std::size_t samples_done, double cost, Clock::time_point now) const;
  void show(std::string line);

  Display display_;
  std::size_t epochs_, samples_, done_before_;
  std::FILE* out_;
  Clock::time_point start_, drawn_;
  std::string figures_;
  bool drawn_any_ = false;
};

/// A time as people write it: `80 ms`, `0.8 s`, `42 s`, `3:07`, `1:02:45`.
std::string duration_text(double seconds);

}  // namespace wengert::train
