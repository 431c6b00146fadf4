// Random draws and dropout.
//
// A draw is an op whose attributes are the key and the counter of its generator, so that whoever evaluates it again, a
// vjp for example, gets the same numbers. They do not depend on the number of threads. A Program that replays draws
// goes on in the generator's stream, as recording them again would.
#pragma once

#include <wengert/op.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace wengert {

/// Where random numbers come from: Philox4x32-10, a counter-based generator (Salmon et al. 2011).
///
/// Equal keys give equal streams, different keys independent ones. Every draw takes the blocks from `counter` on and
/// moves it behind them: 64 bits of a block's 128 an element, 32 for dropout. A draw that throws leaves it where it is.
/// A handle: copies share the position in the stream. Save `key` and `counter` to resume a run.
class Generator {
 public:
  /// The stream of `key`, the seed, from block `counter` on.
  explicit Generator(std::uint64_t key = 0, std::uint64_t counter = 0)
      : state_(std::make_shared<State>(State{key, counter})) {}
  // Copies only: a moved-from handle would refer to nothing.
  /// A copy shares the position in the stream.
  ///@{
  Generator(const Generator&) = default;
  Generator& operator=(const Generator&) = default;
  ///@}

  /// The seed.
  std::uint64_t key() const { return state_->key; }
  /// The number of the next block.
  std::uint64_t counter() const { return state_->counter; }
  /// Goes to a block of the stream.
  void seek(std::uint64_t counter) { state_->counter = counter; }

  /// Where a stream stands.
  struct State {
    std::uint64_t key;      ///< the seed
    std::uint64_t counter;  ///< the number of the next block
  };
  /// For the engine: what the copies share.
  const std::shared_ptr<State>& state() const { return state_; }
  /// For the engine: a handle to a shared position.
  explicit Generator(std::shared_ptr<State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<State> state_;
};

/// Numbers drawn evenly from [0, 1).
template <class T>
Var<T> uniform(Tape<T>& tape, const Shape& shape, Generator& generator, Location where = Location::current());

/// Numbers drawn evenly from [low, high), which broadcast against each other and are differentiated:
/// low + (high − low) u.
///@{
Var<float> uniform(const Operand<float>& low, const Operand<float>& high, Generator& generator);
Var<double> uniform(const Operand<double>& low, const Operand<double>& high, Generator& generator);
///@}

/// Numbers drawn from the standard normal distribution.
template <class T>
Var<T> normal(Tape<T>& tape, const Shape& shape, Generator& generator, Location where = Location::current());

/// Numbers drawn from normal distributions, whose means and standard deviations broadcast against each other and are
/// differentiated: mean + deviation · z (the reparameterisation of Kingma & Welling 2014).
///@{
Var<float> normal(const Operand<float>& mean, const Operand<float>& deviation, Generator& generator);
Var<double> normal(const Operand<double>& mean, const Operand<double>& deviation, Generator& generator);
///@}

/// 1 with the probability that stands in its place, otherwise 0; without gradient.
/// Throws ValueError for a probability that is not in [0, 1].
template <class T>
Var<T> bernoulli(Var<T> probability, Generator& generator, Location where = Location::current());

/// Classes drawn with the probabilities softmax(logits) along the last axis, which is dropped; without gradient.
/// Throws ShapeError for logits without classes, ValueError for NaN, +∞ and rows that are −∞ throughout.
template <class T>
IndexVar<T> categorical(Var<T> logits, Generator& generator, Location where = Location::current());

/// x with each element replaced by 0 with the given probability, and divided by 1 − probability otherwise, so that its
/// expectation stays (Srivastava et al. 2014). The gradient passes where the element did.
/// Throws ValueError for a probability that is not in [0, 1]; 1 gives zeros.
template <class T>
Var<T> dropout(Var<T> x, double probability, Generator& generator, Location where = Location::current());

}  // namespace wengert
