// Convolutions against their definition and between oneDNN and own kernels, edge cases, and rejected arguments.
#include "kernel/conv.hpp"

#include "testing.hpp"

#include <thread>

using namespace wengert;
using namespace wengert::testing;

namespace {

template <class T>
Tensor<T> empty(const Shape& shape) {
  return Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
}

// Returns a convolution computed by its definition, in double.
Tensor<double> by_definition(const Tensor<double>& x, const Tensor<double>& w, std::size_t stride, std::size_t padding,
                             std::size_t dilation, std::size_t groups) {
  const auto extent = [&](std::size_t i) {
    return (x.shape(i) + 2 * padding - dilation * (w.shape(i) - 1) - 1) / stride + 1;
  };
  Tensor<double> y = xt::zeros<double>({x.shape(0), w.shape(0), extent(2), extent(3)});
  const std::size_t filters = w.shape(0) / groups;
  for (std::size_t n = 0; n < y.shape(0); ++n)
    for (std::size_t o = 0; o < y.shape(1); ++o)
      for (std::size_t i = 0; i < y.shape(2); ++i)
        for (std::size_t j = 0; j < y.shape(3); ++j)
          for (std::size_t c = 0; c < w.shape(1); ++c)
            for (std::size_t k = 0; k < w.shape(2); ++k)
              for (std::size_t l = 0; l < w.shape(3); ++l) {
                const std::size_t p = i * stride + k * dilation, q = j * stride + l * dilation;
                if (p < padding || q < padding || p - padding >= x.shape(2) || q - padding >= x.shape(3)) continue;
                y(n, o, i, j) += x(n, o / filters * w.shape(1) + c, p - padding, q - padding) * w(o, c, k, l);
              }
  return y;
}

}  // namespace

TEST_CASE_TEMPLATE("a convolution by hand", T, float, double) {
  Tape<T> tape;
  const auto x = tape.variable(Tensor<T>{{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}});
  const auto w = tape.variable(Tensor<T>{{{{1, 2}, {3, 4}}}});
  CHECK(conv2d(x, w).value() == Tensor<T>{{{37, 47}, {67, 77}}});  // 1·1 + 2·2 + 4·3 + 5·4, …
  CHECK(conv2d(x, w, {.stride = 2, .padding = 1}).value() == Tensor<T>{{{4, 18}, {36, 77}}});
  const auto b = tape.variable(Tensor<T>{100});
  CHECK(conv2d(x, w, b).value() == Tensor<T>{{{137, 147}, {167, 177}}});
  const auto [dx, dw, db] = grad(sum(conv2d(x, w, b)), x, w, b);
  CHECK(dx.value() == Tensor<T>{{{1, 3, 2}, {4, 10, 6}, {3, 7, 4}}});
  CHECK(dw.value() == Tensor<T>{{{{12, 16}, {24, 28}}}});
  CHECK(db.value() == Tensor<T>{4});
  CHECK(conv_transpose2d(conv2d(x, w), w).shape() == x.shape());
}

TEST_CASE_TEMPLATE("large convolutions, in float by the library, are those of the definition", T, float, double) {
  struct Case {
    Shape x, w;
    std::ptrdiff_t stride, padding, dilation, groups;
  };
  const std::vector<Case> cases{
      {{3, 8, 19, 17}, {16, 8, 3, 3}, 1, 1, 1, 1},   {{2, 16, 21, 20}, {32, 8, 3, 3}, 2, 1, 2, 2},
      {{2, 32, 20, 19}, {32, 1, 5, 5}, 2, 2, 1, 32}, {{40, 1, 28, 28}, {6, 1, 5, 5}, 1, 0, 1, 1},
      {{7, 24, 14, 14}, {20, 24, 1, 1}, 1, 0, 1, 1}, {{2, 6, 40, 41}, {12, 6, 4, 2}, 3, 2, 1, 1}};
  for (const Case& c : cases) {
    const Tensor<double> x = random_tensor(c.x, 1), w = random_tensor(c.w, 2);
    const auto u = [](std::ptrdiff_t v) { return static_cast<std::size_t>(v); };
    const Tensor<double> y = by_definition(x, w, u(c.stride), u(c.padding), u(c.dilation), u(c.groups));
    Tape<T> tape;
    const auto vx = tape.variable(Tensor<T>(xt::cast<T>(x))), vw = tape.variable(Tensor<T>(xt::cast<T>(w)));
    const auto vy =
        conv2d(vx, vw, {.stride = c.stride, .padding = c.padding, .dilation = c.dilation, .groups = c.groups});
    CAPTURE(to_string(c.x));
    CHECK(distance(vy.value(), y) < (sizeof(T) == 4 ? 5e-6 : 1e-13) * xt::amax(xt::abs(y))());
    // Gradients are transposed maps: <g, x ∗ w> = <dx, x> = <dw, w>.
    const Tensor<double> g = random_tensor(vy.shape(), 3);
    const auto [dx, dw] = grad(seed(vy, tape.constant(Tensor<T>(xt::cast<T>(g)))), vx, vw);
    const double product = xt::sum(g * y)(), scale = std::sqrt(xt::sum(g * g)() * xt::sum(y * y)());
    CHECK(std::abs(xt::sum(xt::cast<double>(dx.value()) * x)() - product) < (sizeof(T) == 4 ? 1e-6 : 1e-14) * scale);
    CHECK(std::abs(xt::sum(xt::cast<double>(dw.value()) * w)() - product) < (sizeof(T) == 4 ? 1e-6 : 1e-14) * scale);
    // Repeated calls give bit-identical results.
    CHECK(conv2d(vx, vw, {.stride = c.stride, .padding = c.padding, .dilation = c.dilation, .groups = c.groups})
              .value() == vy.value());
    CHECK(grad(seed(vy, tape.constant(Tensor<T>(xt::cast<T>(g)))), vx, vw)[1].value() == dw.value());
  }
}

TEST_CASE("the library's products and those by columns agree") {
  using namespace wengert::kernel;
  const auto axis = [](std::size_t input, std::size_t kernel, std::size_t stride, std::size_t dilation,
                       std::size_t padding, std::size_t extra = 0) {
    return WindowAxis{input,  kernel,   (input + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1 + extra,
                      stride, dilation, padding};
  };
  const WindowAxis point{};
  const std::vector<Convolution> cases{
      {2, 16, 32, 1, 2, {{point, axis(15, 3, 2, 1, 1), axis(16, 3, 1, 2, 2)}}},
      {2, 32, 32, 2, 2, {{point, axis(13, 3, 1, 1, 0), axis(17, 2, 1, 1, 0)}}},
      {2, 48, 48, 48, 2, {{point, axis(13, 3, 1, 1, 1), axis(17, 3, 1, 1, 1)}}},
      {2, 16, 16, 1, 1, {{point, point, axis(199, 5, 2, 1, 3)}}},
      {1, 16, 16, 1, 3, {{axis(5, 3, 1, 1, 1), axis(9, 3, 2, 1, 1), axis(8, 2, 1, 1, 0)}}},
      {2, 16, 16, 1, 2, {{point, axis(15, 3, 1, 2, 0, 1), axis(16, 3, 1, 1, 0)}}},  // one position beyond the end
  };
  for (const Convolution& conv : cases) {
    CAPTURE(conv.window.axes[2].input);
    const auto x = random_tensor<float>({conv.input_size()}, 1), w = random_tensor<float>({conv.weight_size()}, 2),
               y = random_tensor<float>({conv.output_size()}, 3);
    for (const auto product : {Product::forward, Product::input_gradient, Product::weight_gradient}) {
      const auto& a = product == Product::input_gradient ? y : x;
      const auto& b = product == Product::weight_gradient ? y : w;
      Tensor<float> result = product == Product::forward ? y : product == Product::input_gradient ? x : w;
      Tensor<double> exact = xt::cast<double>(result);
      const Tensor<double> a64 = xt::cast<double>(a), b64 = xt::cast<double>(b);
      convolve_by_columns(product, conv, a64.data(), b64.data(), exact.data());
      const double scale = xt::amax(xt::abs(exact))();
      convolve_by_columns(product, conv, a.data(), b.data(), result.data());
      CHECK(distance(result, exact) < 2e-6 * scale);
      if (!convolve_by_library(product, conv, a.data(), b.data(), result.data())) continue;
      CHECK(distance(result, exact) < 2e-6 * scale);
    }
  }
}

TEST_CASE("in float, gradients that are sums over 100,000 positions keep their digits") {
  const auto x = random_tensor<float>({32, 6, 56, 56}, 1, 0, 1), g = random_tensor<float>({32, 8, 56, 56}, 2, 0, 1);
  const auto gradient = [&]<class T>(T) {
    Tape<T> tape;
    const auto w = tape.variable(random_tensor<T>({8, 6, 3, 3}, 3));
    const auto y = conv2d(tape.constant(Tensor<T>(xt::cast<T>(x))), w, {.padding = 1});
    return Tensor<double>(xt::cast<double>(grad(seed(y, tape.constant(Tensor<T>(xt::cast<T>(g)))), w)[0].value()));
  };
  const Tensor<double> exact = gradient(double{});
  CHECK(distance(gradient(float{}), exact) < 3e-6 * xt::amax(exact)());  // positive terms: all sums have a similar size
}

TEST_CASE("third derivatives of a convolution through a nonlinearity") {
  const auto f = [](auto x, auto w) {
    const auto y = square(conv2d(x, w, {.stride = 2, .padding = 1}));
    return grad(sum(y * y), w)[0];
  };
  CHECK(gradcheck(f, random_tensor({1, 2, 4, 3}, 1), random_tensor({2, 2, 2, 3}, 2)).ok());
}

TEST_CASE_TEMPLATE("empty batches, no channels, no filters", T, float, double) {
  Tape<T> tape;
  const auto none = tape.variable(empty<T>({0, 3, 5, 6}));
  const auto w = tape.variable(random_tensor<T>({4, 3, 2, 3}, 1)), b = tape.variable(random_tensor<T>({4}, 2));
  const auto y = conv2d(none, w, b);
  CHECK(y.shape() == Shape{0, 4, 4, 4});
  const auto [dx, dw, db] = grad(sum(y), none, w, b);
  CHECK(dx.shape() == Shape{0, 3, 5, 6});
  CHECK(dw.value() == xt::zeros<T>({4, 3, 2, 3}));
  CHECK(db.value() == xt::zeros<T>({4}));
  CHECK(conv_transpose2d(tape.variable(empty<T>({0, 4, 4, 4})), w).shape() == Shape{0, 3, 5, 6});
  CHECK(unfold(none, 2).shape() == Shape{0, 12, 20});
  CHECK(fold(tape.variable(empty<T>({0, 12, 20})), {5, 6}, 2).shape() == Shape{0, 3, 5, 6});
  const auto blank = tape.variable(empty<T>({2, 0, 3, 3}));
  CHECK(conv2d(blank, tape.variable(empty<T>({1, 0, 2, 2}))).value() == xt::zeros<T>({2, 1, 2, 2}));
  CHECK(conv2d(tape.variable(random_tensor<T>({2, 1, 3, 3}, 3)), tape.variable(empty<T>({0, 1, 2, 2}))).shape() ==
        Shape{2, 0, 2, 2});
}

TEST_CASE("operands that are not contiguous") {
  Tape<double> tape;
  const auto value = random_tensor({2, 5, 4, 3}, 1), kernel = random_tensor({3, 2, 2, 3}, 2);
  const auto x = transpose(tape.variable(value), {0, 3, 1, 2}), w = transpose(tape.variable(kernel), {1, 3, 0, 2});
  const auto straight = conv2d(contiguous(x), contiguous(w)).value();
  CHECK(conv2d(x, w).value() == straight);
  const auto spread = broadcast_to(tape.variable(random_tensor({1, 1, 1, 3}, 3)), {2, 3, 4, 3});
  CHECK(conv2d(spread, w).value() == conv2d(contiguous(spread), w).value());
}

TEST_CASE("threads that convolve at once") {
  const auto x = random_tensor<float>({4, 8, 16, 16}, 1);
  std::vector<Tensor<float>> results(8);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < results.size(); ++i)
    threads.emplace_back([&, i] {
      Tape<float> tape;
      const auto w = tape.variable(random_tensor<float>({8, 8, 3, 3}, 2));
      for (std::ptrdiff_t step = 0; step < 12; ++step) {  // several configurations at once
        const auto y = conv2d(tape.constant(x), w, {.padding = 1 + step % 4});
        if (step == 0) results[i] = grad(sum(y * y), w)[0].value();
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) CHECK(result == results[0]);
}

TEST_CASE("fold counts how often unfold saw an element") {
  Tape<double> tape;
  const auto one = tape.variable(Tensor<double>(xt::ones<double>({1, 3, 3})));
  CHECK(fold(unfold(one, 2), 3, 2).value() == Tensor<double>{{{1, 2, 1}, {2, 4, 2}, {1, 2, 1}}});
}

TEST_CASE("convolutions that are refused") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({2, 4, 5, 6}, 1)), w = tape.variable(random_tensor({6, 4, 3, 3}, 2)),
             half = tape.variable(random_tensor({6, 2, 3, 3}, 3)), b = tape.variable(random_tensor({6}, 4)),
             line = tape.variable(random_tensor({4, 5}, 5)), flat = tape.variable(random_tensor({7}, 6));
  const auto steps = tape.variable(random_tensor({1, 2, 4}, 7)),
             long_kernel = tape.variable(random_tensor({3, 2, 5}, 8));
  const auto none = tape.variable(empty<double>({2, 4, 0, 6})), hollow = tape.variable(empty<double>({6, 4, 0, 3}));
  const auto start = tape.size();
  CHECK_ERROR(ShapeError, "[conv2d] x of shape (4, 5): must be (N, C, H, W) or (C, H, W)", conv2d(line, w));
  CHECK_ERROR(ShapeError, "[conv1d] x of shape (2, 4, 5, 6): must be (N, C, L) or (C, L)", conv1d(x, w));
  CHECK_ERROR(ShapeError, "[conv3d] x of shape (7,): must be (N, C, D, H, W) or (C, D, H, W)", conv3d(flat, w));
  CHECK_ERROR(ShapeError,
              "[conv2d] x of shape (2, 4, 0, 6): must be (N, C, H, W) or (C, H, W) with spatial extents of "
              "at least 1",
              conv2d(none, w));
  CHECK_ERROR(ShapeError, "[conv2d] w of shape (4, 5): must be (O, C/groups, KH, KW)", conv2d(x, line));
  CHECK_ERROR(ShapeError, "[conv1d] w of shape (7,): must be (O, C/groups, K)", conv1d(line, flat));
  CHECK_ERROR(
      ShapeError,
      "[conv2d] x of shape (2, 4, 5, 6) and w of shape (6, 2, 3, 3) with groups 1: x has 4 channels, w expects 2",
      conv2d(x, half));
  CHECK_ERROR(
      ShapeError,
      "[conv2d] x of shape (2, 4, 5, 6) and w of shape (6, 4, 3, 3) with groups 2: x has 4 channels, w expects 8",
      conv2d(x, w, {.groups = 2}));
  CHECK_ERROR(ShapeError, "4 channels cannot be divided into 3 groups", conv2d(x, half, {.groups = 3}));
  CHECK_ERROR(ShapeError, "6 filters cannot be divided into 4 groups", conv2d(x, half, {.groups = 4}));
  CHECK_ERROR(ShapeError, "along H the padded input has 5 elements, too few for a kernel of 3 with dilation 3",
              conv2d(x, w, {.dilation = {3, 1}}));
  CHECK_ERROR(ShapeError, "along W the padded input has 8 elements, too few for a kernel of 3 with dilation 4",
              conv2d(x, w, {.padding = {0, 1}, .dilation = {1, 4}}));
  CHECK_ERROR(ShapeError, "x of shape (1, 2, 4) and w of shape (3, 2, 5): along L the padded input has 4 elements",
              conv1d(steps, long_kernel));
  CHECK_ERROR(ShapeError, "[conv1d] x of shape (7,): must be (N, C, L) or (C, L)", conv1d(flat, long_kernel));
  CHECK_ERROR(ShapeError, "[conv2d] w of shape (6, 4, 0, 3): the kernel must have extents of at least 1",
              conv2d(x, hollow));
  CHECK_ERROR(ShapeError, "[conv2d] bias of shape (4, 5): must be (6,), one for each filter", conv2d(x, w, line));
  CHECK_ERROR(HandleError, "[conv2d] the bias is an empty handle", conv2d(x, w, Var<double>()));
  CHECK_ERROR(HandleError, "[conv2d] the operand is an empty handle", conv2d(Var<double>(), w));
  CHECK_ERROR(HandleError, "[conv2d] the weight is an empty handle", conv2d(x, Var<double>()));
  CHECK_ERROR(ValueError, "[conv2d] stride (2, 0): must be at least 1", conv2d(x, w, {.stride = {2, 0}}));
  CHECK_ERROR(ValueError, "[conv1d] stride -1: must be at least 1", conv1d(line, flat, {.stride = -1}));
  CHECK_ERROR(ValueError, "[conv2d] padding (0, -1): must be at least 0", conv2d(x, w, {.padding = {0, -1}}));
  CHECK_ERROR(ValueError, "[conv2d] dilation (0, 0): must be at least 1", conv2d(x, w, {.dilation = 0}));
  CHECK_ERROR(ValueError, "[conv2d] groups 0: must be at least 1", conv2d(x, w, {.groups = 0}));
  CHECK_ERROR(ValueError, "must be at least 0 and at most 2^30", conv2d(x, w, {.padding = std::size_t{1} << 40}));
  CHECK_ERROR(ValueError, "[conv2d] same_padding with a stride other than 1",
              conv2d(x, w, {.stride = 2, .padding = same_padding}));
  Tape<double> other;
  const auto foreign = other.variable(random_tensor({6, 4, 3, 3}, 2));
  CHECK_ERROR(HandleError, "belongs to another tape", conv2d(x, foreign));
  CHECK(tape.size() == start);
  CHECK(conv2d(x, w, b).shape() == Shape{2, 6, 3, 4});
}

TEST_CASE("transposed convolutions that are refused") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({2, 4, 3, 3}, 1)), w = tape.variable(random_tensor({4, 3, 2, 2}, 2)),
             line = tape.variable(random_tensor({4, 5}, 5)), b = tape.variable(random_tensor({3}, 4));
  const auto start = tape.size();
  CHECK_ERROR(ShapeError, "[conv_transpose2d] x of shape (4, 5): must be (N, C, H, W)", conv_transpose2d(line, w));
  CHECK_ERROR(ShapeError, "[conv_transpose2d] w of shape (4, 5): must be (C, O/groups, KH, KW)",
              conv_transpose2d(x, line));
  CHECK_ERROR(ShapeError, "x has 4 channels, w expects 2",
              conv_transpose2d(x, tape.constant(random_tensor({2, 3, 2, 2}, 2))));
  CHECK_ERROR(ShapeError, "4 channels cannot be divided into 3 groups", conv_transpose2d(x, w, {.groups = 3}));
  CHECK_ERROR(ValueError, "[conv_transpose2d] output_padding (0, -1): must be at least 0",
              conv_transpose2d(x, w, {.output_padding = {0, -1}}));
  CHECK_ERROR(ValueError, "output_padding 2 along W: must be below the stride, 2, or the dilation, 1",
              conv_transpose2d(x, w, {.stride = 2, .output_padding = {1, 2}}));
  CHECK_ERROR(ShapeError, "along H the padding of 2 removes all 4 elements",
              conv_transpose2d(x, w, {.padding = {2, 0}}));
  CHECK_ERROR(ShapeError, "[conv_transpose2d] bias of shape (4, 5): must be (3,)", conv_transpose2d(x, w, line));
  CHECK_ERROR(ValueError, "[conv_transpose2d] stride (0, 0)", conv_transpose2d(x, w, b, {.stride = 0}));
  CHECK(tape.size() == start + 1);
}

TEST_CASE("windows as columns that are refused") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({2, 3, 4, 5}, 1)), columns = tape.variable(random_tensor({2, 12, 12}, 2));
  const auto start = tape.size();
  CHECK_ERROR(ShapeError, "[unfold] x of shape (4,): must be (N, C, H, W) or (C, H, W)",
              unfold(tape.constant(random_tensor({4}, 1)), 2));
  CHECK_ERROR(ShapeError,
              "[unfold] extent 4 along H: with padding it has 4 elements, too few for a kernel of 3 with dilation 2",
              unfold(x, 3, {.dilation = 2}));
  CHECK_ERROR(ValueError, "[unfold] kernel (0, 2): must be at least 1", unfold(x, {0, 2}));
  CHECK_ERROR(ValueError, "[unfold] the kernel's extents are not given", unfold(x, {}));
  CHECK_ERROR(ValueError, "[unfold] stride (0, 0)", unfold(x, 2, {.stride = 0}));
  CHECK_ERROR(ShapeError,
              "[fold] columns of shape (2, 12, 12): the windows have 9 positions and 4 elements: expected (N, C·4, 9) "
              "or (C·4, 9)",
              fold(columns, 4, 2));
  CHECK_ERROR(ShapeError, "the windows have 12 positions and 9 elements", fold(columns, {5, 6}, 3));
  CHECK_ERROR(ShapeError, "[fold] columns of shape (4,)", fold(tape.constant(random_tensor({4}, 1)), 3, 2));
  CHECK_ERROR(ValueError, "[fold] size (0, 4): must be at least 1", fold(columns, {0, 4}, 2));
  CHECK_ERROR(ValueError, "[fold] the size of the result is not given", fold(columns, {}, 2));
  CHECK_ERROR(HandleError, "[fold] the operand is an empty handle", fold(Var<double>(), 3, 2));
  CHECK(tape.size() == start + 2);
}
