// Schedules: the learning rate as a function of training progress.
//
//     const optim::LinearWarmup schedule{.steps = 100, .then = optim::CosineDecay{.rate = 0.1, .steps = 900}};
//     for (int i = 0; i < 1000; ++i) {
//       optimizer.set_rate(schedule(i));
//       step(X, Y);
//     }
//
// t counts steps or epochs, as the caller chooses; it starts at 0 and may be fractional. Any function of t is a
// Schedule. Its rate replaces that of the optimiser's rule; the rates of groups follow in proportion. Those below throw
// ValueError if an option is out of range, if no rate is set, or if t is negative. They are stateless, so a resumed
// training run needs only t. `Plateau` has state, which a copy of the struct saves.
#pragma once

#include <functional>
#include <limits>
#include <vector>

namespace wengert::optim {

/// A rate that must be set.
inline constexpr double unset_rate = std::numeric_limits<double>::quiet_NaN();

/// The learning rate at time t.
using Schedule = std::function<double(double t)>;

/// The same rate at all times.
struct ConstantRate {
  double rate = unset_rate;           ///< the learning rate
  double operator()(double t) const;  ///< the rate at t
};

/// rate · factor^⌊t / every⌋ (PyTorch's StepLR).
struct StepDecay {
  double rate = unset_rate;           ///< the initial rate
  double every = 1;                   ///< the time between two reductions
  double factor = 0.1;                ///< multiplies the rate
  double operator()(double t) const;  ///< the rate at t
};

/// rate · factorⁿ, where n is the number of milestones that t has reached (PyTorch's MultiStepLR).
struct MultiStepDecay {
  double rate = unset_rate;           ///< the initial rate
  std::vector<double> milestones;     ///< the times of reductions
  double factor = 0.1;                ///< multiplies the rate
  double operator()(double t) const;  ///< the rate at t
};

/// rate · factorᵗ (PyTorch's ExponentialLR).
struct ExponentialDecay {
  double rate = unset_rate;           ///< the initial rate
  double factor = 0.99;               ///< multiplies the rate
  double operator()(double t) const;  ///< the rate at t
};

/// Falls from `rate` to `final_rate` along half a cosine in `steps` steps, then stays there
/// (PyTorch's CosineAnnealingLR up to its end): final_rate + ½(rate − final_rate)(1 + cos(π t / steps)).
struct CosineDecay {
  double rate = unset_rate;           ///< the initial rate
  double steps = 1;                   ///< the length of the decay
  double final_rate = 0;              ///< the rate at the end
  double operator()(double t) const;  ///< the rate at t
};

/// CosineDecay that restarts after each period, each `period_factor` times as long as the previous one
/// (Loshchilov and Hutter 2017; PyTorch's CosineAnnealingWarmRestarts).
struct CosineRestarts {
  double rate = unset_rate;           ///< the initial rate
  double period = 1;                  ///< the length of the first period
  double period_factor = 1;           ///< multiplies the length of each period
  double final_rate = 0;              ///< the rate at the end of each period
  double operator()(double t) const;  ///< the rate at t
};

/// Rises from max_rate / start_divisor to `max_rate` during the first fraction `rise` of the steps, then falls to
/// max_rate / start_divisor / end_divisor, both along half a cosine (Smith and Topin 2018; PyTorch's OneCycleLR without
/// its momentum cycle). The last step is steps − 1; from then on, the rate is constant.
struct OneCycle {
  double max_rate = unset_rate;       ///< the peak rate
  double steps = 2;                   ///< the length of the cycle
  double rise = 0.3;                  ///< the fraction of the steps in which the rate rises
  double start_divisor = 25;          ///< the ratio of the peak rate to the initial rate
  double end_divisor = 1e4;           ///< the ratio of the initial rate to the final rate
  double operator()(double t) const;  ///< the rate at t
};

/// Delays another schedule by `steps` steps, during which the rate rises linearly from start_factor · then(0) to
/// then(0); afterwards it is then(t − steps) (PyTorch's LinearLR in a SequentialLR).
struct LinearWarmup {
  double steps = 1;                   ///< the length of the warm-up
  double start_factor = 1.0 / 3;      ///< the initial rate as a fraction of then(0)
  Schedule then = ConstantRate{};     ///< the schedule after the warm-up
  double operator()(double t) const;  ///< the rate at t
};

/// Lowers the rate when a metric stops improving (PyTorch's ReduceLROnPlateau): `set_rate(plateau(loss))`. Call it once
/// per epoch, or whenever the metric is measured. Its state is `rate` and the last three members.
struct Plateau {
  /// Whether smaller or larger values are better.
  enum class Goal { smallest, largest };
  /// Whether the threshold is relative to the best value or absolute.
  enum class Threshold { relative, absolute };

  double rate = unset_rate;  ///< the current rate
  double factor = 0.1;       ///< multiplies the rate when it is lowered
  int patience = 10;         ///< the number of calls without improvement that are tolerated
  double threshold = 1e-4;   ///< an improvement is better than best · (1 ∓ threshold), or than best ∓ threshold
  Threshold kind = Threshold::relative;  ///< the kind of threshold
  Goal goal = Goal::smallest;            ///< which values are better
  int cooldown = 0;                      ///< the number of calls after a reduction that are ignored
  double min_rate = 0;                   ///< the rate is not reduced below this

  double best = std::numeric_limits<double>::quiet_NaN();  ///< the best value; NaN if there is none yet
  int without_improvement = 0;                             ///< the number of consecutive values without improvement
  int cooldown_counter = 0;                                ///< the number of values still to be ignored

  /// Takes the latest value and returns the new rate.
  double operator()(double measure);
};

}  // namespace wengert::optim
