// The values that parameters begin with.
//
// Each function writes into a parameter: `nn::he_normal(layer.weight, generator)`. Modules initialise theirs as PyTorch
// does when they are made; use these to begin otherwise. A parameter is a handle, so it may be passed by value.
#pragma once

#include <wengert/ops/random.hpp>
#include <wengert/parameter.hpp>

#include <cstdint>

namespace wengert::nn {

/// Writes zeros.
template <class T>
void zeros(Parameter<T> parameter);
/// Writes one value everywhere.
template <class T>
void constant(Parameter<T> parameter, double value);
/// Draws evenly from [low, high). Throws ValueError unless both are finite and low ≤ high.
template <class T>
void uniform(Parameter<T> parameter, Generator generator, double low = 0, double high = 1,
             Location where = Location::current());
/// Draws from a normal distribution. Throws ValueError unless both are finite and the deviation is not negative.
template <class T>
void normal(Parameter<T> parameter, Generator generator, double mean = 0, double deviation = 1,
            Location where = Location::current());
/// Draws from a normal distribution, of which only [low, high] is kept: the inverse of its distribution function at
/// evenly drawn places. `deviation` is that of the whole distribution. Throws ValueError unless low < high and at least
/// a millionth of the distribution lies between.
template <class T>
void truncated_normal(Parameter<T> parameter, Generator generator, double mean = 0, double deviation = 1,
                      double low = -2, double high = 2, Location where = Location::current());

/// What follows a layer, so that its weights can make up for how it shrinks what passes through.
enum class Nonlinearity : std::uint8_t { linear, sigmoid, tanh, relu, leaky_relu, selu };
/// The factor that makes up for a nonlinearity, as in PyTorch: 1, tanh 5/3, relu √2, leaky_relu √(2/(1 + slope²)),
/// selu 3/4.
double gain(Nonlinearity nonlinearity, double slope = 0.01);

/// How many numbers enter and leave one unit of a layer.
struct Fan {
  double in;   ///< the numbers that each result depends on
  double out;  ///< the results that each number has a part in
};
/// The fans of a weight (out, in, kernel…): in · kernel and out · kernel, as in PyTorch.
/// Throws ShapeError below rank 2.
Fan fan_of(const Shape& weight, Location where = Location::current());

/// Draws evenly from ±gain·√(6/(in + out)), so that signals and gradients keep their size (Glorot & Bengio 2010).
/// This and the following throw ShapeError for a parameter below rank 2; `in` and `out` are those of `fan_of`.
template <class T>
void xavier_uniform(Parameter<T> weight, Generator generator, double gain = 1, Location where = Location::current());
/// Draws from N(0, gain²·2/(in + out)).
template <class T>
void xavier_normal(Parameter<T> weight, Generator generator, double gain = 1, Location where = Location::current());

/// Which fan the variance makes up for: `in` keeps the size of signals, `out` that of gradients.
enum class FanMode : bool { in, out };
/// How He's initialisers scale.
struct HeOptions {
  Nonlinearity nonlinearity = Nonlinearity::relu;  ///< what follows the layer
  double slope = 0.01;                             ///< of leaky_relu
  FanMode fan = FanMode::in;                       ///< which of both sizes the variance is kept for
};
/// Draws evenly from ±gain·√(3/fan) (He et al. 2015), for layers that relu follows.
template <class T>
void he_uniform(Parameter<T> weight, Generator generator, const HeOptions& options = {},
                Location where = Location::current());
/// Draws from N(0, gain²/fan).
template <class T>
void he_normal(Parameter<T> weight, Generator generator, const HeOptions& options = {},
               Location where = Location::current());

/// Draws evenly from ±√(3/in) (LeCun et al. 1998), for layers that selu follows.
template <class T>
void lecun_uniform(Parameter<T> weight, Generator generator, Location where = Location::current());
/// Draws from N(0, 1/in).
template <class T>
void lecun_normal(Parameter<T> weight, Generator generator, Location where = Location::current());

/// Writes a matrix with orthonormal rows or columns, whichever are fewer, times `gain` (Saxe, McClelland & Ganguli
/// 2013); a weight of more axes counts as (out, everything else). Evenly distributed over all such matrices.
template <class T>
void orthogonal(Parameter<T> weight, Generator generator, double gain = 1, Location where = Location::current());

}  // namespace wengert::nn
