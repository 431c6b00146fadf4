// The program: finds, follows and judges the faces of a video while it runs.
#pragma once

#include "../common/expressions/face.hpp"
#include "feed.hpp"
#include "outputs.hpp"
#include "screen.hpp"
#include "tracker.hpp"
#include <wengert/base/tensor.hpp>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <opencv2/core.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace expressions {

/// Finds the faces in a picture.
using Detect = std::function<std::vector<Box>(const Grey&)>;
/// Maps faces (n, 1, 64, 64) to the probabilities of the classes (n, 7).
using Classify = std::function<wengert::Tensor<float>(const wengert::Tensor<float>&)>;

/// Options of an Analyser.
struct AnalyserOptions {
  double interval = 0.06;    ///< seconds from one search for faces to the next; between, they move on as they did
  double margin = 0;         ///< how much of its side is added to a face on every side before it is judged
  TrackerOptions tracker{};  ///< how faces are followed
};

/// Finds, follows and judges the faces of a sequence of pictures.
class Analyser {
 public:
  /// Without `detect`, the whole picture is the face. Throws ValueError for options out of range.
  Analyser(Detect detect, Classify classify, AnalyserOptions options = {});
  /// The faces in the next picture, with the probabilities of all faces from one call of `classify`. Times must not
  /// decrease. Throws ValueError unless that call returns 7 finite probabilities for each face.
  std::vector<TrackedFace> operator()(const cv::Mat& picture, double time);

 private:
  Detect detect_;
  Classify classify_;
  AnalyserOptions options_;
  Tracker tracker_;
  std::optional<double> searched_{};
};

/// Options of a run.
struct LiveOptions {
  bool mirror = false;                     ///< shows what the camera sees as a mirror does; so are the boxes
  std::filesystem::path out{};             ///< annotated video; none if empty
  std::filesystem::path json{};            ///< lines of JSON, `-`: standard output; none if empty
  std::filesystem::path recordings = ".";  ///< folder of the videos that the key r records
};

/// What a run has done.
struct Summary {
  std::size_t read = 0;                 ///< pictures
  std::size_t dropped = 0;              ///< of them, because a newer one was there
  std::size_t shown = 0;                ///< of them, analysed and written
  double seconds = 0;                   ///< of the run
  double latency_median = 0;            ///< from the arrival of a picture to its being shown and written, in ms
  double latency_most = 0;              ///< the same, of which 5 % of the pictures take longer
  std::string complaint{};              ///< what was wrong with the source, or nothing
  std::vector<std::string> problems{};  ///< recordings that could not be begun or written, and why
  std::vector<std::string> written{};   ///< videos completed
};

/// Shows and writes the pictures of a feed until it ends, `stopped` returns true, or a key asks for it. Without a
/// screen, shows nothing. A recording by the key r that fails is reported in the picture and in the summary, and the
/// run goes on. All output files are completed, also if the source fails; then throws the source's error.
Summary run_live(Feed& feed, Analyser& analyse, Screen* screen, const LiveOptions& options, const Stopped& stopped);

}  // namespace expressions
