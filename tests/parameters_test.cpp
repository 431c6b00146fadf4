// Finding the Parameters of a struct.
#include "testing.hpp"

#include <memory>
#include <optional>
#include <tuple>

using namespace wengert;
using namespace wengert::testing;

namespace {

template <class T>
struct Layer {
  Parameter<T> weight, bias;
};
struct Options {
  double rate = 0.1;
  int steps = 3;
};
template <class T>
struct Network {
  std::vector<Layer<T>> encoder;
  std::array<Layer<T>, 2> pair;
  std::optional<Layer<T>> head;
  std::string note;
  Options options;
  Parameter<T> scale;
  std::tuple<Layer<T>, int> rest;
};
struct Plain {
  std::unique_ptr<Layer<float>> hidden;
  std::shared_ptr<Layer<float>> shared;
  std::function<double(double)> activation;
  const Parameter<float> last;
};
struct Wide {
  Parameter<double> a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p;
};

template <class T = float>
Parameter<T> parameter(double value) {
  return Parameter<T>(Tensor<T>{static_cast<T>(value)});
}
template <class T = float>
Layer<T> layer(double value) {
  return {parameter<T>(value), parameter<T>(value + 0.5)};
}
template <class Module>
std::string paths_of(const Module& module) {
  std::string text;
  for_each_parameter(module, [&](const std::string& path, const auto& p) {
    text += fmt::format("{}={} ", path, static_cast<double>(p.value()(0)));
  });
  return text;
}
Network<float> network() {
  const auto first = layer(1);
  return {{first, layer(2)}, {layer(3), first}, layer(4), "note", {}, parameter(5), {layer(6), 7}};
}

}  // namespace

TEST_CASE("Parameters are found by the names of members and the places in containers, each once") {
  CHECK(paths_of(network()) ==
        "encoder.0.weight=1 encoder.0.bias=1.5 encoder.1.weight=2 encoder.1.bias=2.5 pair.0.weight=3 pair.0.bias=3.5 "
        "head.weight=4 head.bias=4.5 scale=5 rest.0.weight=6 rest.0.bias=6.5 ");
  CHECK(paths_of(Plain{std::make_unique<Layer<float>>(layer(1)), nullptr, {}, parameter(2)}) ==
        "hidden.weight=1 hidden.bias=1.5 last=2 ");
  struct Local {
    Parameter<float> inside_a_function;
  };
  CHECK(paths_of(Local{parameter(1)}) == "inside_a_function=1 ");
  CHECK(paths_of([x = parameter(1)] { return x; }).empty());  // what a lambda holds has no name
}

TEST_CASE("the parts of a list may tell themselves apart by how their members' names end") {
  struct Gate {
    Parameter<float> weight;
    std::optional<Parameter<float>> bias;
    char letter;
    std::string member_suffix() const { return std::string("_") + letter; }
  };
  struct Cell {
    std::vector<Gate> gates;
    Gate last;
  };
  const Cell cell{{{parameter(1), parameter(2), 'a'}, {parameter(3), {}, 'b'}}, {parameter(4), {}, 'c'}};
  CHECK(paths_of(cell) == "gates.weight_a=1 gates.bias_a=2 gates.weight_b=3 last.weight_c=4 ");
}

TEST_CASE("a struct has up to sixteen members") {
  const auto p = [](double value) { return parameter<double>(value); };
  const Wide wide{p(0), p(1), p(2), p(3), p(4), p(5), p(6), p(7), p(8), p(9), p(10), p(11), p(12), p(13), p(14), p(15)};
  CHECK(contains(paths_of(wide), "a=0 b=1 "));
  CHECK(contains(paths_of(wide), "o=14 p=15 "));
}

TEST_CASE("a Parameter that is assigned is the one that is found") {
  auto net = network();
  net.scale = parameter(9);
  CHECK(contains(paths_of(net), "scale=9"));
}

TEST_CASE("a converted struct has Parameters of its own, shared as they were") {
  auto net = network();
  net.scale.set_trainable(false);
  const auto copy = converted<double>(net);
  static_assert(std::is_same_v<decltype(copy), const Network<double>>);
  CHECK(paths_of(copy) == paths_of(net));
  CHECK(copy.encoder[0].weight == copy.pair[1].weight);
  CHECK(!copy.scale.trainable());
  const auto same = converted<float>(net);
  CHECK(!(same.scale == net.scale));
  net.scale.assign(Tensor<float>{8});
  CHECK(same.scale.value()(0) == 5);
}
