// Borrowed tensors in Programs: each replay reads the caller's memory as it is at that time.
#include "testing.hpp"

#include <cmath>
#include <span>
#include <utility>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

// Reads a borrowed tensor wherever Programs treat operands differently: in fused kernels, tiles, products, views,
// gathered elements, and as a result.
std::vector<Var<double>> read_everywhere(Tape<double>& tape, const Tensor<double>& x) {
  const auto v = tape.borrow(x);
  const auto y = sum(square(transpose(v)) * 3.0 + 1.0), z = matmul(v, transpose(v));
  const auto [slope] = grad(y, v);
  return {y, z, slope, slice(v, 1, xt::range(1, 3)), take(v, tape.indices(Indices{1, 1}), 0), exp(tape.borrow(x)) + v,
          v};
}

}  // namespace

TEST_CASE("a borrowed tensor is read where it is at each replay") {
  for (const Shape& shape : {Shape{2, 3}, Shape{3, 30000}})  // in one tile, and in many
    for (const bool fuse : {false, true})
      for (const bool checked : {false, true}) {
        CAPTURE(shape.elements());
        CAPTURE(fuse);
        CAPTURE(checked);
        Tensor<double> x = random_tensor(shape, 1);
        auto f =
            compiled<double>([&](auto& tape) { return read_everywhere(tape, x); }, {.fuse = fuse, .checked = checked});
        for (unsigned i = 0; i < 4; ++i) {
          if (i == 1) x(0, 0) = 7;                  // written to
          if (i == 2) x = random_tensor(shape, 2);  // assigned: its elements move
          if (i == 3) {
            Tensor<double> other = x * 2.0;
            std::swap(x, other);
          }
          Tape<double> tape;
          const auto expected = read_everywhere(tape, x);
          auto& program = f();
          for (std::size_t k = 0; k < expected.size(); ++k)
            CHECK(distance(program.value(k), expected[k].value()) <=
                  (fuse ? 1e-12 * static_cast<double>(x.size()) : 0.0));
        }
        CHECK(f.size() == 1);
      }
}

TEST_CASE("a borrowed batch is trained on as it is refilled, a constant is the one that was recorded") {
  Tensor<float> batch{1, 2, 3};
  auto borrowed = compiled<float>([&](auto& tape) { return sum(tape.borrow(batch)); });
  auto baked = compiled<float>([&](auto& tape) { return sum(tape.constant(batch)); });
  CHECK(borrowed().item() == 6);
  CHECK(baked().item() == 6);
  batch.fill(100);
  CHECK(borrowed().item() == 300);
  CHECK(baked().item() == 6);
}

TEST_CASE("a tape that computes is compiled with what it borrowed") {
  Tensor<double> x{1, 2}, unused{1};
  Tape<double> tape;
  const auto v = tape.borrow(x), input = tape.borrow(unused);
  const auto y = v * 2.0 + input;
  auto program = compile(tape, {input}, {y}, {.keep_passes = true});
  tape.clear();
  unused = Tensor<double>{1, 2, 3, 4};  // an input: bound by the caller
  x = Tensor<double>{3, 4};
  CHECK(program(Tensor<double>{10}).value() == Tensor<double>{16, 18});
  CHECK(contains(program.passes().back().second, "borrowed"));
}

TEST_CASE("a borrowed tensor of another shape is refused, and taken again when it has the recorded one") {
  Tensor<double> x{1, 2, 3};
  Parameter<double> w(Tensor<double>{1}, "w");
  const int line = __LINE__ + 2;
  auto f = compiled<double>([&](auto& tape) {
    const auto v = tape.borrow(x);
    tape.update(w, tape.variable(w) + 1.0);
    return sum(v);
  });
  f();
  x = Tensor<double>{1, 2, 3, 4};
  CHECK(contains(
      message_of<ShapeError>([&] { f(); }),
      "[program] the borrowed tensor has shape (4,): it was compiled for (3,); make it an input if its shape changes"));
  CHECK(contains(message_of<ShapeError>([&] { f(); }), fmt::format("{}:{}", __FILE__, line)));
  x = Tensor<double>{{1, 2, 3}};
  CHECK_THROWS_AS(f(), ShapeError);
  CHECK(w.value()(0) == 2);  // failed calls change nothing
  x = Tensor<double>{4, 5, 6};
  CHECK(f().item() == 15);
}

TEST_CASE("borrowed elements without a tensor are an input, or refused") {
  std::vector<double> elements{1, 2, 3};
  Tape<double> tape;
  const auto v = tape.borrow(elements, {3});
  const int line = __LINE__ - 1;
  const auto y = sum(v);
  CHECK(compile(tape, {v}, {y})(Tensor<double>{4, 5, 6}).item() == 15);
  const std::string message = message_of<HandleError>([&] { compile(tape, {}, {y}); });
  CHECK(contains(message, "[compile] borrowed elements of shape (3,) are not an input of the Program"));
  CHECK(contains(message, "make them an input, borrow a Tensor, or record a constant"));
  CHECK(contains(message, fmt::format("{}:{}", __FILE__, line)));
  const auto without = tape.constant(1.0) + 1.0;
  CHECK(compile(tape, {}, {without})().item() == 2);  // does not read the borrowed elements
}

TEST_CASE("a parameter's borrowed value is read before an update writes it") {
  for (const bool fuse : {false, true}) {
    Parameter<double> w(random_tensor({40, 40}, 1), "w");
    const Tensor<double> x = random_tensor({40, 40}, 2), before = w.value();
    auto f = compiled<double>(
        [&](auto& tape, auto in) {
          const auto old = tape.borrow(w.value());
          tape.update(w, tape.variable(w) * 0.5 + in);
          return matmul(old, in) + sum(old);
        },
        {.fuse = fuse});
    Tape<double> tape;
    const auto expected = matmul(tape.constant(before), tape.constant(x)) + sum(tape.constant(before));
    CHECK(distance(f(x).value(), expected.value()) < 1e-13);
    CHECK(distance(w.value(), Tensor<double>(0.5 * before + x)) < 1e-15);
  }
}

TEST_CASE("an input that a replay writes is refused") {
  Parameter<double> w(Tensor<double>(xt::ones<double>({3, 3})), "w");
  auto f = compiled<double>([&](auto& tape, auto in) {
    const auto next = tape.variable(w) * 0.5 + 1.0;
    tape.update(w, next);
    return matmul(tanh(matmul(next, next)), in);  // read after an update in place
  });
  CHECK(contains(message_of<ValueError>([&] { f(w.value()); }),
                 "[program] input 1 overlaps the value of parameter 'w', which the Program updates: it would be read "
                 "while it is written; pass a copy"));
  CHECK(w.value()(0, 0) == 1);
  CHECK(f(Tensor<double>(w.value())).value()(0, 0) == doctest::Approx(3 * std::tanh(6.75)).epsilon(1e-14));
  auto g = compiled<double>([](auto&, auto in) { return square(in); });
  auto& program = g(Tensor<double>{2, 3});
  const auto result = program.output();
  const ProgramInput<double> again(std::span(result.data(), result.size()), {2});
  CHECK(
      contains(message_of<ValueError>([&] { program(again); }), "[program] input 1 overlaps a result of this Program"));
  CHECK(program(program.output()).value() == Tensor<double>{16, 81});  // an expression is copied
}
