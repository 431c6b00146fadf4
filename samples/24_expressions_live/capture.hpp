// Where pictures come from: a camera, a video file, a pipe or a stream.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <opencv2/core.hpp>
#include <string>

namespace expressions {

/// An open source of pictures. One thread at a time may use it.
class Capture {
 public:
  virtual ~Capture() = default;
  /// Reads the next picture, in BGR of 8 bits, and its time in seconds, which grows from picture to picture. Returns
  /// false at the end; throws FileError where a camera or connection fails. The size may change between pictures.
  virtual bool read(cv::Mat& picture, double& time) = 0;
  /// Pictures a second, or 0 if it is not known.
  virtual double rate() const { return 0; }
  /// Whether it is a recording behind an address, which can wait to be read, and not live.
  virtual bool recorded() const { return false; }
  /// What was wrong with what has been read, or nothing: a damaged file is read on.
  virtual std::string complaint() const { return {}; }
};

/// Whether to give up waiting for a slow source.
using Stopped = std::function<bool()>;

/// The kinds of sources that a name can mean.
enum class SourceKind { camera, file, pipe, stream };

/// What a name means: digits, or `/dev/video` and digits, a camera, `-` (standard input) or a fifo a pipe, `…://…` a
/// stream, all else a file.
SourceKind kind_of(const std::string& name);

/// Opens a source of pictures. Throws FileError, saying what is wrong, unless it delivers pictures; a stream may take
/// ten seconds for each answer.
std::unique_ptr<Capture> open_capture(const std::string& name, Stopped stopped);

/// Opens camera `number`, by cv::VideoCapture. Throws FileError if there is none.
std::unique_ptr<Capture> open_camera(int number);

/// Opens a file, pipe or stream by the libraries of FFmpeg.
///
/// cv::VideoCapture, which calls the same libraries, goes on with the size of the first picture where the size changes:
/// OpenCV 4.6 then returns the last picture of that size again and again, or a corner of each.
///
/// A stream that does not answer for as long as `patience` is given up: open_video, or read once the pictures that have
/// arrived are taken, throws FileError.
std::unique_ptr<Capture> open_video(const std::string& name, Stopped stopped,
                                    std::chrono::milliseconds patience = std::chrono::seconds(10));

}  // namespace expressions
