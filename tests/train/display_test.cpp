// What fit displays: a bar, lines, or one of them by the kind of the output.
#include "data/files.hpp"
#include "train/line.hpp"
#include "train/redirected_stderr.hpp"

#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/ioctl.h>
#include <thread>
#include <unistd.h>

using namespace wengert;
using namespace wengert::testing;
using train::Display;

namespace {

// Trains for two epochs of two steps, with time for a bar within the first one.
void train_slowly(Display display, int output) {
  const Tensor<double> x{1, 2, 3, 4};
  const Line network = line(0);
  optim::Optimizer<double> optimizer(network, optim::SGD{.rate = 0.01});
  const auto wait = [](train::FitStatus& status) {
    if (status.step == 1) std::this_thread::sleep_for(std::chrono::milliseconds(110));
  };
  const RedirectedStderr redirected(output);
  train::fit(network, optimizer, squares, train::Samples{x, x},
             {.epochs = 2, .batch_size = 2, .display = display, .observers = {train::after_step(wait)}});
}

std::string shown_in_file(Display display) {
  const TemporaryFolder folder;
  const std::string file = (folder / "shown").string();
  const int output = open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
  train_slowly(display, output);
  close(output);
  return bytes_of(file);
}

std::string shown_on_terminal(Display display) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(terminal >= 0);
  REQUIRE(grantpt(terminal) == 0);
  REQUIRE(unlockpt(terminal) == 0);
  const int output = open(ptsname(terminal), O_RDWR | O_NOCTTY);
  REQUIRE(output >= 0);
  const winsize size{24, 120, 0, 0};
  REQUIRE(ioctl(terminal, TIOCSWINSZ, &size) == 0);
  train_slowly(display, output);
  close(output);
  std::string shown;
  char piece[256];
  for (ssize_t got = 1; (got = read(terminal, piece, sizeof piece)) > 0;)
    shown.append(piece, static_cast<std::size_t>(got));
  close(terminal);
  return shown;
}

}  // namespace

TEST_CASE("display: a bar on a terminal and lines in a file, unless one of them is asked for") {
  const std::string bar = "\r\033[Kepoch 1/2 [####################] 100%  loss ", line_of_epoch = "epoch 1/2  loss ",
                    end = "all epochs completed in ";
  for (const std::string& shown :
       {shown_on_terminal(Display::automatic), shown_on_terminal(Display::bar), shown_in_file(Display::bar)}) {
    CAPTURE(shown);
    CHECK(contains(shown, bar));
    CHECK_FALSE(contains(shown, line_of_epoch));
    CHECK(contains(shown, "\r\033[K" + end));
  }
  for (const std::string& shown :
       {shown_in_file(Display::automatic), shown_in_file(Display::lines), shown_on_terminal(Display::lines)}) {
    CAPTURE(shown);
    CHECK(contains(shown, line_of_epoch));
    CHECK_FALSE(contains(shown, "\033"));
    CHECK(contains(shown, end));
  }
  CHECK(shown_in_file(Display::quiet).empty());
  CHECK(shown_on_terminal(Display::quiet).empty());
}
