// The code that all op definitions share.
#include <wengert/elementwise.hpp>
#include <wengert/op.hpp>
#include <wengert/ops/shape.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace wengert {

// ---- the registry --------------------------------------------------------------------------------------------------

namespace {

std::vector<OpRow>& registry_rows() {
  static std::vector<OpRow> rows;
  return rows;
}

// An elementwise op as a function of its inputs.
template <class T>
auto applied(const Op<T>& op, std::vector<double> parameters) {
  return [&op, parameters = std::move(parameters)](std::span<const Var<T>> x) {
    std::vector<Operand<T>> operands;
    for (const Var<T>& v : x) operands.push_back(v);
    std::vector<const Operand<T>*> list;
    for (const Operand<T>& operand : operands) list.push_back(&operand);
    return detail::record_operands<T>(op, list, parameters);
  };
}

}  // namespace

const std::vector<OpRow>& op_registry() { return registry_rows(); }

bool register_op(const OpRow& row) {
  registry_rows().push_back(row);
  return true;
}

OpExample OpRow::example(std::vector<Shape> shapes, std::vector<double> values) const {
  return {std::string(name), std::move(shapes), std::vector<Domain>(arity, domain), applied(*table, values),
          applied(*table_in_float, values)};
}

std::vector<OpExample> OpRow::examples() const {
  if (own_examples != nullptr) return own_examples();
  std::vector<OpExample> result;
  if (table == nullptr) return result;
  const auto first_set = parameters.first(table->parameters);
  const auto add = [&](const std::vector<Shape>& shapes) {
    result.push_back(example(shapes, {first_set.begin(), first_set.end()}));
  };
  add(std::vector<Shape>(arity, Shape{3, 5}));
  add(std::vector<Shape>(arity, Shape{}));
  if (arity > 1) {  // each input broadcast along a row, a column, a whole plane
    const std::array<Shape, 4> partners{Shape{5}, Shape{3, 1}, Shape{}, Shape{2, 1, 5}};
    for (const Shape& partner : partners)
      for (std::size_t i = 0; i < arity; ++i) {
        std::vector<Shape> shapes(arity, Shape{3, 5});
        shapes[i] = partner;
        add(shapes);
      }
  }
  return result;
}

// ---- elementwise ops -----------------------------------------------------------------------------------------------

namespace detail {

// Storage for an op's inputs, left uninitialised: clearing it takes as long as recording an op.
template <class T>
class FewVars {
 public:
  FewVars() {}  // NOLINT(modernize-use-equals-default): it would clear the storage
  Var<T>& operator[](std::size_t i) { return room_.vars[i]; }
  std::span<const Var<T>> first(std::size_t count) const { return {room_.vars, count}; }

 private:
  union Room {
    Room() {}  // NOLINT
    Var<T> vars[Loops::max_values];
  } room_;
};

template <class T>
Var<T> record_operands(const Op<T>& op, std::span<const Operand<T>* const> operands,
                       std::span<const double> parameters) {
  for (const Operand<T>* operand : operands)
    if (const Var<T>& handle = operand->handle(); !handle.empty())
      return handle.tape(op.subject(), operand->where()).record(op, operands, parameters);
  throw HandleError(op.subject(),
                    "no operand is a Var that was recorded on a tape: record one with tape.variable or tape.constant",
                    operands.front()->where());
}

template <class T>
void record_pullbacks(Pullback<T>& pullback, std::span<const Op<T>* const> ops, bool reads_output) {
  const std::size_t arity = ops.size();
  FewVars<T> operands;
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
      pullback.pass(i, signs[i] > 0 ? pullback.cotangent() : negate(Operand<T>(pullback.cotangent())));
}

template <class T>
void give_symbol(Pullback<T>& pullback, std::size_t i, const Symbol<T>& share) {
  if (!share.is(0)) pullback.give(i, share.var());
}

#define WENGERT_INSTANTIATE(T)                                                                                   \
  template Var<T> record_operands<T>(const Op<T>&, std::span<const Operand<T>* const>, std::span<const double>); \
  template void record_pullbacks<T>(Pullback<T>&, std::span<const Op<T>* const>, bool);                          \
  template void pass_cotangent<T>(Pullback<T>&, std::span<const int>);                                           \
  template void give_symbol<T>(Pullback<T>&, std::size_t, const Symbol<T>&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace detail
}  // namespace wengert
