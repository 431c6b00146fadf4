// Trace: recordings of a network compared, and its extents as functions of the dynamic axes.
#include "onnx/trace.hpp"

#include "nn/tape_layers.hpp"
#include "onnx/whole_layers.hpp"
#include <wengert/base/error.hpp>

#include <algorithm>
#include <exception>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace wengert::onnx::detail {

bool Extent::fixed() const {
  return std::all_of(factors.begin(), factors.end(), [](std::ptrdiff_t factor) { return factor == 0; });
}

template <class T>
Trace<T>::Trace(const Recording<T>& recording, const std::vector<DynamicAxis>& axes, bool step_by_step,
                const Location& where)
    : recording_(recording), axes_(axes), step_by_step_(step_by_step) {
  record();
  collect(where);
  measure_axes(where);
}

template <class T>
Trace<T>::Trace(const Recording<T>& recording, const Trace& outer, const TracedNode<T>& node, const Location& where)
    : recording_(recording), axes_(outer.axes_), outer_(&outer), outer_index_(node.index), sizes_(outer.sizes_) {
  for (const std::vector<std::size_t>& grown : outer.grown_) record_at(grown);
  collect(where);
}

template <class T>
RecordedCall<T> Trace<T>::record_on(Tape<T>& tape, const std::vector<std::size_t>& grown) const {
  tape.compute_values(false);
  std::optional<WholeLayers<T>> whole_layers;
  if (!step_by_step_) whole_layers.emplace(tape);
  return recording_(tape, grown);
}

template <class T>
void Trace<T>::record_at(const std::vector<std::size_t>& grown) {
  auto tape = std::make_unique<Tape<T>>();
  calls_.push_back(record_on(*tape, grown));
  tapes_.push_back(std::move(tape));
  grown_.push_back(grown);
}

template <class T>
void Trace<T>::record() {
  std::vector<std::size_t> grown(axes_.size());
  record_at(grown);
  for (std::size_t k = 0; k < axes_.size(); ++k) {
    grown[k] = 1;
    record_at(grown);
    grown[k] = 0;
  }
  // A rounded quotient, a product or a branch that agrees with a linear function near the sample's extents does not
  // agree far away. Some networks end before: a table of positions, say, has a number of rows. At its very end, a
  // network may record other ops, because a part of the table is then all of it.
  std::vector<std::size_t> all(axes_.size());
  for (std::size_t k = 0; k < axes_.size(); ++k) {
    for (const std::size_t far : {61 + 14 * k, 13 + 6 * k, std::size_t{5}, std::size_t{2}}) try {
        grown[k] = far;
        record_at(grown);
        if (far == 2 || is_alike(*tapes_.back()) || !is_end(grown, k)) break;
        calls_.pop_back();
        tapes_.pop_back();
        grown_.pop_back();
      } catch (const Error&) {
        if (far == 2) throw;
      }
    all[k] = std::exchange(grown[k], 0);
  }
  if (axes_.size() > 1) record_at(all);
}

// Whether a recording has the ops of the sample's.
template <class T>
bool Trace<T>::is_alike(const Tape<T>& tape) const {
  const std::size_t size = tapes_.front()->size();
  if (tape.size() != size) return false;
  for (std::uint32_t k = 0; k < size; ++k)
    if (!is_same(k, tape)) return false;
  return true;
}

// A recording with the ops of the sample's; null if the network ends before or records others.
template <class T>
std::unique_ptr<Tape<T>> Trace<T>::alike_tape(const std::vector<std::size_t>& grown) const try {
  auto tape = std::make_unique<Tape<T>>();
  record_on(*tape, grown);
  return is_alike(*tape) ? std::move(tape) : nullptr;
} catch (const std::exception&) {  // also of the network itself
  return nullptr;
}

template <class T>
const Tape<T>& Trace<T>::longest(std::size_t k) const {
  const std::size_t far = 1 + axes_.size() + k;  // the recording in which this axis alone is much longer
  const auto [place, is_new] = longest_.try_emplace(k);
  std::unique_ptr<Tape<T>>& tape = place->second;
  if (!is_new) return tape ? *tape : *tapes_[far];
  std::vector<std::size_t> grown(axes_.size());
  std::size_t recorded = grown_[far][k], refused = 1025;
  for (std::size_t next = 1024; refused > recorded + 1; next = recorded + (refused - recorded) / 2) {
    grown[k] = next;
    auto longer = alike_tape(grown);
    (longer ? recorded : refused) = next;
    if (longer) tape = std::move(longer);
  }
  return tape ? *tape : *tapes_[far];
}

// Whether axis k cannot be longer than this.
template <class T>
bool Trace<T>::is_end(std::vector<std::size_t> grown, std::size_t k) const try {
  ++grown[k];
  Tape<T> tape;
  record_on(tape, grown);
  return false;
} catch (const Error&) {
  return true;
}

template <class T>
void Trace<T>::collect(const Location& where) {
  const Tape<T>& tape = *tapes_.front();
  std::vector<bool> needed(tape.size());
  std::vector<std::uint32_t> position(tape.size());
  for (const auto& input : call().inputs) needed[input.handle.index()] = true;
  for (const auto& output : call().outputs) needed[output.handle.index()] = true;
  const auto operands_of = [&](std::size_t k) {
    const TapeNode<T>& n = tape.node(k);
    if (n.op != nullptr && n.op->stands_for) return std::vector{*static_cast<const std::uint32_t*>(n.attributes)};
    const auto inputs = tape.inputs(k);
    return std::vector<std::uint32_t>(inputs.begin(), inputs.end());
  };
  for (std::size_t k = needed.size(); k-- > 0;)
    if (needed[k])
      for (const std::uint32_t operand : operands_of(k)) needed[operand] = true;

  for (std::size_t r = 1; r < recordings(); ++r) {
    if (calls_[r].outputs.size() == call().outputs.size() && tapes_[r]->size() == tape.size()) continue;
    std::uint32_t first = 0;  // that differs, or the last
    while (first + 1 < std::min(tape.size(), tapes_[r]->size()) && is_same(first, *tapes_[r])) ++first;
    fail(first,
         fmt::format("the network records {} ops for the sample and {} where {}: {}", tape.size(), tapes_[r]->size(),
                     are_longer(r), advice(r)),
         where);
  }
  for (std::uint32_t k = 0; k < needed.size(); ++k) {
    if (!needed[k]) continue;
    for (std::size_t r = 1; r < recordings(); ++r) compare(k, r, where);
    TracedNode<T> traced;
    traced.index = k;
    for (const auto& recorded : tapes_) traced.shapes.push_back(recorded->node(std::size_t{k}).layout->shape);
    if (tape.node(std::size_t{k}).op != nullptr) {
      for (const std::uint32_t operand : operands_of(k)) traced.operands.push_back(position[operand]);
    } else {
      const auto& inputs = call().inputs;
      const auto input =
          std::find_if(inputs.begin(), inputs.end(), [&](const auto& port) { return port.handle.index() == k; });
      traced.kind = input != inputs.end() ? TracedNode<T>::Kind::input
                    : tape.parameter(k)   ? TracedNode<T>::Kind::parameter
                                          : TracedNode<T>::Kind::constant;
      traced.number = static_cast<std::uint32_t>(input - inputs.begin());
    }
    position[k] = static_cast<std::uint32_t>(nodes_.size());
    nodes_.push_back(std::move(traced));
  }
  for (const auto& output : call().outputs) outputs_.push_back(position[output.handle.index()]);
}

// The sample's extent of each axis, from the inputs that it makes longer.
template <class T>
void Trace<T>::measure_axes(const Location& where) {
  for (std::size_t k = 0; k < axes_.size(); ++k) {
    std::size_t extent = 0;
    for (const TracedNode<T>& n : nodes_) {
      if (n.kind != TracedNode<T>::Kind::input) continue;
      for (std::size_t axis = 0; axis < n.shapes[0].size(); ++axis) {
        if (n.shapes[1 + k][axis] == n.shapes[0][axis]) continue;
        if (extent != 0 && extent != n.shapes[0][axis])
          throw ValueError(caller(),
                           fmt::format("inputs have {} and {} elements along {}: give samples of equal extents, or an "
                                       "axis of its own to each ({}::axes)",
                                       extent, n.shapes[0][axis], longer_axes(1 + k), call().options),
                           where);
        extent = n.shapes[0][axis];
      }
    }
    sizes_.push_back(extent);
  }
}

template <class T>
bool Trace<T>::is_same(std::uint32_t index, const Tape<T>& tape) const {
  const TapeNode<T>& a = tapes_[0]->node(std::size_t{index});
  const TapeNode<T>& b = tape.node(std::size_t{index});
  const auto x = tapes_[0]->inputs(index), y = tape.inputs(index);
  return a.op == b.op && a.layout->rank() == b.layout->rank() && std::equal(x.begin(), x.end(), y.begin(), y.end());
}

template <class T>
void Trace<T>::compare(std::uint32_t index, std::size_t recording, const Location& where) const {
  if (is_same(index, *tapes_[recording])) return;
  const TapeNode<T>& a = tapes_[0]->node(std::size_t{index});
  const auto name = [](const TapeNode<T>& n) { return n.op == nullptr ? std::string_view("a leaf") : n.op->name; };
  fail(index,
       fmt::format("the network records {} for the sample and {} where {}: {}", name(a),
                   name(tapes_[recording]->node(std::size_t{index})), are_longer(recording), advice(recording)),
       a.where.line() != 0 ? a.where : where);
}

template <class T>
Extent Trace<T>::extent(const std::vector<std::ptrdiff_t>& by_recording, const TracedNode<T>& n,
                        std::string_view subject, const Location& where) const {
  Extent extent{by_recording.front(), {}};
  if (std::all_of(by_recording.begin(), by_recording.end(), [&](auto v) { return v == by_recording.front(); }))
    return extent;
  for (std::size_t k = 0; k < axes_.size(); ++k) {
    extent.factors.push_back(by_recording[1 + k] - by_recording.front());
    extent.constant -= extent.factors.back() * static_cast<std::ptrdiff_t>(sizes_[k]);
  }
  for (std::size_t r = 0; r < by_recording.size(); ++r) {
    std::ptrdiff_t expected = by_recording.front();
    for (std::size_t k = 0; k < axes_.size(); ++k)
      expected += extent.factors[k] * static_cast<std::ptrdiff_t>(grown_[r][k]);
    if (expected != by_recording[r])
      fail(n.index,
           fmt::format("{}: an extent is not a linear function of the dynamic axes (it is {} for the sample, {} where "
                       "{}): {}",
                       subject, by_recording.front(), by_recording[r], are_longer(r), advice(r)),
           where);
  }
  return extent;
}

template <class T>
Extents Trace<T>::extents(const TracedNode<T>& n) const {
  Extents result;
  const TapeNode<T>& recorded = node(n);
  for (std::size_t axis = 0; axis < n.shapes.front().size(); ++axis) {
    std::vector<std::ptrdiff_t> values;
    for (const Shape& shape : n.shapes) values.push_back(static_cast<std::ptrdiff_t>(shape[axis]));
    result.push_back(extent(values, n, recorded.op == nullptr ? "a constant" : recorded.op->name, recorded.where));
  }
  return result;
}

// ---- errors --------------------------------------------------------------------------------------------------------

template <class T>
std::string Trace<T>::longer_axes(std::size_t recording) const {
  if (outer_ != nullptr) return outer_->longer_axes(recording);
  std::vector<std::string> axes;
  for (std::size_t k = 0; k < axes_.size(); ++k) {
    if (grown_[recording][k] == 0) continue;
    std::vector<std::string> places;
    // Those of the sample come first; Parameters that a step updates may differ in number.
    for (std::size_t i = 0; i < call().inputs.size() && !call().inputs[i].initial; ++i) {
      const Shape shape = call().inputs[i].handle.shape(), longer = calls_[1 + k].inputs[i].handle.shape();
      for (std::size_t axis = 0; axis < shape.rank(); ++axis)
        if (shape[axis] != longer[axis]) places.push_back(fmt::format("axis {} of '{}'", axis, call().inputs[i].name));
    }
    axes.push_back(fmt::format("'{}' ({})", axes_[k].name, fmt::join(places, ", ")));
  }
  return fmt::format("the dynamic ax{}s {}", axes.size() == 1 ? "i" : "e", fmt::join(axes, " and "));
}

template <class T>
std::string Trace<T>::are_longer(std::size_t recording) const {
  const auto& grown = grown_[recording];
  std::vector<std::size_t> by;
  std::copy_if(grown.begin(), grown.end(), std::back_inserter(by), [](std::size_t elements) { return elements != 0; });
  return fmt::format("{} {} longer by {}", longer_axes(recording), by.size() == 1 ? "is" : "are",
                     fmt::join(by, " and "));
}

template <class T>
std::string Trace<T>::advice(std::size_t recording) const {
  if (outer_ != nullptr) return outer_->advice(recording);
  const auto& grown = grown_[recording];
  const bool is_one = std::count(grown.begin(), grown.end(), 0) + 1 == std::ssize(grown);
  return fmt::format("leave {} fixed ({}::axes)", is_one ? "this axis" : "one of these axes", call().options);
}

// "layer 'encoder.0' (Linear): "; empty for a node that belongs to no layer. A leaf node belongs to the layer of the op
// that reads it.
template <class T>
std::string Trace<T>::layer_of(std::uint32_t index) const {
  const Tape<T>& tape = *tapes_.front();
  std::size_t op = index;
  const auto reads = [&](std::size_t k) {
    const auto inputs = tape.inputs(k);
    return std::find(inputs.begin(), inputs.end(), index) != inputs.end();
  };
  if (tape.node(op).op == nullptr)
    while (++op < tape.size() && !reads(op)) continue;
  for (const nn::TapeLayer& layer : nn::layers_of(tape, 0, call().layers))
    if (!layer.path.empty() && std::find(layer.nodes.begin(), layer.nodes.end(), op) != layer.nodes.end())
      return fmt::format("layer '{}' ({}): ", layer.path, layer.type);
  return {};
}

template <class T>
void Trace<T>::fail(std::uint32_t index, const std::string& reason, const Location& where) const {
  if (outer_ != nullptr) outer_->fail(outer_index_, reason, where);
  throw ValueError(caller(), layer_of(index) + reason, where);
}

template class Trace<float>;
template class Trace<double>;

}  // namespace wengert::onnx::detail
