// Operands that kernels read according to `Op<T>::reads`: others affect no result, and none is included needlessly.
#include "testing.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

// Formulas with terms that are constant or vanish for equal parameters.
inline constexpr auto two_slopes =
    elementwise<"test_two_slopes", params<2>>([](auto x, auto a, auto b) { return where(x > 0, a * x, b * x); });
inline constexpr auto vanishing = elementwise<"test_vanishing", params<3>>(
    [](auto x, auto y, auto a, auto b, auto c) { return x * (a - b) + y * x * (b - c) + (a - b) * y * y; });
inline constexpr auto ratio_of_slopes = elementwise<"test_ratio_of_slopes", params<2>>(
    [](auto x, auto y, auto a, auto b) { return exp(x * (a / b - 1)) + log(y) * (a - b) / a; }, input_domain([] {
      return Domain{0.3, 1.5};
    }));
inline constexpr auto steps =
    elementwise<"test_steps", params<4>>([](auto x, auto y, auto z, auto a, auto b, auto c, auto d) {
      return where(x < y, a * x * x + b * y, where(y < z, c * y * z, d * z));
    });
inline constexpr auto nested = elementwise<"test_nested_slopes", params<2>>([](auto x, auto y, auto a, auto b) {
  return two_slopes(x * y, a, b) - two_slopes(x * y, b, a) + steps(x, y, 1, a, b, b, a);
});
inline constexpr auto given = elementwise<"test_given_slopes", params<2>>(
    [](auto x, auto y, auto a, auto b) { return a * x * y - b * x * y; },
    derivative([](auto, auto y, auto a, auto b, auto) { return a * y - b * y; },
               [](auto x, auto, auto a, auto b, auto) { return a * x - b * x; }));
// A formula that is no constant expression, so that its reads cannot be determined at compile time.
double at_run_time() { return 0.5; }
inline constexpr auto opaque = elementwise<"test_opaque">([](auto x, auto y) { return x * at_run_time() + 0 * y; });

template <class Op, std::size_t input>
constexpr std::uint32_t read_by_pullback = PullbackTable<double, Op, input>::table.reads;
template <class Op>
std::uint32_t read_by() {
  return ElementwiseTable<double, Op>::table.reads;
}
#define TYPE(op) std::remove_const_t<decltype(op)>

// Returns the result of an op.
template <class T>
Tensor<T> applied(const Op<T>& op, const std::vector<double>& parameters, const std::vector<Tensor<T>>& operands) {
  Tape<T> tape;
  std::vector<Var<T>> x;
  for (const Tensor<T>& operand : operands) x.push_back(tape.constant(operand));
  return tape.record(op, parameters.data(), op.parameters * sizeof(double), x, Location::current()).value();
}

// Returns whether a kernel's result is the same for all values of the operands that it does not read.
template <class T>
bool is_sound(const Op<T>& op, const std::vector<double>& parameters, std::size_t arity, Domain domain) {
  std::vector<Tensor<T>> operands;
  for (std::size_t i = 0; i < arity; ++i)
    operands.push_back(random_tensor<T>({4}, static_cast<unsigned>(i), domain.low, domain.high));
  const Tensor<T> expected = applied(op, parameters, operands);
  for (std::size_t i = 0; i < arity; ++i) {
    if ((op.reads >> i & 1) != 0) continue;
    for (const double value : {0.5, -3.0, 1e30, std::numeric_limits<double>::quiet_NaN()}) {
      std::vector<Tensor<T>> changed = operands;
      changed[i].fill(static_cast<T>(value));
      const Tensor<T> got = applied(op, parameters, changed);
      if (std::memcmp(got.data(), expected.data(), got.size() * sizeof(T)) != 0) return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("a derivative reads what its formula does, for any parameters") {
  CHECK(read_by<TYPE(two_slopes)>() == 0b1);
  static_assert(read_by_pullback<TYPE(two_slopes), 0> == 0b11);  // bits: x, cotangent
  static_assert(read_by_pullback<TYPE(vanishing), 0> == 0b110);  // bits: x, y, cotangent
  static_assert(read_by_pullback<TYPE(vanishing), 1> == 0b111);
  static_assert(read_by_pullback<TYPE(ratio_of_slopes), 0> == 0b101);
  static_assert(read_by_pullback<TYPE(ratio_of_slopes), 1> == 0b110);
  static_assert(read_by_pullback<TYPE(steps), 2> == 0b1111);  // bits: x, y, z, cotangent
  static_assert(read_by_pullback<TYPE(nested), 1> == 0b111);
  static_assert(read_by_pullback<TYPE(given), 0> == 0b1010);  // bits: x, y, output, cotangent
  static_assert(read_by_pullback<TYPE(given), 1> == 0b1001);
  CHECK(read_by<TYPE(opaque)>() == 0b11);
  static_assert(read_by_pullback<TYPE(opaque), 0> == 0b111);
}

TEST_CASE("the library's derivatives let go of what they do not read") {
  static_assert(read_by_pullback<TYPE(ops::exp), 0> == 0b110);  // bits: x, output, cotangent
  static_assert(read_by_pullback<TYPE(ops::tanh), 0> == 0b110);
  static_assert(read_by_pullback<TYPE(ops::sigmoid), 0> == 0b110);
  static_assert(read_by_pullback<TYPE(ops::softplus_slope), 0> == 0b111);
  static_assert(read_by_pullback<TYPE(ops::sqrt), 0> == 0b110);
  static_assert(read_by_pullback<TYPE(ops::sin), 0> == 0b101);
  static_assert(read_by_pullback<TYPE(ops::log), 0> == 0b101);
  CHECK(read_by<TYPE(ops::hypot)>() == 0b11);
  CHECK(read_by<TYPE(ops::exp)>() == 0b1);
}

TEST_CASE("no kernel of the registry, forward or backward, depends on what its op says it does not read") {
  std::size_t forward = 0, backward = 0, unread = 0;
  for (const OpRow& row : op_registry()) {
    if (row.table == nullptr) continue;
    CAPTURE(std::string(row.name));
    const auto set = row.parameters.first(row.table->parameters);
    const std::vector<double> parameters(set.begin(), set.end());
    CHECK(row.table->reads == row.table_in_float->reads);
    CHECK(is_sound(*row.table, parameters, row.arity, row.domain));
    CHECK(is_sound(*row.table_in_float, parameters, row.arity, row.domain));
    ++forward;
    // A gradient adds the pullbacks to the tape.
    Tape<double> tape;
    std::vector<Var<double>> x;
    for (std::size_t i = 0; i < row.arity; ++i)
      x.push_back(tape.variable(random_tensor({4}, static_cast<unsigned>(i), row.domain.low, row.domain.high)));
    const Var<double> y = row.example(std::vector<Shape>(row.arity, Shape{4}), parameters).apply(x);
    const std::size_t before = tape.size();
    grad<double>(seed(y, tape.constant(random_tensor({4}, 9))), x);
    for (std::size_t k = before; k < tape.size(); ++k) {
      const Op<double>* op = tape.node(k).op;
      if (op == nullptr || op->kernels[0] == nullptr || !op->name.ends_with(".vjp")) continue;
      CHECK(is_sound(*op, parameters, tape.inputs(k).size(), row.domain));
      ++backward;
      for (std::size_t i = 0; i < tape.inputs(k).size(); ++i) unread += (op->reads >> i & 1) == 0 ? 1 : 0;
    }
  }
  CHECK(forward > 90);
  CHECK(backward > 80);
  CHECK(unread > 70);
}

TEST_CASE("a formula of two slopes: a Program's gradient is the tape's") {
  const Tensor<double> x{-1, 2}, expected{-3, -0.1};
  const auto gradient = [](auto&, auto v) {
    auto [g] = grad(sum(-1.0 * two_slopes(v, 0.1, 3.0)), v);
    return g;
  };
  Tape<double> tape;
  CHECK(gradient(tape, tape.variable(x)).value() == expected);
  auto step = compiled<double>(gradient);
  for (int replay = 0; replay < 2; ++replay) CHECK(step(x).value() == expected);
}

namespace {

// The table of two_slopes with a fault: its gradient declares that it does not read x, so a pass drops x.
struct Forgetful {
  using E = TYPE(two_slopes);
  static inline const Op<double> pullback = [] {
    Op<double> op = PullbackTable<double, E, 0>::table;
    op.reads = 0b10;
    return op;
  }();
  static inline const Op<double> table = [] {
    Op<double> op = ElementwiseTable<double, E>::table;
    op.vjp = [](Pullback<double>& p) {
      const std::vector<Var<double>> operands{p.input(0), p.cotangent()};
      p.give(0, p.tape().record(pullback, p.node().attributes, pullback.attribute_size(p.node().attributes), operands,
                                p.node().where));
    };
    return op;
  }();
};

}  // namespace

TEST_CASE("gradcheck_op finds a derivative that forgets what it reads, and draws different parameters") {
  const auto row = std::ranges::find(op_registry(), "test_two_slopes", &OpRow::name);
  REQUIRE(row != op_registry().end());
  CHECK(gradcheck_op(*row));
  OpRow forgetful = *row;
  forgetful.table = &Forgetful::table;
  const OpReport report = gradcheck_op(forgetful, {.in_float = false});
  CHECK(!report);
  CHECK(contains(report.to_string(),
                 "a compiled Program, unfused, computes a different gradient of input 1 from the tape"));
  CHECK(row->any_parameters);
  CHECK(row->parameters[0] != row->parameters[1]);
  std::set<std::string> labels;
  for (std::uint64_t k = 0; k < 20; ++k) labels.insert(random_example(*row, k).label);
  CHECK(labels.size() >= 20);
}

TEST_CASE("user formulas with different parameters are replayed as they are recorded") {
  for (const char* name : {"test_two_slopes", "test_vanishing", "test_ratio_of_slopes", "test_steps",
                           "test_nested_slopes", "test_given_slopes", "test_opaque"}) {
    CAPTURE(name);
    const auto row = std::ranges::find(op_registry(), name, &OpRow::name);
    REQUIRE(row != op_registry().end());
    CHECK(gradcheck_op(*row, {.gradcheck = {.orders = 1, .mode = GradcheckMode::fast}, .in_float = false}));
  }
}
