// Parameter: a trainable tensor that outlives tapes.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/storage.hpp>
#include <wengert/base/tensor.hpp>
#include <wengert/tape/fwd.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <xtensor/xnoalias.hpp>

namespace wengert {

namespace detail {
template <class T>
class OptimiserClaim;
}  // namespace detail

/// A shared handle to a named, trainable tensor; copies refer to the same tensor.
///
/// `tape.variable(parameter)` refers to its memory without a copy. Every change increments a version, so a gradient
/// that would mix the recorded value with a newer one throws HandleError.
template <class T>
class Parameter {
 public:
  /// Takes `value` as the parameter's initial value.
  explicit Parameter(Tensor<T> value, std::string name = {}, bool trainable = true)
      : state_(std::make_shared<State>(State{std::move(value), std::move(name), trainable, 0})) {}

  // Copies only: a moved-from handle would refer to nothing.
  /// A copy refers to the same tensor.
  ///@{
  Parameter(const Parameter&) = default;
  Parameter& operator=(const Parameter&) = default;
  ///@}

  /// The current value.
  const Tensor<T>& value() const { return state_->value; }
  /// The name given to the constructor. Networks identify their parameters by paths instead.
  const std::string& name() const { return state_->name; }
  /// Whether gradients are taken with respect to it by default.
  bool trainable() const { return state_->trainable; }
  /// Freezes or unfreezes it, for all copies.
  void set_trainable(bool trainable) { state_->trainable = trainable; }
  /// Whether an optimiser for it exists.
  bool optimised() const { return state_->optimisers > 0; }
  /// The extents.
  Shape shape() const { return state_->value.shape(); }

  /// Replaces the value, in place, by an expression of the same shape, which may read any elements of the parameter.
  /// Throws ShapeError if the shape differs.
  template <class E>
  Parameter& assign(const xt::xexpression<E>& expression, Location where = Location::current()) {
    check_shape(expression.derived_cast(), where);
    const Tensor<T> next = expression;  // tapes refer to the value's memory, which must not move
    change([&](Tensor<T>& value) { std::copy(next.begin(), next.end(), value.begin()); });
    return *this;
  }
  /// Adds an expression of the same shape in place. Each of its elements may read only the same element of the
  /// parameter; otherwise use `assign`. Throws ShapeError if the shape differs.
  template <class E>
  Parameter& operator+=(const xt::xexpression<E>& expression) {
    check_shape(expression.derived_cast());
    change([&](Tensor<T>& value) { xt::noalias(value) += expression; });
    return *this;
  }
  /// Subtracts in the same way: `w -= rate * gradient`. Throws ShapeError if the shape differs.
  template <class E>
  Parameter& operator-=(const xt::xexpression<E>& expression) {
    check_shape(expression.derived_cast());
    change([&](Tensor<T>& value) { xt::noalias(value) -= expression; });
    return *this;
  }

  /// Whether both refer to the same tensor.
  friend bool operator==(const Parameter& a, const Parameter& b) { return a.state_ == b.state_; }

 private:
  friend class Tape<T>;
  friend class UpdateQueue<T>;
  friend class Program<T>;
  friend class detail::OptimiserClaim<T>;
  struct State {
    Tensor<T> value;
    std::string name;
    bool trainable;
    Version version;
    std::size_t optimisers = 0;  // number of existing optimisers for it
  };

  explicit Parameter(std::shared_ptr<State> state) : state_(std::move(state)) {}
  template <class E>
  void check_shape(const E& expression, const Location& where = {}) const {
    const Shape got(expression.shape());
    if (got == shape()) return;
    throw ShapeError(
        "parameter",
        "'" + name() + "' has shape " + to_string(shape()) + ": cannot be assigned a tensor of shape " + to_string(got),
        where);
  }
  template <class Change>
  void change(const Change& apply) {
    ++state_->version;
    apply(state_->value);
  }

  std::shared_ptr<State> state_;
};

namespace detail {

/// Registers an optimiser with its parameters for as long as it exists.
template <class T>
class OptimiserClaim {
 public:
  explicit OptimiserClaim(std::vector<Parameter<T>> parameters) : parameters_(std::move(parameters)) {
    for (const Parameter<T>& parameter : parameters_) ++parameter.state_->optimisers;
  }
  ~OptimiserClaim() {
    for (const Parameter<T>& parameter : parameters_) --parameter.state_->optimisers;
  }
  OptimiserClaim(const OptimiserClaim&) = delete;
  OptimiserClaim& operator=(const OptimiserClaim&) = delete;

 private:
  std::vector<Parameter<T>> parameters_;
};

/// The last node recorded for each parameter, by the address of the parameter's state.
class LastRecorded {
 public:
  /// The node index of a parameter, to read and to set; initially larger than any node's. The reference is valid until
  /// the next call.
  std::uint32_t& operator[](const void* state);

 private:
  struct Slot {
    const void* state = nullptr;
    std::uint32_t node = 0;
  };
  Slot& find(const void* state);

  std::vector<Slot> slots_;  // open addressing; the size is a power of two, at least half of the slots are free
  std::size_t used_ = 0;
};

}  // namespace detail

}  // namespace wengert
