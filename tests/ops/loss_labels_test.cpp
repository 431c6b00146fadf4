// Losses of labels and embeddings, and ctc_loss: extreme logits, distances of 0, and rejected operands.
#include "../testing.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE_TEMPLATE("cross_entropy of labels, one-hot rows and logits of ±1000", T, float, double) {
  Tape<T> tape;
  const auto z = tape.variable(random_tensor<T>({4, 3}, 1));
  const Tensor<T> rows{{0, 0, 1}, {1, 0, 0}, {0, 1, 0}, {0, 1, 0}};
  const double by_label = static_cast<double>(cross_entropy(z, {2, 0, 1, 1}).item());
  CHECK(by_label == doctest::Approx(static_cast<double>(cross_entropy(z, rows).item())).epsilon(1e-6));
  CHECK(by_label == doctest::Approx(static_cast<double>(cross_entropy_with_logits(z, rows).item())).epsilon(1e-6));
  CHECK(by_label == doctest::Approx(static_cast<double>(nll_loss(log_softmax(z), {2, 0, 1, 1}).item())).epsilon(1e-6));
  CHECK(cross_entropy(transpose(tape.variable(Tensor<T>{{1000, -1000}, {-1000, 1000}})), {0, 0}).item() == 1000);

  const auto far = tape.variable(Tensor<T>{{1000, -1000}, {-1000, 1000}});
  const auto loss = cross_entropy(far, {0, 0}, {.reduction = Reduction::none});
  CHECK(loss.value() == Tensor<T>{0, 2000});
  CHECK(grad(sum(loss), far)[0].value() == Tensor<T>{{0, 0}, {-1, 1}});
  CHECK(cross_entropy(far, {0, 0}, {.reduction = Reduction::batch_mean}).item() == 1000);

  const auto none = tape.variable(Tensor<T>(xt::zeros<T>({0, 3})));
  CHECK(cross_entropy(none, Indices::from_shape({0}), {.reduction = Reduction::sum}).item() == 0);
  const IndexVar<T> k = tape.indices({1, 1});
  CHECK(cross_entropy(far, k, {.reduction = Reduction::none}).value() == Tensor<T>{2000, 0});
}

TEST_CASE("cross_entropy and nll_loss refuse invalid operands, and record nothing") {
  Tape<double> tape, other;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto z = tape.variable(random_tensor({2, 3}, 1)), w = tape.constant(Tensor<double>{1, 2}),
             bad = tape.variable(Tensor<double>{{1, 2, 3}, {4, nan, 6}}), y = tape.constant(random_tensor({2, 3}, 2)),
             inf = tape.constant(Tensor<double>{{1, std::numeric_limits<double>::infinity(), 3}});
  const auto elsewhere = other.indices({0, 1});
  const auto size = tape.size();
  CHECK_ERROR(ValueError, "[cross_entropy] label 3 at position 1: must be a class from 0 to 2",
              cross_entropy(z, {0, 3}));
  CHECK_ERROR(ValueError, "[cross_entropy] label -100 at position 0: must be a class from 0 to 2, or -1",
              cross_entropy(z, {-100, -1}, {.ignore_index = -1}));
  CHECK_ERROR(ValueError, "[nll_loss] label -1 at position 0", nll_loss(z, {-1, 0}));
  CHECK_ERROR(ShapeError, "[cross_entropy] labels (3,) for a prediction (2, 3) of 3 classes: must have the shape (2,)",
              cross_entropy(z, {0, 1, 2}));
  CHECK_ERROR(ShapeError, "[cross_entropy] class weights of shape (2,) for 3 classes: must have the shape (3,)",
              cross_entropy(z, {0, 1}, {.weights = w}));
  CHECK_ERROR(ValueError, "[cross_entropy] label_smoothing is 1.5: must be from 0 to 1",
              cross_entropy(z, {0, 1}, {.label_smoothing = 1.5}));
  CHECK_ERROR(ValueError, "[nll_loss] label_smoothing is nan", nll_loss(z, {0, 1}, {.label_smoothing = nan}));
  CHECK_ERROR(ShapeError, "[cross_entropy] a scalar has no classes", cross_entropy(sum(z), Indices(0)));
  CHECK_ERROR(ValueError, "[cross_entropy] the labels have a total weight of 0: the mean is undefined",
              cross_entropy(z, {-1, -1}, {.ignore_index = -1}));
  CHECK_ERROR(ValueError, "[cross_entropy] ignore_index with probabilities", cross_entropy(z, y, {.ignore_index = 1}));
  CHECK_ERROR(ShapeError, "[cross_entropy] prediction (2, 3) and target (2,)", cross_entropy(z, w));
  CHECK_ERROR(ValueError, "[cross_entropy] prediction: element (1, 1) is nan", cross_entropy(bad, {0, 1}));
  CHECK_ERROR(ValueError, "[cross_entropy] target: element (1, 1) is nan", cross_entropy(z, bad));
  CHECK_ERROR(ValueError, "[cross_entropy] the loss is NaN; prediction: element (0, 1) is inf",
              cross_entropy(inf, Indices{1}));
  CHECK_ERROR(ValueError, "[nll_loss] prediction: element (1, 1) is nan", nll_loss(bad, {0, 1}));
  CHECK_ERROR(HandleError, "[cross_entropy] the prediction is an empty handle", cross_entropy(Var<double>(), {0, 1}));
  CHECK_ERROR(HandleError, "[cross_entropy] the label operand belongs to another tape", cross_entropy(z, elsewhere));
  CHECK_ERROR(HandleError, "[cross_entropy] the label operand is an empty handle",
              cross_entropy(z, IndexVar<double>()));
  CHECK(tape.size() == size + 1);  // sum(z)
}

TEST_CASE("embedding losses refuse what does not fit, and record nothing") {
  Tape<double> tape, other;
  const auto a = tape.variable(random_tensor({2, 3}, 1)), b = tape.variable(random_tensor({3, 2}, 2)),
             y = tape.constant(Tensor<double>{1, -1}), scalar = tape.constant(1.0),
             bad = tape.constant(Tensor<double>{{1, 2, 3}, {4, std::numeric_limits<double>::quiet_NaN(), 6}});
  const auto elsewhere = other.constant(random_tensor({2, 3}, 3));
  const auto size = tape.size();
  CHECK_ERROR(ShapeError, "[cosine_similarity] shapes (2, 3) and (3, 2): must be the same", cosine_similarity(a, b));
  CHECK_ERROR(AxisError, "[cosine_similarity]", cosine_similarity(a, a, 2));
  CHECK_ERROR(AxisError, "[cosine_similarity]", cosine_similarity(scalar, scalar, 1));
  CHECK_ERROR(ValueError, "[cosine_similarity] epsilon is 0: must be above 0", cosine_similarity(a, a, 1, 0));
  CHECK_ERROR(HandleError, "[cosine_similarity] the second operand belongs to another tape",
              cosine_similarity(a, elsewhere));
  CHECK_ERROR(ShapeError,
              "[cosine_embedding_loss] first operand (2, 3) and second operand (3, 2): must have the same shape",
              cosine_embedding_loss(a, b, y));
  CHECK_ERROR(ShapeError,
              "[cosine_embedding_loss] first operand (2, 3) and target (): the target must have the shape (2,)",
              cosine_embedding_loss(a, a, scalar));
  CHECK_ERROR(ValueError, "[cosine_embedding_loss] second operand: element (1, 1) is nan",
              cosine_embedding_loss(a, bad, y));
  CHECK_ERROR(ShapeError, "[triplet_margin_loss] anchor (2, 3) and negative (3, 2)", triplet_margin_loss(a, a, b));
  CHECK_ERROR(ShapeError, "[triplet_margin_loss] the anchor is a scalar", triplet_margin_loss(scalar, scalar, scalar));
  CHECK_ERROR(ValueError, "[triplet_margin_loss] p is 0: must be above 0", triplet_margin_loss(a, a, a, {.p = 0}));
  CHECK_ERROR(ValueError, "[triplet_margin_loss] margin is -1", triplet_margin_loss(a, a, a, {.margin = -1}));
  CHECK_ERROR(ValueError, "[triplet_margin_loss] epsilon is -1", triplet_margin_loss(a, a, a, {.epsilon = -1}));
  CHECK_ERROR(ValueError, "[triplet_margin_loss] positive: element (1, 1) is nan", triplet_margin_loss(a, bad, a));
  CHECK_ERROR(HandleError, "[triplet_margin_loss] the anchor is an empty handle",
              triplet_margin_loss(Var<double>(), a, a));
  CHECK_ERROR(ValueError, "[contrastive_loss] margin is 0", contrastive_loss(a, a, y, 0));
  CHECK_ERROR(ValueError, "[contrastive_loss] first operand: element (1, 1) is nan", contrastive_loss(bad, a, y));
  CHECK(tape.size() == size);
}

TEST_CASE("a distance of 0 has a gradient of 0, to the second order") {
  Tape<double> tape;
  const auto a = tape.variable(Tensor<double>{{1, 2}}), b = tape.variable(Tensor<double>{{1, 2}});
  const auto loss = contrastive_loss(a, b, Tensor<double>{0});
  CHECK(loss.item() == 0.5);
  const auto [da] = grad(loss, a);
  CHECK(da.value() == Tensor<double>{{0, 0}});
  CHECK(grad(sum(da), a)[0].value() == Tensor<double>{{0, 0}});
  const auto triplet = triplet_margin_loss(a, b, a, {.epsilon = 0});
  CHECK(triplet.item() == 1);
  CHECK(grad(triplet, b)[0].value() == Tensor<double>{{0, 0}});
  const auto zero = tape.variable(Tensor<double>{{0, 0}});
  const auto cosine = cosine_similarity(zero, b);
  CHECK(cosine.value() == Tensor<double>{0});
  CHECK(grad(sum(cosine), zero)[0].value() == Tensor<double>{{1, 2}} / (1e-8 * std::sqrt(5.0)));
}

TEST_CASE("ctc_loss of logits of ±1000, of infinite loss, and differentiated a third time") {
  Tape<double> tape;
  const auto z = tape.variable(Tensor<double>{{{1000, -1000, -1000}}, {{-1000, 1000, -1000}}});
  CHECK(ctc_loss(log_softmax(z), Indices{1}, Indices{2}, Indices{1}).item() == 0);
  CHECK(ctc_loss(log_softmax(z), Indices{2}, Indices{2}, Indices{1}).item() == 2000);

  const auto a = log_softmax(tape.variable(random_tensor({2, 1, 3}, 1)));
  const auto impossible = ctc_loss(a, Indices{1, 1}, Indices{2}, Indices{2});
  CHECK(impossible.item() == std::numeric_limits<double>::infinity());
  CHECK(grad(impossible, a)[0].value() == Tensor<double>(xt::zeros<double>({2, 1, 3})));
  CHECK(ctc_loss(a, Indices{1, 1}, Indices{2}, Indices{2}, {.zero_infinity = true}).item() == 0);
  CHECK(ctc_loss(a, Indices::from_shape({0}), Indices{0}, Indices{0}).item() == 0);

  const auto x = tape.variable(random_tensor({3, 1, 3}, 2, -2, -0.5));
  const auto loss = ctc_loss(x, Indices{1, 2}, Indices{3}, Indices{2});
  const auto [first] = grad(loss, x);
  const auto [second] = grad(sum(first * random_tensor({3, 1, 3}, 3)), x);
  CHECK(contains(message_of<GradientError>([&] { grad(sum(second * second), x); }),
                 "[ctc_loss] a third derivative: this loss can be differentiated only twice"));
}

TEST_CASE("ctc_loss refuses what does not fit, and records nothing") {
  Tape<double> tape, other;
  Indices one = Indices::from_shape({1, 1});
  one.fill(1);
  const auto a = tape.variable(random_tensor({4, 2, 3}, 1, -2, -0.5)), flat = tape.variable(random_tensor({4, 3}, 2)),
             bad = reshape(tape.constant(Tensor<double>{0, std::numeric_limits<double>::quiet_NaN()}), {1, 1, 2});
  const Indices targets{{1, 2}, {2, 0}}, frames{4, 3}, lengths{2, 1};
  const auto elsewhere = other.indices(targets);
  const auto size = tape.size();
  CHECK_ERROR(ShapeError, "[ctc_loss] log-probabilities (4, 3): must be (frames, samples, classes)",
              ctc_loss(flat, targets, frames, lengths));
  CHECK_ERROR(ShapeError, "[ctc_loss] targets (1, 2) for 2 samples: must be (samples, longest target), or all targets",
              ctc_loss(a, Indices{{1, 2}}, frames, lengths));
  CHECK_ERROR(ShapeError, "[ctc_loss] input lengths (1,) and target lengths (2,): must have the shape (2,)",
              ctc_loss(a, targets, Indices{4}, lengths));
  CHECK_ERROR(ValueError, "[ctc_loss] the blank is 3: must be a class from 0 to 2",
              ctc_loss(a, targets, frames, lengths, {.blank = 3}));
  CHECK_ERROR(ValueError, "[ctc_loss] input length 0 is 5: must be from 0 to 4", ctc_loss(a, targets, {5, 4}, lengths));
  CHECK_ERROR(ValueError, "[ctc_loss] target length 1 is 3: must be from 0 to 2", ctc_loss(a, targets, frames, {2, 3}));
  CHECK_ERROR(ValueError, "[ctc_loss] target length 1 is -1: must be from 0 to 2",
              ctc_loss(a, targets, frames, {2, -1}));
  CHECK_ERROR(ValueError, "[ctc_loss] target length 1 is 2: must be from 0 to 1",
              ctc_loss(a, {1, 2, 1}, frames, {2, 2}));
  CHECK_ERROR(ValueError,
              "[ctc_loss] label 0 at position 1 of target 1: must be a class from 0 to 2 other than the blank 0",
              ctc_loss(a, targets, frames, {2, 2}));
  CHECK_ERROR(ValueError, "[ctc_loss] label 3 at position 0 of target 0", ctc_loss(a, {3, 1}, frames, {1, 1}));
  CHECK_ERROR(ValueError, "[ctc_loss] prediction: element (0, 0, 1) is nan",
              ctc_loss(bad, one, Indices{1}, Indices{1}));
  CHECK_ERROR(HandleError, "[ctc_loss] the prediction is an empty handle",
              ctc_loss(Var<double>(), targets, frames, lengths));
  CHECK_ERROR(HandleError, "[ctc_loss] the target operand belongs to another tape",
              ctc_loss(a, elsewhere, frames, lengths));
  CHECK(tape.size() == size);
}
