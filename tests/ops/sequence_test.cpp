// Padded sequences: masks, pooling over steps and masked means against closed forms, with NaN in the padding, in
// Programs, and with lengths that do not fit.
#include "testing.hpp"

using namespace wengert;
using namespace wengert::testing;

namespace {

// Three samples of 2, 0 and 3 steps; NaN beyond.
const Indices real_steps{2, 0, 3};
Tensor<double> with_padding(double padding) {
  Tensor<double> x{{{1, 2}, {3, 4}, {0, 0}}, {{0, 0}, {0, 0}, {0, 0}}, {{5, 6}, {7, 8}, {9, 13}}};
  xt::view(x, 0, 2) = padding;
  xt::view(x, 1) = padding;
  return x;
}

}  // namespace

TEST_CASE("sequence_mask is 1 below the lengths") {
  Tape<float> tape;
  const auto mask = sequence_mask(tape.indices(real_steps), 3);
  CHECK(mask.value() == Tensor<float>{{1, 1, 0}, {0, 0, 0}, {1, 1, 1}});
  CHECK(sequence_mask(tape.indices(Indices{{0, 2}, {1, 1}}), 2).value() ==
        Tensor<float>{{{0, 0}, {1, 1}}, {{1, 0}, {1, 0}}});
  CHECK(sequence_mask(tape.indices(Indices(xt::xarray<std::int64_t>(1))), 2).value() == Tensor<float>{1, 0});
  CHECK(sequence_mask(tape.indices(Indices{0, 0}), 0).shape() == Shape{2, 0});
}

TEST_CASE("padding reaches neither the results of sequence ops nor their gradients, even as NaN") {
  const double third = 1.0 / 3;
  for (const double padding : {0.0, 100.0, std::nan(""), infinity}) {
    CAPTURE(padding);
    Tape<double> tape;
    const auto x = tape.variable(with_padding(padding));
    const auto n = tape.indices(real_steps);
    const auto check = [&](Var<double> y, const Tensor<double>& value, const Tensor<double>& gradient) {
      CHECK(distance(y.value(), value) < 1e-15);
      CHECK(distance(wengert::grad(sum(y), x)[0].value(), gradient) < 1e-15);
    };
    const Tensor<double> real{{{1, 1}, {1, 1}, {0, 0}}, {{0, 0}, {0, 0}, {0, 0}}, {{1, 1}, {1, 1}, {1, 1}}};
    check(mask_steps(x, n), with_padding(0), real);
    check(last_step(x, n), Tensor<double>{{3, 4}, {0, 0}, {9, 13}},
          Tensor<double>{{{0, 0}, {1, 1}, {0, 0}}, {{0, 0}, {0, 0}, {0, 0}}, {{0, 0}, {0, 0}, {1, 1}}});
    check(mean_steps(x, n), Tensor<double>{{2, 3}, {0, 0}, {7, 9}},
          Tensor<double>{{{0.5, 0.5}, {0.5, 0.5}, {0, 0}},
                         {{0, 0}, {0, 0}, {0, 0}},
                         {{third, third}, {third, third}, {third, third}}});
    const Tensor<double> mean(5.8);
    check(masked_mean(x, n), mean, real / 10);
    check(masked_mean(x, sequence_mask(n, 3)), mean, real / 10);
    check(masked_mean(x, real), mean, real / 10);
    check(masked_mean(x, Tensor<double>{0, 0, 1}), Tensor<double>(8),
          Tensor<double>{{{0, 0}, {0, 0}, {0, 0}},
                         {{0, 0}, {0, 0}, {0, 0}},
                         {{1.0 / 6, 1.0 / 6}, {1.0 / 6, 1.0 / 6}, {1.0 / 6, 1.0 / 6}}});
  }
}

TEST_CASE("sequence ops take steps of any shape") {
  Tape<double> tape;
  const auto plain = tape.variable(Tensor<double>{{1, 2, 3}, {4, 5, 6}});
  const auto n = tape.indices(Indices{2, 1});
  CHECK(mask_steps(plain, n).value() == Tensor<double>{{1, 2, 0}, {4, 0, 0}});
  CHECK(last_step(plain, n).value() == Tensor<double>{2, 4});
  CHECK(mean_steps(plain, n).value() == Tensor<double>{1.5, 4});
  CHECK(masked_mean(plain, n).item() == doctest::Approx(7.0 / 3));
  const auto images = tape.variable(random_tensor({2, 3, 2, 4}, 1));
  CHECK(last_step(images, n).value() == xt::concatenate(xt::xtuple(xt::view(images.value(), xt::range(0, 1), 1),
                                                                   xt::view(images.value(), xt::range(1, 2), 0))));
  CHECK(mean_steps(images, n).shape() == Shape{2, 2, 4});
  const auto empty = tape.variable(Tensor<double>(xt::zeros<double>({2, 0, 3})));
  CHECK(last_step(empty, {0, 0}).value() == xt::zeros<double>({2, 3}));
  CHECK(mean_steps(empty, {0, 0}).value() == xt::zeros<double>({2, 3}));
}

TEST_CASE("gradcheck accepts sequence ops") {
  const auto x = random_tensor({3, 4, 2}, 1);
  const Indices n{3, 0, 4};
  CHECK(gradcheck([](auto a, auto k) { return exp(mask_steps(a, k)); }, x, n));
  CHECK(gradcheck([](auto a, auto k) { return exp(last_step(a, k)); }, x, n));
  CHECK(gradcheck([](auto a, auto k) { return exp(mean_steps(a, k)); }, x, n));
  CHECK(gradcheck([](auto a, auto k) { return exp(masked_mean(a, k)); }, x, n));
}

TEST_CASE("one Program serves all lengths of a shape, and checks them at each replay") {
  auto run = compiled<double>([](auto&, auto x, auto n) {
    const auto all = stack({sum(mask_steps(x, n)), sum(last_step(x, n)), sum(mean_steps(x, n)), masked_mean(x, n)});
    return std::tuple(all, wengert::grad(sum(all), x)[0]);
  });
  const auto x = random_tensor({3, 4, 2}, 1);
  for (const Indices& n : {Indices{3, 0, 4}, Indices{1, 1, 1}, Indices{4, 4, 0}}) {
    Tape<double> tape;
    const auto a = tape.variable(x);
    const auto k = tape.indices(n);
    const auto all = stack({sum(mask_steps(a, k)), sum(last_step(a, k)), sum(mean_steps(a, k)), masked_mean(a, k)});
    auto& replay = run(x, n);
    CHECK(distance(replay.value(0), all.value()) < 1e-14);
    CHECK(distance(replay.value(1), wengert::grad(sum(all), a)[0].value()) < 1e-14);
  }
  CHECK(run.size() == 1);
  const auto refused = [&](const Indices& n) {
    const std::string message = message_of<ValueError>([&] { run(x, n); });
    CHECK(contains(message, fmt::format("({}:", __FILE__)));
    return message;
  };
  CHECK(contains(refused(Indices{1, 1, 5}), "length 5 at (2,): expected 0 to 4, the number of steps with padding"));
  CHECK(contains(refused(Indices{-1, 1, 4}), "length -1 at (0,): expected 0 to 4"));
  CHECK(contains(refused(Indices{0, 0, 0}),
                 "[masked_mean] the mask is 0 everywhere: the mean over no elements is undefined"));
}

TEST_CASE("lengths and masks that do not fit are refused, and nothing is recorded") {
  Tape<double> tape;
  const auto x = tape.constant(random_tensor({2, 3, 4}, 1)), vector = tape.constant(Tensor<double>{1, 2});
  const auto n = tape.indices(Indices{1, 2, 3});
  const std::size_t size = tape.size();
  CHECK_ERROR(ShapeError, "[last_step] lengths of shape (3,) for x of shape (2, 3, 4): expected one for each of the 2",
              last_step(x, n));
  CHECK_ERROR(ShapeError, "[mean_steps] x of shape (2,): expected sequences (N, L, …)", mean_steps(vector, {1, 1}));
  CHECK_ERROR(ValueError, "[mask_steps] length 4 at (1,): expected 0 to 3", mask_steps(x, {1, 4}));
  CHECK_ERROR(ValueError, "[last_step] length 4 at (0,): expected 0 to 3", last_step(x, {4, 1}));
  CHECK_ERROR(ValueError, "[mean_steps] length 4", mean_steps(x, {4, 1}));
  CHECK_ERROR(ValueError, "[sequence_mask] length 3 at (2,): expected 0 to 2", sequence_mask(n, 2));
  CHECK_ERROR(ShapeError, "[masked_mean] a mask of shape (3,) for x of shape (2, 3, 4): expected the shape of x or of",
              masked_mean(x, Tensor<double>{1, 1, 1}));
  CHECK_ERROR(ShapeError, "[masked_mean] a mask of shape (2, 3, 4, 1)",
              masked_mean(x, Tensor<double>(xt::ones<double>({2, 3, 4, 1}))));
  CHECK_ERROR(ValueError, "[masked_mean] the mask is 0 everywhere", masked_mean(x, Tensor<double>{0, 0}));
  const std::string message = message_of<ValueError>([&] { last_step(x, {4, 1}); });
  CHECK(contains(message, fmt::format("({}:", __FILE__)));
  Tape<double> other;
  CHECK_ERROR(HandleError, "[mean_steps]", mean_steps(x, other.indices(Indices{1, 1})));
  CHECK_ERROR(HandleError, "[masked_mean]", masked_mean(x, other.constant(Tensor<double>{1, 1})));
  CHECK(tape.size() == size);
}

TEST_CASE("attention with lengths is attention with a mask of the keys") {
  Tape<double> tape;
  const auto q = tape.variable(random_tensor({2, 3, 4, 2}, 1)), v = tape.variable(random_tensor({2, 3, 5, 3}, 2));
  auto padded = random_tensor({2, 3, 5, 2}, 3);
  xt::view(padded, 1, xt::all(), xt::range(2, 5)) = std::nan("");
  const auto k = tape.variable(padded);
  const auto n = tape.indices(Indices{5, 2});
  const Tensor<double> mask{{{{1, 1, 1, 1, 1}}}, {{{1, 1, 0, 0, 0}}}};
  for (const bool causal : {false, true}) {
    const auto y = scaled_dot_product_attention(q, k, v, {.lengths = n, .causal = causal});
    const auto z = scaled_dot_product_attention(q, k, v, {.mask = tape.constant(mask), .causal = causal});
    CHECK(y.value() == z.value());
    for (const auto& x : {q, k, v})
      CHECK(wengert::grad(sum(y * y), x)[0].value() == wengert::grad(sum(z * z), x)[0].value());
  }
  CHECK_ERROR(
      ShapeError, "[scaled_dot_product_attention] lengths of shape (2,) for scores of shape (3, 3, 3)",
      scaled_dot_product_attention(slice(q, {0, xt::all(), xt::range(0, 3)}), slice(q, {0, xt::all(), xt::range(0, 3)}),
                                   slice(q, {0, xt::all(), xt::range(0, 3)}), {.lengths = n}));
  CHECK_ERROR(ValueError, "length 6 at (0,): expected 0 to 5",
              scaled_dot_product_attention(q, k, v, {.lengths = tape.indices(Indices{6, 1})}));
}
