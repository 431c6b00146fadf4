// A network that ends in logits, with probabilities instead.
#pragma once

#include <wengert/ops/normalise.hpp>

namespace sample {

/// The softmax of a network's logits: `Probabilities<Network>{network}`. Its Parameters keep their paths.
template <class Network>
struct Probabilities {
  /// Omits the member name from paths.
  using UnnamedMember = void;
  Network network;  ///< maps its inputs to logits

  /// The probabilities of the classes.
  template <class T>
  wengert::Var<T> operator()(wengert::Var<T> x) const {
    return softmax(network(x));
  }
};

}  // namespace sample
