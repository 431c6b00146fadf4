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

#include <wengert/optim/named_values.hpp>
#include <wengert/optim/rule.hpp>
#include <wengert/reflect/parameters.hpp>
#include <wengert/tape/tape.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
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

/// Options of an Optimizer besides its rule.
template <class T>
struct OptimizerOptions {
  std::vector<Group<T>> groups = {};  ///< parameters with their own rules
  /// Limits every element of a gradient to [−clip_value, clip_value], before clip_norm.
  double clip_value = std::numeric_limits<double>::infinity();
  /// Limits the Euclidean norm of all gradients together.
  double clip_norm = std::numeric_limits<double>::infinity();
};

/// Applies an update rule to the parameters of a network and owns the rule's state.
///
/// The rate, the number of steps and the state of the rule are untrainable Parameters, so a Program sees every change.
/// Copies share them. A step changes neither the parameters that are frozen when it is recorded (`trainable()` is
/// false) nor their state; after freezing or unfreezing, a Program must be recorded again. Each parameter counts its
/// own steps, so one that is unfrozen late starts as with a new optimiser. A Buffer of the struct is among
/// `parameters()`, but is never trained and has no state.
template <class T>
class Optimizer {
 public:
  /// For all Parameters of a struct, a vector of them, or a single one. Throws ValueError if there are none, if an
  /// option is out of range, or if a group's path matches no parameter other than those of earlier groups.
  template <class Module>
  Optimizer(const Module& module, std::type_identity_t<Rule<T>> rule,
            std::type_identity_t<OptimizerOptions<T>> options = {}, const Location& where = Location::current())
      : Optimizer(named_parameters(module), all_paths(module), wengert::detail::buffers_of<T>(module), std::move(rule),
                  options, where) {}
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
  /// ValueError if a step of this optimiser is already queued, if there is nothing to train because all parameters are
  /// frozen or belong to another network, and if the loss depends on trainable parameters that are neither written by a
  /// queued update nor known to any optimiser, such as those in a member with a constructor. Then nothing is recorded
  /// or queued. `update(gradients(loss))` skips the last two checks.
  void update(Var<T> loss, const Location& where = Location::current());
  /// Queues a step computed from these gradients, one for each of `trainable()`, in order. Throws ShapeError if their
  /// number or a shape differs, HandleError if they are on different tapes, ValueError if a step is already queued or
  /// all parameters are frozen.
  void update(std::vector<Var<T>> gradients, const Location& where = Location::current());
  /// The gradients of `loss` with respect to the trainable parameters, in the order of `trainable()`, unclipped;
  /// recorded as nodes.
  std::vector<Var<T>> gradients(Var<T> loss, const Location& where = Location::current()) const;

  /// The rule of all parameters that are in no group, as passed to the constructor.
  const Rule<T>& rule() const { return rules_.front(); }
  /// The groups, as passed to the constructor.
  std::vector<Group<T>> groups() const;
  /// The limit on every element of a gradient; infinite if there is none.
  double clip_value() const { return clip_value_; }
  /// The limit on the global norm of the gradients; infinite if there is none.
  double clip_norm() const { return clip_norm_; }

  /// The learning rate.
  double rate() const { return static_cast<double>(*rate_.value().data()); }
  /// Sets the learning rate, including that of compiled Programs. Throws ValueError if it is negative or not finite,
  /// and HandleError while a Program is being recorded: it would be set once for all replays.
  void set_rate(double rate, const Location& where = Location::current());
  /// The number of steps taken.
  std::int64_t steps() const { return static_cast<std::int64_t>(*step_.value().data()); }

  /// The parameters with their paths, including Buffers.
  std::vector<NamedParameter<T>> parameters() const;
  /// The parameters that are currently trainable.
  std::vector<NamedParameter<T>> trainable() const;
  /// Everything a checkpoint must hold: `rate`, `step`, and for each parameter the state of the rule and its number of
  /// steps, such as `encoder.0.weight.exp_avg` and `encoder.0.weight.step`. Writing to these handles changes the state.
  std::vector<NamedParameter<T>> state() const;
  /// Sets the state from a range of NamedParameters, or of anything with `name` and `value`. Each part must occur once,
  /// in any order; otherwise throws ValueError or ShapeError and changes nothing.
  template <class Range>
  void load_state(const Range& range, const Location& where = Location::current()) {
    assign_state(detail::named_values<T>(range), where);
  }

 private:
  struct Trained {
    NamedParameter<T> named;
    std::size_t rule;                                     // its index in rules_
    Parameter<T> step;                                    // the number of its steps
    std::vector<std::optional<NamedParameter<T>>> state;  // in the order of the rule's state; unused parts are empty
  };

  // `paths` are all paths of the parameters; shared parameters have several.
  Optimizer(std::vector<NamedParameter<T>> parameters, std::vector<NamedParameter<T>> paths,
            const std::vector<Parameter<T>>& buffers, Rule<T> rule, const OptimizerOptions<T>& options,
            const Location& where);
  template <class Module>
  static std::vector<NamedParameter<T>> all_paths(const Module& module) {
    std::vector<NamedParameter<T>> result;
    for_each_named_leaf(module, [&]<class Leaf>(const std::string& path, const Leaf& leaf) {
      if constexpr (wengert::detail::is_parameter<Leaf>) result.push_back({path.empty() ? leaf.name() : path, leaf});
    });
    return result;
  }

  void require_members(std::size_t number, const std::vector<NamedParameter<T>>& paths,
                       const std::vector<Group<T>>& groups, const Location& where) const;
  void start(Trained& trained);
  double ratio_of(const Trained& trained) const;
  std::vector<const Trained*> active() const;
  std::vector<Var<T>> gradients_of(Var<T> loss, const Location& where) const;
  std::vector<std::pair<Parameter<T>, Var<T>>> counts(Tape<T>& tape, const std::vector<const Trained*>& trained,
                                                      const Location& where) const;
  void queue(Tape<T>& tape, std::vector<Var<T>> gradients, const Location& where);
  void assign_state(const detail::NamedValues<T>& parts, const Location& where);

  std::vector<Rule<T>> rules_;            // the optimiser's, then those of the groups
  std::vector<std::string> group_paths_;  // in the same order
  std::vector<NamedParameter<T>> parameters_;
  std::vector<Trained> trained_;                                     // parameters_ without buffers
  std::shared_ptr<const wengert::detail::OptimiserClaim<T>> claim_;  // on parameters_
  double clip_value_, clip_norm_;
  Parameter<T> rate_, step_;
};

extern template class Optimizer<float>;
extern template class Optimizer<double>;

}  // namespace wengert::optim
