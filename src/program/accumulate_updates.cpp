// The pass that turns W ← β·W + α·f(…) into an f that accumulates into the parameter's memory.
#include "program/passes.hpp"

#include <algorithm>
#include <optional>

namespace wengert::program {
namespace {

// W's next value in the form β·W + α·f(…).
struct Form {
  std::uint32_t function = none;  // the entry f
  double alpha = 0;
  std::uint32_t factor = none;  // a parameter of one element that multiplies α, such as a step size
  double beta = 0;
  bool other = false;  // whether there is any other term
};

template <class T>
class UpdateReader {
 public:
  UpdateReader(const Graph<T>& graph, std::span<const std::uint32_t> uses, std::span<const Place> place,
               std::uint32_t parameter)
      : graph_(graph), uses_(uses), place_(place), parameter_(parameter) {}

  Form read(std::uint32_t value) {
    add(value, {1, none}, true);
    return form_;
  }

 private:
  struct Factor {
    double number = 1;
    std::uint32_t parameter = none;
    Factor times(double by) const { return {number * by, parameter}; }
  };
  // Adds factor · the entry to the form. An entry that is also read elsewhere counts as another term.
  void add(std::uint32_t k, const Factor& factor, bool root) {
    if (is_parameter(k) && factor.parameter == none) {
      form_.beta += factor.number;
    } else if (!root && uses_[k] != 1) {
      form_.other = true;
    } else if (!linear(k, factor)) {
      if (form_.function != none || !can_accumulate(k)) form_.other = true;
      form_.function = k;
      form_.alpha = factor.number;
      form_.factor = factor.parameter;
    }
  }
  bool linear(std::uint32_t k, const Factor& factor) {
    const Entry<T>& entry = graph_.entries[k];
    if (entry.source != Source::computed) return false;
    const auto inputs = graph_.inputs_of(k);
    if (entry.op->multiplies && factor.parameter == none)
      for (std::size_t i = 0; i < 2; ++i)
        if (is_factor(inputs[i]) && has_shape_of(entry, inputs[1 - i])) {
          add(inputs[1 - i], {factor.number, graph_.entries[place_[inputs[i]].base].number}, false);
          return true;
        }
    for (const std::uint32_t input : inputs)
      if (!has_shape_of(entry, input)) return false;
    if (entry.op->scales) {
      add(inputs[0], factor.times(*static_cast<const double*>(entry.attributes)), false);
      return true;
    }
    if (entry.op->signs.empty()) return false;
    for (std::size_t i = 0; i < inputs.size(); ++i) add(inputs[i], factor.times(entry.op->signs[i]), false);
    return true;
  }
  bool has_shape_of(const Entry<T>& entry, std::uint32_t input) const {
    return graph_.entries[input].layout.shape == entry.layout.shape;
  }
  // Whether k is a parameter of one element that no update changes.
  bool is_factor(std::uint32_t k) const {
    const Entry<T>& base = graph_.entries[place_[k].base];
    return base.source == Source::parameter && base.layout.size == 1 &&
           std::ranges::none_of(graph_.updates, [&](const Update& u) { return u.parameter == base.number; });
  }
  bool is_parameter(std::uint32_t k) const {
    const Entry<T>& entry = graph_.entries[k];
    return entry.source == Source::parameter && entry.number == parameter_;
  }
  // Whether k can accumulate into the parameter: its op supports it and does not read the parameter.
  bool can_accumulate(std::uint32_t k) const {
    const Entry<T>& entry = graph_.entries[k];
    if (entry.source != Source::computed || entry.op->accumulate == nullptr || entry.target != none) return false;
    const auto inputs = graph_.inputs_of(k);
    return std::none_of(inputs.begin(), inputs.end(), [&](std::uint32_t i) { return is_parameter(place_[i].base); });
  }

  const Graph<T>& graph_;
  std::span<const std::uint32_t> uses_;
  std::span<const Place> place_;
  std::uint32_t parameter_;
  Form form_;
};

// A product runs after all readers of the parameter that it overwrites. Whether the last of these products would thus
// wait for itself, through the parameters that the products read.
template <class T>
bool waits_for_itself(const Graph<T>& graph, std::span<const Place> place, std::span<const Update> products) {
  std::vector<bool> reached(products.size());
  std::vector<std::size_t> open{products.size() - 1};
  while (!open.empty()) {
    const std::uint32_t product = products[open.back()].value;
    open.pop_back();
    for (const std::uint32_t input : graph.inputs_of(product)) {
      const Entry<T>& base = graph.entries[place[input].base];
      for (std::size_t other = 0; other < products.size(); ++other)
        if (base.source == Source::parameter && products[other].parameter == base.number && !reached[other]) {
          reached[other] = true;
          open.push_back(other);
        }
    }
  }
  return reached.back();
}

}  // namespace

template <class T>
Graph<T> accumulate_updates(Graph<T> graph) {
  const std::vector<std::uint32_t> uses = use_counts(graph);
  const std::vector<Place> place = places(graph);
  std::vector<Update> products;
  for (Update& update : graph.updates) {
    if (uses[update.value] != 1) continue;
    const Form form = UpdateReader<T>(graph, uses, place, update.parameter).read(update.value);
    if (form.other || form.function == none || uses[form.function] != 1) continue;
    Entry<T>& function = graph.entries[form.function];
    if (function.layout.shape != graph.parameters[update.parameter].shape()) continue;
    products.push_back({update.parameter, form.function});
    if (waits_for_itself<T>(graph, place, products)) {
      products.pop_back();
      continue;
    }
    function.target = update.parameter;
    function.accumulates = true;
    function.alpha = form.alpha;
    function.factor = form.factor;
    function.beta = form.beta;
    update.value = form.function;
  }
  return eliminate_dead_code(graph);
}

template Graph<float> accumulate_updates(Graph<float>);
template Graph<double> accumulate_updates(Graph<double>);

}  // namespace wengert::program
