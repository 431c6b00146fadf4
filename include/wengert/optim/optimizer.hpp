// Optimizer: an update rule applied to the parameters of a network.
//
//     optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 1e-3});
//     auto step = wg::compiled<float>([&](auto& tape, auto x, auto y) {
//       auto loss = cross_entropy_with_logits(network(x), y);
//       optimizer.update(loss);                       // gradients and updates, queued on the tape
//       return loss;
//     });
//     for (…) step(X, Y);                             // a whole training step
//
// Without `compiled`, `tape.commit()` applies the queued updates.
#pragma once

#include <wengert/optim/any_optimizer.hpp>
#include <wengert/optim/average.hpp>
#include <wengert/optim/rule.hpp>

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert::optim {

/// A group of parameters with its own rule, which holds the group's options, such as rate and weight decay. A path
/// matches itself and all paths below it: `encoder.0` also matches `encoder.0.weight`. A path that begins with `*.`
/// matches every path with that ending: `*.bias`. A parameter belongs to the first group that matches it; a shared one
/// matches by any of its paths. The group's rate keeps its ratio to the optimiser's rate, which a schedule may set.
template <class T>
struct Group {
  std::string path;  ///< such as `encoder.0.weight`
  Rule<T> rule;      ///< the rule of the group, with its options
};

/// Multiplies the rate of the parameters that a path matches, as a Group's path does; those of the first one count.
struct RateFactor {
  std::string path;   ///< such as `body`; the empty path matches all parameters
  double factor = 1;  ///< a positive number
};

/// Layer-wise decay of the rate (Howard and Ruder 2018, discriminative fine-tuning): factor 1 for the last of these
/// paths, ordered from the input to the output, and `decay` times its successor's for each other. Throws ValueError
/// unless `decay` is a positive number.
std::vector<RateFactor> layerwise_decay(const std::vector<std::string>& paths, double decay,
                                        const Location& where = Location::current());

/// Options of an Optimizer besides its rule.
template <class T>
struct OptimizerOptions {
  std::vector<Group<T>> groups = {};          ///< parameters with their own rules
  std::vector<RateFactor> rate_factors = {};  ///< parameters with a multiple of their rule's rate
  /// Limits every element of a gradient to [−clip_value, clip_value], before clip_norm.
  double clip_value = std::numeric_limits<double>::infinity();
  /// Limits the Euclidean norm of all gradients together, of all groups.
  double clip_norm = std::numeric_limits<double>::infinity();
  /// Averages the weights after each step: `optim::EMA{}` or `optim::SWA{}`.
  Average average = {};
};

/// Applies an update rule to the parameters of a network and owns the rule's state.
///
/// The rate of a parameter is the optimiser's, times the ratio of its group's rate to that of the optimiser's rule,
/// times its rate factor. The optimiser's rate is that of its rule, until `set_rate` or a schedule replaces it.
///
/// The rate, the number of steps and the state of the rule are untrainable Parameters, so a Program sees every change.
/// Copies share them. A step changes neither the parameters that are frozen when it is recorded (`trainable()` is
/// false) nor their state; after freezing or unfreezing, a Program must be recorded again. Each parameter counts its
/// own steps, so one that is unfrozen late starts as with a new optimiser. A Buffer of the struct is among
/// `parameters()`, but is never trained and has no state.
template <class T>
class Optimizer : public AnyOptimizer<T> {
 public:
  /// For all Parameters of a struct, a vector of them, or a single one. Throws ValueError if there are none, if an
  /// option is out of range, or if the path of a group or rate factor matches no parameter other than those of earlier
  /// ones.
  template <class Module>
  Optimizer(const Module& module, std::type_identity_t<Rule<T>> rule,
            std::type_identity_t<OptimizerOptions<T>> options = {}, const Location& where = Location::current())
      : Optimizer(named_parameters(module), wengert::detail::parameter_paths(module),
                  wengert::detail::buffers_of<T>(module), std::move(rule), options, where) {}
  /// For these parameters. Throws likewise; ValueError also if a parameter or a path occurs twice.
  Optimizer(std::vector<NamedParameter<T>> parameters, Rule<T> rule, OptimizerOptions<T> options = {},
            const Location& where = Location::current());

  // No move operations: a moved-from optimiser would train nothing.
  /// A copy shares the state.
  ///@{
  Optimizer(const Optimizer&) = default;
  Optimizer& operator=(const Optimizer&) = default;
  ///@}

  /// Queues a step on the tape of `loss`, computed from its gradients with respect to the trainable parameters.
  ///
  /// A parameter that the loss does not depend on has a zero gradient. Throws GradientError unless the loss has size 1;
  /// ValueError if a step of this optimiser is already queued, if the network holds its averages (also when a Program
  /// replays the step), if there is nothing to train because all parameters are
  /// frozen or belong to another network, and if the loss depends on trainable parameters that are neither written by a
  /// queued update nor known to any optimiser, such as those in a member with a constructor. Then nothing is recorded
  /// or queued. `update(gradients(loss))` skips the last two checks.
  void update(Var<T> loss, const Location& where = Location::current());
  /// Queues a step computed from these gradients, one for each of `trainable()`, in order. Throws ShapeError if their
  /// number or a shape differs, HandleError if they are on different tapes, ValueError if a step is already queued or
  /// all parameters are frozen.
  void update(std::vector<Var<T>> gradients, const Location& where = Location::current());

  /// The rule of all parameters that are in no group, as passed to the constructor.
  const Rule<T>& rule() const { return rules_.front(); }
  /// The groups, as passed to the constructor.
  std::vector<Group<T>> groups() const;
  /// The factor of the rate of each parameter that has one, by path.
  const std::vector<RateFactor>& rate_factors() const { return rate_factors_; }
  /// The limit on every element of a gradient; infinite if there is none.
  double clip_value() const { return clip_value_; }
  /// The limit on the global norm of the gradients; infinite if there is none.
  double clip_norm() const { return clip_norm_; }

  /// The option.
  const Average& average() const { return average_; }
  /// Whether the weights of at least one step were averaged.
  bool has_average() const;
  /// Whether the network holds the averages.
  bool average_swapped() const { return swapped_ && *swapped_->value().data() != T(0); }
  /// Exchanges the network's weights and their averages: once to evaluate or to save the averages, and again before the
  /// next step. Parameters that were frozen all the time, and Buffers such as BatchNorm's statistics, stay as they are.
  /// Throws ValueError unless `has_average()`, HandleError while a Program is being recorded.
  void swap_average(const Location& where = Location::current());

  /// The kind and the options except the rate: `optimizer`, `optimizer.beta1`, `clip_norm`, …
  std::vector<std::pair<std::string, std::string>> settings() const override;
  /// `rate`, `step`, and for each parameter the state of the rule and its number of steps, such as
  /// `encoder.0.weight.exp_avg` and `encoder.0.weight.step`; with an average, also `encoder.0.weight.average` and the
  /// number of steps that it contains, `encoder.0.weight.averaged`, and whether the two are `swapped`. Writing to these
  /// handles changes the state.
  std::vector<NamedParameter<T>> state() const override;

 private:
  struct Trained {
    NamedParameter<T> named;
    std::size_t rule;                                     // its index in rules_
    double factor;                                        // its rate factor
    Parameter<T> step;                                    // the number of its steps
    std::vector<std::optional<NamedParameter<T>>> state;  // in the order of the rule's state; unused parts are empty
    std::optional<Parameter<T>> average, averaged;        // of its values, and of how many
  };

  // `paths` are all paths of the parameters; shared parameters have several.
  Optimizer(std::vector<NamedParameter<T>> parameters, std::vector<NamedParameter<T>> paths,
            const std::vector<Parameter<T>>& buffers, Rule<T> rule, const OptimizerOptions<T>& options,
            const Location& where);
  std::string why_rate_is_unused() const override;
  void start(Trained& trained);
  double ratio_of(const Trained& trained) const;
  std::vector<const Trained*> active() const;
  std::vector<std::pair<Parameter<T>, Var<T>>> counts(Tape<T>& tape, const std::vector<const Trained*>& trained,
                                                      const Location& where) const;
  void queue(Tape<T>& tape, std::vector<Var<T>> gradients, const Location& where);
  void require_not_swapped(const Location& where) const;
  void assign_state(const detail::NamedValues<T>& parts, const Location& where) override;

  std::vector<Rule<T>> rules_;            // the optimiser's, then those of the groups
  std::vector<std::string> group_paths_;  // in the same order
  std::vector<RateFactor> rate_factors_;
  std::vector<Trained> slots_;  // one for each of trained_
  double clip_value_, clip_norm_;
  Average average_;
  std::optional<Parameter<T>> swapped_;  // 1 if the network holds the averages; empty without average
};

/// Puts the averages of an optimiser into its network for as long as it exists, if it has any: to evaluate or to save
/// the network.
template <class T>
class AverageScope {
 public:
  /// Swaps them in. Without averages, changes nothing.
  explicit AverageScope(Optimizer<T>& optimizer, const Location& where = Location::current())
      : optimizer_(optimizer), swap_(optimizer.has_average() && !optimizer.average_swapped()) {
    if (swap_) optimizer_.swap_average(where);
  }
  ~AverageScope() {
    if (swap_ && optimizer_.average_swapped()) optimizer_.swap_average();
  }
  AverageScope(const AverageScope&) = delete;
  AverageScope& operator=(const AverageScope&) = delete;

 private:
  Optimizer<T>& optimizer_;
  bool swap_;
};

extern template class Optimizer<float>;
extern template class Optimizer<double>;

}  // namespace wengert::optim
