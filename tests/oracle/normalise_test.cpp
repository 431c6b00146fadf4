// Normalisations and their running statistics against PyTorch.
#include "oracle.hpp"

using namespace wengert;
using namespace wengert::testing;

namespace {

// Returns a state of three channels with means 0.5 and variances 1.5.
template <class T>
BatchNormState<T> state(double momentum = 0.1) {
  BatchNormState<T> result(3, momentum);
  result.running_mean.assign(Tensor<T>{T(0.5), T(0.5), T(0.5)});
  result.running_variance.assign(Tensor<T>{T(1.5), T(1.5), T(1.5)});
  return result;
}

}  // namespace

TEST_CASE("normalisations agree with PyTorch") {
  Oracle oracle("normalise");
  oracle.check("layer_norm", [](auto x, auto w, auto b) { return layer_norm(x, {5}, w, b); });
  oracle.check("layer_norm.plain", [](auto x) { return layer_norm(x, {5}, {}, {}, 0.1); });
  oracle.check("layer_norm.weight", [](auto x, auto w) { return layer_norm(x, {5}, w); });
  oracle.check("layer_norm.plane", [](auto x, auto w, auto b) { return layer_norm(x, {4, 5}, w, b); });
  oracle.check("layer_norm.vector", [](auto x) { return layer_norm(x, {7}); });
  oracle.check("layer_norm.wide", [](auto x) { return layer_norm(x, {70}); });
  oracle.check("layer_norm.offset", [](auto x) { return layer_norm(x, {6}); }, {.in_float = 1e-3});
  oracle.check("rms_norm", [](auto x, auto w) { return rms_norm(x, {5}, w); });
  oracle.check("rms_norm.plane", [](auto x) { return rms_norm(x, {4, 5}, {}, 0.1); });

  for (const std::string name : {"flat", "line", "plane", "wide"}) {
    oracle.check("batch_norm." + name,
                 []<class T>(Var<T> x, Var<T> w, Var<T> b) { return batch_norm(x, state<T>(), Training::yes, w, b); });
    oracle.check("batch_norm." + name + ".evaluation",
                 []<class T>(Var<T> x, Var<T> w, Var<T> b) { return batch_norm(x, state<T>(), Training::no, w, b); });
  }
  oracle.check("batch_norm.plain",
               []<class T>(Var<T> x) { return batch_norm(x, state<T>(), Training::yes, {}, {}, 0.1); });
  oracle.check("batch_norm.bias",
               []<class T>(Var<T> x, Var<T> b) { return batch_norm(x, state<T>(), Training::yes, {}, b); });

  oracle.check("group_norm", [](auto x, auto w, auto b) { return group_norm(x, 2, w, b); });
  oracle.check("group_norm.plane", [](auto x, auto w, auto b) { return group_norm(x, 4, w, b); });
  oracle.check("group_norm.flat", [](auto x, auto w, auto b) { return group_norm(x, 2, w, b); });
  oracle.check("group_norm.one", [](auto x) { return group_norm(x, 1, {}, {}, 0.1); });
  oracle.check("instance_norm", [](auto x, auto w, auto b) { return instance_norm(x, w, b); });
  oracle.check("instance_norm.plane", [](auto x) { return instance_norm(x, {}, {}, 0.1); });

  for (const std::ptrdiff_t axis : {0, 1, -1}) {
    oracle.check(fmt::format("softmax.axis{}", axis), [axis](auto x) { return softmax(x, axis); });
    oracle.check(fmt::format("log_softmax.axis{}", axis), [axis](auto x) { return log_softmax(x, axis); });
  }
  oracle.check("softmax.far", [](auto x) { return softmax(x); });
  oracle.check("log_softmax.far", [](auto x) { return log_softmax(x); });
  oracle.check_all_were_checked();
}

TEST_CASE("the running mean and variance agree with PyTorch, committed after each batch or after both") {
  const Oracle oracle("normalise");
  const auto expected_mean = oracle.array("batch_norm.plain", "c2"),
             expected_variance = oracle.array("batch_norm.plain", "c3");
  for (const bool each : {true, false}) {
    CAPTURE(each);
    const auto running = state<double>(0.3);
    Tape<double> tape;
    for (const char* batch : {"c0", "c1"}) {
      batch_norm(tape.constant(oracle.array("batch_norm.plain", batch)), running, Training::yes);
      if (each) tape.commit();
    }
    tape.commit();
    CHECK(distance(running.running_mean.value(), expected_mean) < 1e-15);
    CHECK(distance(running.running_variance.value(), expected_variance) < 1e-14);
  }
}
