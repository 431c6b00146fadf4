// Random draws and dropout.
//
// A draw is an op whose attributes are the key and the counter of its generator, so evaluating it again, for example in
// a vjp, gives the same numbers, on any number of threads. A Program that replays a draw continues the generator's
// stream, as recording the draw again would.
#pragma once

#include <wengert/tape/index_var.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace wengert {

/// The random number generator: Philox4x32-10, which is counter-based (Salmon et al. 2011).
///
/// Equal keys give equal streams, different keys independent ones. A draw uses the blocks from `counter` on and, unless
/// it throws, advances `counter` past them; an element takes 64 bits of a block's 128, for dropout 32. A handle: copies
/// share the position in the stream. Save `key` and `counter` to resume a run.
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
  /// Makes `counter` the number of the next block.
  void seek(std::uint64_t counter) { state_->counter = counter; }

  /// The position in a stream.
  struct State {
    std::uint64_t key;      ///< the seed
    std::uint64_t counter;  ///< the number of the next block
  };
  /// For the engine: the state that copies share.
  const std::shared_ptr<State>& state() const { return state_; }
  /// For the engine: a handle to a shared position.
  explicit Generator(std::shared_ptr<State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<State> state_;
};

/// Numbers drawn uniformly from [0, 1).
template <class T>
Var<T> uniform(Tape<T>& tape, const Shape& shape, Generator& generator, Location where = Location::current());

/// Numbers drawn uniformly from [low, high): low + (high − low) u. The limits, at least one of them a Var, broadcast
/// against each other and get gradients.
///@{
Var<float> uniform(const Operand<float>& low, const Operand<float>& high, Generator& generator);
Var<double> uniform(const Operand<double>& low, const Operand<double>& high, Generator& generator);
///@}

/// Numbers drawn from the standard normal distribution.
template <class T>
Var<T> normal(Tape<T>& tape, const Shape& shape, Generator& generator, Location where = Location::current());

/// Numbers drawn from normal distributions: mean + deviation · z. The means and standard deviations, at least one of
/// them a Var, broadcast against each other and get gradients (the reparameterisation of Kingma & Welling 2014).
///@{
Var<float> normal(const Operand<float>& mean, const Operand<float>& deviation, Generator& generator);
Var<double> normal(const Operand<double>& mean, const Operand<double>& deviation, Generator& generator);
///@}

/// For each element, 1 with the given probability, otherwise 0; without gradient.
/// Throws ValueError for a probability that is not in [0, 1].
template <class T>
Var<T> bernoulli(Var<T> probability, Generator& generator, Location where = Location::current());

/// Classes drawn with the probabilities softmax(logits) along the last axis, which is dropped; without gradient.
/// Throws ShapeError for logits without classes, ValueError for NaN, +∞ and rows of only −∞.
template <class T>
IndexVar<T> categorical(Var<T> logits, Generator& generator, Location where = Location::current());

/// x with each element set to 0 with the given probability and otherwise divided by 1 − probability, which preserves
/// its expectation (Srivastava et al. 2014). The gradient passes through the elements that are kept. A probability of 1
/// gives zeros; for 0, returns x and draws nothing. Throws ValueError for a probability that is not in [0, 1].
template <class T>
Var<T> dropout(Var<T> x, double probability, Generator& generator, Location where = Location::current());

}  // namespace wengert
