// Graph inspection: to_dot, printed tapes, explain, and TraceNaN.
#include "testing.hpp"

using namespace wengert;
using namespace wengert::testing;

namespace {
inline constexpr auto swish_shown = elementwise<"swish_shown">([](auto x) { return x / (1 + exp(-x)); });
}

TEST_CASE("to_dot lists every node behind a value, once, with its edges") {
  Tape<double> tape;
  const auto x = tape.constant(random_tensor({2, 3}, 1)), w = tape.variable(random_tensor({3, 2}, 2), "W \"1\"");
  const auto unused = exp(x);
  const auto a = sigmoid(matmul(x, w));
  const std::string dot = to_dot(sum(a * a));
  CHECK(contains(dot, "digraph tape {"));
  CHECK(contains(dot, "n0 [shape=box, label=\"constant\\n(2, 3)\"]"));
  CHECK(contains(dot, "n1 [shape=box, label=\"W \\\"1\\\"\\n(3, 2)\"]"));
  CHECK(!contains(dot, fmt::format("n{} [", unused.index())));
  CHECK(contains(dot, fmt::format("n{} [shape=ellipse, label=\"sigmoid\\n(2, 2)\"]", a.index())));
  CHECK(contains(dot, fmt::format("n{} -> n{};", a.index() - 1, a.index())));
  CHECK(contains(to_dot(swish_shown(x)), "swish_shown"));
}

TEST_CASE("a tape prints one line a node with op, inputs, shape, bytes and source line") {
  Tape<float> tape;
  const auto x = tape.constant(random_tensor<float>({2, 3}, 1));
  const auto w = tape.variable(random_tensor<float>({3, 2}, 2), "W1");
  const auto y = matmul(transpose(w), transpose(x));
  const int line = __LINE__ - 1;
  const std::string text = to_string(tape);
  CHECK(std::count(text.begin(), text.end(), '\n') == static_cast<std::ptrdiff_t>(tape.size()) + 2);
  CHECK(contains(text, "W1"));
  CHECK(contains(text, "view"));
  CHECK(contains(text, "(2, 2)                         16  graph_test.cpp:" + std::to_string(line)));
  CHECK(contains(text, fmt::format("{}, {}", y.index() - 2, y.index() - 1)));
}

TEST_CASE("explain reads the tutorial's deltas off the tape") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({4, 3}, 1), "X"), y = tape.variable(random_tensor({4, 2}, 2), "Y");
  const auto w1 = tape.variable(random_tensor({3, 5}, 3), "W1"), w2 = tape.variable(random_tensor({5, 2}, 4), "W2");
  const auto a2 = sigmoid(matmul(sigmoid(matmul(x, w1)), w2));
  const auto loss = sum(square(a2 - y)) / 8;
  const auto size = tape.size();
  const Explanation explanation = explain(loss, {w1, w2});
  CHECK(tape.size() == size);
  CHECK(explanation.to_string() ==
        "v1 = X @ W1    (4, 5)\n"
        "v2 = sigmoid(v1)    (4, 5)\n"
        "v3 = v2 @ W2    (4, 2)\n"
        "v4 = sigmoid(v3)    (4, 2)\n"
        "v5 = v4 − Y    (4, 2)\n"
        "v6 = square(v5)    (4, 2)\n"
        "v7 = Σ v6    ()\n"
        "v8 = v7 / 8    ()\n"
        "\n"
        "v\u03048 = 1    ()\n"
        "v\u03047 = 0.125 · v\u03048    ()\n"
        "v\u03046 = v\u03047    (4, 2)\n"
        "v\u03045 = v\u03046 ⊙ (2 · v5)    (4, 2)\n"
        "v\u03044 = v\u03045    (4, 2)\n"
        "v\u03043 = v\u03045 ⊙ (v4 ⊙ (1 − v4))    (4, 2)\n"
        "v\u03042 = v\u03043 @ W2ᵀ    (4, 5)\n"
        "v\u03041 = v\u03042 ⊙ (v2 ⊙ (1 − v2))    (4, 5)\n"
        "W\u03042 = v2ᵀ @ v\u03043    (5, 2)\n"
        "W\u03041 = Xᵀ @ v\u03041    (3, 5)\n");
  const std::string latex = explanation.to_latex();
  CHECK(contains(latex, "\\bar{W}_{2} &= v_{2}^{\\top} \\, \\bar{v}_{3} \\\\"));
}

TEST_CASE("explain writes a user's formula and its derivative") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({3}, 1), "x");
  const std::string text = explain(sum(swish_shown(x))).to_string();
  CHECK(contains(text, "v1 = swish_shown(x)"));
  CHECK(contains(text, "exp(−x)"));
}

TEST_CASE("TraceNaN stops at the first value that is not finite, forward") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{{1, 0, 2}, {3, 4, -5}}, "x");
  CHECK_NOTHROW(log(x));
  const auto size = tape.size();
  {
    TraceNaN trace(tape);
    CHECK_ERROR(ValueError, "[log] element (0, 1) is -inf; input 1 of shape (2, 3): finite", log(x));
    CHECK(tape.size() == size);
    CHECK_NOTHROW(exp(x));
    CHECK_ERROR(ValueError, "[sqrt] element (1, 2) is nan; input 1 of shape (2, 3): finite", sqrt(x));
  }
  CHECK_NOTHROW(log(x));
}

TEST_CASE("TraceNaN stops at the first value that is not finite, backward") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{1, 0, 4});
  const auto y = sqrt(x);
  const int line = __LINE__ - 1;
  const auto loss = sum(y);
  TraceNaN trace(tape);
  const auto size = tape.size();
  const std::string message = message_of<ValueError>([&] { grad(loss, x); });
  CHECK(contains(message, "[sqrt.vjp] in a gradient, element (1,) is inf"));
  CHECK(contains(message, fmt::format("graph_test.cpp:{}", line)));
  CHECK(tape.size() == size);
  CHECK(contains(message_of<ValueError>([&] { gradients(loss, x); }), "sqrt.vjp"));
  CHECK(gradients(sum(x), x)[0] == Tensor<double>{1, 1, 1});  // the tape remains usable
}

TEST_CASE("names with underscores are text in LaTeX") {
  Tape<double> tape;
  const auto w = tape.variable(Tensor<double>{1, 2}, "w_in_out");
  CHECK(contains(explain(sum(square(w)), {w}).to_latex(), "\\mathrm{w\\_in\\_out}"));
}

TEST_CASE("the list of a tape's nodes counts no released values") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({4, 5}, 1), "x");
  checkpoint([](auto v) { return exp(sin(v)); })(x);
  const std::string text = to_string(tape);
  CHECK(contains(text, "    released  "));
  CHECK(contains(text, fmt::format(" nodes, {} bytes of values", 2 * 20 * sizeof(double))));
}
