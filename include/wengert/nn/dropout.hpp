// Dropout.
#pragma once

#include <wengert/nn/mode.hpp>
#include <wengert/nn/scope.hpp>
#include <wengert/ops/random.hpp>

namespace wengert::nn {

/// In training, sets each element to 0 with the given probability and divides the others by 1 − probability; otherwise
/// returns x unchanged (Srivastava et al. 2014). Draws continue the stream of the generator that `make` received, and
/// advance its position.
struct Dropout {
  double probability;   ///< the probability that an element becomes 0
  Generator generator;  ///< the source of the draws
  Mode mode{};          ///< training or evaluation

  /// Throws ValueError for a probability that is not in [0, 1].
  static Dropout make(double probability, const Generator& generator, Location where = Location::current());

  /// The layer's result for x.
  template <class T>
  Var<T> operator()(Var<T> x, Location where = Location::current()) const {
    const Scope scope(*this, x);
    return as_part(x, where);
  }
  /// The same without a scope, for layers that contain a Dropout: the nodes belong to the calling layer.
  template <class T>
  Var<T> as_part(Var<T> x, Location where = Location::current()) const {
    if (!mode.training()) return x;
    Generator stream = generator;
    return dropout(x, probability, stream, where);
  }
};

}  // namespace wengert::nn
