// Update rules: how a parameter changes, given the gradient of the loss. Each is one function of Vars.
//
// The same function runs wherever Vars do: recorded by an Optimizer at every step, compiled into a Program, or as part
// of a larger computation that is differentiated through the step (meta-learning). A custom rule:
//
//     struct SignDescent {
//       double rate = 0.01;
//       auto operator()(auto w, auto g, const auto& at) const { return w - at.rate * sign(g); }
//     };
//
// A stateful rule declares a struct template `State` of Vs, initialises it in `start`, and updates it:
//
//     struct Heavy {
//       double rate = 0.01, friction = 0.1;
//       template <class V> struct State { V velocity; };
//       template <class T> State<wg::Var<T>> start(wg::Var<T> w) const { return {optim::zeros_like(w)}; }
//       template <class T>
//       wg::Var<T> operator()(wg::Var<T> w, wg::Var<T> g, State<wg::Var<T>>& state, const optim::Progress<T>& at) const
//       {
//         state.velocity = (1 - friction) * state.velocity - at.rate * g;
//         return w + state.velocity;
//       }
//     };
#pragma once

#include <wengert/base/members.hpp>
#include <wengert/reflect/parameters.hpp>
#include <wengert/tape/tape.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert::optim {

/// The arguments of a rule besides a parameter and its gradient.
template <class T>
struct Progress {
  Var<T> rate;  ///< the learning rate, of shape ()
  Var<T> step;  ///< the number of this step, counting from 1, of shape ()
};

/// Zeros of the shape of `x`; a view, which allocates no memory.
template <class T>
Var<T> zeros_like(Var<T> x, Location where = Location::current());

namespace detail {

/// The type-erased interface of a rule.
template <class T>
struct AnyRule {
  virtual ~AnyRule() = default;
  virtual std::string name() const = 0;
  virtual std::vector<std::pair<std::string, double>> options() const = 0;
  virtual double rate() const = 0;
  virtual bool rate_is_initial() const = 0;
  virtual std::vector<std::pair<std::string, Var<T>>> start(Var<T> w) const = 0;
  virtual Var<T> next(Var<T> w, Var<T> g, std::span<Var<T>> state, const Progress<T>& at) const = 0;
};

template <class R, class T>
concept Stateless = requires(const R& rule, Var<T> w, const Progress<T>& at) {
  { rule(w, w, at) } -> std::same_as<Var<T>>;
};
template <class R, class T>
concept Stateful = requires(const R& rule, Var<T> w, typename R::template State<Var<T>>& state, const Progress<T>& at) {
  { rule.start(w) } -> std::same_as<typename R::template State<Var<T>>>;
  { rule(w, w, state, at) } -> std::same_as<Var<T>>;
};

/// The name of a type without scopes and template arguments, parsed from a `__PRETTY_FUNCTION__` with template argument
/// R.
std::string rule_name(std::string_view spelled);
template <class R>
std::string rule_name() {
  return rule_name(__PRETTY_FUNCTION__);
}

// Values that convert to any arithmetic type, or to any base class of R: probes for the initialisers that R accepts.
struct AnyNumber {
  template <class X>
  requires std::is_arithmetic_v<X>
  operator X() const;  // NOLINT(google-explicit-constructor)
};
template <class R>
struct AnyBase {
  template <class X>
  requires(std::is_base_of_v<X, R> && !std::is_same_v<X, R>) operator X() const;  // NOLINT(google-explicit-constructor)
};
template <class R, std::size_t... i>
constexpr bool takes_numbers(std::index_sequence<i...>) {
  return requires { R{(static_cast<void>(i), AnyNumber{})...}; };
}
// Whether a rule is a struct of numbers only; then its options can be listed.
template <class R>
constexpr bool is_of_numbers() {
  if constexpr (!std::is_aggregate_v<R> || std::is_empty_v<R>) {
    return false;
  } else {
    constexpr std::size_t count = wengert::detail::member_count<R>();
    return count > 0 && count <= wengert::detail::max_members && takes_numbers<R>(std::make_index_sequence<count>{}) &&
           !takes_numbers<R>(std::make_index_sequence<count + 1>{}) && !requires {
      R{AnyBase<R>{}};
    };
  }
}

template <class T, class R>
class RuleOf final : public AnyRule<T> {
 public:
  explicit RuleOf(R rule) : rule_(std::move(rule)) {}

  std::string name() const override { return rule_name<R>(); }
  std::vector<std::pair<std::string, double>> options() const override {
    std::vector<std::pair<std::string, double>> result;
    if constexpr (is_of_numbers<R>())
      for_each_part(rule_, [&]<class Part>(const std::string& member, const Part& part) {
        if constexpr (std::is_arithmetic_v<Part>) result.emplace_back(member, static_cast<double>(part));
      });
    else
      result.emplace_back("rate", rate());
    return result;
  }
  double rate() const override { return static_cast<double>(rule_.rate); }
  bool rate_is_initial() const override {
    if constexpr (requires { R::rate_is_initial; })
      return R::rate_is_initial;
    else
      return false;
  }
  std::vector<std::pair<std::string, Var<T>>> start(Var<T> w) const override {
    std::vector<std::pair<std::string, Var<T>>> parts;
    if constexpr (!Stateless<R, T>)
      for_each_named_leaf(rule_.start(w),
                          [&](const std::string& name, const Var<T>& part) { parts.emplace_back(name, part); });
    return parts;
  }
  Var<T> next(Var<T> w, Var<T> g, std::span<Var<T>> state, const Progress<T>& at) const override {
    if constexpr (Stateless<R, T>) {
      return rule_(w, g, at);
    } else {
      auto part = state.begin();
      auto typed = map_tree(typename R::template State<Var<T>>{}, [&](const Var<T>&) { return *part++; });
      const Var<T> result = rule_(w, g, typed, at);
      part = state.begin();
      for_each_leaf(typed, [&](const Var<T>& last) { *part++ = last; });
      return result;
    }
  }

 private:
  R rule_;
};

}  // namespace detail

/// Whether R is an update rule for parameters of T: it has a `rate`, and is called as the examples above show.
///
/// `State` holds the state of one parameter: `start` returns the initial state, and a call returns the parameter's next
/// value and updates the state. `check` throws ValueError if an option is out of range. A rule that reads the rate at a
/// parameter's first step only declares `static constexpr bool rate_is_initial = true`. In the formulas of the
/// library's rules, w is the parameter, g its gradient, t the number of the step, and
/// - η, `rate`, is the learning rate,
/// - β₁ and β₂, `beta1` and `beta2`, are the decay rates of moving averages,
/// - ε, `epsilon`, keeps the denominator away from zero,
/// - μ, `momentum`, is the fraction of the previous step that is carried over,
/// - λ, `weight_decay`, pulls each parameter towards zero: g ← g + λ·w precedes the formula, unless λ is part of it.
template <class R, class T>
concept UpdateRule = std::is_convertible_v<decltype(std::declval<const R&>().rate), double> &&
    (detail::Stateless<R, T> || detail::Stateful<R, T>);

/// A type-erased update rule. The constructor calls the rule's member `check(where)`, if it has one.
template <class T>
class Rule {
 public:
  /// From an update rule. Throws whatever its `check` throws.
  template <class R>
  requires UpdateRule<R, T> Rule(R rule, Location where = Location::current()) {  // NOLINT(google-explicit-constructor)
    if constexpr (requires { rule.check(where); }) rule.check(where);
    rule_ = std::make_shared<const detail::RuleOf<T, R>>(std::move(rule));
  }

  // No move operations: a moved-from rule would be empty.
  /// A copy shares the rule.
  ///@{
  Rule(const Rule&) = default;
  Rule& operator=(const Rule&) = default;
  ///@}

  /// The name of its type: `Adam`.
  std::string name() const { return rule_->name(); }
  /// Its options by name; a flag is 0 or 1. If the rule is not a struct of numbers only, just the rate.
  std::vector<std::pair<std::string, double>> options() const { return rule_->options(); }
  /// The learning rate it was constructed with.
  double rate() const { return rule_->rate(); }
  /// Whether the rule reads the rate at a parameter's first step only, so that setting it later changes nothing.
  bool rate_is_initial() const { return rule_->rate_is_initial(); }
  /// The initial state of a parameter, by name. Parts that only a disabled option needs are empty Vars.
  std::vector<std::pair<std::string, Var<T>>> start(Var<T> w) const { return rule_->start(w); }
  /// The parameter's next value; updates `state`.
  Var<T> operator()(Var<T> w, Var<T> g, std::span<Var<T>> state, const Progress<T>& at) const {
    return rule_->next(w, g, state, at);
  }

 private:
  std::shared_ptr<const detail::AnyRule<T>> rule_;
};

}  // namespace wengert::optim
