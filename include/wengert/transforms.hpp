// Transforms: gradients of recorded values.
#pragma once

#include <wengert/tape.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

namespace wengert {

/// A value together with the cotangent its gradient starts from; made by `seed`.
template <class T>
struct Seeded {
  Var<T> value;
  Var<T> cotangent;
};

/// Gives `grad` the cotangent of a value that is not a scalar: `grad(seed(y, c), x)` is the gradient of Σ c·y.
template <class T>
Seeded<T> seed(Var<T> value, Var<T> cotangent) {
  return {value, cotangent};
}

/// What a gradient is taken of, with the line it was asked for on: a scalar Var, or any Var with its cotangent.
template <class T>
struct Differentiated {
  Var<T> value;
  Var<T> cotangent;  // empty: 1
  Location where;
  Differentiated(Var<T> scalar, Location line = Location::current()) : value(scalar), where(line) {}  // NOLINT
  Differentiated(const Seeded<T>& seeded, Location line = Location::current());                       // NOLINT
};

namespace detail {
template <class First, class... Rest>
concept SameVars = std::same_as<First, Var<typename First::Scalar>> &&(std::same_as<First, Rest>&&...);
template <class V>
using ScalarOf = typename V::Scalar;

template <class T>
void grad_into(const Differentiated<T>& y, std::span<const Var<T>> wrt, std::span<Var<T>> results);
}  // namespace detail

/// The gradients of a scalar with respect to each variable: `auto [dw1, dw2] = grad(loss, w1, w2);`.
///
/// They are recorded as ordinary nodes and can be differentiated again. A variable that the scalar does not depend on
/// gets zeros of its shape. Throws GradientError if the value is not of size 1 (and has no cotangent), HandleError for
/// a bad handle; then nothing is recorded.
template <class W, class... Rest>
requires detail::SameVars<W, Rest...> std::array<W, sizeof...(Rest) + 1> grad(
    const Differentiated<detail::ScalarOf<W>>& y, W first, Rest... rest) {
  using T = detail::ScalarOf<W>;
  const std::array<W, sizeof...(Rest) + 1> variables{first, rest...};
  std::array<W, sizeof...(Rest) + 1> results;
  detail::grad_into<T>(y, variables, results);
  return results;
}

/// The same for any number of variables.
template <class T>
std::vector<Var<T>> grad(const std::type_identity_t<Differentiated<T>>& y, const std::vector<Var<T>>& wrt) {
  std::vector<Var<T>> results(wrt.size());
  detail::grad_into<T>(y, wrt, results);
  return results;
}

/// First-order gradients into tensors outside the tape; those of the right shape are overwritten in place.
///
/// The sweep's temporaries are recycled after their last use, and the tape is left as it was. Errors as for `grad`.
template <class T>
void gradients_into(const std::type_identity_t<Differentiated<T>>& y, std::span<const Var<T>> wrt,
                    std::span<Tensor<T>> results);

/// First-order gradients as new tensors: `auto [dw1, dw2] = gradients(loss, w1, w2);`. Otherwise as `gradients_into`.
template <class W, class... Rest>
requires detail::SameVars<W, Rest...> std::array < Tensor<detail::ScalarOf<W>>,
sizeof...(Rest) + 1 > gradients(const Differentiated<detail::ScalarOf<W>>& y, W first, Rest... rest) {
  using T = detail::ScalarOf<W>;
  const std::array<W, sizeof...(Rest) + 1> variables{first, rest...};
  std::array<Tensor<T>, sizeof...(Rest) + 1> results;
  gradients_into<T>(y, variables, results);
  return results;
}

}  // namespace wengert
