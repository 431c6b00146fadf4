// Videos: sources by their names, changing sizes, and files that are none.
#include "24_expressions_live/capture.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/base/error.hpp>

#include <arpa/inet.h>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <future>
#include <netinet/in.h>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/videoio.hpp>
#include <sstream>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

using namespace expressions;
using wengert::testing::message_of;
using wengert::testing::TemporaryFolder;

namespace {

// Pictures as a stream of JPEG files, one after the other, each of a grey and a size.
struct Jpegs {
  std::string bytes{};
  void add(int count, cv::Size size, double grey) {
    std::vector<unsigned char> jpeg;
    cv::imencode(".jpg", cv::Mat(size, CV_8UC3, cv::Scalar(grey, grey, grey)), jpeg);
    for (int i = 0; i < count; ++i) bytes.append(jpeg.begin(), jpeg.end());
  }
};

std::string opening(const std::string& name) {
  return message_of<wengert::FileError>([&] { open_capture(name, {}); });
}

}  // namespace

TEST_CASE("the name of a source says what it is") {
  const TemporaryFolder folder;
  CHECK(kind_of("0") == SourceKind::camera);
  CHECK(kind_of("12") == SourceKind::camera);
  CHECK(kind_of("/dev/video12") == SourceKind::camera);
  CHECK(kind_of("/dev/video") == SourceKind::file);
  CHECK(kind_of("-") == SourceKind::pipe);
  CHECK(kind_of("rtsp://host/stream") == SourceKind::stream);
  CHECK(kind_of("a.mp4") == SourceKind::file);
  CHECK(kind_of("") == SourceKind::file);
  const auto fifo = folder / "fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(kind_of(fifo.string()) == SourceKind::pipe);
}

TEST_CASE("each picture has its own size where the size changes") {
  const TemporaryFolder folder;
  Jpegs jpegs;
  jpegs.add(5, {320, 240}, 50);
  jpegs.add(5, {160, 120}, 100);
  jpegs.add(5, {640, 480}, 200);
  const auto capture = open_capture(folder.write("a.mjpeg", jpegs.bytes).string(), {});
  cv::Mat picture;
  double time = -1, last = -1;
  for (int i = 0; i < 15; ++i) {
    REQUIRE(capture->read(picture, time));
    CHECK(picture.size() == (i < 5 ? cv::Size(320, 240) : i < 10 ? cv::Size(160, 120) : cv::Size(640, 480)));
    CHECK(std::abs(cv::mean(picture)[0] - (i < 5 ? 50 : i < 10 ? 100 : 200)) < 3);
    CHECK(time > last);
    last = time;
  }
  CHECK_FALSE(capture->read(picture, time));
  CHECK(capture->complaint().empty());
}

TEST_CASE("what is no video is refused, with the reason") {
  const TemporaryFolder folder;
  const auto refusal = [](const std::filesystem::path& path, const std::string& why) {
    CHECK(opening(path.string()) == "[video] " + path.string() + ": " + why);
  };
  refusal(folder / "none.mp4", "there is no such file");
  refusal(folder.write("empty.mp4", ""), "the file is empty");
  refusal(folder.write("text.mp4", std::string(5000, 'a')), "this is no video, or a damaged one");
  CHECK(opening("") == "[video] : there is no such file");
  CHECK(wengert::testing::contains(opening("http://127.0.0.1:9/none"), "[video] http://127.0.0.1:9/none: "));
  CHECK(opening("99") ==
        "[camera] camera 99 (/dev/video99) does not exist: connect one, name another by its number, or give a video "
        "file");
  CHECK(opening("/dev/video99") == opening("99"));
  refusal("/dev/null", "this is no video, or a damaged one");
  CHECK(opening("99999999999") == "[camera] 99999999999: expected the number of a camera");
}

TEST_CASE("a source gives up when it is told to stop") {
  const TemporaryFolder folder;
  Jpegs jpegs;
  jpegs.add(50, {320, 240}, 50);
  CHECK(wengert::testing::contains(message_of<wengert::FileError>([&] {
                                     open_capture(folder.write("a.mjpeg", jpegs.bytes).string(), [] { return true; });
                                   }),
                                   "a.mjpeg: "));
}

TEST_CASE(
    "widths that are no multiple of the scaler's blocks are read whole, and nothing is written beyond a picture") {
  const TemporaryFolder folder;
  for (const cv::Size size : {cv::Size(360, 240), cv::Size(104, 80), cv::Size(88, 64), cv::Size(1080, 1920)}) {
    CAPTURE(size.width);
    Jpegs jpegs;
    jpegs.add(8, size, 120);
    const auto capture = open_capture(folder.write("a.mjpeg", jpegs.bytes).string(), {});
    std::vector<cv::Mat> pictures(8);
    double time = 0;
    for (cv::Mat& picture : pictures) {
      REQUIRE(capture->read(picture, time));
      CHECK(picture.size() == size);
      // Blocks of the scaler end within the memory of the last row.
      CHECK(picture.datalimit - picture.ptr(size.height - 1) >= 3 * (size.width + 16));
      double least = 0, most = 0;
      cv::minMaxLoc(picture.clone().reshape(1), &least, &most);
      CHECK(least > 116);
      CHECK(most < 124);
    }
  }
}

TEST_CASE("a colon in the name of a file is no protocol") {
  const TemporaryFolder folder;
  Jpegs jpegs;
  jpegs.add(5, {320, 240}, 50);
  cv::Mat picture;
  double time = 0;
  CHECK(open_capture(folder.write("clip:1.mjpeg", jpegs.bytes).string(), {})->read(picture, time));
}

TEST_CASE("a stream that stalls in its midst is an error once its pictures are read") {
  const TemporaryFolder folder;
  const auto clip = (folder / "a.avi").string();
  {
    cv::VideoWriter writer(clip, cv::CAP_FFMPEG, cv::VideoWriter::fourcc('M', 'J', 'P', 'G'), 25, {64, 64});
    for (int i = 0; i < 100; ++i) writer.write(cv::Mat(64, 64, CV_8UC3, cv::Scalar(i, i, i)));
  }
  std::stringstream video;
  video << std::ifstream(clip, std::ios::binary).rdbuf();
  const std::string half = video.str().substr(0, video.str().size() / 2);
  const int server = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  REQUIRE(bind(server, reinterpret_cast<sockaddr*>(&address), length) == 0);
  REQUIRE(getsockname(server, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  REQUIRE(listen(server, 1) == 0);
  std::promise<void> read;
  std::thread serving([&, done = read.get_future()] {
    const int client = accept(server, nullptr, nullptr);
    const std::string bytes = "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + half;
    for (std::size_t sent = 0; sent < bytes.size();) {
      const auto some = send(client, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (some < 0) break;
      sent += static_cast<std::size_t>(some);
    }
    done.wait();
    close(client);
  });
  std::size_t pictures = 0;
  const std::string url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/a.avi";
  const std::string message = message_of<wengert::FileError>([&] {
    const auto capture = open_video(url, {}, std::chrono::milliseconds(700));
    cv::Mat picture;
    for (double time = 0; capture->read(picture, time);) ++pictures;
  });
  read.set_value();
  shutdown(server, SHUT_RDWR);
  close(server);
  serving.join();
  CHECK(pictures >= 40);
  CHECK(pictures <= 60);
  CHECK(message ==
        "[video] " + url + ": the stream no longer answers, after " + std::to_string(pictures) + " pictures");
}
