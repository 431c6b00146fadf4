// run_live: files are complete however a run ends, keys work, and slow networks drop pictures.
#include "24_expressions_live/live.hpp"

#include "doubles.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/base/error.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <opencv2/core.hpp>
#include <opencv2/videoio.hpp>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace expressions;
using namespace expressions::testing;
using namespace std::chrono_literals;
using wengert::testing::message_of;
using wengert::testing::TemporaryFolder;

namespace {

Summary run_once(Feed& feed, const LiveOptions& options, Screen* screen = nullptr, const Stopped& stopped = {}) {
  Analyser analyse({}, by_brightness);
  return run_live(
      feed, analyse, screen, options, stopped ? stopped : [] { return false; });
}

std::size_t pictures_in(const std::filesystem::path& path) {
  cv::VideoCapture video(path.string(), cv::CAP_FFMPEG);
  std::size_t count = 0;
  for (cv::Mat picture; video.read(picture);) ++count;
  return count;
}

// The first line that has a label, counted from 0.
std::size_t first_with(const std::vector<std::string>& lines, const std::string& label) {
  const auto found = std::find_if(lines.begin(), lines.end(), [&](const std::string& line) {
    return line.find("\"label\":\"" + label + "\"") != std::string::npos;
  });
  return static_cast<std::size_t>(found - lines.begin());
}

}  // namespace

TEST_CASE("every picture of a file is judged and written; a change shows within three pictures") {
  const TemporaryFolder folder;
  Feed feed(grounds(dark_then_bright(50, 20)), FeedMode::every);
  const Summary summary = run_once(feed, {.out = folder / "a.mp4", .json = folder / "a.jsonl"});
  CHECK(summary.read == 50);
  CHECK(summary.shown == 50);
  CHECK(summary.dropped == 0);
  CHECK(summary.latency_median <= summary.latency_most);
  CHECK(summary.written == std::vector<std::string>{(folder / "a.mp4").string()});
  const auto lines = lines_of(folder / "a.jsonl");
  REQUIRE(lines.size() == 50);
  CHECK(first_with(lines, "sad") == 0);
  CHECK(first_with(lines, "happy") >= 20);
  CHECK(first_with(lines, "happy") <= 23);
  CHECK(pictures_in(folder / "a.mp4") == 50);
  CHECK(folder.files() == 2);
}

TEST_CASE("the files are complete where a camera is pulled out, and its error is thrown") {
  const TemporaryFolder folder;
  Feed feed(grounds(dark_then_bright(50, 20), [](Grounds& g) { g.fails_after = 7; }), FeedMode::every);
  CHECK(message_of<wengert::FileError>([&] {
          run_once(feed, {.out = folder / "a.mp4", .json = folder / "a.jsonl"});
        }) == "[camera] camera 0 delivers no more pictures: pulled out?");
  CHECK(lines_of(folder / "a.jsonl").size() == 7);
  CHECK(pictures_in(folder / "a.mp4") == 7);
  CHECK(folder.files() == 2);
}

TEST_CASE("the files are complete where the program is told to stop") {
  const TemporaryFolder folder;
  Feed feed(grounds(dark_then_bright(500, 20), [](Grounds& g) { g.delay = 2ms; }), FeedMode::every);
  int asked = 0;
  const Summary summary =
      run_once(feed, {.out = folder / "a.mp4", .json = folder / "a.jsonl"}, nullptr, [&] { return ++asked > 12; });
  CHECK(summary.shown <= 12);
  CHECK(lines_of(folder / "a.jsonl").size() == summary.shown);
  CHECK(pictures_in(folder / "a.mp4") == summary.shown);
}

TEST_CASE("a name that cannot be written is refused before the source is read") {
  const TemporaryFolder folder;
  Feed feed(grounds(dark_then_bright(50, 20)), FeedMode::every);
  CHECK(wengert::testing::contains(
      message_of<wengert::FileError>([&] { run_once(feed, {.out = folder / "none/a.mp4"}); }), "there is no folder"));
  CHECK(folder.files() == 0);
}

TEST_CASE("a slow network drops pictures of a camera rather than fall behind") {
  Feed feed(grounds(dark_then_bright(60, 30), [](Grounds& g) { g.delay = 5ms; }), FeedMode::newest);
  Analyser analyse({}, [](const wengert::Tensor<float>& faces) {
    std::this_thread::sleep_for(25ms);
    return by_brightness(faces);
  });
  const TemporaryFolder folder;
  const Summary summary = run_live(feed, analyse, nullptr, {.json = folder / "a.jsonl"}, [] { return false; });
  CHECK(summary.dropped >= 20);
  CHECK(summary.shown + summary.dropped == 60);
  CHECK(first_with(lines_of(folder / "a.jsonl"), "happy") < summary.shown);
}

TEST_CASE("keys pause, record and quit") {
  const TemporaryFolder folder;
  folder.write("expressions_1.mp4", "older");
  Feed feed(grounds(dark_then_bright(500, 20)), FeedMode::every);
  PressedKeys screen({{3, Key::pause}, {3, Key::pause}, {5, Key::record}, {9, Key::record}, {12, Key::quit}});
  const Summary summary = run_once(feed, {.recordings = folder / ""}, &screen);
  CHECK(summary.shown == 12);  // none is lost in a pause of a file
  CHECK(summary.written == std::vector<std::string>{(folder / "expressions_2.mp4").string()});
  CHECK(pictures_in(folder / "expressions_2.mp4") == 4);
  CHECK(lines_of(folder / "expressions_1.mp4") == std::vector<std::string>{"older"});
  CHECK(screen.shown.size() == 12);
  CHECK(cv::norm(screen.shown[10], cv::Mat(64, 64, CV_8UC3, cv::Scalar(40, 40, 40)), cv::NORM_INF) > 50);  // drawn on
}

TEST_CASE("a recording is completed by the end of the run") {
  const TemporaryFolder folder;
  Feed feed(grounds(dark_then_bright(20, 10)), FeedMode::every);
  PressedKeys screen({{5, Key::record}});
  CHECK(run_once(feed, {.recordings = folder / ""}, &screen).written.size() == 1);
  CHECK(pictures_in(folder / "expressions_1.mp4") == 15);
  CHECK(folder.files() == 1);
}

TEST_CASE("a recording that cannot be written is reported, and the run goes on") {
  const TemporaryFolder folder;
  Feed feed(grounds(dark_then_bright(20, 10)), FeedMode::every);
  PressedKeys screen({{5, Key::record}, {8, Key::record}});
  const Summary summary = run_once(feed, {.json = folder / "a.jsonl", .recordings = folder / "none"}, &screen);
  CHECK(summary.shown == 20);
  CHECK(summary.written.empty());
  REQUIRE(summary.problems.size() == 2);
  CHECK(wengert::testing::contains(summary.problems[0], "there is no folder " + (folder / "none").string()));
  CHECK(lines_of(folder / "a.jsonl").size() == 20);
}

TEST_CASE("a recording does not take the name of --out, nor one that another program writes") {
  const TemporaryFolder folder;
  folder.write("expressions_2.partial.mp4", "another's");
  Feed feed(grounds(dark_then_bright(20, 10)), FeedMode::every);
  PressedKeys screen({{5, Key::record}});
  run_once(feed, {.out = folder / "expressions_1.mp4", .recordings = folder / ""}, &screen);
  CHECK(pictures_in(folder / "expressions_1.mp4") == 20);
  CHECK(pictures_in(folder / "expressions_3.mp4") == 15);
  CHECK(folder.files() == 3);
}

TEST_CASE("a mirrored run has mirrored boxes") {
  // A face is what is white; it is at the left.
  cv::Mat picture = cv::Mat::zeros(100, 200, CV_8UC3);
  picture(cv::Rect(10, 20, 40, 40)).setTo(cv::Scalar(255, 255, 255));
  struct Still final : Capture {
    cv::Mat picture;
    int left = 5;
    explicit Still(cv::Mat p) : picture(std::move(p)) {}
    bool read(cv::Mat& to, double& time) override {
      picture.copyTo(to);
      time = (5 - left) / 25.0;
      return left-- > 0;
    }
  };
  const Detect white = [](const Grey& grey) {
    const std::size_t first = static_cast<std::size_t>(
        std::find(grey.pixels.begin() + 40 * 200, grey.pixels.end(), 255) - (grey.pixels.begin() + 40 * 200));
    return std::vector<Box>{{static_cast<int>(first), 20, 40, 40}};
  };
  for (const bool mirror : {false, true}) {
    CAPTURE(mirror);
    const TemporaryFolder folder;
    Feed feed([&](const Stopped&) { return std::make_unique<Still>(picture); }, FeedMode::every);
    Analyser analyse(white, by_brightness);
    run_live(feed, analyse, nullptr, {.mirror = mirror, .json = folder / "a.jsonl"}, [] { return false; });
    const auto lines = lines_of(folder / "a.jsonl");
    REQUIRE(lines.size() == 5);
    CHECK(wengert::testing::contains(lines[4], mirror ? "\"box\":[150,20,40,40]" : "\"box\":[10,20,40,40]"));
  }
}

TEST_CASE("all faces of a picture are judged by one call; a change of size is followed") {
  std::vector<std::size_t> batches;
  const Classify count = [&](const wengert::Tensor<float>& faces) {
    batches.push_back(faces.shape()[0]);
    return by_brightness(faces);
  };
  const Detect corners = [](const Grey& picture) {
    const int w = static_cast<int>(picture.width), h = static_cast<int>(picture.height);
    return std::vector<Box>{{0, 0, 30, 30}, {w - 30, 0, 30, 30}, {0, h - 30, 30, 30}};
  };
  Analyser analyse(corners, count, {.interval = 0, .tracker = {.confirmations = 1}});
  cv::Mat picture(200, 300, CV_8UC3, cv::Scalar(200, 200, 200));
  CHECK(analyse(picture, 0).size() == 3);
  CHECK(analyse(cv::Mat(100, 150, CV_8UC3, cv::Scalar(0, 0, 0)), 0.04).size() >= 3);
  CHECK(batches == std::vector<std::size_t>{3, 3});

  Analyser wrong(corners,
                 [](const wengert::Tensor<float>&) {
                   return wengert::Tensor<float>(xt::zeros<float>({1, 7}));
                 },
                 {.tracker = {.confirmations = 1}});
  CHECK(message_of<wengert::ValueError>([&] { wrong(picture, 0); }) ==
        "[Analyser] the network returned shape (1, 7) for 3 faces: expected (3, 7)");
  Analyser infinite({}, [](const wengert::Tensor<float>&) {
    wengert::Tensor<float> p = xt::zeros<float>({1, 7});
    p(0, 6) = std::nanf("");
    return p;
  });
  CHECK(message_of<wengert::ValueError>([&] { infinite(picture, 0); }) ==
        "[Analyser] the network returned probabilities that are not finite: are its weights damaged?");
  CHECK(message_of<wengert::ValueError>([&] { Analyser({}, count, {.interval = -1}); }) ==
        "[Analyser] interval = -1 s: expected 0 or more");
}
