// summary: a network as a table of its layers.
#pragma once

#include <wengert/base/tensor.hpp>
#include <wengert/nn/call.hpp>
#include <wengert/nn/module_trace.hpp>

#include <cstddef>
#include <iosfwd>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

namespace wengert::nn {

/// One line of a summary: a layer, or a function between layers.
struct SummaryRow {
  std::string path;            ///< the path of the layer; empty for functions and for the network itself
  std::string type;            ///< the name of the layer's struct, or of the function's op
  Shape output;                ///< the shape of its result
  std::size_t parameters = 0;  ///< elements of the parameters it reads; a shared one counts in the first row only
  double flops = 0;            ///< of its matrix products and convolutions; a multiply-add counts as two
  std::size_t bytes = 0;       ///< size of the values it computes, which the tape keeps for the gradient
};

/// A network as a table, made by `summary`.
struct Summary {
  std::vector<SummaryRow> rows;       ///< in the order of the call
  std::size_t parameters = 0;         ///< elements of all parameters, including those that the call did not read
  std::size_t trainable = 0;          ///< the trainable ones among these
  std::size_t parameter_bytes = 0;    ///< size of all parameters
  double flops = 0;                   ///< of one call
  std::size_t bytes = 0;              ///< size of all values
  std::vector<std::string> unread{};  ///< the paths of parameters that the call did not read

  /// The table, with totals below.
  std::string to_string() const;
  /// Writes `to_string()`.
  friend std::ostream& operator<<(std::ostream& out, const Summary& summary);
};

namespace detail {
template <class T>
Summary summarise(const Tape<T>& tape, std::size_t first, const std::vector<Var<T>>& results,
                  const ModuleTrace<T>& trace);
template <class Module, class Call, class... Inputs>
Summary summary_of(const Module& module, const Call& call, const Location& where, const Inputs&... inputs) try {
  using T = ScalarOf<Module>;
  Tape<T> tape;
  tape.compute_values(false);
  const auto leaves = std::make_tuple(traced_input(tape, inputs)...);
  const std::size_t first = tape.size();
  std::vector<Var<T>> results;
  const ModuleTrace<T> trace = trace_module(tape, module, [&] {
    const auto result = std::apply(call, leaves);
    for_each_named_leaf(result, [&]<class Leaf>(const std::string&, const Leaf& leaf) {
      if constexpr (std::is_same_v<Leaf, Var<T>>)
        if (!leaf.empty()) results.push_back(leaf);
    });
  });
  return summarise(tape, first, results, trace);
} catch (Error& error) {
  error.locate(where);
  throw;
}

// With one input, which may be structured.
template <class Module, class Input>
Summary summary_of_one(const Module& module, const Input& input, const Location& where) {
  return summary_of(
      module, [&]<class X>(const X& x) { return CallOf<Module, X>::call(module, x, where); }, where, input);
}

extern template Summary summarise(const Tape<float>&, std::size_t, const std::vector<Var<float>>&,
                                  const ModuleTrace<float>&);
extern template Summary summarise(const Tape<double>&, std::size_t, const std::vector<Var<double>>&,
                                  const ModuleTrace<double>&);
}  // namespace detail

/// A network as a table of its layers: `std::cout << nn::summary(network, {32, 784});`
///
/// Calls the network, any callable struct, once on inputs of these shapes, without computing values. Each call of a
/// layer has a row, and so has each function between layers. The nodes that a layer records between its inner layers
/// have rows of their own. Nodes outside of a `Scope` that read the parameters of one struct count as a layer. Views
/// take no bytes. Inputs are Shapes, tensors, Indices, or tuples or structs of them, `Inputs<Shape>{…}`: a tuple is
/// passed as several arguments, a struct as one, or as its members if the network takes those, as by `fit`. The network
/// returns a Var, or a tuple or struct of Vars. Throws whatever the network throws.
template <class Module, class... Inputs>
requires(sizeof...(Inputs) != 1) Summary summary(const Module& module, const Inputs&... inputs) {
  return detail::summary_of(
      module, [&](const auto&... x) { return module(x...); }, Location{}, inputs...);
}
/// The same with one input; errors without a line name the caller's.
template <class Module, class Input>
Summary summary(const Module& module, const Input& input, Location where = Location::current()) {
  return detail::summary_of_one(module, input, where);
}

/// The same for one input whose shape is a braced list.
template <class Module>
Summary summary(const Module& module, const Shape& input, Location where = Location::current()) {
  return detail::summary_of_one(module, input, where);
}

}  // namespace wengert::nn
