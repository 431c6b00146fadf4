// Where pictures come from: the kinds of sources, and cameras.
#include "capture.hpp"

#include <wengert/base/error.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <opencv2/videoio.hpp>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace expressions {

namespace {

class Camera final : public Capture {
 public:
  explicit Camera(int number) : number_(number) {
    const auto refuse = [&](const char* why) {
      throw wengert::FileError("camera", fmt::format("camera {} (/dev/video{}) {}: connect one, name another by its "
                                                     "number, or give a video file",
                                                     number, number, why));
    };
    if (!std::filesystem::exists(fmt::format("/dev/video{}", number))) refuse("does not exist");
    bool open = false;
    try {
      open = camera_.open(number, cv::CAP_V4L2);
    } catch (const cv::Exception&) {
    }
    if (!open) refuse("cannot be opened (in use by another program, or not permitted)");
    camera_.set(cv::CAP_PROP_BUFFERSIZE, 1);  // older pictures would only add latency
  }

  bool read(cv::Mat& picture, double& time) override {
    bool read = false;
    try {
      read = camera_.read(picture) && !picture.empty();
    } catch (const cv::Exception&) {
    }
    if (!read)
      throw wengert::FileError(
          "camera", fmt::format("camera {} delivers no more pictures, after {}: pulled out?", number_, pictures_));
    ++pictures_;
    time = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    return true;
  }
  double rate() const override { return camera_.get(cv::CAP_PROP_FPS); }

 private:
  int number_;
  std::size_t pictures_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  cv::VideoCapture camera_{};
};

// The digits that name a camera, or nothing.
std::string camera_digits(const std::string& name) {
  constexpr std::string_view device = "/dev/video";
  const std::string digits = name.starts_with(device) ? name.substr(device.size()) : name;
  const bool number =
      !digits.empty() && std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  std::error_code ignored;
  return number && (digits != name || !std::filesystem::exists(name, ignored)) ? digits : "";
}

}  // namespace

SourceKind kind_of(const std::string& name) {
  std::error_code ignored;
  if (!camera_digits(name).empty()) return SourceKind::camera;
  if (name == "-" || std::filesystem::is_fifo(name, ignored)) return SourceKind::pipe;
  if (name.find("://") != std::string::npos && !std::filesystem::exists(name, ignored)) return SourceKind::stream;
  return SourceKind::file;
}

std::unique_ptr<Capture> open_camera(int number) { return std::make_unique<Camera>(number); }

std::unique_ptr<Capture> open_capture(const std::string& name, Stopped stopped) {
  if (kind_of(name) != SourceKind::camera) return open_video(name, std::move(stopped));
  const std::string digits = camera_digits(name);
  int number = -1;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec != std::errc())
    throw wengert::FileError("camera", name + ": expected the number of a camera");
  return open_camera(number);
}

}  // namespace expressions
