// Schedules: the learning rate as a function of how far the training has come.
//
//     const optim::LinearWarmup schedule{.steps = 100, .then = optim::CosineDecay{.rate = 0.1, .steps = 900}};
//     for (int i = 0; i < 1000; ++i) {
//       optimizer.set_rate(schedule(i));
//       step(X, Y);
//     }
//
// What is counted, steps or epochs, is the caller's choice; t is 0 for the first, and may have a fraction. A schedule
// has no memory, so a resumed training needs nothing but t; `Plateau`, which has one, is a struct that can be saved.
// Any function of t is a Schedule. All throw ValueError if an option is out of its range, or t is negative.
#pragma once

#include <wengert/error.hpp>

#include <functional>
#include <limits>
#include <vector>

namespace wengert::optim {

/// The learning rate at time t.
using Schedule = std::function<double(double t)>;

/// The same rate at all times.
struct ConstantRate {
  double rate = 0.001;                ///< at all times
  double operator()(double t) const;  ///< the rate at t
};

/// rate · factor^⌊t / every⌋ (PyTorch's StepLR).
struct StepDecay {
  double rate = 0.001;                ///< at the start
  double every = 1;                   ///< the time between two steps
  double factor = 0.1;                ///< the rate is multiplied by this
  double operator()(double t) const;  ///< the rate at t
};

/// rate · factorⁿ, n being the number of milestones that t has reached (PyTorch's MultiStepLR).
struct MultiStepDecay {
  double rate = 0.001;                ///< at the start
  std::vector<double> milestones;     ///< when it falls
  double factor = 0.1;                ///< the rate is multiplied by this
  double operator()(double t) const;  ///< the rate at t
};

/// rate · factorᵗ (PyTorch's ExponentialLR).
struct ExponentialDecay {
  double rate = 0.001;                ///< at the start
  double factor = 0.99;               ///< the rate is multiplied by this
  double operator()(double t) const;  ///< the rate at t
};

/// Down from `rate` to `final_rate` along half a cosine, in `steps` steps; it stays there
/// (PyTorch's CosineAnnealingLR up to its end): final + ½(rate − final)(1 + cos(π t / steps)).
struct CosineDecay {
  double rate = 0.001;                ///< at the start
  double steps = 1;                   ///< its length
  double final_rate = 0;              ///< at the end
  double operator()(double t) const;  ///< the rate at t
};

/// CosineDecay that starts again after each period, each `period_factor` times as long as the one before
/// (Loshchilov and Hutter 2017; PyTorch's CosineAnnealingWarmRestarts).
struct CosineRestarts {
  double rate = 0.001;                ///< at the start
  double period = 1;                  ///< the length of the first period
  double period_factor = 1;           ///< how much longer each period is than the one before
  double final_rate = 0;              ///< at the end
  double operator()(double t) const;  ///< the rate at t
};

/// Up from max_rate / start_divisor to `max_rate` during the first `rise` of all steps, then down to
/// max_rate / start_divisor / end_divisor, both along half a cosine (Smith and Topin 2018; PyTorch's OneCycleLR, whose
/// change of the momentum is left out). The last step is steps − 1; the rate stays there.
struct OneCycle {
  double max_rate = 0.01;             ///< at its peak
  double steps = 2;                   ///< its length
  double rise = 0.3;                  ///< the share of the steps in which it rises
  double start_divisor = 25;          ///< the peak is so many times the rate at the start
  double end_divisor = 1e4;           ///< the start is so many times the rate at the end
  double operator()(double t) const;  ///< the rate at t
};

/// Another schedule that begins after `steps` steps, during which the rate rises in a straight line from
/// start_factor · then(0) to then(0): then(t − steps) (PyTorch's LinearLR in a SequentialLR).
struct LinearWarmup {
  double steps = 1;                   ///< its length
  double start_factor = 1.0 / 3;      ///< the share of the rate at the start
  Schedule then = ConstantRate{};     ///< what is warmed up to
  double operator()(double t) const;  ///< the rate at t
};

/// Lowers the rate when a measure no longer improves (PyTorch's ReduceLROnPlateau): `set_rate(plateau(cost))`.
///
/// It is called once an epoch, or whenever the measure is taken. What it remembers are its last members; a copy of the
/// struct is a checkpoint.
struct Plateau {
  /// Which figures are better.
  enum class Goal { smallest, largest };
  /// What the threshold is a share of: the best figure, or nothing.
  enum class Threshold { relative, absolute };

  double rate = 0.001;      ///< the present one
  double factor = 0.1;      ///< the rate is multiplied by this
  int patience = 10;        ///< that many calls without improvement are forgiven
  double threshold = 1e-4;  ///< what counts as one: better than best · (1 ∓ threshold), or than best ∓ threshold
  Threshold kind = Threshold::relative;  ///< of the threshold
  Goal goal = Goal::smallest;            ///< of the figure
  int cooldown = 0;                      ///< that many calls after a change are forgiven, too
  double min_rate = 0;                   ///< the rate does not fall below it

  double best = std::numeric_limits<double>::quiet_NaN();  ///< none yet
  int without_improvement = 0;                             ///< how many figures in a row were not better
  int cooling = 0;                                         ///< how many figures are still to be passed over

  /// Takes the measure and returns the rate from now on.
  double operator()(double measure);
};

}  // namespace wengert::optim
