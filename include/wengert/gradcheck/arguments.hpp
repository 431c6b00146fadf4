// Converts the arguments of `gradcheck` to values on a tape. Only gradcheck.hpp includes it.
#pragma once

#include <wengert/gradcheck/gradcheck.hpp>
#include <wengert/reflect/converted.hpp>
#include <wengert/reflect/parameters.hpp>
#include <wengert/transform/transforms.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert::detail {

template <class E>
concept WholeNumbers = std::derived_from<E, xt::xexpression<E>> && std::is_integral_v<typename E::value_type>;

// The scalar type of a struct of Parameters that is a template over it, or over the types of its members; else void.
template <class Module>
constexpr auto scalar_of_module() {
  if constexpr (kind_of<Module> == Kind::sequence)
    return scalar_of_module<typename Module::value_type>();
  else if constexpr (kind_of<Module> == Kind::aggregate &&
                     !std::is_same_v<typename Structure<Module>::Arguments, Types<>>)
    return std::type_identity<ModuleScalar<Module>>{};
  else
    return std::type_identity<void>{};
}

/// The inputs of a check, collected from the arguments.
struct CheckInputs {
  std::vector<Tensor<double>> values;
  std::vector<std::string> names;

  template <class Leaf>
  void add(const Leaf& leaf, const std::string& name) {
    if constexpr (is_parameter<Leaf>) {
      add(leaf.value(), name.empty() ? leaf.name() : name);
    } else {
      values.push_back(Tensor<double>(xt::cast<double>(leaf)));
      names.push_back(name);
    }
  }
};

// An argument of a check in scalar type T. The constructor takes the next input indices, one per input; `on` returns
// what the function is called with. The primary template is for a struct that is passed as it is and whose Parameters
// are inputs.
template <class T, class A>
class CheckArgument {
 public:
  using Scalar = typename decltype(scalar_of_module<A>())::type;
  static constexpr bool is_converted = !std::is_void_v<Scalar> && !std::is_same_v<Scalar, T>;

  CheckArgument(const A& module, std::size_t& next, std::vector<WatchedParameter<T>>& watched) : module_(module) {
    if constexpr (is_converted) converted_ = wengert::converted<T>(module);
    for_each_parameter(used(), [&]<class U>(const std::string&, const Parameter<U>& parameter) {
      static_assert(std::is_same_v<U, T>,
                    "wengert: a network is checked in double, and optionally in float, so its struct must be a "
                    "template over the scalar type: template <class T> struct Network { Parameter<T> w; }");
      if (parameter.trainable()) watched.push_back({next++, parameter});
    });
  }
  const auto& on(Tape<T>&, std::span<const Var<T>>) const { return used(); }
  static void collect(const A& module, const std::string& name, CheckInputs& inputs) {
    for_each_parameter(module, [&](const std::string& path, const auto& parameter) {
      if (parameter.trainable()) inputs.add(parameter, joined_path(name, path));
    });
  }

 private:
  const auto& used() const {
    if constexpr (is_converted)
      return *converted_;
    else
      return module_;
  }
  using Converted = decltype([] {
    if constexpr (is_converted)
      return std::type_identity<decltype(wengert::converted<T>(std::declval<const A&>()))>{};
    else
      return std::type_identity<int>{};
  }());
  const A& module_;
  std::optional<typename Converted::type> converted_;
};

// A tensor, a Parameter, or a tree of these: the function is called with Vars in their place.
template <class T, class A>
requires is_tree<A>
class CheckArgument<T, A> {
 public:
  using Scalar = typename ScalarOfTree<A>::type;

  CheckArgument(const A& tree, std::size_t& next, std::vector<WatchedParameter<T>>&) : tree_(tree), first_(next) {
    for_each_leaf(tree, [&](const auto&) { ++next; });
  }
  auto on(Tape<T>&, std::span<const Var<T>> x) const {
    return map_tree(tree_, [&, next = first_](const auto&) mutable { return x[next++]; });
  }
  static void collect(const A& tree, const std::string& name, CheckInputs& inputs) {
    for_each_named_leaf(tree, [&](const std::string& path, const auto& leaf) {
      inputs.add(leaf, path.empty() ? name : joined_path(name, path));
    });
  }

 private:
  const A& tree_;
  std::size_t first_;
};

template <class T, class A>
class CheckArgument<T, Fixed<A>> {
 public:
  using Scalar = typename ScalarOfTree<A>::type;

  CheckArgument(const Fixed<A>& argument, std::size_t&, std::vector<WatchedParameter<T>>&) : tree_(argument.tree) {}
  auto on(Tape<T>& tape, std::span<const Var<T>>) const {
    return map_tree(tree_, [&]<class Leaf>(const Leaf& leaf) {
      if constexpr (is_parameter<Leaf>)
        return tape.constant(Tensor<T>(xt::cast<T>(leaf.value())));
      else
        return tape.constant(Tensor<T>(xt::cast<T>(leaf)));
    });
  }
  static void collect(const Fixed<A>&, const std::string&, CheckInputs&) {}

 private:
  const A& tree_;
};

template <class T, WholeNumbers A>
class CheckArgument<T, A> {
 public:
  using Scalar = void;

  CheckArgument(const A& numbers, std::size_t&, std::vector<WatchedParameter<T>>&)
      : numbers_(xt::cast<std::int64_t>(numbers)) {}
  IndexVar<T> on(Tape<T>& tape, std::span<const Var<T>>) const { return tape.indices(numbers_); }
  static void collect(const A&, const std::string&, CheckInputs&) {}

 private:
  Indices numbers_;
};

template <class T, class A>
class CheckArgument<T, NamedInput<A>> : public CheckArgument<T, A> {
 public:
  CheckArgument(const NamedInput<A>& argument, std::size_t& next, std::vector<WatchedParameter<T>>& watched)
      : CheckArgument<T, A>(argument.value, next, watched) {}
  static void collect(const NamedInput<A>& argument, const std::string&, CheckInputs& inputs) {
    CheckArgument<T, A>::collect(argument.value, argument.name, inputs);
  }
};

// A function with its arguments, in scalar type T.
template <class T, class F, class... A>
class CheckedCall {
 public:
  CheckedCall(const F& f, const A&... arguments)
      : arguments_{CheckArgument<T, A>(arguments, next_, watched_)...}, function_(f, next_, watched_) {}

  CheckedFunction<T> checked() const {
    return {[this](std::span<const Var<T>> x) {
              Tape<T>& tape = x.front().tape();
              return std::apply(
                  [&](const auto&... argument) {
                    static_assert(
                        std::is_invocable_v<decltype(function_.on(tape, x)), decltype(argument.on(tape, x))...>,
                        "wengert: gradcheck calls the function with Vars of double, and optionally of float, in place "
                        "of tensors; declare its arguments as auto, or as Var<T> of a template");
                    return Var<T>(function_.on(tape, x)(argument.on(tape, x)...));
                  },
                  arguments_);
            },
            watched_};
  }

 private:
  std::size_t next_ = 0;
  std::vector<WatchedParameter<T>> watched_;
  std::tuple<CheckArgument<T, A>...> arguments_;
  CheckArgument<T, F> function_;
};

template <class A>
inline constexpr bool is_check_argument = !std::is_same_v<A, GradcheckOptions> && !std::is_same_v<A, AlsoInFloat>;

// One call of `gradcheck`.
template <class F, class... Arguments>
class GradcheckCall {
 public:
  GradcheckCall(const F& f, const Arguments&... arguments) : f_(f), arguments_(arguments...) {
    (take_options(arguments), ...);
    std::apply([&](const auto&... a) { (collect(a), ...); }, checked_arguments());
    CheckArgument<double, F>::collect(f, {}, inputs_);
    if (options_.names.empty()) options_.names = inputs_.names;
  }

  GradcheckReport run() const {
    return std::apply(
        [&]<class... A>(const A&... a) {
          const CheckedCall<double, F, A...> in_double(f_, a...);
          if constexpr (in_float<A...>) {
            const CheckedCall<float, F, A...> call(f_, a...);
            return run_gradcheck(in_double.checked(), inputs_.values, options_, call.checked());
          } else {
            return run_gradcheck(in_double.checked(), inputs_.values, options_, {});
          }
        },
        checked_arguments());
  }

 private:
  template <class Scalar, class... A>
  static constexpr bool some_are = std::is_same_v<typename CheckArgument<double, F>::Scalar, Scalar> ||
                                   (std::is_same_v<typename CheckArgument<double, A>::Scalar, Scalar> || ...);
  template <class... A>
  static constexpr bool in_float = (std::is_same_v<Arguments, AlsoInFloat> || ...) ||
                                   (some_are<float, A...> && !some_are<double, A...>);

  void take_options(const GradcheckOptions& options) { options_ = options; }
  template <class A>
  void take_options(const A&) {}
  template <class A>
  void collect(const A& argument) {
    CheckArgument<double, A>::collect(argument, {}, inputs_);
  }
  // References to the arguments that are not options.
  auto checked_arguments() const {
    return std::apply(
        []<class... A>(const A&... a) {
          return std::tuple_cat([&] {
            if constexpr (is_check_argument<A>)
              return std::tuple<const A&>(a);
            else
              return std::tuple<>();
          }()...);
        },
        arguments_);
  }

  const F& f_;
  std::tuple<const Arguments&...> arguments_;
  GradcheckOptions options_;
  CheckInputs inputs_;
};

}  // namespace wengert::detail
