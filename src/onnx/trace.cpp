// Trace: recordings of a network compared, and its extents as functions of the dynamic axes.
#include "onnx/trace.hpp"

#include <wengert/base/error.hpp>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace wengert::onnx::detail {

bool Extent::fixed() const {
  return std::all_of(factors.begin(), factors.end(), [](std::ptrdiff_t factor) { return factor == 0; });
}

template <class T>
Trace<T>::Trace(const Recording<T>& recording, std::size_t axes, const Location& where) : axes_(axes) {
  record(recording);
  collect(where);
  measure_axes(where);
}

template <class T>
Trace<T>::Trace(const Recording<T>& recording, const std::vector<std::size_t>& sizes, const Location& where)
    : axes_(sizes.size()), sizes_(sizes) {
  record(recording);
  collect(where);
}

template <class T>
void Trace<T>::record(const Recording<T>& recording) {
  const auto record_at = [&](std::vector<std::size_t> grown) {
    auto tape = std::make_unique<Tape<T>>();
    tape->compute_values(false);
    calls_.push_back(recording(*tape, grown));
    tapes_.push_back(std::move(tape));
    grown_.push_back(std::move(grown));
  };
  std::vector<std::size_t> grown(axes_);
  record_at(grown);
  for (std::size_t k = 0; k < axes_; ++k) {
    grown[k] = 1;
    record_at(grown);
    grown[k] = 0;
  }
  // A rounded quotient, a product or a branch that agrees with a linear function near the sample's extents does not
  // agree far away. Some networks end before: a table of positions, say, has a number of rows.
  std::vector<std::size_t> all(axes_);
  for (std::size_t k = 0; k < axes_; ++k) {
    for (const std::size_t far : {61 + 14 * k, 13 + 6 * k, std::size_t{5}, std::size_t{2}}) try {
        grown[k] = far;
        record_at(grown);
        break;
      } catch (const Error&) {
        if (far == 2) throw;
      }
    all[k] = std::exchange(grown[k], 0);
  }
  if (axes_ > 1) record_at(all);
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

  for (std::size_t r = 1; r < recordings(); ++r)
    if (calls_[r].outputs.size() != call().outputs.size() || tapes_[r]->size() != tape.size())
      throw ValueError(
          "onnx::save",
          fmt::format("the network records {} ops on the sample and {} when a dynamic axis is longer: leave "
                      "this axis fixed (SaveOptions::axes)",
                      tape.size(), tapes_[r]->size()),
          where);
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
  for (std::size_t k = 0; k < axes_; ++k) {
    std::size_t extent = 0;
    for (const TracedNode<T>& n : nodes_) {
      if (n.kind != TracedNode<T>::Kind::input) continue;
      for (std::size_t axis = 0; axis < n.shapes[0].size(); ++axis) {
        if (n.shapes[1 + k][axis] == n.shapes[0][axis]) continue;
        if (extent != 0 && extent != n.shapes[0][axis])
          throw ValueError("onnx::save",
                           fmt::format("inputs of {} and {} elements along one dynamic axis: give samples of equal "
                                       "extents, or an axis of its own to each (SaveOptions::axes)",
                                       extent, n.shapes[0][axis]),
                           where);
        extent = n.shapes[0][axis];
      }
    }
    sizes_.push_back(extent);
  }
}

template <class T>
void Trace<T>::compare(std::uint32_t index, std::size_t recording, const Location& where) const {
  const TapeNode<T>& a = tapes_[0]->node(std::size_t{index});
  const TapeNode<T>& b = tapes_[recording]->node(std::size_t{index});
  const auto x = tapes_[0]->inputs(index), y = tapes_[recording]->inputs(index);
  if (a.op == b.op && a.layout->rank() == b.layout->rank() && std::equal(x.begin(), x.end(), y.begin(), y.end()))
    return;
  const auto name = [](const TapeNode<T>& n) { return n.op == nullptr ? std::string_view("a leaf") : n.op->name; };
  throw ValueError(
      "onnx::save",
      fmt::format("the network records {} where it records {} when a dynamic axis is longer: leave this axis "
                  "fixed (SaveOptions::axes)",
                  name(a), name(b)),
      a.where.line() != 0 ? a.where : where);
}

template <class T>
Extent Trace<T>::extent(const std::vector<std::ptrdiff_t>& by_recording, std::string_view subject,
                        const Location& where) const {
  Extent extent{by_recording.front(), {}};
  if (std::all_of(by_recording.begin(), by_recording.end(), [&](auto v) { return v == by_recording.front(); }))
    return extent;
  for (std::size_t k = 0; k < axes_; ++k) {
    extent.factors.push_back(by_recording[1 + k] - by_recording.front());
    extent.constant -= extent.factors.back() * static_cast<std::ptrdiff_t>(sizes_[k]);
  }
  for (std::size_t r = 0; r < by_recording.size(); ++r) {
    std::ptrdiff_t expected = by_recording.front();
    for (std::size_t k = 0; k < axes_; ++k) expected += extent.factors[k] * static_cast<std::ptrdiff_t>(grown_[r][k]);
    if (expected != by_recording[r])
      throw ValueError(
          "onnx::save",
          fmt::format("{}: an extent is not a linear function of the dynamic axes (it is {} for the sample, {} where "
                      "axes are longer by {}): leave an axis fixed (SaveOptions::axes)",
                      subject, by_recording.front(), by_recording[r], fmt::join(grown_[r], ", ")),
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
    result.push_back(extent(values, recorded.op == nullptr ? "a constant" : recorded.op->name, recorded.where));
  }
  return result;
}

template class Trace<float>;
template class Trace<double>;

}  // namespace wengert::onnx::detail
