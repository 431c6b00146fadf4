// Branches that are not taken: their gradient is exactly 0 for every cotangent, on the tape and in a Program.
#include "testing.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

constexpr double no_number = std::numeric_limits<double>::quiet_NaN();

using Tensors = std::vector<Tensor<double>>;

// An example recorded on its own tape, with its cotangent and gradients.
struct Recorded {
  Recorded(const OpExample& example, const Tensors& values, double c) {
    for (const Tensor<double>& value : values) inputs.push_back(tape.variable(value));
    y = example.apply(inputs);
    if (tape.node(y, "test").holds_indices) return;
    auto filled = Tensor<double>::from_shape(xt::dynamic_shape<std::size_t>(y.shape()));
    filled.fill(c);
    cotangent = tape.variable(std::move(filled));
    gradients = grad<double>(seed(y, cotangent), inputs);
  }
  Tape<double> tape;
  std::vector<Var<double>> inputs, gradients;
  Var<double> y, cotangent;
};

bool same(const Tensor<double>& a, const Tensor<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

// Returns 1 for the elements of each input that lie on branches not taken: a small step does not change the value, and
// the gradient is 0 for a finite cotangent.
Tensors find_not_taken(const OpExample& example, const Tensors& values) {
  const Recorded plain(example, values, 1);
  Tensors result;
  for (std::size_t i = 0; i < plain.gradients.size(); ++i) {
    result.push_back(plain.gradients[i].value());
    for (std::size_t k = 0; k < values[i].size(); ++k) {
      double& element = result[i].data()[k];
      const bool zero = element == 0;
      element = 0;
      if (!zero) continue;
      element = 1;
      for (const double step : {-1e-4, 1e-4}) {
        Tensors moved = values;
        moved[i].data()[k] += step;
        Tape<double> tape;
        std::vector<Var<double>> x;
        for (const Tensor<double>& value : moved) x.push_back(tape.constant(value));
        if (!same(example.apply(x).value(), plain.y.value())) element = 0;
      }
    }
  }
  return result;
}

bool all_zero_where(const Tensor<double>& chosen, const Tensor<double>& gradient) {
  for (std::size_t k = 0; k < chosen.size(); ++k)
    if (chosen.data()[k] != 0 && gradient.data()[k] != 0) return false;
  return true;
}

// Returns whether an example of the op has a derivative that is 0 by cancellation or by a product with 0, not by a
// branch.
bool cancels(std::string_view op) {
  for (const char* name : {"standardise", "group_variance",  // a group of one element
                           "cofactor", "cofactor_gradient",  // of a 1×1 matrix
                           "conv3d",                         // a weight that meets only padding
                           "scaled_dot_product_attention",   // a query with a single visible key: tested below
                           "scatter"})                       // the replaced elements of x·x
    if (op == name) return true;
  return false;
}

// Returns the fault of one application, or an empty string.
std::string check_branches(const OpExample& example, const Tensors& values, const Tensors& not_taken) {
  for (const double c : {infinity, -infinity, no_number}) {
    const Recorded recorded(example, values, c);
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!all_zero_where(not_taken[i], recorded.gradients[i].value()))
        return fmt::format("the cotangent {} reaches input {}", c, i);
  }
  Recorded plain(example, values, 1);
  std::vector<Var<double>> inputs = plain.inputs;
  inputs.push_back(plain.cotangent);
  auto program = compile<double>(plain.tape, {inputs.begin(), inputs.end()},
                                 {plain.gradients.begin(), plain.gradients.end()}, {.allow_value_dependence = true});
  std::vector<ProgramInput<double>> fed(values.begin(), values.end());
  const Tensor<double> bad = plain.cotangent.value() * no_number;
  fed.emplace_back(bad);
  program.run(fed);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!all_zero_where(not_taken[i], program.value(i)))
      return fmt::format("in a Program, the cotangent NaN reaches input {}", i);
  // Gradients along branches not taken are constantly 0, so their own gradients are 0 as well.
  for (std::size_t i = 0; i < values.size(); ++i) {
    Tensor<double> along = not_taken[i];
    for (double& element : along) element = element != 0 ? no_number : 0;
    for (const Var<double>& second :
         grad<double>(seed(plain.gradients[i], plain.tape.constant(std::move(along))), inputs)) {
      const Tensor<double> value = second.value();
      if (!std::all_of(value.begin(), value.end(), [](double element) { return element == 0; }))
        return fmt::format("a gradient's cotangent reaches what it was taken of, from input {}", i);
    }
  }
  return {};
}

}  // namespace

TEST_CASE("whatever the cotangent, every op gives exactly 0 along branches that are not taken, orders 1 and 2") {
  std::map<std::string_view, std::size_t> met;
  for (const OpRow& row : op_registry()) {
    if (of_a_test(row) || !row.differentiable || cancels(row.name)) continue;
    std::vector<OpExample> examples = row.examples();
    for (std::uint64_t number = 0; number < 4; ++number) examples.push_back(random_example(row, number));
    for (std::size_t k = 0; k < examples.size(); ++k) {
      OpExample& example = examples[k];
      if (row.table != nullptr && row.domain.low == -2 && row.domain.high == 2)
        std::fill(example.domains.begin(), example.domains.end(), Domain{-7, 7});  // beyond all kinks
      const Tensors values = random_inputs(example, k);
      const Tensors not_taken = find_not_taken(example, values);
      double count = 0;
      for (const Tensor<double>& elements : not_taken)
        for (const double element : elements) count += element;
      if (count == 0) continue;
      met[row.name] += static_cast<std::size_t>(count);
      CAPTURE(example.label);
      CHECK(check_branches(example, values, not_taken) == "");
    }
  }
  for (const char* name :
       {"relu",          "relu6",   "hard_tanh",     "hard_sigmoid", "hard_swish", "prelu",
        "clip",          "maximum", "minimum",       "where",        "softshrink", "hardshrink",
        "amax",          "amin",    "max_pool2d",    "topk",         "take",       "triu",
        "masked_select", "dropout", "cross_entropy", "hinge_loss",   "ctc_loss",   "linear_recurrence"}) {
    CAPTURE(std::string(name));
    CHECK(met[name] > 0);
  }
  MESSAGE(met.size(), " ops have branches");
}

TEST_CASE("an infinite slope behind a branch that is not taken stays there") {
  const Tensor<double> X{-1, 2, 3}, none{0, 0, 0}, every{1, 1, 1};
  const auto gradient_of = [&](auto f) {
    Tape<double> tape;
    const auto x = tape.variable(X);
    return grad(sum(f(x)), x)[0].value()(0);
  };
  CHECK(gradient_of([](auto x) { return log(relu(x)); }) == 0);
  CHECK(gradient_of([](auto x) { return log(where(x > 0, x, 0)); }) == 0);
  CHECK(gradient_of([](auto x) { return log(maximum(x, 0)); }) == 0);
  CHECK(gradient_of([](auto x) { return reciprocal(clip(x, 0, 10)); }) == 0);
  CHECK(gradient_of([](auto x) { return log(relu6(x)); }) == 0);
  CHECK(gradient_of([](auto x) { return log(elu(x, 0)); }) == 0);
  CHECK(gradient_of([](auto x) { return log(pow(x, 0) - 1); }) == 0);
}

namespace {
// Branches in a formula and in an explicit derivative, as users write them.
constexpr auto own_kink =
    elementwise<"own_kink", params<1>>([](auto x, auto low, auto c) { return where(x < low, c, x * x); },
                                       example_parameters([] { return std::array{0.5}; }));
constexpr auto given_kink = elementwise<"given_kink">(
    [](auto x) { return where(x < 0, 0, x); }, derivative([](auto x, auto) { return where(x < 0, lift(x, 0), 1); }));
constexpr auto inside = elementwise<"kink_inside">([](auto x) { return 3 * given_kink(2 * x); });
}  // namespace

TEST_CASE("a user's formula chooses its cotangent with its branch, on the tape and in a Program") {
  const Tensor<double> X{-1, 2}, low{0, 0}, C{infinity, 1};
  Tape<double> tape;
  const auto x = tape.variable(X), c = tape.variable(C), l = tape.variable(low);
  const auto own = grad(seed(own_kink(x, l, 7), c), x)[0], given = grad(seed(given_kink(x), c), x)[0],
             within = grad(seed(inside(x), c), x)[0];
  const auto second = grad(seed(own, c), x)[0], second_given = grad(seed(given, c), c)[0];
  CHECK(own.value() == Tensor<double>{0, 4});
  CHECK(given.value() == Tensor<double>{0, 1});
  CHECK(within.value() == Tensor<double>{0, 6});
  CHECK(second.value() == Tensor<double>{0, 2});
  CHECK(second_given.value() == Tensor<double>{0, 1});
  auto program = compile<double>(tape, {x, c}, {own, given, within, second, second_given});
  const Tensor<double> X2{-2, 3}, C2{no_number, 5};
  program.run(std::vector<ProgramInput<double>>{X2, C2});
  CHECK(program.value(0) == Tensor<double>{0, 30});
  CHECK(program.value(1) == Tensor<double>{0, 5});
  CHECK(program.value(2) == Tensor<double>{0, 30});
  CHECK(program.value(3) == Tensor<double>{0, 50});
  CHECK(program.value(4) == Tensor<double>{0, 5});
}

namespace {
// (x + 1)² for x ≥ −2: the branch must not affect the derivative of its slope at −1, where the slope is 0.
constexpr auto given_parabola =
    elementwise<"given_parabola">([](auto x) { return where(x < -2, 1, (x + 1) * (x + 1)); },
                                  derivative([](auto x, auto) { return where(x < -2, 0, 2 * (x + 1)); }));
constexpr auto parabola_inside = elementwise<"parabola_inside">([](auto x) { return given_parabola(2 * x); });
}  // namespace

TEST_CASE("where a slope that chooses is 0, its own derivative is not") {
  const auto second_at = [](double at, auto f) {
    Tape<double> tape;
    const auto x = tape.variable(Tensor<double>{at});
    return grad(sum(grad(sum(f(x)), x)[0]), x)[0].value()(0);
  };
  CHECK(second_at(-1, [](auto x) { return given_parabola(x); }) == 2);
  CHECK(second_at(-3, [](auto x) { return given_parabola(x); }) == 0);
  CHECK(second_at(-0.5, [](auto x) { return parabola_inside(x); }) == 8);
  CHECK(second_at(0, [](auto x) { return pow(x, 2); }) == 2);
  CHECK(second_at(0, [](auto x) { return hypot(x, 2); }) == 0.5);
  CHECK(std::abs(second_at(-1.5, [](auto x) { return hard_swish(x); }) - 1.0 / 3) < 1e-15);
}

// PyTorch 1.13 gives the same values, except for maximum and minimum, whose gradient at NaN is 0 in this library.
TEST_CASE("gradients at a NaN are those of the conventions") {
  const auto at_nan = [](auto f) {
    Tape<double> tape;
    const auto x = tape.variable(Tensor<double>{no_number});
    return grad(sum(f(x)), x)[0].value()(0);
  };
  CHECK(at_nan([](auto x) { return relu(x); }) == 1);
  CHECK(at_nan([](auto x) { return relu6(x); }) == 1);
  CHECK(at_nan([](auto x) { return hard_tanh(x); }) == 1);
  CHECK(at_nan([](auto x) { return hardshrink(x); }) == 1);
  CHECK(at_nan([](auto x) { return leaky_relu(x, 0.25); }) == 0.25);
  CHECK(at_nan([](auto x) { return clip(x, -1, 1); }) == 0);
  CHECK(at_nan([](auto x) { return abs(x); }) == 0);
  CHECK(at_nan([](auto x) { return maximum(x, 0); }) == 0);
  CHECK(at_nan([](auto x) { return softshrink(x); }) == 0);
  CHECK(at_nan([](auto x) { return amax(x); }) == 0);
}

TEST_CASE_TEMPLATE("a NaN in a key or value that no query may see reaches no output and no gradient", T, float,
                   double) {
  const T bad = std::numeric_limits<T>::quiet_NaN();
  const Tensor<T> Q{{1, 2}, {3, -1}}, K{{1, 0}, {0, 1}, {bad, bad}}, V{{1, 2}, {3, 4}, {bad, bad}};
  const Tensor<T> mask{{1, 1, 0}, {1, 0, 0}};
  Tape<T> tape;
  const auto gradients_of = [&](const Tensor<T>& key, const Tensor<T>& value, const AttentionOptions<T>& options) {
    const auto q = tape.variable(Q), k = tape.variable(key), v = tape.variable(value);
    const auto y = scaled_dot_product_attention(q, k, v, options);
    const std::vector<Var<T>> inputs{q, k, v};
    auto g = grad<T>(sum(square(y)), inputs);
    const auto second = grad<T>(sum(square(g[0])) + sum(square(g[1])) + sum(square(g[2])), inputs);
    g.insert(g.end(), second.begin(), second.end());
    g.push_back(y);
    return g;
  };
  const Tensor<T> tame_k{{1, 0}, {0, 1}, {0, 0}}, tame_v{{1, 2}, {3, 4}, {0, 0}};
  const AttentionOptions<T> masked{.mask = tape.constant(mask)}, causal{.causal = true},
      of_keys{.mask = tape.constant(Tensor<T>{1, 1, 0})};
  for (const auto& options : {masked, causal, of_keys}) {
    const auto got = gradients_of(K, V, options), expected = gradients_of(tame_k, tame_v, options);
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i);
      CHECK(distance(got[i].value(), expected[i].value()) == 0);
    }
  }
}

TEST_CASE("derivatives of any order are right where a slope that chooses is 0, on the tape and in a Program") {
  // The n-th derivative of xⁿ is n! everywhere, and lower ones are 0 at 0, where the slope of pow chooses a branch.
  for (const int n : {2, 3, 4}) {
    CAPTURE(n);
    Tape<double> tape;
    const Var<double> x = tape.variable({0.0, 0.5, -2.0});
    Var<double> y = pow(x, static_cast<double>(n));
    double factorial = 1;
    for (int order = 1; order <= n; ++order) {
      y = grad<double>(sum(y), {x})[0];
      factorial *= order;
    }
    auto program = compile<double>(tape, {x}, {y});
    for (const std::vector<double>& at : {std::vector{0.0, 0.5, -2.0}, std::vector{1.0, 0.0, 0.0}}) {
      Tensor<double> values = x.value();
      std::copy(at.begin(), at.end(), values.begin());
      program.run(std::vector<ProgramInput<double>>{values});
      for (std::size_t i = 0; i < at.size(); ++i) {
        if (at[0] == 0) CHECK(y.value().data()[i] == doctest::Approx(factorial));
        CHECK(program.value(0).data()[i] == doctest::Approx(factorial));
      }
    }
  }
}
