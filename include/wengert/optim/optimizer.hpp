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
// Without `compiled`, `tape.commit()` applies what was queued.
#pragma once

#include <wengert/optim/named_values.hpp>
#include <wengert/optim/rule.hpp>
#include <wengert/parameters.hpp>
#include <wengert/tape.hpp>

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

/// Parameters with a rule of their own, which carries their options: their rate, their weight decay, …
///
/// A path stands for itself and all below it: `encoder.0` is also `encoder.0.weight`. One that begins with `*.` stands
/// for every path that ends in the rest: `*.bias`. A parameter belongs to the first group that names it, a shared one
/// by any of its paths. The rate keeps its ratio to the optimiser's, whatever a schedule makes of that.
template <class T>
struct Group {
  std::string path;  ///< such as `encoder.0.weight`
  Rule<T> rule;      ///< with the options of the group
};

/// What an Optimizer does besides its rule.
template <class T>
struct OptimizerOptions {
  std::vector<Group<T>> groups = {};  ///< parameters with options of their own
  /// Limits every element of a gradient to [−clip_value, clip_value], before clip_norm.
  double clip_value = std::numeric_limits<double>::infinity();
  /// Limits the Euclidean norm of all gradients together.
  double clip_norm = std::numeric_limits<double>::infinity();
};

/// An update rule applied to the parameters of a network, whose state it owns.
///
/// The rate, the number of steps and what the rule remembers are Parameters that are not trainable, so a Program
/// sees every change. Copies share them. Parameters that are frozen (`trainable()` false) when a step is recorded are
/// left alone, with their state; a Program must be recorded anew to see that change. Each parameter counts its own
/// steps, so one that is unfrozen late begins as with a new optimiser. A Buffer of the struct is listed among
/// `parameters()`, but never trained, and has no state.
template <class T>
class Optimizer {
 public:
  /// For all Parameters of a struct, a vector of them, or a single one. Throws ValueError if there are none, if an
  /// option is out of its range, or if a group's path names no parameter but those of groups before it.
  template <class Module>
  Optimizer(const Module& module, std::type_identity_t<Rule<T>> rule,
            std::type_identity_t<OptimizerOptions<T>> options = {}, const Location& where = Location::current())
      : Optimizer(named_parameters(module), all_paths(module), wengert::detail::buffers_of<T>(module), std::move(rule),
                  options, where) {}
  /// For these parameters. Errors as above, and if a parameter or a path occurs twice.
  Optimizer(std::vector<NamedParameter<T>> parameters, Rule<T> rule, OptimizerOptions<T> options = {},
            const Location& where = Location::current());

  // Copies only: one that was moved from would train nothing.
  /// A copy is the same optimiser.
  ///@{
  Optimizer(const Optimizer&) = default;
  Optimizer& operator=(const Optimizer&) = default;
  ///@}

  /// Queues a step down the gradients of `loss` by the trainable parameters, on the tape of `loss`.
  ///
  /// A parameter that the loss does not depend on has the gradient zero. Throws GradientError if the loss is not a
  /// scalar; ValueError if a step of this optimiser is queued already, if there is nothing to train, as all parameters
  /// are frozen or of another network, and if the loss depends on trainable parameters that no optimiser was made for
  /// and no queued update writes: in a member that has a constructor, for example, which no optimiser finds. Then
  /// nothing is recorded or queued. `update(gradients(loss))` asks nothing.
  void update(Var<T> loss, const Location& where = Location::current());
  /// Queues a step down these gradients, one for each of `trainable()`, in order. Throws ShapeError if their number or
  /// a shape differs, ValueError if all parameters are frozen.
  void update(std::vector<Var<T>> gradients, const Location& where = Location::current());
  /// The gradients of `loss` by the trainable parameters, in the order of `trainable()`, unclipped; recorded as nodes.
  std::vector<Var<T>> gradients(Var<T> loss, const Location& where = Location::current()) const;

  /// The rule of all parameters that are in no group, as it was given.
  const Rule<T>& rule() const { return rules_.front(); }
  /// The groups, as they were given.
  std::vector<Group<T>> groups() const;
  /// The limit of every element of a gradient; infinite if there is none.
  double clip_value() const { return clip_value_; }
  /// The limit of the norm of all gradients together; infinite if there is none.
  double clip_norm() const { return clip_norm_; }

  /// The learning rate.
  double rate() const { return static_cast<double>(*rate_.value().data()); }
  /// Sets the learning rate, also of Programs that were compiled. Throws ValueError if it is negative or not finite,
  /// and HandleError within a function that is recorded for a Program, which would set it once for all replays.
  void set_rate(double rate, const Location& where = Location::current());
  /// How many steps were taken.
  std::int64_t steps() const { return static_cast<std::int64_t>(*step_.value().data()); }

  /// The parameters with their paths, Buffers included.
  std::vector<NamedParameter<T>> parameters() const;
  /// Those that are not frozen at the moment.
  std::vector<NamedParameter<T>> trainable() const;
  /// All that a checkpoint must hold: `rate`, `step`, and of each parameter what the rule remembers and the steps it
  /// took, `encoder.0.weight.exp_avg`, `encoder.0.weight.step`. To read and to write: they are the state itself.
  std::vector<NamedParameter<T>> state() const;
  /// Sets the state from a range of NamedParameters, or of anything with `name` and `value`. Each part must occur once,
  /// in any order; throws ValueError or ShapeError otherwise, and has changed nothing then.
  template <class Range>
  void load_state(const Range& range, const Location& where = Location::current()) {
    assign_state(detail::named_values<T>(range), where);
  }

 private:
  struct Trained {
    NamedParameter<T> named;
    std::size_t rule;                                     // of rules_
    Parameter<T> step;                                    // how many it took
    std::vector<std::optional<NamedParameter<T>>> state;  // in the order of the rule's, which may lack a part
  };

  // `paths` are all that lead to the parameters; shared ones have several.
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

  std::vector<Rule<T>> rules_;            // the optimiser's, then the groups'
  std::vector<std::string> group_paths_;  // in the same order
  std::vector<NamedParameter<T>> parameters_;
  std::vector<Trained> trained_;                                     // all of them but buffers
  std::shared_ptr<const wengert::detail::OptimiserClaim<T>> claim_;  // on these
  double clip_value_, clip_norm_;
  Parameter<T> rate_, step_;
};

extern template class Optimizer<float>;
extern template class Optimizer<double>;

}  // namespace wengert::optim
