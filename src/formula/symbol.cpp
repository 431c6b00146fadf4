// Symbol: records arithmetic, comparisons and selections as nodes, and folds constants.
#include <wengert/formula/symbol.hpp>

#include <array>
#include <utility>

namespace wengert {

// The Var that `record` returns. Its argument, a zero of the tape's scalar type, only conveys that type.
template <class F>
Symbol Symbol::on_tape(const Symbol& like, const F& record) {
  return std::visit([&]<class T>(Tape<T>*) { return Symbol(record(T())); }, like.tape_);
}

Symbol lift(const Symbol& like, double c) {
  return std::visit([&](auto* tape) { return Symbol(*tape, c); }, like.tape_);
}

Symbol Symbol::record(const Op<float>& in_float, const Op<double>& in_double, std::span<const Symbol> x,
                      std::size_t arity) {
  std::array<double, Loops::max_values> parameters{};
  for (std::size_t i = arity; i < x.size(); ++i) parameters[i - arity] = x[i].constant().value();
  const std::span<const double> values(parameters.data(), x.size() - arity);
  return on_tape(x.front(), [&]<class T>(T) {
    const Op<T>* op = nullptr;
    if constexpr (std::is_same_v<T, float>)
      op = &in_float;
    else
      op = &in_double;
    const auto operands = [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::array<Operand<T>, sizeof...(I)>{(I < arity ? x[I].operand<T>() : Operand<T>(Var<T>()))...};
    }
    (std::make_index_sequence<Loops::max_values>{});
    std::array<const Operand<T>*, Loops::max_values> list{};
    for (std::size_t i = 0; i < arity; ++i) list[i] = &operands[i];
    return detail::record_operands<T>(*op, std::span(list).first(arity), values);
  });
}

#define WENGERT_RECORD(name, a, b) \
  Symbol::on_tape(a, [&]<class T>(T) { return EngineOps<T>::table.name((a).operand<T>(), (b).operand<T>()); })

Symbol operator+(const Symbol& a, const Symbol& b) {
  if (a.is(0)) return b;
  if (b.is(0)) return a;
  if (a.constant() && b.constant()) return lift(a, a.constant_ + b.constant_);
  return WENGERT_RECORD(add, a, b);
}

Symbol operator-(const Symbol& a) {
  if (a.constant()) return lift(a, -a.constant_);
  return Symbol::on_tape(a, [&]<class T>(T) { return EngineOps<T>::table.negate(a.operand<T>()); });
}

Symbol operator-(const Symbol& a, const Symbol& b) {
  if (b.is(0)) return a;
  if (a.is(0)) return -b;
  if (a.constant() && b.constant()) return lift(a, a.constant_ - b.constant_);
  return WENGERT_RECORD(subtract, a, b);
}

Symbol operator*(const Symbol& a, const Symbol& b) {
  if (a.is(0) || b.is(1)) return a;
  if (b.is(0) || a.is(1)) return b;
  if (a.constant() && b.constant()) return lift(a, a.constant_ * b.constant_);
  return WENGERT_RECORD(multiply, a, b);
}

Symbol operator/(const Symbol& a, const Symbol& b) {
  if (a.is(0) || b.is(1)) return a;
  if (a.constant() && b.constant()) return lift(a, a.constant_ / b.constant_);
  return WENGERT_RECORD(divide, a, b);
}
#undef WENGERT_RECORD

// Comparisons take Vars: an op of two scalars cannot be recorded.
#define WENGERT_COMPARISON(symbol, name)                                                                   \
  SymbolMask operator symbol(const Symbol& a, const Symbol& b) {                                           \
    return SymbolMask(                                                                                     \
        Symbol::on_tape(a, [&]<class T>(T) { return EngineOps<T>::table.name(a.var<T>(), b.var<T>()); })); \
  }
WENGERT_COMPARISON(<, less)
WENGERT_COMPARISON(<=, less_equal)
WENGERT_COMPARISON(==, equal)
#undef WENGERT_COMPARISON

Symbol where(const SymbolMask& mask, const Symbol& a, const Symbol& b) {
  if (a.constant() && a.constant() == b.constant()) return a;
  const Symbol ones = number_of(mask);
  return Symbol::on_tape(
      ones, [&]<class T>(T) { return EngineOps<T>::table.where(ones.operand<T>(), a.operand<T>(), b.operand<T>()); });
}

Symbol masked_product(const Symbol& g, const Symbol& slope) {
  if (g.constant() || slope.constant()) return slope.is(0) ? slope : g * slope;
  return Symbol::on_tape(
      g, [&]<class T>(T) { return EngineOps<T>::table.masked_product(g.operand<T>(), slope.operand<T>()); });
}

}  // namespace wengert
