// Checks of networks: structs of Parameters, trees of tensors, and the other arguments of a function.
#include "testing.hpp"

using namespace wengert;
using namespace wengert::testing;

namespace {

inline constexpr auto wrong_square =
    elementwise<"wrong_square">([](auto x) { return x * x; }, derivative([](auto x, auto) { return 3 * x; }));

// A layer as a user writes it, which records its parameters where it uses them.
template <class T>
struct Dense {
  Parameter<T> weight, bias;

  Var<T> operator()(Var<T> x) const { return matmul(x, x.tape().variable(weight)) + x.tape().variable(bias); }
};
template <class T>
Dense<T> dense(std::size_t from, std::size_t to, unsigned seed) {
  return {Parameter<T>(random_tensor<T>({from, to}, seed)), Parameter<T>(random_tensor<T>({to}, seed + 1))};
}

template <class T>
struct Encoder {
  std::vector<Dense<T>> encoder;
  Dense<T> head;
  bool is_wrong = false;

  Var<T> operator()(Var<T> x) const {
    for (const Dense<T>& layer : encoder) x = tanh(layer(x));
    return is_wrong ? wrong_square(head(x)) : head(x);
  }
};
template <class T>
Encoder<T> encoder() {
  return {{dense<T>(3, 4, 1), dense<T>(4, 4, 3)}, dense<T>(4, 2, 5)};
}

// A network of one scalar type in which the gradient of `shift` is wrong.
struct Scaled {
  Parameter<double> scale, shift;

  template <class T>
  Var<T> operator()(Var<T> x) const {
    const Var<T> a = x.tape().variable(scale), b = x.tape().variable(shift);
    return x * a + b + x.tape().constant(b.value());
  }
};
Scaled scaled() { return {Parameter<double>(Tensor<double>(2.0)), Parameter<double>(Tensor<double>(0.5))}; }

// A tree of tensors, which is converted to a tree of Vars.
template <class V>
struct Weights {
  V w, b;
};
const auto loss_of = [](const auto& weights, auto x, auto y) {
  return mse_loss(tanh(matmul(x, weights.w) + weights.b), y);
};

}  // namespace

TEST_CASE("gradcheck of a network checks every parameter and leaves it as it was") {
  const auto net = encoder<double>();
  const auto before = converted<double>(net);
  const auto report = gradcheck(net, random_tensor({2, 3}, 9));
  CHECK(report);
  const std::size_t elements = 6 + 12 + 4 + 16 + 4 + 8 + 2;
  CHECK(report.checked() == 4 * elements + elements * elements);  // a result of 2×2, then all gradients
  CHECK(net.encoder[1].weight.value() == before.encoder[1].weight.value());
  CHECK(net.head.bias.value() == before.head.bias.value());
  CHECK(gradcheck(net, random_tensor({2, 3}, 9), GradcheckOptions{.mode = GradcheckMode::fast}));
}

TEST_CASE("a network's wrong gradient is reported by the parameter's path and the op at fault") {
  auto net = encoder<double>();
  net.is_wrong = true;
  const auto report = gradcheck(net, random_tensor({2, 3}, 9));
  REQUIRE(!report);
  CHECK(report.findings()[0].op == "wrong_square");
  CHECK(contains(report.to_string(), "inputs: 1, 2 (encoder.0.weight), 3 (encoder.0.bias), "));
  CHECK(contains(report.findings()[0].text, "op wrong_square (module_test.cpp:"));
}

TEST_CASE("one parameter's gradient is wrong, and its path is in the diagnosis") {
  const auto report = gradcheck(scaled(), random_tensor({3}, 1));
  REQUIRE(report.findings().size() == 1);
  CHECK(contains(report.findings()[0].text, "the gradient of input 3 (shift) is 0.5 times the correct one"));
  for (const auto& entry : report.mismatches()) CHECK(entry.input == 2);
}

TEST_CASE("a loss of a network and a batch; a struct of networks has longer paths") {
  const auto loss = [](const auto& net, auto x, auto labels) { return cross_entropy(net(x), labels); };
  const auto net = encoder<double>();
  CHECK(gradcheck(loss, net, fixed(random_tensor({2, 3}, 9)), Indices{0, 1}));
  const auto broken = gradcheck([](const auto& models, auto x) { return models[1](models[0](x)); },
                                named("models", std::vector{scaled(), scaled()}), fixed(random_tensor({3}, 1)));
  REQUIRE(broken.findings().size() == 2);
  CHECK(contains(broken.findings()[0].text, "(models.0.shift)"));
  CHECK(contains(broken.findings()[1].text, "(models.1.shift)"));
}

TEST_CASE("a parameter used twice, or by two layers, has one gradient; a frozen one is no input") {
  const Parameter<double> w(random_tensor({3, 3}, 1), "w");
  struct Twice {
    Parameter<double> first, second;
    Var<double> operator()(Var<double> x) const {
      return matmul(tanh(matmul(x, x.tape().variable(first))), x.tape().variable(second)) *
             sum(x.tape().variable(first));
    }
  };
  const auto report = gradcheck(Twice{w, w}, random_tensor({2, 3}, 2));
  CHECK(report);
  CHECK(report.checked() == 6 * 15 + 15 * 15);
  Parameter<double> frozen(random_tensor({3, 3}, 3));
  frozen.set_trainable(false);
  CHECK(gradcheck(Twice{w, frozen}, fixed(random_tensor({2, 3}, 2))).checked() == 6 * 9 + 9 * 9);
}

TEST_CASE("a parameter that the network does not use has a gradient of zero, and that is right") {
  struct Lazy {
    Parameter<double> used, unused;
    Var<double> operator()(Var<double> x) const { return x * x.tape().variable(used); }
  };
  CHECK(gradcheck(Lazy{Parameter<double>(random_tensor({3}, 1)), Parameter<double>(random_tensor({2}, 2))},
                  random_tensor({3}, 3)));
  const auto none = gradcheck([](auto x) { return x; }, fixed(random_tensor({3}, 3)));
  REQUIRE(none.findings().size() == 1);
  CHECK(none.findings()[0].fault == Fault::vacuous);
}

TEST_CASE("a float network is checked in double and compared in float") {
  const auto net = encoder<float>();
  CHECK(gradcheck(net, random_tensor<float>({2, 3}, 9)));
  CHECK(gradcheck(encoder<double>(), random_tensor({2, 3}, 9), also_in_float));
  CHECK(gradcheck([](const auto& models, auto x) { return models[0](x) + models[1](x); },
                  std::vector{encoder<float>(), encoder<float>()}, random_tensor<float>({2, 3}, 9),
                  GradcheckOptions{.mode = GradcheckMode::fast}));
  const auto report =
      gradcheck([](const auto& n, auto x) { return n((x + 1e8F) - 1e8F); }, net, random_tensor<float>({2, 3}, 9));
  REQUIRE(!report);
  CHECK(report.findings()[0].fault == Fault::float_differs);
}

TEST_CASE("a function of float tensors is compared with its double replay without being asked") {
  const auto f = [](auto x) { return exp((x + 1e8) - 1e8); };
  CHECK(!gradcheck(f, random_tensor<float>({3}, 1)));
  CHECK(gradcheck(f, random_tensor({3}, 1)));
  CHECK(gradcheck(f, Tensor<double>(xt::cast<double>(random_tensor<float>({3}, 1)))));
}

TEST_CASE("a tree of tensors or Parameters becomes a tree of Vars, and its leaves have paths") {
  const Weights<Tensor<double>> weights{random_tensor({3, 2}, 1), random_tensor({2}, 2)};
  const auto x = random_tensor({4, 3}, 3), y = random_tensor({4, 2}, 4);
  CHECK(gradcheck(loss_of, weights, x, fixed(y)));
  const Weights<Parameter<double>> learned{Parameter<double>(weights.w, "w1"), Parameter<double>(weights.b, "b1")};
  const auto report = gradcheck([](const auto& w, auto a, auto b) { return wrong_square(loss_of(w, a, b)); },
                                named("layer", learned), fixed(x), fixed(y), GradcheckOptions{.orders = 1});
  CHECK(contains(report.to_string(), "1 (layer.w) ("));
  CHECK(contains(report.to_string(), "2 (layer.b) ("));
}

namespace {
class Hidden {
 public:
  explicit Hidden(std::size_t n) : weight_(random_tensor({n, n}, 4), "w") {}
  template <class T>
  Var<T> operator()(Var<T> x) const {
    return matmul(x, x.tape().variable(weight_));
  }

 private:
  Parameter<double> weight_;
};
struct HalfHidden {
  Parameter<double> scale;
  Hidden layer;
  template <class T>
  Var<T> operator()(Var<T> x) const {
    return layer(x) * x.tape().variable(scale);
  }
};
}  // namespace

TEST_CASE("parameters that cannot be found are told of") {
  const Tensor<double> x = random_tensor({2, 3}, 1);
  const auto report = gradcheck(HalfHidden{Parameter<double>(Tensor<double>(2.0)), Hidden(3)}, x);
  CHECK(report.verdict() == Verdict::wrong);
  CHECK(report.overlooked() == std::vector<std::string>{"w"});
  CHECK(contains(report.to_string(), "1 parameter (w) of the network were not found"));
  // A class without visible Parameters, or a lambda, may capture Parameters that are not to be checked.
  const auto alone = gradcheck(Hidden(3), x);
  CHECK(alone.ok());
  CHECK(contains(alone.to_string(), "; not checked: 1 parameter (w) that it captured"));
}
