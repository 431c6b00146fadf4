// check_names: every name of a graph is defined exactly once and before it is read.
#include "io/in_quotes.hpp"
#include "onnx/source.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

namespace wengert::onnx::detail {
namespace {

// The names of a graph, with those of the graphs around it.
class Names {
 public:
  Names(const Graph& graph, const Names* outer, const Source& source) : graph_(graph), outer_(outer), source_(source) {
    for (const Node& node : graph.nodes)
      for (const std::string& output : node.outputs) computed_by_.emplace(output, &node);
  }

  void check() {
    for (const Port& input : graph_.inputs) define(input.name, "an input");
    for (const TensorData& tensor : graph_.initialisers) define(tensor.name, "an initialiser");
    for (const Node& node : graph_.nodes) check(node);
    for (const Port& output : graph_.outputs)
      if (!defined(output.name))
        source_.fail(fmt::format("graph {}: nothing defines its output {}", io::in_quotes(graph_.name),
                                 io::in_quotes(output.name)));
  }

 private:
  void define(std::string_view name, std::string_view what) {
    if (name.empty()) source_.fail(fmt::format("graph {}: {} has no name", io::in_quotes(graph_.name), what));
    if (!defined_.insert(name).second)
      source_.fail(fmt::format("graph {}: {} is named {}, which is already defined: names must be unique",
                               io::in_quotes(graph_.name), what, io::in_quotes(name)));
  }
  bool defined(std::string_view name) const {
    return defined_.contains(name) || (outer_ != nullptr && outer_->defined(name));
  }
  const Node* computed_later(std::string_view name) const {
    const auto found = computed_by_.find(name);
    if (found != computed_by_.end()) return found->second;
    return outer_ != nullptr ? outer_->computed_later(name) : nullptr;
  }
  void check_input(const Node& node, const std::string& input) const {
    if (input.empty() || defined(input)) return;
    const std::string reads = fmt::format("{} reads {}", node.description(), io::in_quotes(input));
    if (const Node* later = computed_later(input))
      source_.fail(fmt::format("{} before {} computes it: nodes must be in topological order, without cycles", reads,
                               later->description()));
    source_.fail(fmt::format("{}, which nothing defines", reads));
  }
  void check(const Node& node) {
    for (const std::string& input : node.inputs) check_input(node, input);
    for (const auto& [name, attribute] : node.attributes)
      if (const auto* body = std::get_if<std::shared_ptr<const Graph>>(&attribute))
        Names(**body, this, source_).check();
    for (const std::string& output : node.outputs)
      if (!output.empty() && !defined_.insert(output).second)
        source_.fail(fmt::format("{} computes {}, which is already defined: names must be unique", node.description(),
                                 io::in_quotes(output)));
  }

  const Graph& graph_;
  const Names* outer_;
  const Source& source_;
  std::unordered_set<std::string_view> defined_;
  std::unordered_map<std::string_view, const Node*> computed_by_;
};

}  // namespace

void check_names(const Graph& graph, const Source& source) { Names(graph, nullptr, source).check(); }

}  // namespace wengert::onnx::detail
