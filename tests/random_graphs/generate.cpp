// Generates random graphs from seeds, and converts them to text.
#include "random_graphs/functions.hpp"

#include <random>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace wengert::random_graphs {
namespace {

class Generation {
 public:
  Generation(std::uint64_t seed, bool big) : random_(seed * 0x9e3779b97f4a7c15U + 1) {
    graph_.seed = seed;
    base_ = big ? big_shape() : small_shape();
    const std::size_t leaves = 2 + below(5);
    for (std::size_t i = 0; i < leaves; ++i) add_leaf(i == 0);
    for (const Function*& theme : themes_) theme = &draw_function();
    if (!big && once_in(6)) concern_updates();
  }

  Graph run() {
    const std::size_t steps = 2 + below(8);
    for (std::size_t i = 0; i < steps; ++i) add_step();
    choose_outputs();
    return std::move(graph_);
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }
  bool once_in(std::size_t n) { return below(n) == 0; }

  Shape small_shape() {
    Shape shape;
    const std::size_t rank = std::array<std::size_t, 8>{0, 1, 1, 2, 2, 2, 3, 4}[below(8)];
    for (std::size_t axis = 0; axis < rank; ++axis) shape.push_back(1 + below(rank > 2 ? 3 : 5));
    if (rank > 0 && once_in(15)) shape[below(rank)] = 0;
    if (rank == 1 && once_in(3)) shape[0] = 1 + below(70);                  // several registers
    if (rank == 2 && once_in(8)) shape = {30 + below(40), 60 + below(80)};  // several tiles
    return shape;
  }
  // Makes the graph one of updates: all leaves but the first are parameters of one shape, and other steps read and
  // check values between updates.
  void concern_updates() {
    base_ = std::array{Shape{3, 3}, Shape{2, 3, 2}, Shape{5}, once_in(4) ? Shape{70, 70} : Shape{4, 4}}[below(4)];
    for (Leaf& leaf : graph_.leaves) leaf = {.kind = LeafKind::parameter, .shape = base_};
    graph_.leaves[0].kind = LeafKind::input;
    themes_ = {&functions().at("update"), &functions().at(once_in(2) ? "train" : "exchange"),
               &functions().at(std::array{"embedding", "updated", "product of parameters"}[below(3)])};
    of_themes_ = 2;
  }

  // Returns a shape whose elements are shared out among threads.
  Shape big_shape() { return once_in(2) ? Shape{400, 331 + below(3)} : Shape{140000 + below(40)}; }

  void add_leaf(bool first) {
    Leaf leaf;
    leaf.kind = first ? LeafKind::input
                      : std::array{LeafKind::input, LeafKind::parameter, LeafKind::parameter, LeafKind::constant,
                                   LeafKind::borrowed}[below(5)];
    leaf.shape = first || once_in(2) ? base_ : small_shape();
    if (!first && once_in(4))
      for (std::size_t axis = 0; axis < leaf.shape.rank(); ++axis)
        if (once_in(2)) leaf.shape[axis] = 1;
    leaf.ties = once_in(5);
    leaf.edges = once_in(40);
    graph_.leaves.push_back(leaf);
    ancestors_.push_back({graph_.leaves.size() - 1});
  }

  const Function& draw_function() {
    static const double total = [] {
      double sum = 0;
      for (const auto& [name, function] : functions()) sum += function.weight;
      return sum;
    }();
    double rest = static_cast<double>(random_() >> 11) * 0x1p-53 * total;
    for (const auto& [name, function] : functions())
      if ((rest -= function.weight) < 0) return function;
    return functions().begin()->second;
  }

  std::size_t any_value() {
    const std::size_t count = ancestors_.size();
    return once_in(3) ? below(count) : count - 1 - below(std::min<std::size_t>(4, count));
  }

  void add_step() {
    if (!graph_.steps.empty() && once_in(6)) return add_variant();
    const Function& function = below(3) < of_themes_ ? *themes_[below(themes_.size())] : draw_function();
    Step step{function.name, {}, {}};
    for (std::size_t i = 0; i < std::max<std::size_t>(1, function.arity); ++i) step.takes.push_back(any_value());
    if (function.differentiates)
      for (std::size_t i = 1; i < step.takes.size(); ++i) step.takes[i] = any_ancestor(step.takes[0]);
    for (std::size_t i = 0; i < 12; ++i) step.choices.push_back(below(1000));
    add(std::move(step));
  }

  // Adds an earlier step again, unchanged or with another choice or operand.
  void add_variant() {
    Step step = graph_.steps[below(graph_.steps.size())];
    switch (below(4)) {
      case 0:
        break;
      case 1:
        step.takes[below(step.takes.size())] = any_value();
        break;
      default:
        step.choices[below(step.choices.size())] = below(1000);
    }
    add(std::move(step));
  }

  void add(Step step) {
    std::set<std::size_t> ancestors{ancestors_.size()};
    for (const std::size_t value : step.takes) ancestors.insert(ancestors_[value].begin(), ancestors_[value].end());
    ancestors_.push_back(std::move(ancestors));
    graph_.steps.push_back(std::move(step));
  }

  std::size_t any_ancestor(std::size_t value) {
    auto ancestor = ancestors_[value].begin();
    std::advance(ancestor, below(ancestors_[value].size()));
    return *ancestor;
  }

  void choose_outputs() {
    const std::size_t count = ancestors_.size(), kind = below(4);
    for (std::size_t value = 0; value < count; ++value) {
      const bool computed = value >= graph_.leaves.size(), last = value + 1 == count;
      if (kind == 0 ? computed : last || (kind == 1 && once_in(3))) graph_.outputs.push_back(value);
    }
  }

  std::mt19937_64 random_;
  Graph graph_;
  Shape base_;
  std::array<const Function*, 3> themes_{};  // drawn more often, in `of_themes_` of three steps
  std::size_t of_themes_ = 1;
  std::vector<std::set<std::size_t>> ancestors_;  // of each value, including itself
};

constexpr std::array leaf_names{"input", "parameter", "constant", "borrowed"};

}  // namespace

Graph generate(std::uint64_t seed, bool big) { return Generation(seed, big).run(); }

const std::map<std::string, Function>& functions() {
  static const std::map<std::string, Function> all = [] {
    std::map<std::string, Function> result;
    for (const auto& family : {registered_functions(), shape_functions(), array_functions(), network_functions(),
                               loss_functions(), transform_functions(), update_functions()})
      for (const Function& f : family) result.emplace(f.name, f);
    for (const char* formula : {"two_slopes", "difference_of_slopes", "quotient_of_slopes", "window", "blend",
                                "four_way", "steep", "unread", "plain_product", "within"})
      result.at(std::string("op ") + formula).weight = 3;
    return result;
  }();
  return all;
}

std::string to_string(const Graph& graph) {
  std::string text = fmt::format("  seed {}, {} replays\n", graph.seed, graph.replays);
  std::size_t value = 0;
  for (const Leaf& leaf : graph.leaves)
    text += fmt::format("  v{} = {} {}{}{}\n", value++, leaf_names[static_cast<std::size_t>(leaf.kind)],
                        wengert::to_string(leaf.shape), leaf.ties ? " with ties" : "", leaf.edges ? " with edges" : "");
  for (const Step& step : graph.steps)
    text += fmt::format("  v{} = {}(v{})  choices {}\n", value++, step.function, fmt::join(step.takes, ", v"),
                        fmt::join(step.choices, " "));
  return text + fmt::format("  outputs v{}", fmt::join(graph.outputs, ", v"));
}

}  // namespace wengert::random_graphs
