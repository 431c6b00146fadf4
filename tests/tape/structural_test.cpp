// Structural ops defined as a user defines them: values, derivatives, index inputs, and errors.
#include "testing.hpp"

using namespace wengert;
using namespace wengert::testing;

namespace {

template <class T>
Var<T> cumulative_sum(Var<T> x, bool reverse = false, Location where = Location::current());

// Cumulative sums along the last axis.
struct CumulativeSum {
  static constexpr std::string_view name = "cumulative_sum";
  static constexpr std::string_view notation = "yᵢ = x₀ + … + xᵢ";
  static constexpr std::size_t arity = 1;
  bool reverse = false;

  Shape shape(const Shape& x) const {
    if (x.rank() == 0) throw ShapeError(name, "a scalar has no axis to sum along");
    return x;
  }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    const std::size_t n = x.shape().back();
    for (std::size_t row = 0; row * n < x.size(); ++row) {
      T total = 0;
      for (std::size_t k = 0; k < n; ++k) {
        const std::size_t i = row * n + (reverse ? n - 1 - k : k);
        y.data[i] = total += x.data[i];
      }
    }
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const {
    return cumulative_sum(g, !reverse);
  }
  static std::vector<StructuralExample<CumulativeSum>> examples() { return {{{}, {{2, 4}}}, {{true}, {{3}}}}; }
};

template <class T>
Var<T> cumulative_sum(Var<T> x, bool reverse, Location where) {
  return record(CumulativeSum{reverse}, where, x);
}

// An op of two inputs, the second of which has no gradient.
struct Weighted {
  static constexpr std::string_view name = "weighted";
  static constexpr std::string_view notation = "x · w, w held constant";
  static constexpr std::size_t arity = 2;
  Shape shape(const Shape& x, const Shape&) const { return x; }
  template <class T>
  void forward(Value<const T> x, Value<const T> w, Value<T> y) const {
    for (std::size_t i = 0; i < x.size(); ++i) y.data[i] = x.data[i] * w.data[i];
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>, Var<T> w) const {
    return std::tuple([=] { return g * w; }, no_gradient);
  }
  static std::vector<StructuralExample<Weighted>> examples() { return {}; }
};

}  // namespace

TEST_CASE("a structural op of the user's own: values, derivatives, non-contiguous operands, errors") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{{1, 2, 3}, {4, 5, 6}});
  CHECK(cumulative_sum(x).value() == Tensor<double>{{1, 3, 6}, {4, 9, 15}});
  CHECK(cumulative_sum(x, true).value() == Tensor<double>{{6, 5, 3}, {15, 11, 6}});
  CHECK(cumulative_sum(transpose(x)).value() == Tensor<double>{{1, 5}, {2, 7}, {3, 9}});
  CHECK(gradcheck([](auto a) { return square(cumulative_sum(a)); }, random_tensor({3, 4}, 1)).ok());
  CHECK_ERROR(ShapeError, "[cumulative_sum] a scalar has no axis to sum along", cumulative_sum(tape.constant(1.0)));
  CHECK_ERROR(HandleError, "[cumulative_sum] operand 1 is an empty handle", cumulative_sum(Var<double>()));
}

TEST_CASE("it is in the registry with its examples") {
  const auto& rows = op_registry();
  const auto row = std::find_if(rows.begin(), rows.end(), [](const OpRow& r) { return r.name == "cumulative_sum"; });
  REQUIRE(row != rows.end());
  CHECK(row->examples().size() == 2);
  CHECK(row->notation == "yᵢ = x₀ + … + xᵢ");
}

TEST_CASE("an input without gradient gets zeros") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{1, 2}), w = tape.variable(Tensor<double>{3, 4});
  const Weighted op;
  const auto y =
      tape.record(StructuralTable<double, Weighted>::table, &op, sizeof(op), std::array{x, w}, Location::current());
  const auto [dx, dw] = grad(sum(y), x, w);
  CHECK(dx.value() == Tensor<double>{3, 4});
  CHECK(dw.value() == Tensor<double>{0, 0});
}

namespace {

template <class T>
Var<T> add_rows(Var<T> g, IndexVar<T> rows, std::size_t count);

// Rows of a matrix selected by position: the second input holds integers.
struct PickRows {
  static constexpr std::string_view name = "pick_rows";
  static constexpr std::string_view notation = "yᵢ = x at row kᵢ";
  static constexpr std::size_t arity = 2;
  static constexpr std::uint8_t index_inputs = 0b10;

  Shape shape(const Shape& x, const Shape& rows) const { return {rows[0], x[1]}; }
  template <class T>
  void forward(Value<const T> x, Value<const std::int64_t> rows, Value<T> y) const {
    for (std::size_t i = 0; i < y.size(); ++i)
      y.data[i] = x.data[static_cast<std::size_t>(rows.data[i / x.shape()[1]]) * x.shape()[1] + i % x.shape()[1]];
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> x, IndexVar<T> rows) const {
    return std::tuple([=] { return add_rows(g, rows, x.shape()[0]); }, no_gradient);
  }
  static std::vector<StructuralExample<PickRows>> examples() { return {{{}, {{4, 3}}, {}, {{2, 0, 2, 2, 1}}}}; }
};

// The reverse of PickRows: adds rows at positions.
struct AddRows {
  static constexpr std::string_view name = "add_rows";
  static constexpr std::string_view notation = "y at row kᵢ += xᵢ";
  static constexpr std::size_t arity = 2;
  static constexpr std::uint8_t index_inputs = 0b10;
  std::size_t count = 0;

  Shape shape(const Shape& x, const Shape&) const { return {count, x[1]}; }
  template <class T>
  void forward(Value<const T> x, Value<const std::int64_t> rows, Value<T> y) const {
    std::fill_n(y.data, y.size(), T(0));
    for (std::size_t i = 0; i < x.size(); ++i)
      y.data[static_cast<std::size_t>(rows.data[i / x.shape()[1]]) * x.shape()[1] + i % x.shape()[1]] += x.data[i];
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>, IndexVar<T> rows) const {
    return std::tuple([=] { return record(PickRows{}, Location::current(), g, rows); }, no_gradient);
  }
  static std::vector<StructuralExample<AddRows>> examples() { return {{{4}, {{5, 3}}, {}, {{2, 0, 2, 2, 1}}}}; }
};

template <class T>
Var<T> add_rows(Var<T> g, IndexVar<T> rows, std::size_t count) {
  return record(AddRows{count}, Location::current(), g, rows);
}

// The position of the largest element: the result holds integers.
struct Largest {
  static constexpr std::string_view name = "largest";
  static constexpr std::string_view notation = "k with xₖ = max x";
  static constexpr std::size_t arity = 1;
  static constexpr bool index_output = true;
  Shape shape(const Shape&) const { return {1}; }
  template <class T>
  void forward(Value<const T> x, Value<std::int64_t> k) const {
    k.data[0] = std::max_element(x.data, x.data + x.size()) - x.data;
  }
  static std::vector<StructuralExample<Largest>> examples() { return {}; }
};

}  // namespace

TEST_CASE_TEMPLATE("ops with integer inputs and integer results", T, float, double) {
  Tape<T> tape;
  const auto x = tape.variable(Tensor<T>{{1, 2}, {3, 4}, {5, 6}});
  const IndexVar<T> rows = tape.indices({2, 0, 2});
  CHECK(rows.shape() == Shape{3});
  CHECK(rows.value() == Indices{2, 0, 2});
  const auto y = record(PickRows{}, Location::current(), x, rows);
  CHECK(y.value() == Tensor<T>{{5, 6}, {1, 2}, {5, 6}});
  CHECK(grad(sum(y), x)[0].value() == Tensor<T>{{1, 1}, {0, 0}, {2, 2}});
  const auto column = tape.variable(Tensor<T>{3, 9, 4});
  const IndexVar<T> k = record(Largest{}, Location::current(), column);
  CHECK(k.item() == 1);
  CHECK(grad(sum(record(PickRows{}, Location::current(), x, k) * 2), x, column)[1].value() == Tensor<T>{0, 0, 0});
  const auto mark = tape.mark();
  const auto late = tape.indices({1});
  tape.rewind(mark);
  CHECK_ERROR(HandleError, "stale", record(PickRows{}, Location::current(), x, late));
}

namespace {

// The example of structural.hpp.
template <class T>
Var<T> reversed(Var<T> x, Location where = Location::current());

struct Reversed {
  static constexpr std::string_view name = "reversed";
  static constexpr std::string_view notation = "yᵢ = xₙ₋₁₋ᵢ";
  static constexpr std::size_t arity = 1;
  Shape shape(const Shape& x) const { return x; }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    std::reverse_copy(x.data, x.data + x.size(), y.data);
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const {
    return reversed(g);
  }
  static std::vector<StructuralExample<Reversed>> examples() { return {{{}, {{5}}}}; }
};
template <class T>
Var<T> reversed(Var<T> x, Location where) {
  return record(Reversed{}, where, x);
}

// An op whose vjp rewinds the tape, which must be rejected.
struct Rewinding : Reversed {
  static constexpr std::string_view name = "rewinding";
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const {
    g.tape().clear();
    return g;
  }
  static std::vector<StructuralExample<Rewinding>> examples() { return {}; }
  static constexpr bool differentiable = false;
};

}  // namespace

TEST_CASE("the example of structural.hpp works") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{1, 2, 3});
  CHECK(reversed(x).value() == Tensor<double>{3, 2, 1});
  CHECK(gradcheck([](auto v) { return reversed(v) * v; }, random_tensor({5}, 1)).ok());
}

TEST_CASE("a tape cannot be rewound behind a sweep that is under way") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{1, 2, 3});
  const auto y = sum(record(Rewinding{}, Location::current(), x));
  const auto size = tape.size();
  CHECK(contains(message_of<HandleError>([&] { grad(y, x); }), "cannot be rewound to before its start"));
  CHECK(contains(message_of<HandleError>([&] { gradients(y, x); }), "cannot be rewound to before its start"));
  CHECK(tape.size() == size);
  CHECK(y.item() == 6);
}

namespace {

// The scatter of Evens.
struct SpreadEvens {
  static constexpr std::string_view name = "spread_evens";
  static constexpr std::string_view notation = "y₂ᵢ = xᵢ, from zeros";
  static constexpr std::size_t arity = 1;
  std::size_t count = 0;

  Shape shape(const Shape&) const { return {count}; }
  template <class T>
  void add_to(Value<const T> x, Value<T> y) const {
    for (std::size_t i = 0; i < x.size(); ++i) y.data[2 * i] += x.data[i];
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const;
  static std::vector<StructuralExample<SpreadEvens>> examples() { return {{{5}, {{3}}}, {{4}, {{2}}}}; }
};

// The elements at even positions of a vector. With `surplus`, its cotangent is too long.
struct Evens {
  static constexpr std::string_view name = "evens";
  static constexpr std::string_view notation = "yᵢ = x₂ᵢ";
  static constexpr std::size_t arity = 1;
  std::size_t surplus = 0;

  Shape shape(const Shape& x) const { return {(x[0] + 1) / 2}; }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    for (std::size_t i = 0; i < y.size(); ++i) y.data[i] = x.data[2 * i];
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> x) const {
    return scattered(SpreadEvens{x.size() + surplus}, g);
  }
  static std::vector<StructuralExample<Evens>> examples() { return {{{}, {{5}}}, {{}, {{4}}}}; }
};

template <class T>
auto SpreadEvens::vjp(Var<T> g, Var<T>, Var<T>) const {
  return record(Evens{}, Location::current(), g);
}

}  // namespace

TEST_CASE_TEMPLATE("a user's scatter: cotangents of parts are added into one buffer", T, float, double) {
  Tape<T> tape;
  const auto x = tape.variable(Tensor<T>{1, 2, 3, 4, 5});
  const auto evens = [](Var<T> v, std::size_t surplus = 0) { return record(Evens{surplus}, Location::current(), v); };
  const std::size_t size = tape.size();
  const auto y = sum(square(evens(x))) + sum(evens(x) * 3) + sum(x) + sum(evens(evens(x)));
  const auto [g] = grad(y, x);
  CHECK(g.value() == Tensor<T>{2 + 3 + 1 + 1, 1, 6 + 3 + 1, 1, 10 + 3 + 1 + 1});
  std::size_t spread = 0;
  for (std::size_t k = size; k < tape.size(); ++k)
    if (tape.node(k).op != nullptr && tape.node(k).op->name == "spread_evens") ++spread;
  CHECK(spread == 1);  // of the inner one of evens(evens(x)); those of x are terms of a sum
  CHECK(std::get<0>(grad(sum(g * g), x)).value() == Tensor<T>{4 * 7, 0, 4 * 10, 0, 4 * 15});
  const auto surplus = evens(x, 1);
  CHECK(contains(message_of<ShapeError>([&] { grad(sum(surplus), x); }),
                 "[evens] vjp: the cotangent of input 1 has shape (6,), but the input has shape (5,)"));
}
