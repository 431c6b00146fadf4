// Activation functions as layers, for `sequential`. In your own network, call the functions: `relu(hidden(x))`.
//
// Each applies the function of the same name in ops/elementwise/activations.hpp or ops/normalise.hpp, with PyTorch's
// defaults.
#pragma once

#include <wengert/nn/scope.hpp>
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/normalise.hpp>
#include <wengert/tape/parameter.hpp>

#include <cstddef>

namespace wengert::nn {

// The call operator of a layer without parameters.
#define WENGERT_CALL(...)                                                   \
  template <class T>                                                        \
  Var<T> operator()(Var<T> x, Location where = Location::current()) const { \
    const Scope scope(*this, x);                                            \
    return __VA_ARGS__;                                                     \
  }
#define WENGERT_LAYER(Name, function)                     \
  struct Name {                                           \
    WENGERT_CALL(wengert::function(Operand<T>(x, where))) \
  };

/// x unchanged.
struct Identity {
  /// The layer's result for x.
  template <class T>
  Var<T> operator()(Var<T> x) const {
    const Scope scope(*this, x);
    return x;
  }
};
/// max(x, 0).
WENGERT_LAYER(ReLU, relu)
/// min(max(x, 0), 6).
WENGERT_LAYER(ReLU6, relu6)
/// 1 / (1 + e⁻ˣ).
WENGERT_LAYER(Sigmoid, sigmoid)
/// ln sigmoid(x).
WENGERT_LAYER(LogSigmoid, log_sigmoid)
/// The hyperbolic tangent.
WENGERT_LAYER(Tanh, tanh)
/// x·sigmoid(x), also called swish.
WENGERT_LAYER(SiLU, silu)
/// x·tanh(ln(1 + eˣ)).
WENGERT_LAYER(Mish, mish)
/// λ·x for x > 0, else λ·α·(eˣ − 1), with λ ≈ 1.0507 and α ≈ 1.6733, which preserve mean 0 and variance 1.
WENGERT_LAYER(SELU, selu)
/// x / (1 + |x|).
WENGERT_LAYER(Softsign, softsign)
/// min(max(x + 3, 0), 6) / 6.
WENGERT_LAYER(HardSigmoid, hard_sigmoid)
/// x·hard_sigmoid(x).
WENGERT_LAYER(HardSwish, hard_swish)
/// x limited to [−1, 1].
WENGERT_LAYER(HardTanh, hard_tanh)

/// x·Φ(x), where Φ is the distribution function of the standard normal distribution, or its tanh approximation.
struct GELU {
  bool approximate = false;  ///< whether to use the tanh approximation
  WENGERT_CALL(approximate ? wengert::gelu_tanh(Operand<T>(x, where)) : wengert::gelu(Operand<T>(x, where)))
};
/// x for x > 0, else slope·x.
struct LeakyReLU {
  double slope = 0.01;  ///< the slope for x < 0
  WENGERT_CALL(wengert::leaky_relu(Operand<T>(x, where), slope))
};
/// x for x > 0, else α·(eˣ − 1).
struct ELU {
  double alpha = 1;  ///< α; the result approaches −α for x → −∞
  WENGERT_CALL(wengert::elu(Operand<T>(x, where), alpha))
};
/// x for x > 0, else α·(e^(x/α) − 1).
struct CELU {
  double alpha = 1;  ///< α; the result approaches −α for x → −∞
  WENGERT_CALL(wengert::celu(Operand<T>(x, where), alpha))
};
/// ln(1 + e^(βx)) / β.
struct Softplus {
  double beta = 1;  ///< β, the sharpness of the bend
  WENGERT_CALL(wengert::softplus(Operand<T>(x, where), beta))
};
/// exp(x) / Σ exp(x) along an axis. Not for the input of a loss that takes logits: the loss applies it itself.
struct Softmax {
  std::ptrdiff_t axis = -1;  ///< the axis along which the results sum to 1
  WENGERT_CALL(wengert::softmax(x, axis, where))
};
/// ln softmax(x) along an axis.
struct LogSoftmax {
  std::ptrdiff_t axis = -1;  ///< the axis along which the exponentials of the results sum to 1
  WENGERT_CALL(wengert::log_softmax(x, axis, where))
};

/// x for x > 0, else a·x with a learned slope a: one for all channels, or one per channel (axis 1).
template <class T>
struct PReLU {
  Parameter<T> weight;  ///< (1,) or (channels,)

  /// Initialises every slope to `slope`, by default ¼ as in PyTorch.
  static PReLU make(std::size_t channels = 1, double slope = 0.25) {
    return {Parameter<T>(Tensor<T>(xt::dynamic_shape<std::size_t>{channels}, static_cast<T>(slope)), "weight")};
  }
  /// Throws ShapeError unless there is one slope, or one per channel of x.
  Var<T> operator()(Var<T> x, Location where = Location::current()) const {
    const Scope scope(*this, x);
    return prelu(Operand<T>(x, where), Operand<T>(x.tape("PReLU", where).variable(weight, where), where));
  }
};

#undef WENGERT_CALL
#undef WENGERT_LAYER

}  // namespace wengert::nn
