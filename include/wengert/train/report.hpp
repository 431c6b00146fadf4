// report.html: a training as one page that needs nothing but a browser.
#pragma once

#include <wengert/train/history.hpp>
#include <wengert/train/metrics.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace wengert::train {

/// A sample that was taken for another class.
struct Mistake {
  std::size_t sample = 0;      ///< its number in the data set
  std::size_t label = 0;       ///< what it is
  std::size_t prediction = 0;  ///< what it was taken for
  double confidence = 0;       ///< the share of the prediction in the softmax of the scores
  std::vector<double> values;  ///< the sample's
  Shape shape{};               ///< of its picture: (height, width) or (1 or 3, height, width); otherwise it has none
};

/// What a report shows; what is empty is left out.
struct Report {
  std::string title = "Training";          ///< the page's
  std::string subtitle{};                  ///< a line below
  History history{};                       ///< whose figures become curves
  CostTrace costs{};                       ///< of single steps
  ConfusionMatrix confusion{};             ///< of the validation samples, or else of those trained on
  std::vector<std::string> class_names{};  ///< otherwise classes are numbers
  std::vector<Mistake> mistakes{};         ///< the most confident first
  std::string summary{};                   ///< the network's layers, as text
  std::string dot{};                       ///< the graph in the language of Graphviz; drawn where `dot` is installed
  std::vector<std::pair<std::string, std::string>> settings{};  ///< name and value, in order
  std::vector<std::string> less_is_better{};                    ///< the metrics whose lowest value is the best
};

/// The page: curves of every figure of the history, which are interactive where the library was built with uPlot,
/// confusion matrix, mistakes as pictures, layers, graph and settings; light or dark as the browser asks for.
std::string to_html(const Report& report);
/// Writes the page, whole or not at all. Throws FileError if it cannot be written.
void write_report(const std::filesystem::path& path, const Report& report);

}  // namespace wengert::train
