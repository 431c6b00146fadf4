// Recording reads no values: checks of values are part of the computation, and values not computed cannot be read.
#include "../testing.hpp"
#include "base/sanitizers.hpp"

#include <cstring>
#include <limits>

#if WENGERT_ASAN
#include <sanitizer/asan_interface.h>
#endif

using namespace wengert;
using namespace wengert::testing;

namespace {

using D = Tensor<double>;
using V = Var<double>;
const double NaN = std::numeric_limits<double>::quiet_NaN();

// Checks a loss of x, an input times a parameter of 1, and y. The tape and a Program give the same value and reject a
// bad input with the same message, whether or not the Program returns the loss, and no parameter changes.
template <class Y, class Loss>
void check_alike(const std::string& text, const D& x, const Y& y, const D& bad_x, const Y& bad_y, const Loss& loss_of) {
  CAPTURE(text);
  Tape<double> tape;
  const auto on_tape = [&](const D& a, const Y& b) {
    tape.clear();
    if constexpr (std::is_same_v<Y, Indices>)
      return loss_of(tape, tape.constant(a) * 1, tape.indices(b)).item();
    else
      return loss_of(tape, tape.constant(a) * 1, tape.constant(b)).item();
  };
  const double expected = on_tape(x, y);
  const std::string message = message_of<ValueError>([&] { on_tape(bad_x, bad_y); });
  CHECK(contains(message, text));
  CHECK(contains(message, "values_test.cpp:"));
  for (const bool returned : {true, false})
    for (const bool fuse : {true, false}) {
      CAPTURE(returned);
      CAPTURE(fuse);
      const Parameter<double> w(D(1.0), "w");
      auto step = compiled<double>(
          [&](auto& t, auto a, auto b) {
            const V v = t.variable(w), loss = loss_of(t, a * v, b);
            t.update(w, v - 0.1 * grad(loss, v)[0]);
            return returned ? loss : a;
          },
          {.fuse = fuse});
      const auto& program = step(x, y);
      if (returned) CHECK(program.item() == doctest::Approx(expected).epsilon(1e-14));
      const D before = w.value();
      CHECK(message_of<ValueError>([&] { step(bad_x, bad_y); }) == message);
      CHECK(w.value() == before);
      CHECK_NOTHROW(step(x, y));
    }
}

}  // namespace

TEST_CASE("losses of labels check weights and labels on a tape and in a Program alike") {
  const D x{{1, 2}, {3, 4}, {0, 1}};
  const Indices k{0, 1, 1}, first{0, 0, 0}, beyond{0, 2, 1};
  const std::string no_weight = "the labels have a total weight of 0: the mean is undefined";
  const auto weights = [](auto& t) { return CrossEntropyOptions<double>{.weights = t.constant(D{0, 5})}; };
  check_alike("[cross_entropy] " + no_weight, x, k, x, first,
              [&](auto& t, V a, auto b) { return cross_entropy(a, b, weights(t)); });
  check_alike("[nll_loss] " + no_weight, x, k, x, first,
              [&](auto& t, V a, auto b) { return nll_loss(a, b, weights(t)); });
  check_alike("[cross_entropy] " + no_weight, x, k, x, first,
              [](auto&, V a, auto b) { return cross_entropy(a, b, {.ignore_index = 0}); });
  check_alike("[nll_loss] " + no_weight, x, k, x, first,
              [](auto&, V a, auto b) { return nll_loss(a, b, {.label_smoothing = 0.1, .ignore_index = 0}); });
  check_alike("[cross_entropy] label 2 at position 1", x, k, x, beyond,
              [](auto&, V a, auto b) { return cross_entropy(a, b); });
  check_alike("[cross_entropy] prediction: element (1, 0) is nan", x, k, D{{1, 2}, {NaN, 4}, {0, 1}}, k,
              [](auto&, V a, auto b) { return cross_entropy(a, b); });
  check_alike("[cross_entropy] prediction: element (1, 0) is nan", x, k, D{{1, 2}, {NaN, 4}, {0, 1}}, k,
              [&](auto& t, V a, auto b) { return cross_entropy(a, b, weights(t)); });
}

// The logits differ by 1, so −ln softmax is ln(1 + e) for label 0 and ln(1 + 1/e) for label 1; the mean is weighted.
TEST_CASE("cross_entropy with weights has the value of its definition in a Program") {
  const D x{{1, 2}, {3, 4}, {0, 1}};
  const double of_0 = std::log1p(std::exp(1.0)), of_1 = std::log1p(std::exp(-1.0));
  auto weighted = compiled<double>([](auto& t, auto a, auto k) {
    return cross_entropy(a, k, {.weights = t.constant(D{1, 5})});
  });
  auto ignoring = compiled<double>([](auto&, auto a, auto k) { return cross_entropy(a, k, {.ignore_index = 0}); });
  for (int i = 0; i < 2; ++i) {
    CHECK(weighted(x, Indices{0, 1, 1}).item() == doctest::Approx((of_0 + 10 * of_1) / 11).epsilon(1e-14));
    CHECK(ignoring(x, Indices{0, 1, 1}).item() == doctest::Approx(of_1).epsilon(1e-14));
    CHECK(ignoring(x, Indices{0, 0, 1}).item() == doctest::Approx(of_1).epsilon(1e-14));
  }
}

TEST_CASE("losses check their operands on a tape and in a Program alike") {
  const D x{1, 2}, y{2, 1}, bad{1, NaN};
  const auto check = [&](const char* name, const auto& loss) {
    const auto loss_of = [&](auto&, V a, V b) { return loss(a, b); };
    check_alike(fmt::format("[{}] prediction: element (1,) is nan", name), x, y, bad, y, loss_of);
    check_alike(fmt::format("[{}] target: element (1,) is nan", name), x, y, x, bad, loss_of);
  };
  check("mse_loss", [](V a, V b) { return mse_loss(a, b); });
  check("squared_error", [](V a, V b) { return squared_error(a, b); });
  check("huber_loss", [](V a, V b) { return sum(huber_loss(a, b, 1, Reduction::none)); });
  check("binary_cross_entropy_with_logits", [](V a, V b) { return binary_cross_entropy_with_logits(a, b); });
  check_alike("[binary_cross_entropy] prediction: element (1,) is 1.5: must be a probability", D{0.5, 0.5}, D{0, 1},
              D{0.5, 1.5}, D{0, 1}, [](auto&, V a, V b) { return binary_cross_entropy(a, b); });
  check_alike("[mse_loss] the loss is NaN; prediction: element (0,) is inf", x, y, D{INFINITY, 1}, D{INFINITY, 1},
              [](auto&, V a, V b) { return mse_loss(a, b); });
  check_alike("[gaussian_nll_loss] a variance is -1: must not be negative", x, y, x, D{-1, 1},
              [](auto&, V a, V b) { return gaussian_nll_loss(a, a * 2, b); });
  check_alike("[gaussian_nll_loss] variance: element (1,) is nan", x, y, x, bad,
              [](auto&, V a, V b) { return gaussian_nll_loss(a, a * 2, transpose(b)); });
  check_alike("[cosine_embedding_loss] second operand: element (0, 1) is nan", D{{1, 2}}, D{{2, 1}}, D{{1, 2}},
              D{{1, NaN}}, [](auto& t, V a, V b) { return cosine_embedding_loss(a, b, t.constant(D{1})); });
  check_alike("[ctc_loss] prediction: element", -1 * xt::ones<double>({3, 1, 2}), Indices{1},
              NaN * xt::ones<double>({3, 1, 2}), Indices{1},
              [](auto&, V a, auto k) { return ctc_loss(a, k, {3}, {1}); });
}

TEST_CASE("a check that depends on constants alone is made when the Program is compiled") {
  const std::string message = message_of<ValueError>(
      [] { compiled<double>([](auto& t, auto x) { return x + mse_loss(t.constant(D{NaN}), D{1}); })(D{1}); });
  CHECK(contains(message, "[mse_loss] prediction: element (0,) is nan"));
  CHECK(contains(message, "values_test.cpp:"));
}

TEST_CASE("a Program that writes nothing makes only the checks that its results depend on") {
  Tape<double> tape;
  const auto x = tape.constant(D{1}), y = x * 2;
  mse_loss(y, D{1});
  CHECK(std::isnan(compile(tape, {x}, {y})(D{NaN}).item()));
}

TEST_CASE("a tape that computes nothing has nothing to read, and says what to do instead") {
  const D x{-1, 2};
  const auto message = [&](const auto& f) {
    return message_of<HandleError>([&] { compiled<double>([&](auto& t, auto a) { return f(t, V(a)); })(x); });
  };
  const Parameter<double> w(D{1, 2}, "w");
  const auto check = [&](const std::string& text, const auto& f) {
    const std::string got = message(f);
    INFO(got);
    CHECK(contains(got, text));
    CHECK(contains(got, "values_test.cpp:"));
  };
  check("[gradients] the tape is recorded for a Program and computes no values: use grad(...)", [](auto& t, V a) {
    auto [g] = gradients(sum(a * a), a);
    return sum(a * t.constant(g));
  });
  check("[jacobian]", [](auto& t, V a) { return t.constant(jacobian(a * a, {a}).front()); });
  check("[hessian]", [](auto& t, V a) { return t.constant(hessian(sum(a * a), {a}).front().front()); });
  check("[commit]", [&](auto& t, V a) {
    t.update(w, a);
    t.commit();
    return a;
  });
  check("[DataParallel] a Program is being recorded", [&](auto&, V a) {
    DataParallel<double> parallel({w}, 2);
    std::vector<D> results(1);
    parallel.gradients_into(
        2, [](auto&, auto v, const Shard&) { return sum(v[0]); }, results);
    return a;
  });
  check("[TraceNaN]", [](auto& t, V a) {
    const TraceNaN<double> trace(t);
    return a;
  });
  check("[masked_select]", [](auto&, V a) { return sum(masked_select(a, a > 0)); });
  check("[value]", [](auto&, V a) { return any(a) ? a : -a; });
  check("[value]", [](auto&, V a) { return argmax(a).item() == 0 ? a : -a; });
  check("has no value: it was recorded while the tape computed no values",
        [](auto& t, V a) { return t.constant(*t.value_of((a * 2).index()).data); });
  CHECK(w.value() == D{1, 2});
}

TEST_CASE("compile notices control flow that depends on gradients") {
  Tape<double> tape;
  const auto x = tape.variable(D{-1, 2});
  auto [g] = gradients(sum(x * x), x);
  const auto y = g(0) < 0 ? -x : x;
  CHECK_ERROR(ValueError, "[compile] a value was read at", compile(tape, {x}, {y}));
  CHECK_NOTHROW(compile(tape, {x}, {y}, {.allow_value_dependence = true}));
  tape.clear();
  const auto a = tape.variable(D{-1, 2}), b = a * jacobian(a * a, {a}).front()(0, 0);
  CHECK_ERROR(ValueError, "[compile] a value was read at", compile(tape, {a}, {b}));
  tape.clear();
  const auto c = tape.variable(D{-1, 2}), d = c * hessian(sum(c * c), {c}).front().front()(0, 0);
  CHECK_ERROR(ValueError, "[compile] a value was read at", compile(tape, {c}, {d}));
  tape.clear();
  const auto z = tape.variable(D{-1, 2}), loss = sum(z * z);
  auto [after] = gradients(loss, z);  // nothing is recorded after this read
  CHECK(after == D{-2, 4});
  CHECK_NOTHROW(compile(tape, {z}, {loss}));
}

TEST_CASE_TEMPLATE("what is not computed cannot be used once the tape computes again", T, float, double) {
  Tape<T> tape;
  const auto x = tape.constant(Tensor<T>{1, 2});
  tape.compute_values(false);
  const auto y = x * 2, view = reshape(y, {2, 1}), of_leaf = reshape(x, {2, 1});
  tape.compute_values(true);
  const auto size = tape.size();
  CHECK_ERROR(HandleError, "operand 1 was recorded while the tape computed no values", y + 1);
  CHECK_ERROR(HandleError, "operand 2 was recorded while the tape computed no values", x - y);
  CHECK_ERROR(HandleError, "operand 1 was recorded while the tape computed no values", sum(view));
  CHECK(tape.size() == size);
  CHECK(contains(message_of<HandleError>([&] { y.value(); }), "has no value"));
  CHECK(reshape(of_leaf + 1, {2}).value() == Tensor<T>{2, 3});
#if WENGERT_ASAN
  CHECK(__asan_address_is_poisoned(tape.address(y.index())) != 0);
#elif !defined(NDEBUG)
  const T signalling = std::numeric_limits<T>::signaling_NaN();
  CHECK(std::memcmp(tape.address(y.index()), &signalling, sizeof(T)) == 0);
#endif
  tape.clear();
  CHECK((tape.constant(Tensor<T>{1, 2}) * 2).value() == Tensor<T>{2, 4});  // reuses the memory
}

TEST_CASE("of several ops that refuse their values, the one recorded first is named, whatever the order of a replay") {
  const auto loss = [](V x, auto labels) {
    const V scaled = exp(x) * 2;
    const V first = nll_loss(scaled, labels);                   // waits for the group that is fused with `scaled`,
    const V second = nll_loss(x, labels, {.ignore_index = 1});  // so this one may run before it
    return first + second + sum(scaled * x);
  };
  const D x{{1, 2}, {3, 4}};
  for (const bool fuse : {true, false}) {
    CAPTURE(fuse);
    auto step = compiled<double>([&](auto&, auto a, auto labels) { return loss(a, labels); }, {.fuse = fuse});
    CHECK_NOTHROW(step(x, Indices{0, 1}));
    Tape<double> tape;
    const std::string message = message_of<ValueError>([&] { loss(tape.constant(x), tape.indices(Indices{0, 2})); });
    CHECK(contains(message, "label 2 at position 1: must be a class from 0 to 1"));
    CHECK(message_of<ValueError>([&] { step(x, Indices{0, 2}); }) == message);
    CHECK_NOTHROW(step(x, Indices{0, 1}));
  }
}

TEST_CASE("a Program has zeros as results before the first replay, and none after one that threw") {
  Tape<double> tape;
  const auto x = tape.variable(D{1, 2}), y = exp(x) * 3, least = cholesky(reshape(x + 1, {2, 1, 1}));
  auto program = compile(tape, {x}, {y, least, x});
  CHECK(program.value(0) == D{0, 0});
  const D bad{-5, 1}, good{0, 3};
  for (int i = 0; i < 2; ++i) {
    CHECK_THROWS_AS(program(bad), Error);
    CHECK_ERROR(ValueError, "[program] its last replay threw, so there are no results", program.value(0));
    CHECK_NOTHROW(program(good));
    CHECK(program.value(0)(0) == 3);
    CHECK(program.value(2) == good);
  }
}
