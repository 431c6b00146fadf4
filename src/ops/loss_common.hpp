// Helpers of the losses: equal shapes, errors with the caller's line, NaN checks and reductions.
#pragma once

#include "tape/operands.hpp"
#include <wengert/ops/loss.hpp>
#include <wengert/ops/reduce.hpp>

#include <array>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace wengert::losses {

/// An operand of a loss, with its name in messages.
template <class T>
struct Named {
  std::string_view name;
  Var<T> value;
};

/// The target as a Var on the prediction's tape. Throws ShapeError unless their shapes are equal, or HandleError.
template <class T>
Var<T> equal_shaped(std::string_view loss, Var<T> prediction, const Operand<T>& target);

/// The losses themselves, their sum or a mean; `samples` is the divisor of batch_mean.
/// Throws ValueError for a mean over no elements.
template <class T>
Var<T> reduced(std::string_view loss, Var<T> costs, Reduction reduction, double samples, const Location& where);

/// Records a check of the loss and returns the loss. The check, on a tape and in a Program, throws ValueError if the
/// loss holds a NaN, naming the operand and the element at fault, or if the operand named `never_negative` has a
/// negative element. Names must be literals.
template <class T>
Var<T> checked(std::string_view loss, Var<T> cost, std::span<const Named<T>> operands, const Location& where,
               std::string_view never_negative = {});

/// The extent of the first axis; 1 for a scalar.
template <class T>
double samples(Var<T> x) {
  return x.rank() == 0 ? 1.0 : static_cast<double>(x.shape()[0]);
}

/// Calls `cost` with the target as a Var and checks the loss. If anything throws, nothing is left on the tape.
template <class T, class F>
Var<T> loss_of(std::string_view name, Var<T> prediction, const Operand<T>& target, const Location& where,
               const F& cost) {
  if (prediction.empty()) detail::throw_empty_handle(name, "the prediction", where);
  return atomically(tape_of(prediction, name, where), where, [&] {
    const Var<T> y = equal_shaped(name, prediction, target);
    const std::array<Named<T>, 2> operands{{{"prediction", prediction}, {"target", y}}};
    return checked<T>(name, cost(y), operands, where);
  });
}

/// A loss given by one formula of prediction and target.
template <class T, class F>
Var<T> elementwise_loss(std::string_view name, Var<T> prediction, const Operand<T>& target, Reduction reduction,
                        const Location& where, const F& formula) {
  return loss_of(name, prediction, target, where, [&](Var<T> y) {
    return reduced(name, formula(Operand<T>(prediction, where), Operand<T>(y, where)), reduction, samples(y), where);
  });
}

/// Throws ValueError unless a parameter of a loss is finite and positive (or 0, if `zero_allowed`).
void check_parameter(std::string_view loss, std::string_view parameter, double value, bool zero_allowed,
                     const Location& where);

#define WENGERT_EXTERN(T)                                                                              \
  extern template Var<T> equal_shaped(std::string_view, Var<T>, const Operand<T>&);                    \
  extern template Var<T> reduced(std::string_view, Var<T>, Reduction, double, const Location&);        \
  extern template Var<T> checked(std::string_view, Var<T>, std::span<const Named<T>>, const Location&, \
                                 std::string_view);
WENGERT_EXTERN(float)
WENGERT_EXTERN(double)
#undef WENGERT_EXTERN

}  // namespace wengert::losses
