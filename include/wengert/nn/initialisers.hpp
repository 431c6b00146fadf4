// Initial values of parameters.
//
// Each function writes into a parameter: `nn::he_normal(layer.weight, generator)`. By default, `make` initialises a
// module as PyTorch does; these functions replace those values. A parameter is a handle, so it is passed by value.
#pragma once

#include <wengert/ops/random.hpp>
#include <wengert/tape/parameter.hpp>

#include <cstdint>

namespace wengert::nn {

/// Fills the parameter with zeros.
template <class T>
void zeros(Parameter<T> parameter);
/// Fills the parameter with one value.
template <class T>
void constant(Parameter<T> parameter, double value);
/// Draws uniformly from [low, high). Throws ValueError unless both are finite and low ≤ high.
template <class T>
void uniform(Parameter<T> parameter, Generator generator, double low = 0, double high = 1,
             Location where = Location::current());
/// Draws from N(mean, deviation²). Throws ValueError unless both are finite and the deviation is not negative.
template <class T>
void normal(Parameter<T> parameter, Generator generator, double mean = 0, double deviation = 1,
            Location where = Location::current());
/// Draws from a normal distribution truncated to [low, high], by inverting its distribution function at uniform draws.
/// `deviation` is the standard deviation before truncation. Throws ValueError unless low < high and the interval holds
/// at least a millionth of the distribution.
template <class T>
void truncated_normal(Parameter<T> parameter, Generator generator, double mean = 0, double deviation = 1,
                      double low = -2, double high = 2, Location where = Location::current());

/// The nonlinearity that follows a layer, whose scaling the layer's weights compensate for.
enum class Nonlinearity : std::uint8_t { linear, sigmoid, tanh, relu, leaky_relu, selu };
/// The gain that compensates for a nonlinearity, as in PyTorch: tanh 5/3, relu √2, leaky_relu √(2/(1 + slope²)),
/// selu 3/4, otherwise 1.
double gain(Nonlinearity nonlinearity, double slope = 0.01);

/// The fan-in and fan-out of a layer's weight.
struct Fan {
  double in;   ///< the number of inputs that each output depends on
  double out;  ///< the number of outputs that each input contributes to
};
/// The fans of a weight (out, in, kernel…): in · kernel and out · kernel, as in PyTorch.
/// Throws ShapeError below rank 2.
Fan fan_of(const Shape& weight, Location where = Location::current());

/// Draws uniformly from ±gain·√(6/(in + out)), which preserves the scale of signals and gradients (Glorot & Bengio
/// 2010). This and the functions below throw ShapeError below rank 2; `in` and `out` are those of `fan_of`.
template <class T>
void xavier_uniform(Parameter<T> weight, Generator generator, double gain = 1, Location where = Location::current());
/// Draws from N(0, gain²·2/(in + out)).
template <class T>
void xavier_normal(Parameter<T> weight, Generator generator, double gain = 1, Location where = Location::current());

/// The fan that scales the variance: `in` preserves the scale of signals, `out` that of gradients.
enum class FanMode : bool { in, out };
/// Options of He's initialisers.
struct HeOptions {
  Nonlinearity nonlinearity = Nonlinearity::relu;  ///< the nonlinearity after the layer
  double slope = 0.01;                             ///< the slope of leaky_relu
  FanMode fan = FanMode::in;                       ///< the fan that scales the variance
};
/// Draws uniformly from ±gain·√(3/fan), where the gain is that of `options.nonlinearity` (He et al. 2015).
template <class T>
void he_uniform(Parameter<T> weight, Generator generator, const HeOptions& options = {},
                Location where = Location::current());
/// Draws from N(0, gain²/fan).
template <class T>
void he_normal(Parameter<T> weight, Generator generator, const HeOptions& options = {},
               Location where = Location::current());

/// Draws uniformly from ±√(3/in) (LeCun et al. 1998), for layers followed by selu.
template <class T>
void lecun_uniform(Parameter<T> weight, Generator generator, Location where = Location::current());
/// Draws from N(0, 1/in).
template <class T>
void lecun_normal(Parameter<T> weight, Generator generator, Location where = Location::current());

/// `gain` times a matrix with orthonormal rows or columns, whichever are fewer, drawn uniformly from all such matrices
/// (Saxe, McClelland & Ganguli 2013). A weight of higher rank counts as (out, all other axes). Throws ValueError for a
/// gain that is not finite.
template <class T>
void orthogonal(Parameter<T> weight, Generator generator, double gain = 1, Location where = Location::current());

}  // namespace wengert::nn
