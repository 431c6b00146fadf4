// Progress: a bar on terminals and plain lines elsewhere, with throughput and remaining time.
#include "train/progress.hpp"

#include "report/text.hpp"

#include <algorithm>
#include <cmath>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace wengert::train {
namespace {

std::size_t terminal_columns(std::FILE* out) {
  winsize size{};
  return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

std::string count_text(double count) {
  if (count < 1000) return fmt::format("{:.3g}", count);
  if (count < 1e6) return fmt::format("{:.3g}k", count / 1e3);
  return fmt::format("{:.3g}M", count / 1e6);
}

}  // namespace

Progress::Progress(Display display, std::size_t epochs, std::size_t samples, std::size_t done, std::FILE* out)
    : display_(display),
      epochs_(epochs),
      samples_(samples),
      done_before_(done),
      out_(out),
      start_(Clock::now()),
      drawn_(start_) {
  if (display_ == Display::automatic) display_ = isatty(fileno(out)) != 0 ? Display::bar : Display::lines;
}

Progress::~Progress() {
  if (display_ == Display::bar && drawn_any_) {  // an error ended the training run
    std::fputs("\n", out_);
    std::fflush(out_);
  }
}

void Progress::draw_if_due(std::size_t epoch, std::size_t samples_done, double loss) {
  const auto now = Clock::now();
  const bool bar_shown = display_ == Display::bar;
  if (now - drawn_ < (bar_shown ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10'000))) return;
  drawn_ = now;
  show(bar(epoch, samples_done, loss, now));
}

std::string Progress::bar(std::size_t epoch, std::size_t samples_done, double loss, Clock::time_point now) const {
  constexpr std::size_t width = 20;
  const double all = static_cast<double>(epochs_) * static_cast<double>(samples_);
  const double done =
      static_cast<double>(epoch - 1) * static_cast<double>(samples_) + static_cast<double>(samples_done);
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = (done - static_cast<double>(done_before_)) / seconds;
  const std::size_t filled = std::min(width, width * samples_done / samples_);
  std::string text =
      fmt::format("epoch {}/{} [{}{}] {:3}%  loss {:.4g}  {} samples/s  {} left", epoch, epochs_,
                  std::string(filled, '#'), std::string(width - filled, '.'), 100 * samples_done / samples_, loss,
                  count_text(rate), rate > 0 ? report::duration_text((all - done) / rate) : "?");
  if (!figures_.empty() && display_ == Display::bar) text += "  | " + figures_;
  return text;
}

void Progress::show(std::string line) {
  if (display_ == Display::bar) {
    // One column less than the terminal has: a full line would wrap.
    line.resize(std::min(line.size(), terminal_columns(out_) - 1));
    fmt::print(out_, "\r\033[K{}", line);
    drawn_any_ = true;
  } else {
    fmt::print(out_, "{}\n", line);
  }
  std::fflush(out_);
}

void Progress::end_epoch(std::size_t epoch, std::string_view figures) {
  if (display_ == Display::bar) {
    figures_ = figures;
  } else if (display_ == Display::lines) {
    show(fmt::format("epoch {}/{}  {}", epoch, epochs_, figures));
    drawn_ = Clock::now();
  }
}

void Progress::note(std::string_view line) {
  if (display_ == Display::quiet) return;
  fmt::print(out_, "{}{}\n", display_ == Display::bar ? "\r\033[K" : "", line);
  std::fflush(out_);
}

void Progress::finish(std::string_view line) {
  if (display_ == Display::quiet) return;
  show(std::string(line));
  if (display_ == Display::bar) std::fputs("\n", out_);
  std::fflush(out_);
  drawn_any_ = false;
}

}  // namespace wengert::train
