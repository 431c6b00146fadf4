// Reads pictures in a thread of its own, so that a slow source holds nothing up and a fast one is not kept waiting.
#pragma once

#include "capture.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <opencv2/core.hpp>
#include <optional>
#include <string>

namespace expressions {

using Clock = std::chrono::steady_clock;

/// A picture and its times.
struct Picture {
  cv::Mat image{};            ///< BGR of 8 bits
  double time = 0;            ///< in seconds from the beginning of the source
  Clock::time_point taken{};  ///< when it arrived, or was asked for
};

/// Which pictures a Feed hands on.
enum class FeedMode {
  every,   ///< all of them: the source waits for the reader (files, recordings)
  newest,  ///< the newest; older ones are dropped (cameras, live streams)
  paced,   ///< the newest, but none before its time: a file as if it were a camera
};

/// What `Feed::next` returns.
enum class FeedState { picture, waiting, ended };

/// Pictures from a source, read ahead by a thread. At most one waits.
class Feed {
 public:
  /// Opens a source; called in the thread, with a function that tells it to give up.
  using Open = std::function<std::unique_ptr<Capture>(const Stopped&)>;

  /// Starts to open and read. `recorded`: the mode if the source turns out to be recorded; by default, `mode`.
  Feed(Open open, FeedMode mode, std::optional<FeedMode> recorded = {});
  /// Calls `stop`. A thread that hangs in a call of the operating system, as for a pipe into which nobody writes, is
  /// left behind.
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  /// Waits at most `patience` for the next picture. Throws what opening or reading the source threw, once the pictures
  /// before it are taken.
  FeedState next(Picture& to, std::chrono::milliseconds patience);
  /// Tells the thread to stop, and waits up to a second. Returns whether it has stopped.
  bool stop();

  /// Which pictures are handed on, known for good once the first is there.
  FeedMode mode() const;
  /// Pictures read so far.
  std::size_t read() const;
  /// Pictures dropped so far.
  std::size_t dropped() const;
  /// Pictures a second, or 0 if it is not known.
  double rate() const;
  /// What was wrong with what has been read, or nothing.
  std::string complaint() const;

 private:
  struct Shared;
  static void run(const std::shared_ptr<Shared>& shared, const Open& open, std::optional<FeedMode> recorded);
  std::shared_ptr<Shared> shared_;  // outlives a thread that is left behind
};

}  // namespace expressions
