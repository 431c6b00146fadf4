// Normalisations against plain loops: every width, large means, running statistics, and rejected operands.
#include "../testing.hpp"

using namespace wengert;
using namespace wengert::testing;

namespace {

// Computes (x − mean) / √(variance + ε) of the elements at the given places, in long double.
void plain_standardise(const double* x, double* y, const std::vector<std::size_t>& places, double epsilon) {
  long double mean = 0, variance = 0;
  for (const std::size_t i : places) mean += x[i];
  mean /= static_cast<long double>(places.size());
  for (const std::size_t i : places) variance += (x[i] - mean) * (x[i] - mean);
  variance /= static_cast<long double>(places.size());
  for (const std::size_t i : places) y[i] = static_cast<double>((x[i] - mean) / std::sqrt(variance + epsilon));
}

}  // namespace

TEST_CASE_TEMPLATE("layer_norm and batch_norm of every width", T, float, double) {
  const double tolerance = sizeof(T) == 4 ? 3e-5 : 1e-13;
  for (const std::size_t width : Sizes{1, 2, 3, 7, 16, 17, 33, 64, 65, 130, 5000}) {
    CAPTURE(width);
    Tape<T> tape;
    const auto x = random_tensor<T>({5, width}, static_cast<unsigned>(width), -4, 8);
    const Tensor<double> exact = xt::cast<double>(x);
    Tensor<double> rows = exact, columns = exact;
    for (std::size_t r = 0; r < 5; ++r) {
      std::vector<std::size_t> places;
      for (std::size_t c = 0; c < width; ++c) places.push_back(r * width + c);
      plain_standardise(exact.data(), rows.data(), places, 1e-5);
    }
    for (std::size_t c = 0; c < width; ++c)
      plain_standardise(exact.data(), columns.data(), {c, width + c, 2 * width + c, 3 * width + c, 4 * width + c},
                        1e-5);
    const auto v = tape.variable(x);
    CHECK(distance(layer_norm(v, {width}).value(), rows) < tolerance);
    CHECK(distance(batch_norm(v, BatchNormState<T>(width), Training::yes).value(), columns) < tolerance);
    CHECK(distance(layer_norm(transpose(v), {5}).value(), xt::transpose(columns)) < tolerance);
    CHECK(distance(instance_norm(reshape(v, {1, 5, width})).value(), xt::view(rows, xt::newaxis())) < tolerance);
  }
}

TEST_CASE("a large mean does not spoil the variance of a long row in float") {
  Tape<float> tape;
  Tensor<float> x = xt::ones<float>({1, 1000000}) * 100.0F;
  for (std::size_t i = 0; i < x.size(); i += 2) x.data()[i] = 102.0F;
  const auto y = layer_norm(tape.constant(std::move(x)), {1000000}, {}, {}, 0);
  CHECK(std::abs(y.value()(0, 0) - 1.0F) < 1e-5F);
  CHECK(std::abs(y.value()(0, 1) + 1.0F) < 1e-5F);
}

TEST_CASE_TEMPLATE("normalisations of no elements", T, float, double) {
  Tape<T> tape;
  CHECK(layer_norm(tape.variable(Tensor<T>(xt::zeros<T>({0, 3}))), {3}).shape() == Shape{0, 3});
  CHECK(layer_norm(tape.variable(Tensor<T>(xt::zeros<T>({3, 0}))), {0}).shape() == Shape{3, 0});
  CHECK(group_norm(tape.variable(Tensor<T>(xt::zeros<T>({0, 4}))), 2).shape() == Shape{0, 4});
  const auto x = tape.variable(Tensor<T>(xt::zeros<T>({0, 3})));
  CHECK(grad(sum(layer_norm(x, {3})), x)[0].shape() == Shape{0, 3});
  const auto one = tape.variable(column<T>({3, 5}));  // rows of one element become 0
  CHECK(layer_norm(one, {1}).value() == column<T>({0, 0}));
  CHECK(grad(sum(layer_norm(one, {1})), one)[0].value() == column<T>({0, 0}));
}

TEST_CASE("queued updates are written by commit, chained within a tape, and dropped by a rewind") {
  Tape<double> tape;
  BatchNormState<double> state(1, 0.5);
  CHECK(!state.running_mean.trainable());
  const auto x = tape.variable(column<double>({1, 3}));  // mean 2, variance 2 (unbiased)
  const auto mark = tape.mark();
  batch_norm(x, state, Training::yes);
  CHECK(tape.updates().size() == 2);
  CHECK(state.running_mean.value() == Tensor<double>{0});
  tape.rewind(mark);
  CHECK(tape.updates().empty());
  tape.commit();
  CHECK(state.running_mean.value() == Tensor<double>{0});

  const auto y = batch_norm(x, state, Training::yes);
  const auto [dx] = grad(sum(y * y * y), x);
  tape.commit();
  CHECK(state.running_mean.value() == Tensor<double>{1});
  CHECK(state.running_variance.value() == Tensor<double>{1.5});
  CHECK_NOTHROW(grad(sum(dx * dx), x));  // does not read the running values
  batch_norm(x, state, Training::yes);
  batch_norm(x, state, Training::yes);
  const auto evaluated = batch_norm(x, state, Training::no, {}, {}, 0);  // reads the queued statistics
  CHECK(distance(evaluated.value(), (x.value() - 1.75) / std::sqrt(1.875)) < 1e-15);
  tape.commit();
  CHECK(state.running_mean.value() == Tensor<double>{1.75});
  CHECK(state.running_variance.value() == Tensor<double>{1.875});
  CHECK(tape.updates().empty());
}

TEST_CASE("updates of any parameter: exchanged, refused") {
  Tape<double> tape, other;
  Parameter<double> a(Tensor<double>{1, 2}, "a"), b(Tensor<double>{3, 4}, "b");
  tape.update(a, tape.variable(b));
  tape.update(b, tape.variable(a));
  tape.commit();
  CHECK(a.value() == Tensor<double>{3, 4});
  CHECK(b.value() == Tensor<double>{1, 2});
  CHECK_ERROR(ShapeError, "[update] parameter 'a' has shape (2,): cannot be updated to a value of shape ()",
              (tape.update(a, tape.constant(1.0)), 0));
  CHECK_ERROR(HandleError, "[update] the value is an empty handle", (tape.update(a, Var<double>()), 0));
  CHECK_ERROR(HandleError, "[update] the value belongs to another tape", (tape.update(a, other.variable(a)), 0));
  tape.update(a, transpose(tape.updated(b) * 2));
  CHECK(tape.updated(a).value() == Tensor<double>{2, 4});
  tape.commit();
  CHECK(a.value() == Tensor<double>{2, 4});
}

TEST_CASE("normalisations refuse what does not fit, and record nothing") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({2, 6, 3}, 1)), w = tape.variable(random_tensor({4}, 2)),
             flat = tape.variable(random_tensor({6}, 3)), one = tape.variable(random_tensor({1, 6}, 4));
  const BatchNormState<double> state(6), small(4);
  const auto size = tape.size();
  CHECK_ERROR(ShapeError, "[layer_norm] shape (2, 6, 3): must end with the normalised extents (6,)",
              layer_norm(x, {6}));
  CHECK_ERROR(ShapeError, "must end with the normalised extents ()", layer_norm(x, Shape{}));
  CHECK_ERROR(ShapeError, "must end with the normalised extents (1, 2, 6, 3)", layer_norm(x, {1, 2, 6, 3}));
  CHECK_ERROR(ShapeError, "[layer_norm] weight of shape (4,): must have the shape (3,)", layer_norm(x, {3}, w));
  CHECK_ERROR(ShapeError, "[layer_norm] bias of shape (4,): must have the shape (3,)", layer_norm(x, {3}, {}, w));
  CHECK_ERROR(ValueError, "[layer_norm] epsilon is -1: must be at least 0", layer_norm(x, {3}, {}, {}, -1));
  CHECK_ERROR(HandleError, "[layer_norm] the operand is an empty handle", layer_norm(Var<double>(), {3}));
  CHECK_ERROR(ShapeError, "[rms_norm] shape (2, 6, 3): must end with", rms_norm(x, {2}));
  CHECK_ERROR(ShapeError, "[rms_norm] weight of shape (4,)", rms_norm(x, {3}, w));
  CHECK_ERROR(ShapeError, "[batch_norm] shape (6,): must be (samples, channels) or more axes",
              batch_norm(flat, state, Training::yes));
  CHECK_ERROR(ShapeError,
              "[batch_norm] 6 channels in shape (2, 6, 3): the running statistics have shapes (4,) and (4,)",
              batch_norm(x, small, Training::no));
  CHECK_ERROR(ShapeError, "[batch_norm] shape (1, 6) has 1 element per channel: training needs at least 2",
              batch_norm(one, state, Training::yes));
  CHECK_ERROR(ShapeError, "[batch_norm] weight of shape (4,): must have the shape (6,)",
              batch_norm(x, state, Training::yes, w));
  CHECK_ERROR(ShapeError, "[group_norm] 4 groups for 6 channels (shape (2, 6, 3)): must divide the channels evenly",
              group_norm(x, 4));
  CHECK_ERROR(ShapeError, "[group_norm] 0 groups for 6 channels", group_norm(x, 0));
  CHECK_ERROR(ShapeError, "[instance_norm] shape (1, 6): must be (samples, channels, …)", instance_norm(one));
  CHECK(tape.size() == size);
  CHECK(tape.updates().empty());
}

TEST_CASE_TEMPLATE("a NaN anywhere in a row makes that row of softmax NaN, and no other", T, float, double) {
  const T nan = std::numeric_limits<T>::quiet_NaN();
  for (const std::size_t width : Sizes{1, 3, 16, 21, 40})
    for (std::size_t at = 0; at < width; ++at) {
      Tape<T> tape;
      auto x = random_tensor<T>({2, width}, 5);
      x(0, at) = nan;
      const auto v = tape.constant(x);
      const Tensor<T> y = softmax(v).value(), z = log_softmax(v).value();
      for (std::size_t c = 0; c < width; ++c) {
        REQUIRE(std::isnan(y(0, c)));
        REQUIRE(std::isnan(z(0, c)));
        REQUIRE(!std::isnan(y(1, c)));
        REQUIRE(!std::isnan(z(1, c)));
      }
    }
}
