// The part of the vjp of elementwise ops that does not depend on the formula.
#include <wengert/formula/elementwise.hpp>

#include <array>
#include <cstddef>
#include <span>

namespace wengert::detail {

// Storage for an op's inputs, left uninitialised: clearing it takes as long as recording an op.
template <class T>
class VarBuffer {
 public:
  VarBuffer() {}  // NOLINT(modernize-use-equals-default): it would clear the storage
  Var<T>& operator[](std::size_t i) { return room_.vars[i]; }
  std::span<const Var<T>> first(std::size_t count) const { return {room_.vars, count}; }

 private:
  union Room {
    Room() {}  // NOLINT
    Var<T> vars[Loops::max_values];
  } room_;
};

template <class T>
void record_pullbacks(Pullback<T>& pullback, std::span<const Op<T>* const> ops, bool reads_output) {
  const std::size_t arity = ops.size();
  VarBuffer<T> operands;
  std::size_t count = 0;
  for (; count < arity; ++count) operands[count] = pullback.input(count);
  if (reads_output) operands[count++] = pullback.output();
  operands[count++] = pullback.cotangent();
  const auto* parameters = static_cast<const double*>(pullback.node().attributes);
  for (std::size_t i = 0; i < arity; ++i)
    if (pullback.needs(i))
      pullback.pass(i, pullback.tape().record(*ops[i], parameters, ops[i]->parameters * sizeof(double),
                                              operands.first(count), pullback.node().where));
}

template <class T>
void pass_cotangent(Pullback<T>& pullback, std::span<const int> signs) {
  for (std::size_t i = 0; i < signs.size(); ++i)
    if (pullback.needs(i))
      pullback.pass(i, signs[i] > 0 ? pullback.cotangent() : EngineOps<T>::table.negate(pullback.cotangent()));
}

template <class T>
void record_second_pullback(Pullback<T>& pullback) {
  const Op<T>& op = *pullback.node().op;
  const std::size_t arity = pullback.arity(), parameters = op.parameters;
  std::array<Symbol, Loops::max_values> x;
  for (std::size_t i = 0; i < arity; ++i) x[i] = Symbol(pullback.input(i));
  const auto* values = static_cast<const double*>(pullback.node().attributes);
  for (std::size_t i = 0; i < parameters; ++i) x[arity + i] = Symbol(pullback.tape(), values[i]);
  for (std::size_t i = 0; i < arity; ++i) {
    if (!pullback.needs(i)) continue;
    const Symbol share = op.formula(x, i, Symbol(pullback.cotangent())).d;
    if (!share.is(0)) pullback.give(i, share.template var<T>());
  }
}

#define WENGERT_INSTANTIATE(T)                                                          \
  template void record_pullbacks<T>(Pullback<T>&, std::span<const Op<T>* const>, bool); \
  template void pass_cotangent<T>(Pullback<T>&, std::span<const int>);                  \
  template void record_second_pullback<T>(Pullback<T>&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::detail
