// Constant weights laid out for their kernels: results are those of the tape within rounding, memory is shared.
#include "testing.hpp"

#include <functional>
#include <limits>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

template <class T>
using RecordOf = std::function<Var<T>(Tape<T>&, Var<T>)>;

template <class T>
Program<T> prepared(const RecordOf<T>& record, const Tensor<T>& x, CompileOptions options = {}) {
  if (options.frozen == nullptr) options.frozen = frozen_constants();
  options.keep_passes = true;
  return compile_recorded<T>(
      [&](Tape<T>& tape, std::vector<ProgramVar<T>>& inputs) {
        const Var<T> input = tape.borrow(x);
        inputs = {input};
        return std::vector<ProgramVar<T>>{record(tape, input)};
      },
      options);
}
template <class T>
bool runs(const Program<T>& program, const std::string& op) {
  return contains(program.to_string(), op);
}
template <class T>
Tensor<T> on_tape(const RecordOf<T>& record, const Tensor<T>& x) {
  Tape<T> tape;
  return record(tape, tape.borrow(x)).value();
}

// A network of float that is also computed in double, by other kernels: record(tape, x, parameter of these elements).
// Returns the distance of the frozen Program from the results in double, relative to the largest of them.
struct InBoth {
  std::vector<Tensor<float>> weights;
  template <class T>
  std::vector<Parameter<T>> parameters() const {
    std::vector<Parameter<T>> all;
    for (const Tensor<float>& weight : weights) all.emplace_back(Tensor<T>(xt::cast<T>(weight)));
    return all;
  }
};
template <class Network>
double prepared_distance(const Network& network, const Shape& shape, const std::vector<Shape>& weights,
                         std::string* text = nullptr) {
  InBoth both;
  for (unsigned i = 0; i < weights.size(); ++i) both.weights.push_back(random_tensor<float>(weights[i], 20 + i));
  const auto floats = both.parameters<float>();
  const auto doubles = both.parameters<double>();
  const auto record = [&]<class T>(const std::vector<Parameter<T>>& parameters) -> RecordOf<T> {
    return [&](Tape<T>& tape, Var<T> x) {
      std::vector<Var<T>> w;
      for (const Parameter<T>& parameter : parameters) w.push_back(tape.variable(parameter));
      return network(x, w);
    };
  };
  const Tensor<float> x = random_tensor<float>(shape, 9), other = random_tensor<float>(shape, 10);
  Program<float> program = prepared<float>(record(floats), x);
  if (text != nullptr) *text = program.to_string();
  double worst = 0;
  for (const Tensor<float>* input : {&x, &other}) {
    const Tensor<double> expected = on_tape<double>(record(doubles), Tensor<double>(xt::cast<double>(*input)));
    double largest = 1e-30;
    for (const double e : expected) largest = std::max(largest, std::abs(e));
    worst = larger_error(worst, distance(program(*input).value(), expected) / largest);
  }
  return worst;
}
bool computes_convolutions() {
#if defined(WENGERT_ONEDNN)
  return true;
#else
  return false;
#endif
}

}  // namespace

TEST_CASE_TEMPLATE("products with constant weights are those of the tape within rounding", T, float, double) {
  const double tolerance = sizeof(T) == 4 ? 2e-5 : 1e-13;
  for (const std::size_t rows : Sizes{1, 2, 7, 32, 64, 65, 256})
    for (const auto& [in, out] : {std::pair<std::size_t, std::size_t>{40, 30}, {13, 9}, {300, 65}}) {
      const Parameter<T> w(random_tensor<T>({out, in}, 1)), v(random_tensor<T>({in, out}, 2)),
          b(random_tensor<T>({out}, 3));
      const RecordOf<T> linear = [&](Tape<T>& tape, Var<T> x) {
        return matmul(x, transpose(tape.variable(w))) + tape.variable(b);
      };
      const RecordOf<T> plain = [&](Tape<T>& tape, Var<T> x) { return tanh(matmul(x, tape.variable(v))); };
      for (const RecordOf<T>& record : {linear, plain}) {
        const Tensor<T> x = random_tensor<T>({rows, in}, 9), other = random_tensor<T>({rows, in}, 10);
        Program<T> program = prepared<T>(record, x);
        CHECK(runs(program, "packed_matmul") == (rows <= 64));
        for (const Tensor<T>* input : {&x, &other})
          CHECK(distance(program(*input).value(), on_tape<T>(record, *input)) < tolerance);
      }
    }
}

TEST_CASE("operands of every layout multiply packed weights") {
  const Parameter<double> w(random_tensor({12, 20}, 1));
  const auto check = [&](const RecordOf<double>& record, const Shape& shape) {
    const Tensor<double> x = random_tensor(shape, 9);
    Program<double> program = prepared<double>(record, x);
    CHECK(runs(program, "packed_matmul"));
    CHECK(distance(program(x).value(), on_tape<double>(record, x)) < 1e-13);
  };
  const auto weight = [&](Tape<double>& tape) { return transpose(tape.variable(w)); };
  check([&](auto& tape, auto x) { return matmul(transpose(x), weight(tape)); }, {20, 5});
  check([&](auto& tape, auto x) { return matmul(slice(x, {xt::all(), xt::range(3, 23)}), weight(tape)); }, {5, 30});
  check([&](auto& tape, auto x) { return matmul(x, weight(tape)); }, {20});        // a vector
  check([&](auto& tape, auto x) { return matmul(x, weight(tape)); }, {3, 4, 20});  // a stack
  check([&](auto& tape, auto x) { return matmul(slice(x, {xt::all(), 2}), weight(tape)); }, {20, 3, 20});
}

TEST_CASE("without fusion, or for weights that are no constants, products read weights in place") {
  const Parameter<double> w(random_tensor({30, 40}, 1)), m(random_tensor({2, 40, 30}, 1));
  const Tensor<double> x = random_tensor({3, 40}, 9);
  const RecordOf<double> linear = [&](auto& tape, auto v) { return matmul(v, transpose(tape.variable(w))); };
  Program<double> unfused = prepared<double>(linear, x, {.fuse = false});
  CHECK(!runs(unfused, "packed_matmul"));
  CHECK(unfused(x).value() == on_tape<double>(linear, x));
  const RecordOf<double> batch = [&](auto& tape, auto v) { return matmul(v, tape.variable(m)); };
  const RecordOf<double> square = [&](auto&, auto v) { return matmul(v, transpose(v)); };
  const RecordOf<double> left = [&](auto& tape, auto v) { return matmul(tape.variable(w), transpose(v)); };
  for (const auto& record : {batch, square, left}) {
    Program<double> program = prepared<double>(record, x);
    CHECK(!runs(program, "packed_matmul"));
    CHECK(distance(program(x).value(), on_tape<double>(record, x)) < 1e-13);
  }
  Parameter<double> updated(random_tensor({30, 40}, 1));
  const RecordOf<double> step = [&](auto& tape, auto v) {
    const auto weight = tape.variable(updated);
    const auto y = matmul(v, transpose(weight));
    tape.update(updated, weight * 2);
    return y;
  };
  CHECK(!runs(prepared<double>(step, x), "packed_matmul"));
}

TEST_CASE("Programs of different batches share packed weights, and a recurrence packs its weight once") {
  const Parameter<double> w(random_tensor({48, 48}, 1));
  const RecordOf<double> steps = [&](auto& tape, auto x) {
    for (int i = 0; i < 5; ++i) x = tanh(matmul(x, transpose(tape.variable(w))));
    return x;
  };
  const auto frozen = frozen_constants();
  const std::size_t packed = 48 * 48 * sizeof(double);  // whole panels
  std::vector<Program<double>> programs;
  for (const std::size_t rows : Sizes{1, 2, 7, 32}) {
    programs.push_back(prepared<double>(steps, random_tensor({rows, 48}, 9), {.frozen = frozen}));
    CHECK(programs.back().memory().frozen_bytes == packed);
    CHECK(programs.back().memory().constant_bytes == 0);
  }
  programs.push_back(prepared<double>(steps, random_tensor({256, 48}, 9), {.frozen = frozen}));
  CHECK(programs.back().memory().frozen_bytes == 0);
}

TEST_CASE("convolutions of every form with constant weights are those in double within rounding") {
  std::size_t prepared_forms = 0;  // oneDNN's kernels for some forms depend on the processor
  const auto check = [&](const auto& network, const Shape& x, const std::vector<Shape>& weights) {
    std::string text;
    CHECK(prepared_distance(network, x, weights, &text) < 1e-5);
    prepared_forms += contains(text, "prepared_conv") ? 1 : 0;
  };
  check([](auto x, auto& w) { return conv2d(x, w[0], w[1]); }, {2, 16, 12, 13}, {{32, 16, 3, 3}, {32}});
  check([](auto x, auto& w) { return conv2d(x, w[0], {.stride = 2, .padding = 1}); }, {3, 24, 16, 15},
        {{40, 24, 3, 3}});
  check([](auto x, auto& w) { return conv2d(x, w[0], {.padding = same_padding}); }, {1, 16, 16, 16}, {{16, 16, 4, 2}});
  check(
      [](auto x, auto& w) {
        return conv2d(x, w[0], {.padding = {2, 1}, .dilation = {2, 3}});
      },
      {2, 16, 17, 18}, {{16, 16, 3, 3}});
  check([](auto x, auto& w) { return conv2d(x, w[0], w[1], {.padding = 1, .groups = 2}); }, {2, 32, 14, 14},
        {{64, 16, 3, 3}, {64}});
  check([](auto x, auto& w) { return conv2d(x, w[0], {.padding = 1, .groups = 32}); }, {2, 32, 28, 28},
        {{32, 1, 3, 3}});  // depthwise
  check([](auto x, auto& w) { return conv2d(x, w[0], {.stride = 2, .padding = 3}); }, {2, 3, 40, 40}, {{64, 3, 7, 7}});
  check([](auto x, auto& w) { return conv2d(x, w[0], {.stride = 2}); }, {2, 32, 28, 28}, {{64, 32, 1, 1}});
  check([](auto x, auto& w) { return conv2d(x, w[0], w[1], {.padding = 1}); }, {2, 20, 15, 15}, {{37, 20, 3, 3}, {37}});
  check([](auto x, auto& w) { return conv1d(x, w[0], w[1], {.padding = 2}); }, {2, 32, 90}, {{48, 32, 5}, {48}});
  check([](auto x, auto& w) { return conv3d(x, w[0], w[1], {.padding = 1}); }, {1, 16, 6, 7, 8},
        {{16, 16, 3, 3, 3}, {16}});
  check([](auto x, auto& w) { return conv_transpose2d(x, w[0], w[1], {.stride = 2, .padding = 1}); }, {2, 32, 12, 12},
        {{32, 16, 4, 4}, {16}});
  check([](auto x, auto& w) { return conv_transpose1d(x, w[0], {.stride = 2, .padding = 1}); }, {2, 32, 60},
        {{32, 48, 3}});
  check(
      [](auto x, auto& w) {
        return conv_transpose2d(x, w[0], w[1], {.stride = {2, 3}, .output_padding = {1, 2}, .groups = 2});
      },
      {2, 32, 12, 11}, {{32, 24, 3, 3}, {48}});
  check(
      [](auto x, auto& w) {
        return conv_transpose2d(x, w[0], {.padding = {2, 1}, .dilation = {2, 1}});
      },
      {1, 16, 14, 15}, {{16, 32, 3, 2}});
  check(
      [](auto x, auto& w) {
        return conv_transpose3d(x, w[0], w[1], {.stride = {1, 2, 1}});
      },
      {1, 16, 5, 6, 7}, {{16, 16, 2, 3, 3}, {16}});
  CHECK(prepared_forms >= (computes_convolutions() ? 10 : 0));
}

TEST_CASE("what follows a convolution is computed in its layout") {
  const std::vector<Shape> weights{{32, 16, 3, 3}, {32}, {32, 32, 3, 3}, {32}, {32, 16, 1, 1}};
  const auto check = [&](const auto& network) {
    std::string text;
    CHECK(prepared_distance(network, {2, 16, 14, 14}, weights, &text) < 1e-5);
    return text;
  };
  const auto first = [](auto x, auto& w) { return conv2d(x, w[0], w[1], {.padding = 1}); };
  const auto second = [](auto x, auto& w) { return conv2d(x, w[2], w[3], {.padding = 1}); };
  const auto count = [](const std::string& text, const std::string& what) {
    std::size_t found = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
  };
  // Bias, relu and sum join the convolution; only the operand and the result change their layout.
  const auto chain = check([&](auto x, auto& w) { return relu(second(relu(first(x, w)), w)); });
  const auto block = check([&](auto x, auto& w) {
    const auto y = relu(first(x, w));
    return relu(second(y, w) + y);
  });
  const auto swapped = check([&](auto x, auto& w) {
    const auto y = relu(first(x, w));
    return relu(y + second(y, w));
  });
  const auto two = check([&](auto x, auto& w) { return relu(first(x, w) + conv2d(x, w[4])); });
  if (computes_convolutions()) {
    for (const std::string& text : {chain, block, swapped}) {
      CHECK(count(text, "prepared_conv") == 2);
      CHECK(count(text, "= add(") == 0);
      CHECK(count(text, "= relu(") == 0);
      CHECK(count(text, "to_channel_blocks") <= 1);
      CHECK(count(text, "from_channel_blocks") <= 1);
    }
    CHECK(count(two, "= relu(") == 0);
  }
  // Other elementwise ops, factors of channels, and values that several ops read.
  const auto gated = check([&](auto x, auto& w) {
    const auto y = first(x, w);
    return second(y * sigmoid(y), w);
  });
  if (computes_convolutions()) CHECK(count(gated, "from_channel_blocks") <= 1);
  check([&](auto x, auto& w) {
    const auto y = first(x, w);
    return second(y * reshape(w[3], {32, 1, 1}), w) + reshape(w[1], {1, 32, 1, 1}) * tanh(y);
  });
  check([&](auto x, auto& w) { return relu(second(first(x, w), w)) + relu(first(x, w)) * 2; });
  check([&](auto x, auto& w) {
    const auto y = first(x, w);
    return second(relu(y), w) + y;
  });
  check([&](auto x, auto& w) { return second(max_pool2d(relu(first(x, w)), 2), w); });
  check([&](auto x, auto& w) { return mean(relu(second(first(x, w), w)), {2, 3}); });
  check([&](auto x, auto& w) { return sum(second(relu(first(x, w)), w)); });
  check([&](auto x, auto& w) { return reshape(relu(first(x, w)), {2, 32 * 14 * 14}); });
  check([&](auto x, auto& w) {
    return relu(relu(first(x, w)) + 0.5) + transpose(second(first(x, w), w), {0, 1, 3, 2});
  });
  check([&](auto x, auto& w) { return first(x, w) + first(x, w); });
  check([&](auto x, auto& w) { return first(x, w) + random_tensor<float>({14, 14}, 3)(0, 0); });
  check([&](auto x, auto& w) {
    return relu(first(x, w) + reshape(mean(x, 1), {2, 1, 14, 14}));
  });  // broadcast along the channels
}

TEST_CASE("a NaN or an infinity passes through a prepared convolution as on the tape") {
  const Parameter<float> w(random_tensor<float>({16, 16, 3, 3}, 1)), b(random_tensor<float>({16}, 2));
  const RecordOf<float> record = [&](auto& tape, auto x) {
    return relu(conv2d(x, tape.variable(w), tape.variable(b), {.padding = 1}));
  };
  Tensor<float> x = random_tensor<float>({2, 16, 12, 12}, 9);
  Program<float> program = prepared<float>(record, x);
  x(1, 3, 5, 5) = std::numeric_limits<float>::quiet_NaN();
  x(0, 3, 2, 2) = std::numeric_limits<float>::infinity();
  const Tensor<float> y = program(x).value(), expected = on_tape<float>(record, x);
  std::size_t different = 0, nans = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const float a = y.data()[i], e = expected.data()[i];
    nans += std::isnan(e) ? 1 : 0;
    different += std::isnan(a) == std::isnan(e) && (std::isnan(a) || a == e || std::abs(a - e) < 1e-4F) ? 0 : 1;
  }
  CHECK(different == 0);
  CHECK(nans == 9 * 16);
}

TEST_CASE("a convolution prepared on one thread runs on two") {
  const int before = num_threads();
  const auto network = [](auto x, auto& w) { return relu(conv2d(x, w[0], w[1], {.padding = 1})); };
  const Parameter<float> w(random_tensor<float>({64, 64, 3, 3}, 1));
  const RecordOf<float> record = [&](auto& tape, auto x) { return relu(conv2d(x, tape.variable(w), {.padding = 1})); };
  const Tensor<float> x = random_tensor<float>({4, 64, 28, 28}, 9);
  set_num_threads(1);
  Program<float> program = prepared<float>(record, x);
  const Tensor<float> alone = program(x).value();
  set_num_threads(2);
  CHECK(distance(program(x).value(), alone) < 1e-4);
  CHECK(prepared_distance(network, {4, 64, 28, 28}, {{64, 64, 3, 3}, {64}}) < 1e-5);
  set_num_threads(before);
}

TEST_CASE("convolutions of the same weight share its layout, and folded weights are not kept beside it") {
  if (!computes_convolutions()) return;
  const Parameter<float> w(random_tensor<float>({32, 32, 3, 3}, 1)), scale(random_tensor<float>({32}, 2, 1, 2)),
      shift(random_tensor<float>({32}, 3));
  const BatchNormState<float> state(32);
  const RecordOf<float> record = [&](auto& tape, auto x) {
    const auto y = conv2d(x, tape.variable(w), {.padding = 1});
    return relu(batch_norm(y, state, Training::no, tape.variable(scale), tape.variable(shift)));
  };
  const auto frozen = frozen_constants();
  const std::size_t bytes = (32 * 32 * 9 + 32) * sizeof(float);  // 32 channels fill blocks of 8 and of 16
  std::vector<Program<float>> programs;
  for (const std::size_t batch : Sizes{1, 2, 3}) {
    programs.push_back(prepared<float>(record, random_tensor<float>({batch, 32, 14, 14}, 9), {.frozen = frozen}));
    CHECK(programs.back().memory().frozen_bytes == bytes);
  }
}

TEST_CASE("a check of a loss in blocks of channels is kept") {
  const Parameter<float> w1(random_tensor<float>({16, 16, 3, 3}, 30)), w2(random_tensor<float>({16, 16, 3, 3}, 31));
  const auto record = [&](Tape<float>& tape, Var<float> x) {
    const Var<float> y = conv2d(x, tape.variable(w1), {.padding = 1});
    const Var<float> z = conv2d(sigmoid(y), tape.variable(w2), {.padding = 1});
    return sum(relu(-mse_loss(y, z, Reduction::none) * 2.0F));
  };
  Tensor<float> x = random_tensor<float>({2, 16, 12, 12}, 32);
  Program<float> program = prepared<float>(record, x);
  if (computes_convolutions()) CHECK(runs(program, "prepared_conv"));
  CHECK(program(x).value()() == 0);
  x(1, 3, 5, 5) = std::numeric_limits<float>::quiet_NaN();
  CHECK(contains(message_of<ValueError>([&] { program(x); }), "[mse_loss]"));
}
