// summary: a network as a table of its layers.
#pragma once

#include <wengert/nn/anatomy.hpp>
#include <wengert/nn/sequential.hpp>
#include <wengert/tensor.hpp>

#include <cstddef>
#include <iosfwd>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

namespace wengert::nn {

/// One line of a summary: a layer, or a function between layers.
struct SummaryRow {
  std::string path;            ///< of the layer; empty for a function that is no layer, and for the network itself
  std::string type;            ///< the name of the layer's struct, or of the function's op
  Shape output;                ///< the shape of what it gives
  std::size_t parameters = 0;  ///< numbers it has learned or will learn; what is shared counts where it is met first
  double flops = 0;            ///< of its matrix products and convolutions; a multiplication and an addition are two
  std::size_t bytes = 0;       ///< of the values it computes, which the tape keeps for the gradient
};

/// A network as a table, made by `summary`.
struct Summary {
  std::vector<SummaryRow> rows;       ///< in the order of the call
  std::size_t parameters = 0;         ///< of all, those included that the call did not read
  std::size_t trainable = 0;          ///< of these, the ones that are trained
  std::size_t parameter_bytes = 0;    ///< of all parameters
  double flops = 0;                   ///< of one call
  std::size_t bytes = 0;              ///< of all values
  std::vector<std::string> unread{};  ///< the paths of parameters that the call did not read

  /// The table, with totals below.
  std::string to_string() const;
  /// Writes `to_string()`.
  friend std::ostream& operator<<(std::ostream& out, const Summary& summary);
};

namespace detail {
template <class T>
Summary summarise(const Tape<T>& tape, std::size_t first, const std::vector<Var<T>>& results,
                  const Anatomy<T>& anatomy);
template <class Module, class Call, class... Inputs>
Summary summary_of(const Module& module, const Call& call, const Location& where, const Inputs&... inputs) try {
  using T = ScalarOf<Module>;
  Tape<T> tape;
  tape.compute_values(false);
  const std::tuple leaves{observed_input<T>(tape, inputs)...};
  const std::size_t first = tape.size();
  std::vector<Var<T>> results;
  const Anatomy<T> anatomy = observe<T>(module, [&] {
    const auto result = std::apply(call, leaves);
    for_each_named_leaf(result, [&]<class Leaf>(const std::string&, const Leaf& leaf) {
      if constexpr (std::is_same_v<Leaf, Var<T>>)
        if (!leaf.empty()) results.push_back(leaf);
    });
  });
  return summarise(tape, first, results, anatomy);
} catch (Error& error) {
  error.locate(where);
  throw;
}

extern template Summary summarise(const Tape<float>&, std::size_t, const std::vector<Var<float>>&,
                                  const Anatomy<float>&);
extern template Summary summarise(const Tape<double>&, std::size_t, const std::vector<Var<double>>&,
                                  const Anatomy<double>&);
}  // namespace detail

/// A network as a table of its layers: path, type, shape of the result, parameters, FLOPs, bytes.
///
/// `std::cout << nn::summary(network, {32, 784});` The network is called once on inputs of these shapes without
/// computing anything, so it works for any struct that can be called. Rows are found from the nodes it records: those
/// that read the parameters of one struct, or that one call of a module recorded, are one layer; every other function
/// has a row of its own. FLOPs are those of one call with this batch; views cost no bytes. Throws what the network
/// throws. Inputs are Shapes, tensors or arrays of Indices; the result is a Var, or a tuple or struct of some.
template <class Module, class... Inputs>
requires(sizeof...(Inputs) != 1) Summary summary(const Module& module, const Inputs&... inputs) {
  return detail::summary_of(
      module, [&](const auto&... x) { return module(x...); }, Location{}, inputs...);
}
/// The same with one input; errors that are no layer's name the caller's line.
template <class Module, class Input>
Summary summary(const Module& module, const Input& input, Location where = Location::current()) {
  return detail::summary_of(
      module, [&](const auto& x) { return detail::call(module, x, where); }, where, input);
}

/// The same for an input whose shape stands in braces.
template <class Module>
Summary summary(const Module& module, const Shape& input, Location where = Location::current()) {
  return detail::summary_of(
      module, [&](const auto& x) { return detail::call(module, x, where); }, where, input);
}

}  // namespace wengert::nn
