// Feed: which pictures are handed on, and how it ends.
#include "doubles.hpp"
#include "testing.hpp"
#include <wengert/base/error.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace expressions;
using namespace expressions::testing;
using namespace std::chrono_literals;

namespace {

// The times of all pictures of a feed, whose reader takes a while for each.
std::vector<double> times_of(Feed& feed, std::chrono::milliseconds pause = 0ms) {
  std::vector<double> times;
  Picture picture;
  for (FeedState state; (state = feed.next(picture, 1s)) != FeedState::ended;) {
    if (state == FeedState::waiting) continue;
    times.push_back(picture.time);
    std::this_thread::sleep_for(pause);
  }
  return times;
}

}  // namespace

TEST_CASE("a file is read picture by picture, however slow the reader") {
  Feed feed(grounds(dark_then_bright(20, 10)), FeedMode::every);
  const auto times = times_of(feed, 3ms);
  REQUIRE(times.size() == 20);
  for (std::size_t i = 0; i < 20; ++i) CHECK(times[i] == doctest::Approx(static_cast<double>(i) / 25));
  CHECK(feed.read() == 20);
  CHECK(feed.dropped() == 0);
  CHECK(feed.rate() == 25);
}

TEST_CASE("a camera's older pictures are dropped, and the newest is handed on") {
  Feed feed(grounds(dark_then_bright(40, 20), [](Grounds& g) { g.delay = 5ms; }), FeedMode::newest);
  const auto times = times_of(feed, 30ms);
  CHECK(feed.dropped() >= 10);
  CHECK(times.size() + feed.dropped() == 40);
  CHECK(times.back() == doctest::Approx(39.0 / 25));
  for (std::size_t i = 1; i < times.size(); ++i) CHECK(times[i] > times[i - 1]);
}

TEST_CASE("a stream that turns out to be recorded is read like a file") {
  for (const bool recorded : {false, true}) {
    CAPTURE(recorded);
    Feed feed(grounds(dark_then_bright(20, 10), [=](Grounds& g) { g.is_recorded = recorded; }), FeedMode::newest,
              FeedMode::every);
    const auto times = times_of(feed, 10ms);
    CHECK(feed.mode() == (recorded ? FeedMode::every : FeedMode::newest));
    CHECK((feed.dropped() == 0) == recorded);
    CHECK(times.size() + feed.dropped() == 20);
  }
}

TEST_CASE("a file in real time takes its time, and drops what the reader is too slow for") {
  const auto begin = Clock::now();
  Feed feed(grounds(dark_then_bright(16, 8)), FeedMode::paced);
  const auto times = times_of(feed, 100ms);
  CHECK(Clock::now() - begin >= 590ms);  // fifteen pictures of 40 ms each
  CHECK(feed.dropped() >= 4);
  CHECK(times.size() + feed.dropped() == 16);
}

TEST_CASE("the pictures before a failure are handed on, then its error is thrown, once") {
  Feed feed(grounds(dark_then_bright(20, 10), [](Grounds& g) { g.fails_after = 3; }), FeedMode::every);
  Picture picture;
  for (int i = 0; i < 3; ++i) CHECK(feed.next(picture, 10s) == FeedState::picture);
  CHECK(wengert::testing::message_of<wengert::FileError>([&] { feed.next(picture, 10s); }) ==
        "[camera] camera 0 delivers no more pictures: pulled out?");
  CHECK(feed.next(picture, 1s) == FeedState::ended);
  CHECK(feed.read() == 3);
}

TEST_CASE("a source that cannot be opened is an error of next") {
  Feed feed([](const Stopped&) -> std::unique_ptr<Capture> { throw wengert::FileError("camera", "none"); },
            FeedMode::newest);
  Picture picture;
  CHECK(wengert::testing::message_of<wengert::FileError>([&] { feed.next(picture, 10s); }) == "[camera] none");
}

TEST_CASE("a feed stops while its source waits, and leaves a source behind that hangs") {
  Feed waiting(grounds(dark_then_bright(20, 10)), FeedMode::every);  // for a reader
  CHECK(waiting.stop());

  const auto release = std::make_shared<std::atomic<bool>>(false);
  {
    Feed hanging(
        [release](const Stopped&) -> std::unique_ptr<Capture> {
          while (!*release) std::this_thread::sleep_for(1ms);  // like opening a fifo into which nobody writes
          throw wengert::FileError("video", "late");
        },
        FeedMode::every);
    Picture picture;
    CHECK(hanging.next(picture, 10ms) == FeedState::waiting);
    const auto begin = Clock::now();
    CHECK_FALSE(hanging.stop());
    CHECK(Clock::now() - begin < 5s);
    *release = true;
    CHECK(hanging.stop());
  }
}
