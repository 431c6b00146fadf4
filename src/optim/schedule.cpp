// Learning-rate schedules: constant, step, exponential, cosine, one-cycle, warm-up, and reduction on a plateau.
#include "optim/checks.hpp"
#include <wengert/optim/schedule.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace wengert::optim {
namespace {

void require_time(std::string_view schedule, double t) { require_not_negative(schedule, "t", t, Location{}); }
void require_rate(std::string_view schedule, double rate, std::string_view option = "rate") {
  if (std::isnan(rate))
    throw ValueError(schedule,
                     fmt::format("no {0}: expected .{0} = …, which replaces that of the optimiser's rule", option));
  require_not_negative(schedule, option, rate, Location{});
}
void require_positive(std::string_view schedule, std::string_view option, double value) {
  if (std::isfinite(value) && value > 0) return;
  throw ValueError(schedule, fmt::format("{} {}: expected a positive number", option, value));
}

// From `begin` to `end` along half a cosine.
double half_cosine(double begin, double end, double fraction) {
  return end + (begin - end) * (1 + std::cos(std::numbers::pi * std::min(fraction, 1.0))) / 2;
}

}  // namespace

double ConstantRate::operator()(double t) const {
  require_time("ConstantRate", t);
  require_rate("ConstantRate", rate);
  return rate;
}

double StepDecay::operator()(double t) const {
  require_time("StepDecay", t);
  require_rate("StepDecay", rate);
  require_positive("StepDecay", "every", every);
  require_not_negative("StepDecay", "factor", factor, Location{});
  return rate * std::pow(factor, std::floor(t / every));
}

double MultiStepDecay::operator()(double t) const {
  require_time("MultiStepDecay", t);
  require_rate("MultiStepDecay", rate);
  require_not_negative("MultiStepDecay", "factor", factor, Location{});
  const auto reached = std::count_if(milestones.begin(), milestones.end(), [&](double m) { return m <= t; });
  return rate * std::pow(factor, static_cast<double>(reached));
}

double ExponentialDecay::operator()(double t) const {
  require_time("ExponentialDecay", t);
  require_rate("ExponentialDecay", rate);
  require_not_negative("ExponentialDecay", "factor", factor, Location{});
  return rate * std::pow(factor, t);
}

double CosineDecay::operator()(double t) const {
  require_time("CosineDecay", t);
  require_rate("CosineDecay", rate);
  require_positive("CosineDecay", "steps", steps);
  require_not_negative("CosineDecay", "final_rate", final_rate, Location{});
  return half_cosine(rate, final_rate, t / steps);
}

double CosineRestarts::operator()(double t) const {
  require_time("CosineRestarts", t);
  require_rate("CosineRestarts", rate);
  require_positive("CosineRestarts", "period", period);
  require_not_negative("CosineRestarts", "final_rate", final_rate, Location{});
  if (!(period_factor >= 1 && std::isfinite(period_factor)))
    throw ValueError("CosineRestarts", fmt::format("period_factor {}: expected at least 1", period_factor));
  double length = period;
  if (period_factor == 1)
    t = std::fmod(t, period);
  else
    for (; t >= length; length *= period_factor) t -= length;
  return half_cosine(rate, final_rate, t / length);
}

double OneCycle::operator()(double t) const {
  require_time("OneCycle", t);
  require_rate("OneCycle", max_rate, "max_rate");
  require_positive("OneCycle", "start_divisor", start_divisor);
  require_positive("OneCycle", "end_divisor", end_divisor);
  const double top = rise * steps - 1, last = steps - 1;
  if (!(std::isfinite(steps) && top > 0 && top < last))
    throw ValueError(
        "OneCycle",
        fmt::format("{} steps, of which the rate rises for {}: expected more than one rising step, and falling steps",
                    steps, rise * steps));
  const double start = max_rate / start_divisor;
  return t <= top ? half_cosine(start, max_rate, t / top)
                  : half_cosine(max_rate, start / end_divisor, (t - top) / (last - top));
}

double LinearWarmup::operator()(double t) const {
  require_time("LinearWarmup", t);
  require_positive("LinearWarmup", "steps", steps);
  require_not_negative("LinearWarmup", "start_factor", start_factor, Location{});
  if (!then) throw ValueError("LinearWarmup", "no schedule after the warmup: expected one as `then`");
  return t >= steps ? then(t - steps) : then(0) * (start_factor + (1 - start_factor) * t / steps);
}

double Plateau::operator()(double measure) {
  require_rate("Plateau", rate);
  require_not_negative("Plateau", "threshold", threshold, Location{});
  require_not_negative("Plateau", "min_rate", min_rate, Location{});
  if (!(factor >= 0 && factor < 1))
    throw ValueError("Plateau", fmt::format("factor {}: expected one of at least 0 and less than 1", factor));
  const double sign = goal == Goal::smallest ? -1 : 1;
  const double bar = kind == Threshold::relative ? best * (1 + sign * threshold) : best + sign * threshold;
  if (std::isnan(best) || sign * measure > sign * bar) {
    best = measure;
    without_improvement = 0;
  } else {
    ++without_improvement;
  }
  if (cooldown_counter > 0) {
    --cooldown_counter;
    without_improvement = 0;
  }
  if (without_improvement > patience) {
    rate = std::min(rate, std::max(rate * factor, min_rate));
    cooldown_counter = cooldown;
    without_improvement = 0;
  }
  return rate;
}

}  // namespace wengert::optim
