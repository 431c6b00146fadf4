// Recognises facial expressions in live video: a camera, a file, a pipe or a stream.
//
// Finds faces by OpenCV's cascade, follows them, and shows the probabilities of seven expressions in a window; without
// a display, writes an annotated video and lines of JSON. `run.sh` installs what it needs. Data: bash
// samples/fetch_data.sh expression_weights.
#include "../common/expressions/detector.hpp"
#include "live.hpp"
#include "networks.hpp"
#include <wengert/base/threads.hpp>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <opencv2/core.hpp>
#include <stdexcept>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace {

using namespace expressions;

struct Options {
  std::string source = "0", network = "photographs", weights, detector = "faces", cascade;
  bool mirror = false, realtime = false, no_window = false;
  int threads = 1;
  DetectorOptions detection{.height = 240};
  AnalyserOptions analysis{};
  LiveOptions live{};
};

std::atomic<bool> interrupted = false;

// The first signal ends the loop, which completes the files; the second ends the program.
void end_on_signals() {
  // The handler must not use the stack of a kernel that it interrupts (see docs/training.md).
  static std::array<char, std::size_t{1} << 16> memory;
  stack_t stack{};
  stack.ss_sp = memory.data();
  stack.ss_size = memory.size();
  sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = true; };
  action.sa_flags = static_cast<int>(static_cast<unsigned>(SA_RESETHAND) | SA_ONSTACK);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction hangup {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);  // under nohup, it stays ignored
  // Writing fails, with a message, where a reader has gone or a file may not grow.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

void add_options(CLI::App& app, Options& o) {
  app.option_defaults()->always_capture_default();
  app.add_option("source", o.source,
                 "number of a camera, video file, fifo, - (standard input), or address of a stream");
  app.add_option("--network", o.network, "network: photographs (weights by others) or drawings (ours)")
      ->check(CLI::IsMember({"photographs", "drawings"}));
  app.add_option("--weights", o.weights, "file of the network's weights (.safetensors or .npz)");
  app.add_option("--detector", o.detector, "faces, or none: the whole picture is one face")
      ->check(CLI::IsMember({"faces", "none"}));
  app.add_option("--cascade", o.cascade, "file of OpenCV's cascade, by default Debian's for frontal faces");
  app.add_option("--smallest", o.detection.smallest, "smallest face, as a part of the height")
      ->check(CLI::Range(0.02, 1.0));
  app.add_option("--search-height", o.detection.height, "height to which pictures are reduced for the search; 0: not")
      ->check(CLI::Range(0, 10000));
  app.add_option("--search-interval", o.analysis.interval, "seconds from one search for faces to the next")
      ->check(CLI::Range(0.0, 3600.0));
  app.add_option("--margin", o.analysis.margin, "enlarges faces by this part of their side")
      ->check(CLI::Range(-0.4, 2.0));
  app.add_option("--smooth", o.analysis.tracker.smooth, "time constant of the probabilities, in seconds")
      ->check(CLI::Range(0.0, 3600.0));
  app.add_flag("--mirror,!--no-mirror", o.mirror, "shows a mirror image; default for cameras")
      ->always_capture_default(false);
  app.add_flag("--realtime", o.realtime, "shows a recording or pipe at its speed and drops pictures, as of a camera");
  app.add_option("--out", o.live.out, "annotated video to write (.mp4, .avi, .mkv, .mov)");
  app.add_option("--json", o.live.json, "file for a line of JSON a picture; - is standard output");
  app.add_option("--recordings", o.live.recordings, "folder of what the key r records");
  app.add_flag("--no-window", o.no_window, "opens no window");
  app.add_option("--threads", o.threads, "threads of OpenCV and of the network")->check(CLI::Range(1, 1024));
}

// Returns the exit status: 0, also where a damaged file was shown as far as it could be read.
int run(Options& o, bool mirror_given) {
  const SourceKind kind = kind_of(o.source);
  const bool window = !o.no_window && display_available();
  if (!window && o.live.out.empty() && o.live.json.empty())
    throw std::invalid_argument("there is no display: give --out annotated.mp4, --json lines.jsonl or both");
  refuse_same_files(o.source, o.live.out, o.live.json);
  cv::setNumThreads(o.threads);
  wengert::set_num_threads(o.threads);
  o.live.mirror = mirror_given ? o.mirror : kind == SourceKind::camera;
  o.detection.cascade = o.cascade;

  Detect detect;
  if (o.detector == "faces")
    detect = [detector = std::make_shared<Detector>(o.detection)](const Grey& picture) {
      return detector->faces(picture);
    };
  Analyser analyse(detect, load_network(o.network, o.weights), o.analysis);
  const auto screen = window ? open_window("facial expressions: q quits, p pauses, r records") : nullptr;

  const FeedMode recorded = o.realtime ? FeedMode::paced : FeedMode::every;
  const bool live = kind == SourceKind::camera || kind == SourceKind::stream;
  Feed feed([source = o.source](const Stopped& stopped) { return open_capture(source, stopped); },
            live ? FeedMode::newest : recorded, recorded);
  int status = 0;
  try {
    const Summary s = run_live(feed, analyse, screen.get(), o.live, [] { return interrupted.load(); });
    if (!s.complaint.empty()) fmt::print(stderr, "warning: {}\n", s.complaint);
    for (const std::string& problem : s.problems) fmt::print(stderr, "warning: no recording: {}\n", problem);
    if (s.shown == 0 && !interrupted) throw std::runtime_error(o.source + " has no picture that can be shown");
    fmt::print(
        stderr,
        "{} pictures, {} dropped, {} shown in {:.1f} s: {:.1f} a second; latency {:.0f} ms, 95 % up to {:.0f} ms\n",
        s.read, s.dropped, s.shown, s.seconds, static_cast<double>(s.shown) / s.seconds, s.latency_median,
        s.latency_most);
    for (const std::string& file : s.written) fmt::print(stderr, "written: {}\n", file);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    status = 1;
  }
  if (!feed.stop()) {  // the thread hangs in a call, and must not see the program's objects destroyed
    std::fflush(nullptr);
    std::_Exit(status);
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  Options o;
  CLI::App app{"Recognises facial expressions in live video."};
  add_options(app, o);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << "error: " << error.what() << " (--help lists the arguments)\n";
    return 2;
  }
  end_on_signals();
  setenv("OPENCV_FFMPEG_LOGLEVEL", "8", 0);  // failures are reported once, by this program
  try {
    return run(o, app.count("--mirror") > 0);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
