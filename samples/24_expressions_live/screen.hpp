// A window that shows pictures and reads keys.
#pragma once

#include <memory>
#include <string>

namespace cv {
class Mat;
}

namespace expressions {

/// What a key means.
enum class Key { none, quit, pause, record };

/// A window, or what stands for one in a test.
class Screen {
 public:
  virtual ~Screen() = default;
  /// Shows a picture.
  virtual void show(const cv::Mat& picture) = 0;
  /// Waits up to some milliseconds, at least one, for a key: q or Escape, or the window closed, quit; p or the space
  /// bar pause; r records.
  virtual Key key(int milliseconds) = 0;
};

/// Whether a window can be opened. Tries it in a process of its own, because Qt, with which OpenCV shows windows, ends
/// the program where it cannot. Call it before any thread is started.
bool display_available();

/// Opens a window.
std::unique_ptr<Screen> open_window(const std::string& title);

}  // namespace expressions
