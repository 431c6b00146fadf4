// A window that shows pictures and reads keys.
#include "screen.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <opencv2/core.hpp>
#include <opencv2/highgui.hpp>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace expressions {

namespace {

class Window final : public Screen {
 public:
  explicit Window(const std::string& title) : title_(title) {
    cv::namedWindow(title_, cv::WINDOW_NORMAL | cv::WINDOW_KEEPRATIO | cv::WINDOW_GUI_NORMAL);
  }
  ~Window() override {
    try {
      cv::destroyWindow(title_);
    } catch (const cv::Exception&) {  // it has been closed
    }
  }
  void show(const cv::Mat& picture) override {
    if (size_ != picture.size()) cv::resizeWindow(title_, picture.cols, picture.rows);
    size_ = picture.size();
    cv::imshow(title_, picture);
  }
  Key key(int milliseconds) override {
    const int code = cv::waitKey(milliseconds);
    if (size_.area() > 0 && cv::getWindowProperty(title_, cv::WND_PROP_VISIBLE) < 1) return Key::quit;
    switch (code & 0xff) {
      case 'q':
      case 27:
        return Key::quit;
      case 'p':
      case ' ':
        return Key::pause;
      case 'r':
        return Key::record;
      default:
        return Key::none;
    }
  }

 private:
  std::string title_;
  cv::Size size_{};
};

bool set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

}  // namespace

bool display_available() {
  if (!set("DISPLAY") && !set("WAYLAND_DISPLAY")) return false;
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    const int null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO);
    try {
      cv::namedWindow("display_available");
      _exit(0);
    } catch (...) {
      _exit(1);
    }
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::unique_ptr<Screen> open_window(const std::string& title) { return std::make_unique<Window>(title); }

}  // namespace expressions
