// The order of constants, and names that are numbered by position.
#include "onnx/graph_names.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace wengert::onnx::detail {

namespace {

using Body = std::shared_ptr<const Graph>;

// Calls `visit` with each name that a node reads, also within its bodies.
template <class Visit>
void each_read_name(const Node& node, const Visit& visit) {
  for (const std::string& name : node.inputs) visit(name);
  for (const auto& [key, attribute] : node.attributes)
    if (const Body* const body = std::get_if<Body>(&attribute); body != nullptr)
      for (const Node& inner : (*body)->nodes) each_read_name(inner, visit);
}

std::vector<Node> with_constants_at_first_use(std::vector<Node> nodes) {
  std::map<std::string, Node> constants;  // that are not placed yet
  std::vector<Node> others, result;
  for (Node& node : nodes) {
    if (node.op == "Constant")
      constants.emplace(node.outputs.front(), std::move(node));
    else
      others.push_back(std::move(node));
  }
  for (Node& node : others) {
    each_read_name(node, [&](const std::string& name) {
      const auto constant = constants.find(name);
      if (constant == constants.end()) return;
      result.push_back(std::move(constant->second));
      constants.erase(constant);
    });
    result.push_back(std::move(node));
  }
  return result;
}

class Numbering {
 public:
  explicit Numbering(Graph& graph) : graph_(graph) {
    for (const TensorData& tensor : graph.initialisers)
      if (is_integral(tensor.type))
        integers_.insert(tensor.name);
      else
        taken_.insert(tensor.name);
    keep_ports(graph);
    for (const Port& output : graph.outputs) kept_.insert(output.name);
    number(graph);
    for (TensorData& tensor : graph.initialisers) tensor.name = renamed(tensor.name);
    sort_integers();
  }

 private:
  void keep_ports(const Graph& graph) {
    for (const Port& input : graph.inputs) taken_.insert(input.name);
    if (&graph == &graph_)
      for (const Port& output : graph.outputs) taken_.insert(output.name);
    for (const Node& node : graph.nodes)
      for (const auto& [key, attribute] : node.attributes)
        if (const Body* const body = std::get_if<Body>(&attribute); body != nullptr) {
          keep_ports(**body);
          taken_.insert((*body)->name);
          for (const TensorData& tensor : (*body)->initialisers) taken_.insert(tensor.name);
        }
  }
  std::string fresh(const std::string& stem) {
    std::string name = stem;
    for (std::size_t& i = next_[stem]; !taken_.insert(name).second; name = fmt::format("{}_{}", stem, i)) ++i;
    return name;
  }
  const std::string& renamed(const std::string& name) {
    if (const auto found = names_.find(name); found != names_.end()) return found->second;
    if (!integers_.contains(name)) return name;
    order_.push_back(fresh("integers"));
    return names_[name] = order_.back();
  }
  void number(Graph& graph) {
    for (Node& node : graph.nodes) {
      for (std::string& input : node.inputs) input = renamed(input);
      node.name = fresh(node.op);
      for (auto& [key, attribute] : node.attributes)
        if (Body* const body = std::get_if<Body>(&attribute); body != nullptr) {
          Graph inner = **body;
          number(inner);
          for (Port& output : inner.outputs) output.name = renamed(output.name);
          *body = std::make_shared<const Graph>(std::move(inner));
        }
      for (std::string& output : node.outputs)
        if (!kept_.contains(output)) output = names_[output] = fresh(node.name + "_y");
    }
  }
  // Stored numbers first, then integers in the order of their use.
  void sort_integers() {
    std::map<std::string, TensorData> integers;
    for (TensorData& tensor : graph_.initialisers)
      if (is_integral(tensor.type)) integers.emplace(tensor.name, std::move(tensor));
    std::erase_if(graph_.initialisers, [](const TensorData& tensor) { return is_integral(tensor.type); });
    for (const std::string& name : order_) graph_.initialisers.push_back(std::move(integers.at(name)));
  }

  Graph& graph_;
  std::set<std::string> taken_, integers_, kept_;  // names in use; of stored integers; of outputs
  std::map<std::string, std::size_t> next_;        // number by stem
  std::map<std::string, std::string> names_;       // new ones by old ones
  std::vector<std::string> order_;                 // of stored integers
};

}  // namespace

void number_names(Graph& graph) {
  graph.nodes = with_constants_at_first_use(std::move(graph.nodes));
  Numbering{graph};
}

}  // namespace wengert::onnx::detail
