// Shows and writes the pictures of a feed.
#include "live.hpp"

#include "../common/expressions/overlay.hpp"
#include <wengert/base/error.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <exception>
#include <memory>
#include <opencv2/core.hpp>
#include <optional>

#include <fmt/format.h>

namespace expressions {

namespace {

double milliseconds(Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

// Counts latencies by whole milliseconds, in memory that does not grow.
class Latencies {
 public:
  void add(double ms) {
    ++counts_[std::min(counts_.size() - 1, static_cast<std::size_t>(std::max(0.0, ms)))];
    ++all_;
  }
  // The latency that a share of the pictures does not exceed.
  double quantile(double share) const {
    std::size_t below = 0;
    for (std::size_t ms = 0; ms < counts_.size(); ++ms)
      if ((below += counts_[ms]) > 0 && static_cast<double>(below) >= share * static_cast<double>(all_))
        return static_cast<double>(ms);
    return 0;
  }

 private:
  std::array<std::size_t, 10'000> counts_{};
  std::size_t all_ = 0;
};

// The pictures shown in a second, and the latency, averaged over about a second.
class Speed {
 public:
  std::string add(Clock::time_point now, double latency) {
    if (last_) {
      const double elapsed = std::max(1e-6, std::chrono::duration<double>(now - *last_).count());
      const double share = 1 - std::exp(-elapsed);
      interval_ = interval_ > 0 ? interval_ + share * (elapsed - interval_) : elapsed;
      latency_ += (latency_ > 0 ? share : 1) * (latency - latency_);
    }
    last_ = now;
    return interval_ > 0 ? fmt::format("{:.1f} fps  {:.0f} ms", 1 / interval_, latency_) : "";
  }

 private:
  std::optional<Clock::time_point> last_{};
  double interval_ = 0, latency_ = 0;
};

// The first name expressions_N.mp4 that is free, and is not to be written by this run or another.
std::filesystem::path free_name(const LiveOptions& options) {
  const auto taken = [&](const std::filesystem::path& path) {
    return std::filesystem::exists(path) ||
           std::filesystem::exists(path.parent_path() / (path.stem() += ".partial.mp4")) ||
           std::filesystem::weakly_canonical(path) == std::filesystem::weakly_canonical(options.out);
  };
  for (int n = 1;; ++n)
    if (auto path = options.recordings / fmt::format("expressions_{}.mp4", n); !taken(path)) return path;
}

// The files that a run writes.
class Files {
 public:
  Files(const LiveOptions& options, double rate) : options_(options), rate_(rate) {
    if (!options.out.empty()) video_.emplace(options.out, rate);
    if (!options.json.empty()) json_.emplace(options.json);
  }
  void write(const cv::Mat& annotated, double time, std::span<const TrackedFace> faces) {
    if (json_) json_->write(number_, time, annotated.size(), faces);
    if (video_) video_->write(annotated, time);
    if (recording_) attempt_recording([&] { recording_->write(annotated, time); });
    ++number_;
  }
  void toggle_recording() {
    attempt_recording([&] {
      if (recording_)
        complete(recording_);
      else
        recording_.emplace(free_name(options_), rate_);
    });
  }
  bool recording() const { return recording_.has_value(); }
  // Completes all files, even if one of them fails, and throws the first failure.
  void finish() {
    std::exception_ptr failure;
    const auto attempt = [&](auto&& step) {
      try {
        step();
      } catch (...) {
        if (!failure) failure = std::current_exception();
      }
    };
    attempt([&] { complete(video_); });
    attempt([&] { complete(recording_); });
    attempt([&] {
      if (json_) json_->finish();
    });
    if (failure) std::rethrow_exception(failure);
  }
  const std::vector<std::string>& written() const { return written_; }
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  // What the key r has begun must not end the run.
  template <class Step>
  void attempt_recording(const Step& step) {
    try {
      step();
    } catch (const std::exception& error) {
      recording_.reset();
      problems_.emplace_back(error.what());
    }
  }
  void complete(std::optional<VideoFile>& video) {
    if (!video) return;
    video->finish();
    if (video->pictures() > 0) written_.push_back(video->path().string());
    video.reset();
  }
  const LiveOptions& options_;
  double rate_;
  std::optional<VideoFile> video_{}, recording_{};
  std::optional<JsonLines> json_{};
  std::size_t number_ = 0;
  std::vector<std::string> written_{}, problems_{};
};

}  // namespace

Summary run_live(Feed& feed, Analyser& analyse, Screen* screen, const LiveOptions& options, const Stopped& stopped) {
  using namespace std::chrono_literals;
  // Before the source is opened: a name that cannot be written is known at once.
  if (!options.out.empty()) VideoFile(options.out, 25);
  if (!options.json.empty()) JsonLines(options.json);

  const auto begin = Clock::now();
  Summary summary;
  Latencies latencies;
  Speed speed;
  std::optional<Files> files;
  std::exception_ptr failure;
  bool paused = false;
  std::string status;
  try {
    Picture picture;
    while (!stopped()) {
      const Key key = screen != nullptr ? screen->key(paused ? 30 : 1) : Key::none;
      if (key == Key::quit) break;
      if (key == Key::pause) paused = !paused;
      if (key == Key::record && files) files->toggle_recording();
      // During a pause, a file waits, and the pictures of a camera are dropped.
      if (paused && feed.mode() == FeedMode::every) continue;
      const FeedState state = feed.next(picture, paused ? 0ms : screen != nullptr ? 10ms : 50ms);
      if (state == FeedState::ended) break;
      if (state == FeedState::waiting || paused) continue;

      if (options.mirror) cv::flip(picture.image, picture.image, 1);
      const std::vector<TrackedFace> faces = analyse(picture.image, picture.time);
      for (const TrackedFace& face : faces)
        if (face.probabilities) draw_face(picture.image, face.box, *face.probabilities, fmt::format("{}", face.id));
      const bool recording = files && files->recording(), failed = files && !files->problems().empty();
      draw_status(picture.image, status + (recording ? "  recording" : failed ? "  recording failed" : ""));
      if (!files) files.emplace(options, feed.rate() > 0 ? feed.rate() : 25);
      files->write(picture.image, picture.time, faces);
      if (screen != nullptr) screen->show(picture.image);
      const auto now = Clock::now();
      const double latency = milliseconds(now - picture.taken);
      latencies.add(latency);
      status = speed.add(now, latency);
      ++summary.shown;
    }
  } catch (...) {
    failure = std::current_exception();
  }
  // What the source threw comes first: it explains what is missing in the files.
  try {
    if (files) files->finish();
  } catch (...) {
    if (!failure) failure = std::current_exception();
  }
  if (failure) std::rethrow_exception(failure);
  summary.read = feed.read();
  summary.dropped = feed.dropped();
  summary.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  summary.latency_median = latencies.quantile(0.5);
  summary.latency_most = latencies.quantile(0.95);
  summary.complaint = feed.complaint();
  if (files) summary.written = files->written();
  if (files) summary.problems = files->problems();
  return summary;
}

}  // namespace expressions
