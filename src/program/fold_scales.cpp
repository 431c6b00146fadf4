// The pass that folds constant scales and shifts of channels into the weights before them.
#include "ops/linear_ops.hpp"
#include "program/compute.hpp"
#include "program/passes.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace wengert::program {
namespace {

template <class T>
class ScaleFolding {
 public:
  explicit ScaleFolding(Graph<T>& graph) : graph_(graph), uses_(use_counts(graph)), place_(places(graph)) {}

  // Folds entry k if it is (f(x, weight) + bias) · scale + shift, where f is linear in the weight, all but x is
  // constant, and scale, shift and bias vary along the channels alone. The bias may be missing.
  void fold(std::uint32_t k) {
    Entry<T>& entry = graph_.entries[k];
    if (entry.source != Source::computed || entry.op != LinearOps<T>::scale_and_shift) return;
    const std::uint32_t first_edge = entry.first_edge, scale = input(k, 1), shift = input(k, 2);
    std::uint32_t product = input(k, 0), bias = none;
    if (const Entry<T>& sum = graph_.entries[product];
        sum.source == Source::computed && sum.op == LinearOps<T>::add && uses_[product] == 1) {
      const bool swapped = is_constant(input(product, 0));
      bias = input(product, swapped ? 0 : 1);
      product = input(product, swapped ? 1 : 0);
    }
    const auto* op = weighted(product);
    if (op == nullptr || uses_[product] != 1) return;
    const std::size_t axis = from_start(op->result_axis, graph_.entries[k].layout.rank());
    const std::uint32_t weight = input(product, 1);
    const auto scales = channels(scale, axis), shifts = channels(shift, axis);
    auto biases =
        bias == none ? std::optional(std::vector<T>(graph_.entries[k].layout.shape[axis])) : channels(bias, axis);
    if (!scales || !shifts || !biases || !is_read_here_alone(shift, axis)) return;
    if (!scale_weight(weight, from_start(op->weight_axis, graph_.entries[weight].layout.rank()), *scales)) return;

    std::vector<T> shifted(shifts->size());
    for (std::size_t c = 0; c < shifted.size(); ++c)
      shifted[c] = static_cast<T>(static_cast<double>((*biases)[c]) * static_cast<double>((*scales)[c]) +
                                  static_cast<double>((*shifts)[c]));
    graph_.entries[place_[shift].base].elements = graph_.keep(shifted.data(), shifted.size() * sizeof(T));
    entry.op = LinearOps<T>::add;
    entry.arity = 2;
    graph_.edges[first_edge] = product;
    graph_.edges[first_edge + 1] = shift;
  }

 private:
  std::uint32_t input(std::uint32_t k, std::size_t i) const { return graph_.inputs_of(k)[i]; }
  bool is_constant(std::uint32_t k) const { return graph_.entries[place_[k].base].source == Source::constant; }
  static std::size_t from_start(std::ptrdiff_t axis, std::size_t rank) {
    return axis < 0 ? rank - static_cast<std::size_t>(-axis) : static_cast<std::size_t>(axis);
  }
  const typename LinearOps<T>::Weighted* weighted(std::uint32_t k) const {
    const Entry<T>& entry = graph_.entries[k];
    if (entry.source != Source::computed) return nullptr;
    const auto* op = LinearOps<T>::find(entry.op);
    return op != nullptr && is_constant(input(k, 1)) ? op : nullptr;
  }
  const T* first_element(std::uint32_t k) const {
    return element<T>(static_cast<const T*>(graph_.entries[place_[k].base].elements), place_[k].offset, false);
  }

  // The elements of a constant along an axis, if it repeats them along all others.
  std::optional<std::vector<T>> channels(std::uint32_t k, std::size_t axis) const {
    if (!is_constant(k)) return std::nullopt;
    const Layout& layout = graph_.entries[k].layout;
    for (std::size_t other = 0; other < layout.rank(); ++other)
      if (other != axis && layout.shape[other] != 1 && layout.strides[other] != 0) return std::nullopt;
    std::vector<T> elements(layout.shape[axis]);
    for (std::size_t c = 0; c < elements.size(); ++c)
      elements[c] = first_element(k)[static_cast<std::ptrdiff_t>(c) * layout.strides[axis]];
    return elements;
  }
  // Whether nothing else reads the constant of this view, whose elements are those of the channels, in order.
  bool is_read_here_alone(std::uint32_t k, std::size_t axis) const {
    const Layout& layout = graph_.entries[k].layout;
    const Entry<T>& base = graph_.entries[place_[k].base];
    if (layout.shape[axis] != base.layout.size || (layout.shape[axis] != 1 && layout.strides[axis] != 1)) return false;
    while (uses_[k] == 1 && graph_.entries[k].source == Source::view) k = input(k, 0);
    return uses_[k] == 1 && base.number == none;
  }

  // Turns a weight, a constant or a view of one, into a constant that is scaled along an axis, with the same strides.
  bool scale_weight(std::uint32_t k, std::size_t axis, const std::vector<T>& scales) {
    Entry<T>& entry = graph_.entries[k];
    const Layout& layout = entry.layout;
    if (uses_[k] != 1 || layout.shape[axis] != scales.size() || layout.size == 0) return false;
    std::ptrdiff_t end = 1;
    for (std::size_t a = 0; a < layout.rank(); ++a) {
      if (layout.shape[a] > 1 && layout.strides[a] <= 0) return false;
      end += static_cast<std::ptrdiff_t>(layout.shape[a] - 1) * layout.strides[a];
    }
    if (static_cast<std::size_t>(end) != layout.size) return false;  // it has gaps
    std::vector<T> scaled(layout.size);
    std::array<std::size_t, max_rank> index{};
    const T* const from = first_element(k);
    for (std::size_t n = 0, at = 0; n < layout.size; ++n) {
      scaled[at] = static_cast<T>(static_cast<double>(from[at]) * static_cast<double>(scales[index[axis]]));
      for (std::size_t a = layout.rank(); a-- > 0;) {
        const auto step = static_cast<std::size_t>(layout.strides[a]);
        if (++index[a] < layout.shape[a]) {
          at += step;
          break;
        }
        index[a] = 0;
        at -= (layout.shape[a] - 1) * step;
      }
    }
    entry.source = Source::constant;
    entry.op = nullptr;
    entry.attributes = nullptr;
    entry.offset = 0;
    entry.arity = 0;
    entry.number = none;
    entry.elements = graph_.keep(scaled.data(), entry.bytes());
    place_[k] = {k, 0};
    return true;
  }

  Graph<T>& graph_;
  std::vector<std::uint32_t> uses_;
  std::vector<Place> place_;
};

}  // namespace

template <class T>
Graph<T> fold_scales(Graph<T> graph) {
  ScaleFolding<T> folding(graph);
  for (std::uint32_t k = 0; k < graph.entries.size(); ++k) folding.fold(k);
  return eliminate_dead_code(graph);
}

template Graph<float> fold_scales(Graph<float>);
template Graph<double> fold_scales(Graph<double>);

}  // namespace wengert::program
