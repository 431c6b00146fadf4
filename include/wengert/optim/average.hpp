// Averages of the weights over the steps of an optimiser: exponential (EMA) and equal (SWA).
#pragma once

#include <cstdint>

namespace wengert::optim {

/// Exponential moving average of the weights: a ← a + (1 − d)·(w − a) after each averaged
/// step, and a ← w after the first one, as in PyTorch's AveragedModel and Keras's `use_ema`.
struct EMA {
  double decay = 0.999;          ///< d, at least 0 and less than 1
  bool bias_correction = false;  ///< divides 1 − d by 1 − dⁿ at averaged step n, so that the first w does not dominate
  std::int64_t start = 0;        ///< the number of steps before the average begins
  std::int64_t every = 1;        ///< averages the last of this many steps, such as those of an epoch
};

/// Equal average of the weights, stochastic weight averaging (Izmailov et al. 2018): a ← a + (w − a)/n after averaged
/// step n, as in PyTorch's AveragedModel.
struct SWA {
  std::int64_t start = 0;  ///< the number of steps before the average begins
  std::int64_t every = 1;  ///< averages the last of this many steps, such as those of an epoch
};

/// How an Optimizer averages the weights; by default it does not.
struct Average {
  /// The kinds.
  enum class Kind { none, exponential, equal };

  Kind kind = Kind::none;        ///< exponential for EMA, equal for SWA
  double decay = 0;              ///< as in EMA
  bool bias_correction = false;  ///< as in EMA
  std::int64_t start = 0;        ///< as in EMA and SWA
  std::int64_t every = 1;        ///< as in EMA and SWA

  /// No average.
  Average() = default;
  /// From the options of either kind.
  ///@{
  Average(const EMA& o)  // NOLINT(google-explicit-constructor)
      : kind(Kind::exponential), decay(o.decay), bias_correction(o.bias_correction), start(o.start), every(o.every) {}
  Average(const SWA& o) : kind(Kind::equal), start(o.start), every(o.every) {}  // NOLINT(google-explicit-constructor)
  ///@}
};

}  // namespace wengert::optim
