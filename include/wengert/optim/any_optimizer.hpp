// AnyOptimizer: the common base of all optimisers, and control of the learning rate.
#pragma once

#include <wengert/optim/named_values.hpp>
#include <wengert/reflect/parameters.hpp>
#include <wengert/tape/tape.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace wengert::optim {

/// An optimiser of either kind, Optimizer or LBFGS: its parameters, learning rate and state. Copies share the state.
template <class T>
class AnyOptimizer {
 public:
  virtual ~AnyOptimizer() = default;

  /// The parameters with their paths, including Buffers.
  std::vector<NamedParameter<T>> parameters() const { return parameters_; }
  /// The parameters that are currently trainable.
  std::vector<NamedParameter<T>> trainable() const;
  /// The gradients of `loss` with respect to the trainable parameters, in the order of `trainable()`, unclipped;
  /// recorded as nodes. Throws GradientError unless the loss has size 1.
  std::vector<Var<T>> gradients(Var<T> loss, const Location& where = Location::current()) const;

  /// The learning rate.
  double rate() const { return static_cast<double>(*rate_.value().data()); }
  /// Sets the learning rate, including that of compiled Programs. Throws ValueError if it is negative or not finite,
  /// while a RateControl exists, and if no rule reads the rate after its first step (Rprop); HandleError while a
  /// Program is being recorded: it would be set once for all replays.
  void set_rate(double rate, const Location& where = Location::current());
  /// The number of steps taken.
  std::int64_t steps() const { return static_cast<std::int64_t>(*step_.value().data()); }

  /// The kind and the options except the rate, as names and values: those that a saved state depends on.
  virtual std::vector<std::pair<std::string, std::string>> settings() const = 0;
  /// Everything a checkpoint must hold, by name.
  virtual std::vector<NamedParameter<T>> state() const = 0;
  /// Sets the state from a range of NamedParameters, or of anything with `name` and `value`. Each part must occur once,
  /// in any order; otherwise throws ValueError or ShapeError and changes nothing.
  template <class Range>
  void load_state(const Range& range, const Location& where = Location::current()) {
    assign_state(detail::named_values<T>(range), where);
  }

 protected:
  /// Throws ValueError as `subject` unless there are parameters besides the buffers, each once and with a path of its
  /// own.
  AnyOptimizer(const char* subject, std::vector<NamedParameter<T>> parameters, const std::vector<Parameter<T>>& buffers,
               double rate, const Location& where);
  /// A copy shares the state.
  ///@{
  AnyOptimizer(const AnyOptimizer&) = default;
  AnyOptimizer& operator=(const AnyOptimizer&) = default;
  ///@}

  /// `load_state`.
  virtual void assign_state(const detail::NamedValues<T>& parts, const Location& where) = 0;
  /// Why setting the rate would change nothing; empty if it would.
  virtual std::string why_rate_is_unused() const { return {}; }

  const char* subject_;                        ///< the kind, for messages
  std::vector<NamedParameter<T>> parameters_;  ///< including buffers
  std::vector<NamedParameter<T>> trained_;     ///< without buffers
  Parameter<T> rate_;                          ///< the learning rate
  Parameter<T> step_;                          ///< the number of steps

 private:
  template <class U>
  friend class RateControl;
  void assign_rate(double rate, const Location& where);

  std::shared_ptr<const wengert::detail::OptimiserClaim<T>> claim_;  // on parameters_
  std::shared_ptr<std::string> rate_owner_;                          // empty if there is none
};

/// Sole control over an optimiser's learning rate. While it exists, `set_rate` of the optimiser throws ValueError, so
/// that a rate has one origin: a training loop makes one for its schedule.
template <class T>
class RateControl {
 public:
  /// `owner` names in messages what sets the rate. Throws ValueError if another RateControl exists.
  RateControl(AnyOptimizer<T>& optimizer, const std::string& owner, const Location& where = Location::current());
  ~RateControl();
  RateControl(const RateControl&) = delete;
  RateControl& operator=(const RateControl&) = delete;

  /// Sets the rate. Otherwise throws as the optimiser's `set_rate`.
  void set_rate(double rate, const Location& where = Location::current()) { optimizer_.assign_rate(rate, where); }

 private:
  AnyOptimizer<T>& optimizer_;
  std::shared_ptr<std::string> owner_;  // the optimiser's
};

extern template class AnyOptimizer<float>;
extern template class AnyOptimizer<double>;
extern template class RateControl<float>;
extern template class RateControl<double>;

}  // namespace wengert::optim
