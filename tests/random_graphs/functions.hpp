// Functions that steps of random graphs apply: all registered ones, and others that the registry lacks.
#pragma once

#include "random_graphs/graph.hpp"
#include <wengert/wengert.hpp>

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wengert::random_graphs {

/// The numbers that choose a variant, one after another, followed by zeros.
class Choices {
 public:
  explicit Choices(const std::vector<std::size_t>& numbers) : numbers_(numbers) {}
  std::size_t below(std::size_t bound) { return next_ < numbers_.size() ? numbers_[next_++] % bound : 0; }
  bool flag() { return below(2) == 1; }

 private:
  std::vector<std::size_t> numbers_;
  std::size_t next_ = 0;
};

/// The state outside the tape: a recording's parameters, inputs, generator and statistics.
template <class T>
struct World {
  explicit World(const Graph& graph);
  /// Sets inputs and borrowed tensors to their values in a replay, in place.
  void fill(const Graph& graph, std::size_t replay);
  /// Returns all parameters, in a fixed order.
  std::vector<Parameter<T>> all_parameters() const;

  struct Trained {
    Parameter<T> value, first_moment, second_moment;
  };
  std::vector<Trained> trained;                      // the leaves that are parameters, in order
  std::vector<Tensor<T>> tensors;                    // by leaf
  Indices labels = Indices::from_shape({labelled});  // an input: classes 0 to 2
  Parameter<T> rate{Tensor<T>(T(0.125)), "rate"};
  Generator generator;
  BatchNormState<T> statistics{3};
  static constexpr std::size_t labelled = 4;
};

/// The arguments of a function.
template <class Element>
struct Arguments {
  using T = Element;
  World<T>& world;
  Tape<T>& tape;
  IndexVar<T> labels;
  std::vector<Var<T>> x;
  Choices choices;
  std::vector<IndexVar<T>>* indices = nullptr;  // receives results that are indices

  std::size_t below(std::size_t bound) { return choices.below(bound); }
  bool flag() { return choices.flag(); }
  /// Returns an axis of a value, or 0 if it has none.
  std::ptrdiff_t axis_of(const Var<T>& value) {
    return static_cast<std::ptrdiff_t>(below(std::max<std::size_t>(1, value.rank())));
  }
};

template <class T>
using Apply = std::function<Var<T>(Arguments<T>&)>;

struct Function {
  std::string name;
  std::size_t arity = 1;
  Apply<float> in_float;
  Apply<double> in_double;
  double weight = 1;            // relative frequency
  bool differentiates = false;  // the other operands are ancestors of the first

  template <class T>
  const Apply<T>& in() const {
    if constexpr (std::is_same_v<T, float>)
      return in_float;
    else
      return in_double;
  }
};

/// Returns all functions, by name.
const std::map<std::string, Function>& functions();

/// The families of functions.
///@{
std::vector<Function> registered_functions();
std::vector<Function> shape_functions();
std::vector<Function> array_functions();
std::vector<Function> network_functions();
std::vector<Function> loss_functions();
std::vector<Function> transform_functions();
std::vector<Function> update_functions();
///@}

template <class F>
Function function(std::string name, std::size_t arity, F f, double weight = 1) {
  return {.name = std::move(name), .arity = arity, .in_float = f, .in_double = f, .weight = weight};
}

/// Returns x in another shape: its first elements, repeated if there are too few. If `strided`, the result is a view
/// with the first two axes exchanged, so that the last axis of a matrix is not contiguous.
template <class T>
Var<T> fit(Var<T> x, Shape shape, bool strided = false) {
  if (strided && shape.rank() > 1) {
    std::swap(shape[0], shape[1]);
    return swapaxes(fit(x, shape), 0, 1);
  }
  if (x.shape() == shape) return x;
  const std::size_t size = shape.elements();
  if (x.size() == size) return reshape(x, shape);
  if (x.size() == 0) return broadcast_to(sum(x), shape);
  if (x.size() > size) return reshape(slice(reshape(x, {-1}), {{0, static_cast<std::ptrdiff_t>(size)}}), shape);
  if (x.size() == 1) return broadcast_to(reshape(x, Shape{}), shape);
  Indices places = Indices::from_shape({size});
  for (std::size_t i = 0; i < size; ++i) places(i) = static_cast<std::int64_t>(i % x.size());
  return reshape(take(x, places), shape);
}

/// Maps x smoothly into a domain.
template <class T>
Var<T> into(Var<T> x, const Domain& domain) {
  return domain.low + (domain.high - domain.low) * sigmoid(x);
}

}  // namespace wengert::random_graphs
