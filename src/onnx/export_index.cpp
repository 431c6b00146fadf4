// How ops with integer inputs or results are exported: selection and scattering by indices, sorting, padded sequences.
#include "onnx/export_parts.hpp"
#include "onnx/written.hpp"
#include "ops/attributes/axes.hpp"
#include "ops/attributes/indexing.hpp"
#include "tape/scatter_sum.hpp"
#include <wengert/base/error.hpp>

#include <cstddef>
#include <cstdint>

#include <fmt/format.h>

namespace wengert::onnx::detail {

namespace {

// The axis that indices refer to, and whether it is that of all elements.
struct AlongIndexed {
  std::size_t axis = 0;
  bool flat = false;

  Attributes attributes() const { return {{"axis", static_cast<std::int64_t>(axis)}}; }
};
template <class A, class T>
AlongIndexed along_indexed(const Emit<T>& e) {
  return {e.template fixed<A>([](const A& a) { return std::size_t{a.along.axis}; }),
          e.template fixed<A>([](const A& a) { return a.along.flat; })};
}

template <class T>
std::string flattened(const Emit<T>& e, const std::string& x, std::size_t rank) {
  return rank == 1 ? x : e.node("Reshape", {x, e.integers({-1})});
}

// ---- slabs ---------------------------------------------------------------------------------------------------------

template <class T>
std::string emit_take(const Emit<T>& e) {
  const AlongIndexed along = along_indexed<attributes::Indexed>(e);
  const std::string x = along.flat ? flattened(e, e.x(0), e.rank(0)) : e.x(0);
  return e.node("Gather", {x, e.x(1)}, along.attributes());
}

// Slabs are added along the first axis, to which the indexed axis is moved.
template <class T>
std::string emit_put_slabs(const Emit<T>& e) {
  const AlongIndexed along = along_indexed<attributes::IndexedTo>(e);
  const std::string tuples = parts::unsqueeze(e, e.x(1), {-1});
  const auto added = [&](const std::string& to, const std::string& slabs) {
    return e.node("ScatterND", {to, tuples, slabs}, {{"reduction", std::string("add")}});
  };
  const Extents to = e.extents();
  if (along.flat) {
    const std::string y = added(flattened(e, parts::zeros(e, to), to.size()), e.x(0));
    return to.size() == 1 ? y : e.reshape(y);
  }
  const auto axis = static_cast<std::ptrdiff_t>(along.axis), axes_of_k = static_cast<std::ptrdiff_t>(e.rank(1));
  Extents moved{to[along.axis]};
  parts::Integers slabs, back;
  for (std::ptrdiff_t i = 0; i < axes_of_k; ++i) slabs.push_back(axis + i);
  for (std::size_t i = 0; i < to.size(); ++i) {
    const auto here = static_cast<std::ptrdiff_t>(i);
    back.push_back(here == axis ? 0 : here < axis ? here + 1 : here);
    if (here == axis) continue;
    moved.push_back(to[i]);
    slabs.push_back(here < axis ? here : here + axes_of_k - 1);
  }
  return parts::transpose(e, added(parts::zeros(e, moved), parts::transpose(e, e.x(0), slabs)), back);
}

// ---- elements along an axis ----------------------------------------------------------------------------------------

// Operand i, of the shape `chosen` where it has an extent of 1, except along the axis `aside`.
template <class T>
std::string repeated_to(const Emit<T>& e, std::size_t i, const Extents& chosen, std::size_t aside) {
  Extents to = e.extents(i);
  bool repeats = false;
  for (std::size_t axis = 0; axis < to.size(); ++axis) {
    if (axis == aside || !parts::is(to[axis], 1) || parts::is(chosen[axis], 1)) continue;
    to[axis] = chosen[axis];
    repeats = true;
  }
  return repeats ? parts::expand(e, e.x(i), to) : e.x(i);
}

template <class T>
std::string emit_gather(const Emit<T>& e) {
  if (e.rank() == 0) return e.x(0);
  const AlongIndexed along = along_indexed<attributes::IndexedTo>(e);
  const Extents chosen = e.extents();
  return e.node("GatherElements", {repeated_to(e, 0, chosen, along.axis), repeated_to(e, 1, chosen, e.rank())},
                along.attributes());
}

// Axes of extent 1 that repeated in the gather collect the sum of their elements.
template <class T>
std::string emit_put_along_axis(const Emit<T>& e) {
  if (e.rank() == 0) return e.x(0);
  const AlongIndexed along = along_indexed<attributes::IndexedTo>(e);
  const Extents elements = e.extents(0);
  Extents to = e.extents();
  parts::Integers repeated;
  for (std::size_t axis = 0; axis < to.size(); ++axis) {
    if (axis == along.axis || !parts::is(to[axis], 1) || parts::is(elements[axis], 1)) continue;
    to[axis] = elements[axis];
    repeated.push_back(static_cast<std::ptrdiff_t>(axis));
  }
  Attributes attributes = along.attributes();
  attributes["reduction"] = std::string("add");
  const std::string y =
      e.node("ScatterElements", {parts::zeros(e, to), repeated_to(e, 1, elements, e.rank()), e.x(0)}, attributes);
  return repeated.empty() ? y : e.node("ReduceSum", {y, e.integers(repeated)});
}

// ONNX leaves open which of several values for one position is used; runtimes take the last.
template <class T>
std::string emit_scatter(const Emit<T>& e) {
  if (e.rank() == 0) return e.x(2);
  return e.node("ScatterElements", {e.x(0), e.x(1), e.x(2)}, along_indexed<attributes::Indexed>(e).attributes());
}

// The number of an index along its axis is written to its position; where another number is read, it was overwritten.
template <class T>
std::string emit_gather_last(const Emit<T>& e) {
  if (e.rank() == 0) return e.x(0);
  const AlongIndexed along = along_indexed<attributes::Indexed>(e);
  const Extents chosen = e.extents();
  Extents line(chosen.size(), Extent{1, {}});
  line[along.axis] = chosen[along.axis];
  const std::string number = parts::reshape(e, parts::count(e, chosen[along.axis]), line);
  const std::string none = parts::expand(e, e.graph.integer(0), e.extents(0));
  const std::string numbers = parts::expand(e, number, chosen);
  const std::string written = e.node("ScatterElements", {none, e.x(1), numbers}, along.attributes());
  const std::string last = e.node("Equal", {e.node("GatherElements", {written, e.x(1)}, along.attributes()), numbers});
  return e.node("Where", {last, e.node("GatherElements", {e.x(0), e.x(1)}, along.attributes()), e.scalar(0)});
}

// ---- integers ------------------------------------------------------------------------------------------------------

template <class T>
std::string emit_join_indices(const Emit<T>& e) {
  using A = attributes::JoinIndices;
  const std::string first = parts::scalar(e, e.template extent<A>([](const A& a) { return a.first_extent; }));
  const std::string second = parts::scalar(e, e.template extent<A>([](const A& a) { return a.second_extent; }));
  const std::string rows = e.node("Mul", {e.node("Mod", {e.x(0), first}), second});  // Mod counts from the front
  return e.node("Add", {rows, e.node("Mod", {e.x(1), second})});
}

template <class T>
std::string emit_argsort(const Emit<T>& e) {
  using A = attributes::Argsort;
  if (e.rank() == 0) return e.graph.integer(0);
  const auto axis = e.template fixed<A>([](const A& a) { return a.axis; });
  const bool largest = e.template fixed<A>([](const A& a) { return a.order == SortOrder::descending; });
  return e
      .nodes("TopK", {e.x(), e.graph.shape_tensor({e.extents()[axis]})},
             {{"axis", static_cast<std::int64_t>(axis)}, {"largest", static_cast<std::int64_t>(largest)}}, 2)
      .back();
}

template <class T>
std::string emit_position(const Emit<T>& e, const char* onnx_op) {
  using A = attributes::PositionOfExtreme;
  const bool among_all = e.template fixed<A>([](const A& a) { return a.among_all; });
  const bool keep = e.template fixed<A>([](const A& a) { return a.keep == KeepDims::yes; });
  const auto axis = e.template fixed<A>([](const A& a) { return a.axis; });
  if (e.rank(0) == 0) return e.graph.integer(0);
  if (!among_all)
    return e.node(onnx_op, {e.x()},
                  {{"axis", static_cast<std::int64_t>(axis)}, {"keepdims", static_cast<std::int64_t>(keep)}});
  const std::string y = e.node(onnx_op, {flattened(e, e.x(), e.rank(0))}, {{"keepdims", std::int64_t{0}}});
  return keep ? e.reshape(y) : y;
}

template <class T>
std::string cast_to(const Emit<T>& e, const std::string& x, ElementType type) {
  return e.node("Cast", {x}, {{"to", static_cast<std::int64_t>(type)}});
}

// The ones and zeros are integers at first, because runtimes have OneHot for few types.
template <class T>
std::string emit_one_hot(const Emit<T>& e) {
  const std::string classes = e.graph.shape_tensor({e.extents().back()});
  return cast_to(e, e.node("OneHot", {e.x(), classes, e.integers({0, 1})}), element_type<T>);
}

// ---- padded sequences ----------------------------------------------------------------------------------------------

template <class T>
std::string emit_sequence_mask(const Emit<T>& e) {
  const std::string steps = parts::count(e, e.extents().back());
  return e.mask(e.node("Less", {steps, parts::unsqueeze(e, e.x(), {-1})}));
}

template <class T>
std::string emit_last_positions(const Emit<T>& e) {
  using A = attributes::LastPositions;
  const std::string steps = parts::scalar(e, e.template extent<A>([](const A& a) { return a.steps; }));
  const std::string first = e.node("Mul", {parts::count(e, e.extents().front()), steps}), one = e.graph.integer(1);
  return e.node("Add", {first, e.node("Sub", {e.node("Max", {e.x(), one}), one})});
}

template <class T>
std::string emit_mask_count(const Emit<T>& e) {
  return e.node("ReduceSum", {e.mask(e.boolean(e.x()))}, {{"keepdims", std::int64_t{0}}});
}

// ---- sums of scatters ----------------------------------------------------------------------------------------------

template <class T>
std::string emit_scatter_sum(const Emit<T>& e) {
  std::string sum;
  for (const ScatterTerm<T>& term :
       e.template fixed<std::byte>([](const std::byte& a) { return scatter_terms<T>(&a); })) {
    std::string y = e.x(term.first);
    if (term.op != nullptr) {
      const auto mapping = mappings<T>().find(term.op->name);
      if (mapping == mappings<T>().end()) e.fail(fmt::format("its term {} has no counterpart in ONNX", term.op->name));
      y = mapping->second.emit(e.part(*term.op, term.attributes, term.first, term.arity));
    }
    sum = sum.empty() ? y : e.node("Add", {sum, y});
  }
  return sum;
}

}  // namespace

template <class T>
std::string scattered_onto(const Emit<T>& e) {
  const Node* const node = e.graph.node_of(e.x(1));
  if (node == nullptr || (node->op != "ScatterElements" && node->op != "ScatterND") || !e.has_shape_of(0) ||
      !e.has_shape_of(1))
    return {};
  const auto reduction = node->attributes.find("reduction");
  if (reduction == node->attributes.end() || std::get<std::string>(reduction->second) != "add") return {};
  const auto expanded = inputs_of(e, "Expand", node->inputs[0]);
  if (!expanded || stored_number(e, expanded->front()) != 0.0) return {};
  const Node zeros = *node;  // writing may move it
  return e.node(zeros.op, {e.x(0), zeros.inputs[1], zeros.inputs[2]}, zeros.attributes);
}
template std::string scattered_onto(const Emit<float>&);
template std::string scattered_onto(const Emit<double>&);

template <class T>
std::span<const Mapping<T>> index_mappings() {
  using E = const Emit<T>&;
  static constexpr Mapping<T> all[] = {
      {"take", "Gather", emit_take<T>},
      {"put_slabs", "ScatterND", emit_put_slabs<T>},
      {"gather", "GatherElements", emit_gather<T>},
      {"put_along_axis", "ScatterElements", emit_put_along_axis<T>},
      {"scatter", "ScatterElements", emit_scatter<T>},
      {"gather_last", "ScatterElements, GatherElements, Equal, Where", emit_gather_last<T>},
      {"scatter_sum", "the ops of its terms, Add", emit_scatter_sum<T>},
      {"join_indices", "Mod, Mul, Add", emit_join_indices<T>},
      {"argsort", "TopK", emit_argsort<T>},
      {"argmax", "ArgMax", [](E e) { return emit_position(e, "ArgMax"); }},
      {"argmin", "ArgMin", [](E e) { return emit_position(e, "ArgMin"); }},
      {"to_values", "Cast", [](E e) { return cast_to(e, e.x(), element_type<T>); }},
      {"to_indices", "Cast", [](E e) { return cast_to(e, before_rounding(e, e.x()), ElementType::int64); }},
      {"one_hot", "OneHot, Cast", emit_one_hot<T>},
      {"sequence_mask", "Less, Cast", emit_sequence_mask<T>},
      {"last_positions", "Max, Mul, Add, Sub", emit_last_positions<T>},
      {"mask_count", "Cast, ReduceSum", emit_mask_count<T>},
  };
  return all;
}

template std::span<const Mapping<float>> index_mappings<float>();
template std::span<const Mapping<double>> index_mappings<double>();

}  // namespace wengert::onnx::detail
