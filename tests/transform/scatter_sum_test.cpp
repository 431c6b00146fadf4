// Gradients of loops over parts of one tensor: values, any order, Programs, and cost linear in what the parts read.
#include "testing.hpp"

#include <array>
#include <functional>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

using Function = std::function<Var<double>(Var<double>)>;

// Σ (w + 1)·Σ xⱼ³ over the windows w of `width` elements of a vector, `step` apart.
Function windows(std::size_t width, std::size_t step) {
  return [=](Var<double> x) {
    Var<double> total = x.tape().constant(0.0);
    std::size_t w = 0;
    for (std::size_t begin = 0; begin + width <= x.size(); begin += step) {
      const auto part = slice(x, {xt::range(begin, begin + width)});
      total = total + static_cast<double>(++w) * sum(part * square(part));
    }
    return total;
  };
}
// For each element, the sum of w + 1 over the windows that contain it.
Tensor<double> weights(std::size_t size, std::size_t width, std::size_t step) {
  Tensor<double> result = xt::zeros<double>({size});
  std::size_t w = 0;
  for (std::size_t begin = 0; begin + width <= size; begin += step) {
    ++w;
    for (std::size_t j = begin; j < begin + width; ++j) result(j) += static_cast<double>(w);
  }
  return result;
}

// Reads parts of a matrix (4, 6) in every way that has a scattered cotangent, and the matrix itself.
Var<double> every_part(Var<double> x) {
  using xt::placeholders::_;
  Tape<double>& tape = x.tape();
  const auto step = tape.indices({0, 3, 3, -1});
  return sum(square(slice(x, {1, xt::range(_, _, -2)}))) + sum(sin(slice(x, {xt::range(3, _, -1), 2}))) +
         sum(slice(x, {xt::range(1, 3), xt::range(0, 6, 3)}) * 3) + sum(exp(diagonal(x, 1))) +
         sum(square(take(x, step, 0)) * take(x, step, 0)) + sum(square(take(x, Indices{{0, 5}, {5, -7}}))) +
         sum(square(take_along_axis(x, Indices{{2, 2}, {0, -1}, {1, 1}, {5, 0}}, 1))) +
         sum(cos(embedding(x, Indices{{1, 1}}))) + sum(x * square(x)) +
         sum(tanh(split(x, 3, 1)[1]) * split(x, 3, 1)[2]) + sum(square(take(transpose(x), {2, 2}, 1)));
}

std::size_t count(Tape<double>& tape, std::string_view op) {
  std::size_t result = 0;
  for (std::size_t k = 0; k < tape.size(); ++k)
    if (tape.node(k).op != nullptr && tape.node(k).op->name == op) ++result;
  return result;
}

// The number of elements that nodes from `begin` on compute.
std::size_t elements_since(const Tape<double>& tape, std::size_t begin) {
  std::size_t result = 0;
  for (std::size_t k = begin; k < tape.size(); ++k) {
    const Node<double>& node = tape.node(k);
    if (node.op == nullptr || node.op->view != nullptr) continue;
    result += node.layout->size;
  }
  return result;
}

}  // namespace

TEST_CASE("overlapping slices: gradient, Hessian, products and Jacobians in closed form") {
  const std::array<std::array<std::size_t, 2>, 5> sizes{{{3, 1}, {4, 2}, {1, 1}, {2, 2}, {10, 1}}};
  for (const auto& [width, step] : sizes) {
    CAPTURE(width);
    CAPTURE(step);
    Tape<double> tape;
    const Tensor<double> value = random_tensor({10}, 1), direction = random_tensor({10}, 2);
    const Tensor<double> w = weights(10, width, step);
    const Function f = windows(width, step);
    const auto x = tape.variable(value);
    const auto y = f(x);
    const auto [g] = grad(y, x);
    CHECK(distance(g.value(), 3 * w * value * value) < 1e-12);
    CHECK(distance(gradients(y, x)[0], 3 * w * value * value) < 1e-12);
    const auto v = tape.constant(direction);
    CHECK(distance(hvp(y, {x}, {v})[0].value(), 6 * w * value * direction) < 1e-12);
    CHECK(distance(jvp(y, {x}, {v}).value(), Tensor<double>(xt::sum(3 * w * value * value * direction))) < 1e-12);
    CHECK(distance(hessian(y, {x})[0][0], xt::diag(6 * w * value)) < 1e-12);
    const auto [third] = grad(sum(std::get<0>(grad(sum(g), x))), x);
    CHECK(distance(third.value(), 6 * w) < 1e-12);
    const auto parts = concatenate(split(x, 5));
    for (const auto mode : {JacobianMode::forward, JacobianMode::reverse})
      CHECK(distance(jacobian(square(parts), {x}, mode)[0], xt::diag(2 * value)) < 1e-12);
  }
}

TEST_CASE("parts of every kind and the whole: derivatives are those of the numbers") {
  const Tensor<double> value = random_tensor({4, 6}, 3);
  const auto report = gradcheck(every_part, value);
  INFO(report.to_string());
  CHECK(report);
  Tape<double> tape;
  const auto x = tape.variable(value);
  const auto [g] = grad(every_part(x), x);
  CHECK(count(tape, "scatter_sum") > 0);
  CHECK(distance(g.value(), gradients(every_part(x), x)[0]) == 0);
  const auto report_of_gradient = gradcheck(
      [](Var<double> v) {
        const auto [first] = grad(every_part(v), v);
        return first * slice(v, {xt::range(0, 1)}) + slice(first, {1});
      },
      value);
  INFO(report_of_gradient.to_string());
  CHECK(report_of_gradient);
}

TEST_CASE("parts of every kind in a Program: the tape's gradients, with other indices at each replay") {
  const Tensor<double> value = random_tensor({4, 6}, 4), other = random_tensor({4, 6}, 5);
  const auto record = [](Tape<double>&, Var<double> x, IndexVar<double> k) {
    const auto y = every_part(x) + sum(square(take(x, k, 0)) * 2) + sum(square(take(x, k, 1)));
    const auto [g] = grad(y, x);
    return std::vector<Var<double>>{y, g, std::get<0>(grad(sum(square(g)), x))};
  };
  const Indices indices{0, 2, 2}, others{3, -1, 1};
  for (const bool fuse : {false, true}) {
    CAPTURE(fuse);
    Tape<double> recording;
    const auto x = recording.constant(value);
    const auto k = recording.indices(indices);
    const std::vector<Var<double>> outputs = record(recording, x, k);
    auto program = compile(recording, {x, k}, {outputs[0], outputs[1], outputs[2]}, {.fuse = fuse});
    for (const auto& [a, b] : {std::pair(value, indices), std::pair(other, others)}) {
      program(a, b);
      Tape<double> tape;
      const std::vector<Var<double>> expected = record(tape, tape.constant(a), tape.indices(b));
      for (std::size_t i = 0; i < expected.size(); ++i)
        CHECK(distance(program.value(i), expected[i].value()) <= (fuse ? 1e-12 : 0));
    }
    CHECK(contains(message_of<ValueError>([&] { program(value, Indices{0, 4, 0}); }), "[take] index 4 at (1,)"));
  }
}

TEST_CASE("a single slice is padded, a whole one passes, and unread parts cost nothing") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({6}, 1)), y = tape.variable(random_tensor({6}, 2));
  const auto part = slice(x, {xt::range(1, 3)});
  const auto [g] = grad(sum(square(part)), x);
  CHECK(count(tape, "pad") == 1);
  CHECK(count(tape, "scatter_sum") == 0);
  CHECK(g.value()(0) == 0);
  const std::size_t size = tape.size();
  CHECK(distance(std::get<0>(grad(sum(part * slice(y, {xt::range(0, 2)})), y)).value(),
                 Tensor<double>{x.value()(1), x.value()(2), 0, 0, 0, 0}) == 0);
  CHECK(count(tape, "pad") == 2);  // none for x
  CHECK(tape.size() > size);
}

TEST_CASE("the gradient of slices takes work, memory and instructions in proportion to their number") {
  struct Cost {
    std::size_t nodes = 0, elements = 0, second = 0, bytes = 0, recycled = 0, arena = 0, program = 0;
  };
  const auto cost_of = [](std::size_t count, const std::function<Var<double>(Var<double>, std::size_t)>& part) {
    Cost cost;
    const auto record = [&](Var<double> x) {
      Var<double> total = square(part(x, 0));
      for (std::size_t i = 1; i < count; ++i) total = total + square(part(x, i));
      return sum(total * total);
    };
    const Tensor<double> value = random_tensor({count, 4}, 1);
    {
      Tape<double> tape;
      const auto x = tape.variable(value), y = record(x);
      const std::size_t bytes = tape.reserved_bytes();
      gradients(y, x);
      cost.recycled = tape.reserved_bytes() - bytes;
    }
    Tape<double> tape;
    const auto x = tape.variable(value), y = record(x);
    const std::size_t before = tape.size(), bytes = tape.reserved_bytes();
    const auto [g] = grad(y, x);
    cost.nodes = tape.size() - before;
    cost.elements = elements_since(tape, before);
    const std::size_t first = tape.size();
    const auto [h] = grad(sum(g * g), x);
    cost.second = elements_since(tape, first);
    cost.bytes = tape.reserved_bytes() - bytes;
    const auto program = compile(tape, {x}, {g, h}, {.keep_passes = true});
    cost.arena = memory_plan(program).arena_bytes;
    for (const auto& [name, text] : program.passes())
      cost.program = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    return cost;
  };
  using Part = Var<double> (*)(Var<double>, std::size_t);
  const std::array<Part, 4> parts{
      [](Var<double> x, std::size_t i) { return slice(x, {i}); },
      [](Var<double> x, std::size_t i) { return take(x, {static_cast<std::int64_t>(i)}, 0); },
      [](Var<double> x, std::size_t i) {
        return take(x, {static_cast<std::int64_t>(i), 0});
      },
      [](Var<double> x, std::size_t i) {
        return gather(x, 0, Indices{{static_cast<std::int64_t>(i), 0}});
      }};
  for (const Part& part : parts) {
    const Cost small = cost_of(100, part), large = cost_of(400, part);
    CHECK(large.nodes < 5 * small.nodes);
    CHECK(large.elements < 5 * small.elements);  // quadratic: 16 times
    CHECK(large.second < 5 * small.second);
    CHECK(large.bytes < 6 * small.bytes + 65536);
    CHECK(large.recycled < 6 * small.recycled + 65536);
    CHECK(large.arena < 5 * small.arena);
    CHECK(large.program < 5 * small.program);
    CHECK(large.elements < 60 * 400 * 4);
  }
}

TEST_CASE("scattered cotangents that together exceed their value are added at once, which limits memory") {
  Tape<double> tape;
  const std::size_t size = 1 << 14, width = size / 2;
  const auto x = tape.variable(random_tensor({size}, 1)), v = tape.constant(random_tensor({width}, 2));
  Var<double> total = tape.constant(0.0);
  for (std::size_t i = 0; i < 100; ++i) total = total + matmul(slice(x, {xt::range(i, i + width)}), v);
  const std::size_t before = tape.reserved_bytes();
  const auto g = gradients(total, x)[0];
  CHECK(tape.reserved_bytes() - before < 8 * size * sizeof(double));  // all cotangents take 50 times the size
  CHECK(g(0) == doctest::Approx(v.value()(0)));
}

TEST_CASE("a sweep that throws between scattered cotangents leaves nothing behind") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({1000}, 1));
  bool fails = true;
  const auto stop = custom_vjp([](Var<double> a) { return a * 2; },
                               [&](Var<double> g, auto...) {
                                 if (fails) throw ValueError("stop", "on purpose");
                                 return g * 2;
                               });
  const auto begin = stop(slice(x, {xt::range(0, 2)}));
  Var<double> total = sum(begin);
  for (std::size_t i = 0; i < 100; ++i) total = total + sum(square(slice(x, {xt::range(i, i + 3)})));
  const std::size_t size = tape.size();
  std::size_t reserved = 0;
  for (int attempt = 0; attempt < 20; ++attempt) {
    CHECK_THROWS_AS(gradients(total, x), ValueError);
    CHECK_THROWS_AS(grad(total, x), ValueError);
    CHECK(tape.size() == size);
    if (attempt == 1) reserved = tape.reserved_bytes();
  }
  CHECK(tape.reserved_bytes() == reserved);
  fails = false;
  const auto g = gradients(total, x)[0];
  CHECK(g(0) == doctest::Approx(2 + 2 * x.value()(0)));
  CHECK(g(500) == 0);
}

TEST_CASE("explain writes a sum of parts as a sum") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({6}, 1), "x");
  const std::string text = explain(sum(slice(x, {xt::range(0, 2)}) * slice(x, {xt::range(3, 5)}))).to_string();
  INFO(text);
  CHECK(contains(text, "pad("));
  CHECK(!contains(text, "scatter_sum"));
}
