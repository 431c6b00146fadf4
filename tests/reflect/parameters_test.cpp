// Reflection over structs: finding Parameters, converting structs, and mapping trees of tensors.
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
template <class T>
struct Knot {  // a node of a list or a tree
  Parameter<T> weight;
  std::unique_ptr<Knot> next;
  std::vector<Knot> below;
};
template <class V>
struct Branch {
  V leaf;
  std::vector<Branch> twigs;
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
  CHECK(paths_of([x = parameter(1)] { return x; }).empty());  // captures of a lambda have no names
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

TEST_CASE("a struct may contain itself, and is converted whole") {
  Knot<float> knot{parameter(1), std::make_unique<Knot<float>>(Knot<float>{parameter(2), nullptr, {}}), {}};
  knot.below.push_back({parameter(3), nullptr, {}});
  CHECK(paths_of(knot) == "weight=1 next.weight=2 below.0.weight=3 ");
  CHECK(paths_of(converted<double>(knot)) == paths_of(knot));
  const std::tuple<std::tuple<Layer<float>>> nested{{layer(1)}};
  static_assert(std::is_same_v<decltype(converted<double>(nested)), std::tuple<std::tuple<Layer<double>>>>);
}

TEST_CASE("a struct and its first member, at one address, are copied apart") {
  struct Pointers {
    std::shared_ptr<Layer<float>> whole;
    std::shared_ptr<Parameter<float>> first;
  };
  const auto whole = std::make_shared<Layer<float>>(layer(1));
  const auto copy = converted<float>(Pointers{whole, {whole, &whole->weight}});
  CHECK(copy.whole->weight == *copy.first);
  CHECK(copy.whole->bias.value()(0) == 1.5F);
}

TEST_CASE("a tree is mapped and visited in the order of its members") {
  const Branch<Tensor<double>> tree{Tensor<double>{1},
                                    {{Tensor<double>{2}, {{Tensor<double>{3}, {}}}}, {Tensor<double>{4}, {}}}};
  const Branch<int> numbers = map_tree(tree, [n = 0](const auto&) mutable { return ++n; });
  CHECK(numbers.twigs[0].twigs[0].leaf == 3);
  CHECK(numbers.twigs[1].leaf == 4);
  std::string order;
  for_each_leaf(tree, [&](const auto& leaf) { order += fmt::format("{} ", leaf(0)); });
  CHECK(order == "1 2 3 4 ");
  static_assert(detail::is_tree<std::tuple<Branch<Var<float>>, std::array<Parameter<double>, 2>>>);
  static_assert(!detail::is_tree<Layer<float>> && !detail::is_tree<Indices> && !detail::is_tree<std::vector<float>>);
}
