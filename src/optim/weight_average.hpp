// The ops that average weights within a step.
#pragma once

#include <wengert/optim/average.hpp>
#include <wengert/tape/tape.hpp>

#include <string>

namespace wengert::optim {

/// Throws ValueError if an option is out of range.
void check(const Average& average, const Location& where);
/// The kind and its options in a line: `EMA, decay 0.999, start 0, every 1`.
std::string described(const Average& average);

/// 1 at the steps that are averaged, otherwise 0. `step` counts from 1.
template <class T>
Var<T> is_averaged(const Average& average, Var<T> step);
/// The fraction by which the average of a parameter moves to its value at averaged step `n`, times `active`, which is 0
/// at steps that are not averaged.
template <class T>
Var<T> average_fraction(const Average& average, Var<T> n, Var<T> active);
/// average + fraction · (w − average), exact where the fraction is 0 or 1.
template <class T>
Var<T> moved_average(Var<T> average, Var<T> w, Var<T> fraction);

/// The step, which throws ValueError if `swapped` is not 0: then the network holds the averages.
template <class T>
Var<T> with_weights(Var<T> step, Var<T> swapped, const Location& where);

/// The message of that error.
inline constexpr const char* network_holds_averages =
    "the network holds the averages of its weights: swap_average() before the next step";

}  // namespace wengert::optim
