// report.html: a training run as one self-contained page.
#pragma once

#include <wengert/base/tensor.hpp>
#include <wengert/report/confusion_matrix.hpp>
#include <wengert/report/history.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace wengert::report {

/// A misclassified sample.
struct Mistake {
  std::size_t sample = 0;      ///< its index in the data set
  std::size_t label = 0;       ///< the true class
  std::size_t prediction = 0;  ///< the predicted class
  double confidence = 0;       ///< the predicted probability: softmax, or sigmoid of a single logit
  std::vector<double> values;  ///< the elements of the sample
  Shape shape{};               ///< its shape as an image: (height, width) or (1 or 3, height, width); empty if not one
};

/// The content of a report; empty parts are omitted.
struct Report {
  std::string title = "Training";          ///< the title of the page
  std::string subtitle{};                  ///< the line below the title
  History history{};                       ///< shown as curves
  LossTrace losses{};                      ///< the losses of single steps
  ConfusionMatrix confusion{};             ///< of the validation samples if there are any, else of the training samples
  std::vector<std::string> class_names{};  ///< if empty, classes are numbers
  std::vector<Mistake> mistakes{};         ///< the most confident first
  std::string summary{};                   ///< the network's layers, as text
  std::string dot{};                       ///< the graph in the DOT language; drawn if Graphviz is installed
  std::vector<std::pair<std::string, std::string>> settings{};  ///< name and value, in order
  std::vector<std::string> less_is_better{};                    ///< the metrics for which lower is better
  std::vector<std::string> warnings{};                          ///< what should be known about the run, at the top
};

/// The page: curves of the history, confusion matrix, mistakes as images, layers, graph and settings; light or dark as
/// the browser prefers. The curves are interactive if the library was built with uPlot.
std::string to_html(const Report& report);
/// Writes the page atomically. Throws FileError if it cannot be written.
void write_report(const std::filesystem::path& path, const Report& report);

}  // namespace wengert::report
