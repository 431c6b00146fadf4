// Frozen parameters: constants that Programs share, and batch normalisations folded into the weights before them.
#include "testing.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

using Record = std::function<Var<double>(Tape<double>&, Var<double>)>;

// Running statistics and parameters of a batch normalisation.
struct Normalisation {
  explicit Normalisation(std::size_t channels, unsigned seed)
      : state(channels),
        weight(random_tensor({channels}, seed, 0.5, 2), "weight"),
        bias(random_tensor({channels}, seed + 1), "bias") {
    state.running_mean.assign(random_tensor({channels}, seed + 2));
    state.running_variance.assign(random_tensor({channels}, seed + 3, 0.2, 3));
  }
  Var<double> operator()(Var<double> x) const {
    return batch_norm(x, state, Training::no, x.tape().variable(weight), x.tape().variable(bias));
  }
  // By its definition.
  double of(double x, std::size_t c) const {
    return (x - state.running_mean.value()(c)) / std::sqrt(state.running_variance.value()(c) + 1e-5) *
               weight.value()(c) +
           bias.value()(c);
  }
  BatchNormState<double> state;
  Parameter<double> weight, bias;
};

Program<double> compiled_frozen(const Record& record, const Tensor<double>& x, CompileOptions options = {}) {
  if (options.frozen == nullptr) options.frozen = frozen_constants();
  options.keep_passes = true;
  return compile_recorded<double>(
      [&](Tape<double>& tape, std::vector<ProgramVar<double>>& inputs) {
        const Var<double> input = tape.borrow(x);
        inputs = {input};
        return std::vector<ProgramVar<double>>{record(tape, input)};
      },
      options);
}
bool normalises(const Program<double>& program) { return contains(program.passes().back().second, "scale_and_shift"); }

// Compares the Program with the tape; returns whether it still contains a batch normalisation.
bool check_frozen(const Record& record, const Shape& shape) {
  const Tensor<double> x = random_tensor(shape, 9), other = random_tensor(shape, 10);
  Program<double> program = compiled_frozen(record, x);
  for (const Tensor<double>* input : {&x, &other}) {
    Tape<double> tape;
    CHECK(distance(program(*input).value(), record(tape, tape.borrow(*input)).value()) < 1e-13);
  }
  CHECK(program.memory().constant_bytes == 0);
  return normalises(program);
}

}  // namespace

TEST_CASE("a batch normalisation after a linear layer or a convolution is folded into its weights") {
  const Parameter<double> w(random_tensor({5, 4}, 1)), b(random_tensor({5}, 2));
  const Normalisation norm(5, 3);
  const Record linear = [&](auto& tape, auto x) {
    return norm(matmul(x, transpose(tape.variable(w))) + tape.variable(b));
  };
  CHECK(!check_frozen(linear, {3, 4}));
  CHECK(!check_frozen(
      [&](auto& tape, auto x) { return norm(tape.variable(b) + matmul(x, transpose(tape.variable(w)))); }, {3, 4}));
  CHECK(!check_frozen([&](auto& tape, auto x) { return relu(norm(matmul(x, transpose(tape.variable(w))))); }, {1, 4}));
  CHECK(!check_frozen(linear, {5, 4}));  // as many samples as channels
  const Parameter<double> k1(random_tensor({5, 4, 3}, 1)), k2(random_tensor({5, 2, 3, 2}, 1)),
      kt(random_tensor({4, 5, 2, 2}, 1));
  CHECK(!check_frozen([&](auto& tape, auto x) { return norm(conv1d(x, tape.variable(k1), tape.variable(b))); },
                      {2, 4, 6}));
  CHECK(
      !check_frozen([&](auto& tape, auto x) { return norm(conv2d(x, tape.variable(k2), {.stride = 2, .padding = 1})); },
                    {2, 2, 5, 6}));
  CHECK(
      !check_frozen([&](auto& tape, auto x) { return norm(conv_transpose2d(x, tape.variable(kt), tape.variable(b))); },
                    {2, 4, 3, 3}));

  const Parameter<double> groups(random_tensor({4, 1, 3, 3}, 1));
  const Normalisation of_groups(4, 3);
  CHECK(!check_frozen([&](auto& tape, auto x) { return of_groups(conv2d(x, tape.variable(groups), {.groups = 2})); },
                      {2, 2, 5, 5}));
  // Without parameters of its own.
  CHECK(!check_frozen(
      [&](auto& tape, auto x) { return batch_norm(matmul(x, transpose(tape.variable(w))), norm.state, Training::no); },
      {3, 4}));

  // By the definition, independently of the tape.
  const Tensor<double> x = random_tensor({3, 4}, 9);
  Program<double> program = compiled_frozen(linear, x);
  const Tensor<double> y = program(x).value();
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t c = 0; c < 5; ++c) {
      double z = b.value()(c);
      for (std::size_t j = 0; j < 4; ++j) z += x(i, j) * w.value()(c, j);
      CHECK(y(i, c) == doctest::Approx(norm.of(z, c)).epsilon(1e-12));
    }
}

TEST_CASE("a normalisation is not folded if something else reads the product or its weight") {
  const Parameter<double> w(random_tensor({4, 4}, 1)), k(random_tensor({4, 4, 1}, 1)), b(random_tensor({4}, 2));
  const Normalisation norm(4, 3);
  CHECK(check_frozen(
      [&](auto& tape, auto x) {
        const auto z = matmul(x, transpose(tape.variable(w))) + tape.variable(b);
        return norm(z) + z;
      },
      {3, 4}));
  CHECK(check_frozen(
      [&](auto& tape, auto x) {
        const auto z = matmul(x, transpose(tape.variable(w)));
        return norm(z + tape.variable(b)) + z;
      },
      {3, 4}));
  CHECK(check_frozen(
      [&](auto& tape, auto x) {
        const auto weight = tape.variable(k);
        return norm(conv1d(norm(conv1d(x, weight)), weight));
      },
      {2, 4, 3}));
  const Parameter<double> grouped(random_tensor({4, 2, 2}, 1));
  CHECK(check_frozen(
      [&](auto& tape, auto x) { return norm(conv_transpose1d(x, tape.variable(grouped), {.groups = 2})); }, {2, 4, 3}));
  CHECK(check_frozen([&](auto&, auto x) { return norm(x); }, {2, 4, 3}));
  // Channels that are the rows of the matrices of a batch, which are as many as their columns.
  const Parameter<double> matrices(random_tensor({2, 5, 4}, 1));
  CHECK(check_frozen([&](auto& tape, auto x) { return norm(matmul(x, tape.variable(matrices))); }, {2, 4, 5}));
  // Channels that are not the columns of the product.
  const Parameter<double> columns(random_tensor({3, 2}, 1));
  CHECK(check_frozen([&](auto& tape, auto x) { return norm(matmul(x, tape.variable(columns))); }, {2, 4, 3}));
}

TEST_CASE("without fusion, frozen parameters give the tape's results to the last bit") {
  const Parameter<double> w(random_tensor({5, 4}, 1));
  const Normalisation norm(5, 3);
  const Record record = [&](auto& tape, auto x) { return norm(matmul(x, transpose(tape.variable(w)))); };
  const Tensor<double> x = random_tensor({3, 4}, 9);
  Program<double> program = compiled_frozen(record, x, {.fuse = false});
  CHECK(normalises(program));
  Tape<double> tape;
  CHECK(program(x).value() == record(tape, tape.borrow(x)).value());
}

TEST_CASE("Programs share what they compute from frozen parameters, and update those that are not frozen") {
  const Parameter<double> w(random_tensor({50, 40}, 1));
  const Normalisation norm(50, 3);
  const Record record = [&](auto& tape, auto x) { return norm(matmul(x, transpose(tape.variable(w)))); };
  const auto frozen = frozen_constants();
  const Tensor<double> x = random_tensor({3, 40}, 9), longer = random_tensor({7, 40}, 9);
  const Program<double> one = compiled_frozen(record, x, {.frozen = frozen});
  const Program<double> two = compiled_frozen(record, longer, {.frozen = frozen});
  const std::size_t folded = 64 * 40 * sizeof(double) + 50 * sizeof(double);  // packed: four panels of 16 columns
  CHECK(one.memory().frozen_bytes == folded);
  CHECK(two.memory().frozen_bytes == folded);
  CHECK(one.memory().total_bytes() < folded);

  Parameter<double> count(Tensor<double>(1.0), "count");
  Program<double> step = compile_recorded<double>(
      [&](Tape<double>& tape, std::vector<ProgramVar<double>>&) {
        const auto c = tape.variable(count);
        tape.update(count, c + 1);
        return std::vector<ProgramVar<double>>{c * 1};
      },
      {.frozen = frozen});
  for (int i = 0; i < 3; ++i) step();
  CHECK(count.value()() == 4);
  CHECK(step.item() == 3);
}

TEST_CASE("a frozen parameter may be a result") {
  Parameter<double> w(random_tensor({5, 4}, 1));
  const Tensor<double> x = random_tensor({2, 2}, 9), before = xt::transpose(w.value());
  Program<double> program = compiled_frozen([&](auto& tape, auto) { return transpose(tape.variable(w)); }, x);
  Program<double> itself = compiled_frozen([&](auto& tape, auto) { return tape.variable(w); }, x);
  CHECK(program(x).value() == before);
  CHECK(itself(x).value() == xt::transpose(before));
  w.assign(xt::zeros<double>({5, 4}));  // results are those of the last replay
  CHECK(program.value() == before);
  CHECK(itself.value() == xt::transpose(before));
}

TEST_CASE("a Program refuses to replay once a frozen parameter has changed") {
  Parameter<double> w(random_tensor({5, 4}, 1), "w"), added(random_tensor({5}, 2), "added");
  const Tensor<double> x = random_tensor({3, 4}, 9);
  Program<double> program = compiled_frozen(
      [&](auto& tape, auto v) {
        const auto a = tape.variable(added);
        tape.update(added, a * 2);
        return matmul(v, transpose(tape.variable(w))) + a;
      },
      x);
  for (int i = 0; i < 2; ++i) program(x);  // its own updates do not count
  for (std::size_t i = 0; i < 5; ++i) CHECK(added.value()(i) == doctest::Approx(4 * random_tensor({5}, 2)(i)));
  w.assign(xt::zeros<double>({5, 4}));
  const Tensor<double> before = added.value();
  CHECK(contains(message_of<HandleError>([&] { program(x); }),
                 "[program] parameter 'w' of shape (5, 4) has changed since the Program was compiled with `frozen`"));
  CHECK(added.value() == before);
}

TEST_CASE("copy_to copies results to existing tensors") {
  const Tensor<double> x{3.0, 1.0, 2.0};
  Program<double> program = compile_recorded<double>([&](Tape<double>& tape, std::vector<ProgramVar<double>>& inputs) {
    const auto input = tape.borrow(x);
    inputs = {input};
    return std::vector<ProgramVar<double>>{input * 2, argmax(input, 0)};
  });
  program(x);
  Tensor<double> y = xt::zeros<double>({3});
  const double* memory = y.data();
  program.copy_to(0, y);
  CHECK(y == 2 * x);
  CHECK(y.data() == memory);
  Tensor<double> other;
  program.copy_to(0, other);
  CHECK(other == 2 * x);
  Indices best;
  program.copy_to(1, best);
  CHECK(best() == 0);
  // A moved-from array has the shape of a scalar, but no memory.
  const Tensor<double> taken = std::move(y);
  program.copy_to(0, y);  // NOLINT(bugprone-use-after-move)
  CHECK(y == 2 * x);
  const Indices taken_best = std::move(best);
  program.copy_to(1, best);  // NOLINT(bugprone-use-after-move)
  CHECK(best() == 0);
  CHECK_ERROR(ValueError, "[program] there is no output 2", program.copy_to(2, y));
  CHECK_ERROR(ValueError, "[program] output 0 does not hold indices", program.copy_to(0, best));
}
