// Op::formula: formulas and pullbacks evaluated on Symbols.
#pragma once

#include <wengert/formula/dual.hpp>
#include <wengert/formula/formula.hpp>
#include <wengert/formula/symbol.hpp>

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

namespace wengert::detail {

// Op::formula of a pullback. One instantiation serves both scalar types and every input: the tangents of the other
// inputs are the constant 0, which folds.
template <class Formula, std::size_t parameters>
struct PullbackOnSymbols {
  [[gnu::cold]] static Dual<Symbol> evaluate(std::span<const Symbol> x, std::size_t along, const Symbol& tangent) {
    return [&]<std::size_t... I, std::size_t... P>(std::index_sequence<I...>, std::index_sequence<P...>) {
      // As in the pullback itself: the cotangent is selected with the branch, not multiplied by 0.
      constexpr bool has_branches = branches<Formula>(std::make_index_sequence<Formula::arity + parameters>{});
      const Symbol zero = lift(tangent, 0), seed = has_branches ? tangent : lift(tangent, 1);
      const auto result =
          Formula{}(Dual<Symbol>{x[I], I == along ? seed : zero}..., parameter(x[Formula::arity + P], zero)...);
      if constexpr (!is_dual<std::remove_const_t<decltype(result)>>)
        return Dual<Symbol>{as_number(zero, result), zero};
      else
        return Dual<Symbol>{result.v, has_branches ? result.d : result.d * tangent};
    }
    (std::make_index_sequence<Formula::arity>{}, std::make_index_sequence<parameters>{});
  }

 private:
  // OwnPullback seeds a derivative itself, so all arguments must carry the outer one; otherwise the two perturbations
  // would be confused.
  static auto parameter(const Symbol& x, const Symbol& zero) {
    if constexpr (Formula::reads_output)
      return x;
    else
      return Dual<Symbol>{x, zero};
  }
};

// Op::formula of an op that is not a pullback.
template <class F, std::size_t arguments>
[[gnu::cold]] Dual<Symbol> evaluate_on_symbols(std::span<const Symbol> x, std::size_t, const Symbol& tangent) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) { return Dual<Symbol>{F{}(x[I]...), lift(tangent, 0)}; }
  (std::make_index_sequence<arguments>{});
}
template <class E>
constexpr decltype(Op<double>::formula) formula_on_symbols() {
  if constexpr (LaneFunction<typename E::Formula> || E::is_primitive)
    return nullptr;
  else
    return evaluate_on_symbols<typename E::Formula, E::arity + E::parameters>;
}

}  // namespace wengert::detail
