// VideoFile and JsonLines: complete files, or none.
#include "24_expressions_live/outputs.hpp"

#include "doubles.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/base/error.hpp>

#include <filesystem>
#include <opencv2/core.hpp>
#include <opencv2/videoio.hpp>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace expressions;
using expressions::testing::lines_of;
using wengert::testing::message_of;
using wengert::testing::TemporaryFolder;

namespace {

// The mean grey of each picture of a video, and its size in `size`.
std::vector<double> greys_of(const std::filesystem::path& path, cv::Size& size) {
  cv::VideoCapture video(path.string(), cv::CAP_FFMPEG);
  std::vector<double> greys;
  for (cv::Mat picture; video.read(picture); size = picture.size()) greys.push_back(cv::mean(picture)[1]);
  return greys;
}

cv::Mat plain(int width, int height, double grey) { return {height, width, CV_8UC3, cv::Scalar(grey, grey, grey)}; }

}  // namespace

TEST_CASE("a video has its name only when it is finished, and keeps its rate") {
  const TemporaryFolder folder;
  for (const std::string name : {"a.mp4", "a.avi", "a.mkv"}) {
    CAPTURE(name);
    const auto path = folder / name;
    {
      VideoFile video(path, 25);
      for (int i = 0; i < 10; ++i) video.write(plain(96, 64, 20 * i), i / 25.0);
      CHECK_FALSE(std::filesystem::exists(path));
      video.write(plain(96, 64, 200), 14 / 25.0);  // repeated for the pictures that were dropped
      video.write(plain(96, 64, 0), 14.2 / 25.0);  // left out
      video.write(plain(96, 64, 100), 100.0);      // a pause is left out
      CHECK(video.pictures() == 16);
      video.finish();
      CHECK(std::filesystem::exists(path));
    }
    cv::Size size;
    const auto greys = greys_of(path, size);
    REQUIRE(greys.size() == 16);
    CHECK(size == cv::Size(96, 64));
    for (std::size_t i = 0; i < 16; ++i)
      CHECK(std::abs(greys[i] - (i < 10 ? 20.0 * static_cast<double>(i) : i < 15 ? 200 : 100)) < 6);
    std::filesystem::remove(path);
  }
  CHECK(folder.files() == 0);
}

TEST_CASE("pictures of other sizes are fitted into those of the first, of odd size too") {
  const TemporaryFolder folder;
  VideoFile video(folder / "a.mp4", 25);
  video.write(plain(101, 75, 200), 0);
  video.write(plain(320, 240, 200), 0.04);
  video.write(plain(50, 150, 200), 0.08);  // a third of the width
  video.finish();
  cv::Size size;
  const auto greys = greys_of(folder / "a.mp4", size);
  REQUIRE(greys.size() == 3);
  CHECK(std::abs(greys[1] - 200) < 6);
  CHECK(std::abs(greys[2] - 200.0 / 4) < 12);
}

TEST_CASE("a video that is not finished leaves the older file, and nothing else") {
  const TemporaryFolder folder;
  const auto older = folder.write("a.mp4", "older");
  {
    VideoFile video(older, 25);
    video.write(plain(64, 64, 0), 0);
    CHECK(folder.files() == 2);
  }
  CHECK(folder.files() == 1);
  CHECK(lines_of(older) == std::vector<std::string>{"older"});
  VideoFile(older, 25).finish();  // no pictures
  CHECK(lines_of(older) == std::vector<std::string>{"older"});
}

TEST_CASE("names that cannot be written are refused at once") {
  const TemporaryFolder folder;
  const auto complaint = [&](const std::string& name) {
    return message_of<wengert::FileError>([&] { VideoFile(folder / name, 25); });
  };
  CHECK(complaint("none/a.mp4") ==
        "[output] " + (folder / "none/a.mp4").string() + ": there is no folder " + (folder / "none").string());
  CHECK(complaint("a.txt") ==
        "[output] " + (folder / "a.txt").string() + ": expected a name that ends in .mp4, .avi, .mkv or .mov");
  CHECK(message_of<wengert::FileError>([&] { JsonLines(folder / "none/a.jsonl"); }) ==
        "[output] " + (folder / "none/a.jsonl").string() + ": there is no folder " + (folder / "none").string());
  CHECK(folder.files() == 0);
}

TEST_CASE("lines of JSON say all of a picture") {
  const TemporaryFolder folder;
  const auto path = folder / "a.jsonl";
  {
    JsonLines json(path);
    json.write(0, 0, {640, 480}, {});
    const std::vector<TrackedFace> faces{{7, {1, -2, 30, 40}, true, Probabilities{0, 0, 0.25f, 0.75f}},
                                         {9, {5, 6, 7, 8}, false, {}}};
    json.write(1, 0.04, {640, 480}, faces);
    CHECK_FALSE(std::filesystem::exists(path));
    json.finish();
  }
  CHECK(folder.files() == 1);
  CHECK(lines_of(path) ==
        std::vector<std::string>{
            R"({"picture":0,"time":0.000,"width":640,"height":480,"faces":[]})",
            R"({"picture":1,"time":0.040,"width":640,"height":480,"faces":[{"id":7,"box":[1,-2,30,40],"label":"happy",)"
            R"("probabilities":{"angry":0.0000,"disgust":0.0000,"fear":0.2500,"happy":0.7500,"sad":0.0000,)"
            R"("surprise":0.0000,"neutral":0.0000}},{"id":9,"box":[5,6,7,8]}]})"});
  { JsonLines unfinished(folder / "b.jsonl"); }
  CHECK(folder.files() == 1);
}

TEST_CASE("a file of the user under a temporary name stays") {
  const TemporaryFolder folder;
  for (const std::string name : {"a.partial.mp4", "a.partial2.mp4", "a.mp4.partial", "a.jsonl.partial"})
    folder.write(name, "mine");
  VideoFile video(folder / "a.mp4", 25);
  JsonLines lines(folder / "a.jsonl");
  video.write(plain(64, 48, 100), 0);
  lines.write(0, 0, {64, 48}, {});
  video.finish();
  lines.finish();
  cv::Size size;
  CHECK(greys_of(folder / "a.mp4", size).size() == 1);
  CHECK(lines_of(folder / "a.jsonl").size() == 1);
  CHECK(folder.files() == 6);
  for (const std::string name : {"a.partial.mp4", "a.partial2.mp4", "a.mp4.partial", "a.jsonl.partial"})
    CHECK(lines_of(folder / name) == std::vector<std::string>{"mine"});
}

TEST_CASE("a source and outputs that are one file are refused, whatever they are called") {
  const TemporaryFolder folder;
  const auto source = folder.write("a.mp4", "video");
  std::filesystem::create_symlink(source, folder / "link.mp4");
  std::filesystem::create_hard_link(source, folder / "hard.mp4");
  const auto refusal = [](const std::filesystem::path& from, const std::filesystem::path& out,
                          const std::filesystem::path& json) {
    return message_of<wengert::FileError>([&] { refuse_same_files(from.string(), out, json); });
  };
  for (const std::string name : {"a.mp4", "./a.mp4", "none/../a.mp4", "link.mp4", "hard.mp4"}) {
    const auto path = folder / name;
    CAPTURE(name);
    CHECK(refusal(source, path, "") == "[output] " + path.string() + ": the source and --out must be different files");
    CHECK(refusal(source, "", path) == "[output] " + path.string() + ": the source and --json must be different files");
    CHECK(refusal("file://" + source.string(), path, "") ==
          "[output] " + path.string() + ": the source and --out must be different files");
  }
  CHECK(refusal("0", folder / "b.mp4", folder / "./b.mp4") ==
        "[output] " + (folder / "b.mp4").string() + ": --out and --json must be different files");
  refuse_same_files("0", folder / "b.mp4", folder / "b.jsonl");
  refuse_same_files(source.string(), folder / "b.mp4", "-");
  refuse_same_files("-", "", "-");
  refuse_same_files("http://host/a.mp4", "a.mp4", "");
}
