// Records the formula of an elementwise op as nodes of the ops that it calls.
#include "formula/expand.hpp"

#include <wengert/formula/symbol.hpp>

#include <array>
#include <cassert>
#include <cstddef>

namespace wengert::detail {

template <class T>
Var<T> expand(const Op<T>& op, std::span<const Var<T>> inputs, std::span<const double> parameters) {
  assert(op.formula != nullptr && parameters.size() == op.parameters);
  Tape<T>& tape = inputs[0].tape();
  std::array<Symbol, Loops::max_values> x;
  std::size_t count = 0;
  Shape shape;
  for (const Var<T>& input : inputs) {
    x[count++] = Symbol(input);
    shape = broadcast_shapes(shape, input.shape()).value();
  }
  for (const double parameter : parameters) x[count++] = Symbol(tape, parameter);
  const Symbol value = op.formula(std::span(x).first(count), inputs.size(), Symbol(tape, 0)).v;
  const Var<T> result = value.template var<T>();
  // The formula need not use every input.
  return result.shape() == shape ? result : EngineOps<T>::table.broadcast_to(result, shape, Location::current());
}

template Var<float> expand(const Op<float>&, std::span<const Var<float>>, std::span<const double>);
template Var<double> expand(const Op<double>&, std::span<const Var<double>>, std::span<const double>);

}  // namespace wengert::detail
