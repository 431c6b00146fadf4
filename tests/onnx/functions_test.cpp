// Functions of an ONNX model: their nodes replace the nodes that call them.
#include "onnx/graph.hpp"
#include "onnx/model_writer.hpp"
#include "testing.hpp"

// The names of model_writer.hpp are short: the tests stand in its namespace, so that other tests do not see them.
namespace wengert::testing::onnx_file {
namespace {

using onnx::detail::Graph;
using onnx::detail::Node;
using StringList = std::vector<std::string>;

// The main graph of a model whose functions are inlined; it applies `calls` to x and returns y.
Graph inlined(std::initializer_list<Message> calls, std::initializer_list<Message> functions) {
  const Message file = model(graph({"x"}, {"y"}, calls), functions);
  return onnx::detail::parse_model(file.bytes(), "model", {}, Location::current()).graph;
}
std::string call_refused(std::initializer_list<Message> calls, std::initializer_list<Message> functions) {
  return file_complaint([&] { inlined(calls, functions); });
}

}  // namespace

TEST_CASE("the nodes of a function replace its calls, with names of their own") {
  const Message square_plus =
      function("SquarePlus", {"a", "b"}, {"c"},
               {node("Mul", {"a", "a"}, {"t"}, {}, "", "square"), node("Add", {"t", "b"}, {"c"})});
  const Graph read = inlined({node("SquarePlus", {"x", "x"}, {"x/t"}, {}, "test", "first"),
                              node("SquarePlus", {"x/t"}, {"y"}, {}, "test", "x")},
                             {square_plus});
  REQUIRE(read.nodes.size() == 4);
  CHECK(read.nodes[0].description() == "node 'first/square' (Mul, opset 15)");
  CHECK(read.nodes[0].inputs == StringList{"x", "x"});
  CHECK(read.nodes[0].outputs == StringList{"first/t"});
  CHECK(read.nodes[1].inputs == StringList{"first/t", "x"});
  CHECK(read.nodes[1].outputs == StringList{"x/t"});
  CHECK(read.nodes[2].inputs == StringList{"x/t", "x/t"});
  CHECK(read.nodes[2].outputs.at(0) != "x/t");                                 // taken by the graph
  CHECK(read.nodes[3].inputs == StringList{read.nodes[2].outputs.at(0), ""});  // an input that is left out
  CHECK(read.nodes[3].outputs == StringList{"y"});
}

TEST_CASE("functions call functions, and attributes refer to those of the call") {
  const Message inner =
      function("Inner", {"a"}, {"b"},
               {node("LeakyRelu", {"a"}, {"b"}, {reference("alpha", "slope", 1), reference("beta", "none", 1)})});
  const Message outer = function("Outer", {"a"}, {"b"},
                                 {node("Inner", {"a"}, {"t"}, {reference("slope", "s", 1)}, "test"),
                                  node("Inner", {"t"}, {"b"}, {number("slope", 2)}, "test")});
  const Graph read = inlined({node("Outer", {"x"}, {"y"}, {number("s", 0.5F)}, "test", "call")}, {outer, inner});
  REQUIRE(read.nodes.size() == 2);
  CHECK(std::get<double>(read.nodes[0].attributes.at("alpha")) == 0.5);
  CHECK(read.nodes[0].attributes.size() == 1);  // the call has no "none"
  CHECK(std::get<double>(read.nodes[1].attributes.at("alpha")) == 2);
  CHECK(read.nodes[0].outputs == read.nodes[1].inputs);
  CHECK(read.nodes[1].outputs == StringList{"y"});
}

TEST_CASE("bodies within functions are renamed as well, and functions are inlined within bodies") {
  const Message branch = graph({}, {"r"}, {node("Twice", {"a"}, {"r"}, {}, "test")});
  const Message twice = function("Twice", {"a"}, {"b"}, {node("Add", {"a", "a"}, {"b"})});
  const Message choose = function(
      "Choose", {"a"}, {"b"}, {node("If", {"a"}, {"b"}, {body("then_branch", branch), body("else_branch", branch)})});
  const Graph read = inlined({node("Choose", {"x"}, {"y"}, {}, "test", "call")}, {twice, choose});
  REQUIRE(read.nodes.size() == 1);
  const auto& then = std::get<std::shared_ptr<const Graph>>(read.nodes[0].attributes.at("then_branch"));
  REQUIRE(then->nodes.size() == 1);
  CHECK(then->nodes[0].op == "Add");
  CHECK(then->nodes[0].inputs == StringList{"x", "x"});
  CHECK(then->nodes[0].outputs == StringList{"call/r"});
  CHECK(then->outputs.at(0).name == "call/r");
}

TEST_CASE("an output of a function that is an input or another output is copied") {
  const Message pass = function("Pass", {"a"}, {"a", "b", "b"}, {node("Relu", {"a"}, {"b"})});
  const Graph read = inlined({node("Pass", {"x"}, {"same", "y", "z"}, {}, "test")}, {pass});
  REQUIRE(read.nodes.size() == 3);
  CHECK(read.nodes[0].outputs == StringList{"y"});
  CHECK(read.nodes[1].op == "Identity");
  CHECK(read.nodes[1].inputs == StringList{"x"});
  CHECK(read.nodes[1].outputs == StringList{"same"});
  CHECK(read.nodes[2].inputs == StringList{"y"});
  CHECK(read.nodes[2].outputs == StringList{"z"});
}

TEST_CASE("functions that call themselves or are called wrongly are refused") {
  const Message call = node("F", {"x"}, {"y"}, {}, "test");
  CHECK(call_refused({call}, {function("F", {"a"}, {"b"}, {node("F", {"a"}, {"b"}, {}, "test")})}) ==
        "[onnx::load] model: function 'test.F' calls itself");
  CHECK(contains(call_refused({call}, {function("F", {"a"}, {"b"}, {node("G", {"a"}, {"b"}, {}, "test")}),
                                       function("G", {"a"}, {"b"}, {node("F", {"a"}, {"b"}, {}, "test")})}),
                 "function 'test.F' calls itself"));
  const Message relu = function("F", {"a"}, {"b"}, {node("Relu", {"a"}, {"b"})});
  CHECK(contains(call_refused({call}, {relu, relu}), "function 'test.F' is defined twice"));
  CHECK(contains(call_refused({node("F", {"x", "x"}, {"y"}, {}, "test")}, {relu}),
                 "node 'y' (test.F, opset 0) has 2 inputs, but the function that it calls has 1"));
  CHECK(contains(call_refused({call}, {function("F", {"a"}, {"b"}, {node("Relu", {"c"}, {"b"})})}),
                 "reads 'y/c', which nothing defines"));
  CHECK(contains(call_refused({node("Relu", {"x"}, {"y"}, {reference("alpha", "slope", 1)})}, {}),
                 "attribute 'alpha' refers to an attribute of a function, but stands in none"));
}

TEST_CASE("functions that expand to much more than the file holds are refused") {
  const std::string expected = "expand to more than 32 MiB and 64 times the size of the file";
  // 2^30 nodes from 31 functions, of which each calls the next one twice.
  const auto chain = [](Message file, const auto& body_of) {
    for (int i = 0; i < 30; ++i)
      file.message(25, function(fmt::format("F{}", i), {"a"}, {"b"}, body_of(fmt::format("F{}", i + 1))));
    file.message(25, function("F30", {"a"}, {"b"}, {node("Relu", {"a"}, {"b"})}));
    return file_complaint([&] { onnx::detail::parse_model(file.bytes(), "model", {}, Location::current()); });
  };
  const Message calls = model(graph({"x"}, {"y"}, {node("F0", {"x"}, {"y"}, {}, "test")}));
  CHECK(contains(chain(calls,
                       [](const std::string& next) {
                         return std::vector{node(next, {"a"}, {"t"}, {}, "test"), node(next, {"t"}, {"b"}, {}, "test")};
                       }),
                 expected));
  // A body that contains the body it is given twice.
  const Message leaf = graph({}, {"r"}, {node("Relu", {"x"}, {"r"})});
  const Message given = model(graph({"x"}, {"y"}, {node("F0", {"x"}, {"y"}, {body("g", leaf)}, "test")}));
  const Message twice = graph(
      {}, {"r"}, {node("If", {"a"}, {"r"}, {reference("then_branch", "g", 5), reference("else_branch", "g", 5)})});
  CHECK(contains(
      chain(given,
            [&](const std::string& next) { return std::vector{node(next, {"a"}, {"b"}, {body("g", twice)}, "test")}; }),
      expected));
}

}  // namespace wengert::testing::onnx_file
