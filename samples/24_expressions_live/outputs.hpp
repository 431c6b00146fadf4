// What the program writes: annotated videos and lines of JSON, complete or not at all.
#pragma once

#include "tracker.hpp"

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <opencv2/core.hpp>
#include <opencv2/videoio.hpp>
#include <span>
#include <string>

namespace expressions {

/// A video file. It is written under a temporary name that was free, NAME.partial.mp4, NAME.partial2.mp4 … for
/// NAME.mp4, and gets its name by `finish`.
class VideoFile {
 public:
  /// `rate`: pictures a second. Throws FileError unless a file can be written there; its ending names the format: .mp4,
  /// .avi, .mkv or .mov.
  VideoFile(std::filesystem::path path, double rate);
  /// Removes a file that was not finished.
  ~VideoFile();
  VideoFile(const VideoFile&) = delete;
  VideoFile& operator=(const VideoFile&) = delete;

  /// Adds a picture of a time in seconds. The first sets the size; others are fitted in with black margins. Pictures
  /// are repeated or left out so that the video keeps the rate; a gap of more than a second is left out. Throws
  /// FileError if no encoder is available.
  void write(const cv::Mat& picture, double time);
  /// Completes the file and gives it its name, replacing an older one; without pictures, leaves nothing. Throws
  /// FileError if what was written is no video, as on a full disk.
  void finish();

  /// The name it will have.
  const std::filesystem::path& path() const { return path_; }
  /// The pictures in it.
  std::size_t pictures() const { return written_; }

 private:
  void open(cv::Size size);
  void discard();
  std::filesystem::path path_, partial_;
  double rate_;
  cv::VideoWriter writer_{};
  cv::Size size_{};
  std::size_t written_ = 0;
  double begin_ = 0, last_ = 0;
};

/// Lines of JSON, in a file that is written as NAME.partial, or NAME.partial2 … where that exists, and gets its name by
/// `finish`, or on standard output, `-`.
class JsonLines {
 public:
  /// Throws FileError unless a file can be written there.
  explicit JsonLines(std::filesystem::path path);
  /// Removes a file that was not finished.
  ~JsonLines();
  JsonLines(const JsonLines&) = delete;
  JsonLines& operator=(const JsonLines&) = delete;

  /// Writes the line of a picture: its number, time in seconds, width, height, and its faces with number, box (x, y,
  /// width, height), label and probabilities. Throws FileError if it cannot be written.
  void write(std::size_t number, double time, cv::Size size, std::span<const TrackedFace> faces);
  /// Completes the file and gives it its name. Throws FileError if it cannot be written.
  void finish();

 private:
  [[noreturn]] void refuse() const;
  std::filesystem::path path_, partial_{};
  std::FILE* file_ = nullptr;
};

/// Throws FileError if the source, the annotated video and the lines of JSON are not different files. Empty outputs are
/// none.
void refuse_same_files(const std::string& source, const std::filesystem::path& out, const std::filesystem::path& json);

}  // namespace expressions
