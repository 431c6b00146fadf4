// Losses: values by hand, soft targets, extreme logits, reductions, NaN reports, and rejected operands.
#include "testing.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE_TEMPLATE("losses by hand", T, float, double) {
  Tape<T> tape;
  const T tolerance = sizeof(T) == 4 ? T(1e-6) : T(1e-14);
  const auto a = tape.variable(Tensor<T>{{T(0.5), T(0.25)}, {T(0.75), T(0.5)}}),
             y = tape.constant(Tensor<T>{{1, 0}, {0, 1}});
  CHECK(squared_error(a, y).item() == T((0.25 + 0.0625 + 0.5625 + 0.25) / 4));
  const double expected = -(std::log(0.5) + std::log(0.75) + std::log(0.25) + std::log(0.5)) / 2;
  CHECK(std::abs(static_cast<double>(binary_cross_entropy(a, y).item()) - expected) < static_cast<double>(tolerance));
  const auto z = tape.variable(Tensor<T>{{0, 1}, {2, -1}});
  const auto softplus = [](double v) { return std::log1p(std::exp(v)); };
  CHECK(static_cast<double>(binary_cross_entropy_with_logits(z, y).item()) ==
        doctest::Approx((softplus(0) + softplus(1) + softplus(2) + softplus(-1) + 1) / 2)
            .epsilon(static_cast<double>(tolerance)));
  const double row1 = std::log(std::exp(0.0) + std::exp(1.0)), row2 = std::log(std::exp(2.0) + std::exp(-1.0)) + 1;
  CHECK(static_cast<double>(cross_entropy_with_logits(z, y).item()) ==
        doctest::Approx((row1 + row2) / 2).epsilon(static_cast<double>(tolerance)));
}

TEST_CASE("targets may be tensors and soft") {
  Tape<double> tape;
  const auto z = tape.variable(random_tensor({4, 3}, 1));
  const Tensor<double> soft{{0.2, 0.3, 0.5}, {1, 0, 0}, {0, 0.5, 0.5}, {0.1, 0.1, 0.8}};
  const double direct = -xt::sum(soft * log_softmax(z).value())() / 4;
  CHECK(cross_entropy_with_logits(z, soft).item() == doctest::Approx(direct).epsilon(1e-14));
  CHECK(cross_entropy_with_logits(tape.variable(Tensor<double>{1, 2}), Tensor<double>{0, 1}).item() ==
        doctest::Approx(std::log1p(std::exp(-1.0))).epsilon(1e-14));
}

TEST_CASE("the second derivative of the binary cross entropy is right at a logit of exactly 0") {
  Tape<double> tape;
  const auto z = tape.variable(Tensor<double>{0.0});
  const auto [first] = grad(binary_cross_entropy_with_logits(z, Tensor<double>{0.25}), z);
  const auto [second] = grad(sum(first), z);
  const auto [third] = grad(sum(second), z);
  CHECK(first.item() == 0.25);   // σ(0) − y
  CHECK(second.item() == 0.25);  // σ(0)(1 − σ(0))
  CHECK(third.item() == 0);
}

TEST_CASE_TEMPLATE("losses from logits of ±1000 are finite and right, and so are their gradients", T, float, double) {
  Tape<T> tape;
  const auto z = tape.variable(Tensor<T>{{1000, -1000}, {-1000, 1000}}), y = tape.constant(Tensor<T>{{1, 0}, {1, 0}});
  const auto categorical = cross_entropy_with_logits(z, y), binary = binary_cross_entropy_with_logits(z, y);
  CHECK(categorical.item() == 1000);  // 2000 for the second row, averaged over two rows
  CHECK(binary.item() == 1000);       // 1000 for both elements of the second row
  CHECK(grad(categorical, z)[0].value() == Tensor<T>{{0, 0}, {-0.5, 0.5}});
  CHECK(grad(binary, z)[0].value() == Tensor<T>{{0, 0}, {-0.5, 0.5}});
}

TEST_CASE("certain and wrong probabilities have a loss of 100, as in PyTorch") {
  // torch.nn.functional.binary_cross_entropy clamps each logarithm at −100.
  Tape<double> tape;
  const auto p = tape.variable(Tensor<double>{0, 1, 0, 1});
  const auto loss = binary_cross_entropy(p, Tensor<double>{1, 0, 0, 1});
  CHECK(loss.item() == 50);
  CHECK(grad(loss, p)[0].value() == Tensor<double>{-0.25e12, 0.25e12, 0, 0});
}

TEST_CASE("losses do not broadcast") {
  Tape<double> tape;
  const auto a = tape.variable(Tensor<double>{1, 2, 3}), b = reshape(tape.constant(Tensor<double>{1, 2, 3}), {3, 1});
  CHECK_ERROR(ShapeError, "[squared_error] prediction (3,) and target (3, 1): losses do not broadcast",
              squared_error(a, b));
  CHECK_ERROR(ShapeError, "[binary_cross_entropy] prediction", binary_cross_entropy(a, b));
  CHECK_ERROR(ShapeError, "[binary_cross_entropy_with_logits] prediction", binary_cross_entropy_with_logits(a, b));
  CHECK_ERROR(ShapeError, "[cross_entropy_with_logits] prediction",
              cross_entropy_with_logits(a, Tensor<double>{1, 2, 3, 4}));
  CHECK(tape.size() == 3);
}

TEST_CASE("a NaN is reported by operand and element, and nothing is recorded") {
  Tape<double> tape;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto bad = tape.variable(Tensor<double>{{0.5, 0.5}, {nan, 0.5}}),
             good = tape.constant(Tensor<double>{{1, 0}, {0, 1}});
  CHECK_ERROR(ValueError, "[squared_error] prediction: element (1, 0) is nan", squared_error(bad, good));
  CHECK_ERROR(ValueError, "[squared_error] target: element (1, 0) is nan", squared_error(good, bad));
  CHECK_ERROR(ValueError, "[cross_entropy_with_logits] prediction: element (1, 0) is nan",
              cross_entropy_with_logits(bad, good));
  CHECK_ERROR(ValueError, "[binary_cross_entropy_with_logits] prediction: element (1, 0) is nan",
              binary_cross_entropy_with_logits(bad, good));
  CHECK_ERROR(ValueError, "[binary_cross_entropy] prediction: element (1, 0) is nan", binary_cross_entropy(bad, good));
  CHECK_ERROR(ValueError, "[binary_cross_entropy] prediction: element (0,) is 1.5: must be a probability in [0, 1]",
              binary_cross_entropy(tape.variable(Tensor<double>{1.5}), Tensor<double>{0.5}));
  const double inf = std::numeric_limits<double>::infinity();
  CHECK_ERROR(ValueError, "the loss is NaN; prediction: element (0,) is inf",
              cross_entropy_with_logits(tape.constant(Tensor<double>{inf, 0}), Tensor<double>{0, 1}));
  CHECK(tape.size() == 4);
}

TEST_CASE_TEMPLATE("reductions by hand", T, float, double) {
  Tape<T> tape;
  const auto a = tape.variable(Tensor<T>{{1, 2}, {3, 5}}), y = tape.constant(Tensor<T>{{0, 2}, {1, 2}});
  CHECK(mse_loss(a, y, Reduction::none).value() == Tensor<T>{{1, 0}, {4, 9}});
  CHECK(mse_loss(a, y, Reduction::sum).item() == 14);
  CHECK(mse_loss(a, y).item() == T(3.5));
  CHECK(mse_loss(a, y, Reduction::batch_mean).item() == 7);
  CHECK(mse_loss(transpose(a), Tensor<T>{{0, 1}, {2, 2}}, Reduction::none).value() == Tensor<T>{{1, 4}, {0, 9}});
  CHECK(mse_loss(tape.variable(Tensor<T>(T(3))), 1).item() == 4);
  const auto none = tape.variable(Tensor<T>(xt::zeros<T>({0, 2})));
  CHECK(mse_loss(none, none, Reduction::sum).item() == 0);
  CHECK(mse_loss(none, none, Reduction::none).shape() == Shape{0, 2});
  CHECK_ERROR(ValueError, "[mse_loss] losses of shape (0, 2): the mean over no elements is undefined",
              mse_loss(none, none));
}

TEST_CASE("losses refuse parameters, handles and shapes that make no sense, and record nothing") {
  Tape<double> tape, other;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto a = tape.variable(Tensor<double>{1, 2, 3}), y = tape.constant(Tensor<double>{1, 0, 1});
  const auto elsewhere = other.constant(Tensor<double>{1, 0, 1});
  CHECK_ERROR(ValueError, "[huber_loss] delta is 0: must be above 0", huber_loss(a, y, 0));
  CHECK_ERROR(ValueError, "[huber_loss] delta is nan: must be above 0", huber_loss(a, y, nan));
  CHECK_ERROR(ValueError, "[smooth_l1_loss] beta is -1: must be at least 0", smooth_l1_loss(a, y, -1));
  CHECK_ERROR(ValueError, "[hinge_loss] margin is -0.5: must be above 0", hinge_loss(a, y, -0.5));
  CHECK_ERROR(ValueError, "[poisson_nll_loss] epsilon is -1: must be at least 0",
              poisson_nll_loss(a, y, {.log_input = false, .epsilon = -1}));
  CHECK_ERROR(ValueError, "[gaussian_nll_loss] epsilon is 0: must be above 0",
              gaussian_nll_loss(a, y, 1 + y, {.epsilon = 0}));
  CHECK_ERROR(ValueError, "[gaussian_nll_loss] a variance is -1: must not be negative",
              gaussian_nll_loss(a, y, Tensor<double>{1, -1, 1}));
  CHECK_ERROR(ShapeError,
              "[gaussian_nll_loss] mean (3,) and variance (2,): the variance must have the shape of the mean, or (1,)",
              gaussian_nll_loss(a, y, Tensor<double>{1, 1}));
  CHECK_ERROR(HandleError, "[gaussian_nll_loss] the mean is an empty handle", gaussian_nll_loss(Var<double>(), y, y));
  CHECK_ERROR(HandleError, "[gaussian_nll_loss] the variance belongs to another tape",
              gaussian_nll_loss(a, y, elsewhere));
  CHECK_ERROR(ShapeError, "[mse_loss] prediction (3,) and target (1, 3)", mse_loss(a, Tensor<double>{{1, 2, 3}}));
  CHECK_ERROR(ShapeError, "[kl_div] prediction (3,) and target ()", kl_div(a, 1.0));
  CHECK_ERROR(HandleError, "[l1_loss] the prediction is an empty handle", l1_loss(Var<double>(), y));
  CHECK_ERROR(HandleError, "[l1_loss] the target is an empty handle", l1_loss(a, Var<double>()));
  CHECK_ERROR(HandleError, "[mse_loss] the target belongs to another tape", mse_loss(a, elsewhere));
  CHECK_ERROR(ValueError, "[binary_cross_entropy] positive_weight with probabilities: use",
              binary_cross_entropy(y, y, {.positive_weight = a}));
  CHECK_ERROR(ShapeError,
              "[binary_cross_entropy_with_logits] positive_weight of shape (1, 3) does not broadcast to the target's "
              "shape (3,)",
              binary_cross_entropy_with_logits(a, y, {.positive_weight = tape.constant(Tensor<double>{{1, 2, 3}})}));
  CHECK_ERROR(HandleError, "[binary_cross_entropy] the weight belongs to another tape",
              binary_cross_entropy(y, y, {.weight = elsewhere}));
  const auto bad = tape.variable(Tensor<double>{1, nan, 0}), below = -a;
  const auto size = tape.size();
  CHECK_ERROR(ValueError, "[mse_loss] target: element (1,) is nan", mse_loss(a, bad, Reduction::none));
  CHECK_ERROR(ValueError, "[l1_loss] prediction: element (1,) is nan", l1_loss(bad, a));
  CHECK_ERROR(ValueError, "[huber_loss] prediction: element (1,) is nan", huber_loss(bad, a));
  CHECK_ERROR(ValueError, "[smooth_l1_loss] prediction: element (1,) is nan", smooth_l1_loss(bad, a));
  CHECK_ERROR(ValueError, "[hinge_loss] prediction: element (1,) is nan", hinge_loss(bad, a));
  CHECK_ERROR(ValueError, "[kl_div] prediction: element (1,) is nan", kl_div(bad, a));
  CHECK_ERROR(ValueError, "[poisson_nll_loss] prediction: element (1,) is nan", poisson_nll_loss(bad, a));
  CHECK_ERROR(ValueError, "[poisson_nll_loss] the loss is NaN, though no prediction and no target is",
              poisson_nll_loss(below, a, {.log_input = false}));
  CHECK_ERROR(ValueError, "[gaussian_nll_loss] mean: element (1,) is nan", gaussian_nll_loss(bad, a, a));
  CHECK_ERROR(ValueError, "[gaussian_nll_loss] variance: element (1,) is nan", gaussian_nll_loss(a, a, bad));
  CHECK(tape.size() == size);
}

TEST_CASE("a target below 0 has no kl_div, and one of 0 has a loss of 0") {
  Tape<double> tape;
  const auto a = tape.variable(Tensor<double>{-0.5, -1});
  const auto y = kl_div(a, Tensor<double>{0.5, 0}, {.reduction = Reduction::none}).value();
  CHECK(y(0) == doctest::Approx(0.5 * (std::log(0.5) + 0.5)));
  CHECK(y(1) == 0);
  CHECK_ERROR(ValueError, "[kl_div] the loss is NaN", kl_div(a, Tensor<double>{0.5, -0.5}));
}
