// ScatterND and ScatterElements with indices on the tape, also in a Program, compared with loops.
#include "../temporary_folder.hpp"
#include "../testing.hpp"
#include "builder.hpp"
#include <wengert/onnx.hpp>
#include <wengert/wengert.hpp>

#include <algorithm>
#include <string>

using namespace wengert;
using namespace wengert::testing;

namespace {

wengert::onnx::Model<double> scatter_model(const std::string& op, const std::string& reduction,
                                           const OnnxBuilder::Names& indices, const OnnxBuilder::Names& updates) {
  const TemporaryFolder folder;
  OnnxBuilder builder(18);
  builder.input("x", {"4", "3", "2"}, wengert::onnx::ElementType::float64)
      .input("k", indices, wengert::onnx::ElementType::int64)
      .input("u", updates, wengert::onnx::ElementType::float64)
      .output("y", {"4", "3", "2"}, wengert::onnx::ElementType::float64)
      .node(op, {"x", "k", "u"}, {"y"}, {{"reduction", reduction}});
  return wengert::onnx::load<double>(builder.save(folder / "scatter.onnx"));
}

double reduced(const std::string& reduction, double x, double update) {
  if (reduction == "add") return x + update;
  if (reduction == "mul") return x * update;
  if (reduction == "max") return std::max(x, update);
  if (reduction == "min") return std::min(x, update);
  return update;
}

std::size_t from_front(std::int64_t index, std::size_t extent) {
  return static_cast<std::size_t>(index < 0 ? index + static_cast<std::int64_t>(extent) : index);
}

// Known indices, those on a tape, and those of two replays of one Program.
template <class F>
void check_scatter(const wengert::onnx::Model<double>& model, const Tensor<double>& x, const Indices& k,
                   const Indices& other, const Tensor<double>& u, const F& expected) {
  Tape<double> tape;
  CHECK(distance(model(tape.constant(x), k, tape.constant(u)).value(), expected(k)) < 1e-15);
  CHECK(distance(model(tape.constant(x), tape.indices(k), tape.constant(u)).value(), expected(k)) < 1e-15);
  auto program = compiled<double>([&](auto&, auto a, auto b, auto c) { return model(a, b, c); });
  CHECK(distance(program(x, k, u).value(), expected(k)) < 1e-15);
  CHECK(distance(program(x, other, u).value(), expected(other)) < 1e-15);
  gradcheck([&](const auto& a, const auto& b) { return model(a, a.tape().indices(k), b); }, x, u);
}

}  // namespace

TEST_CASE("ScatterND takes its indices from the tape, in a Program too") {
  const Tensor<double> x = random_tensor({4, 3, 2}, 1), u = random_tensor({3, 2}, 2);
  for (const std::string reduction : {"none", "add", "mul", "max", "min"}) {
    CAPTURE(reduction);
    const auto model = scatter_model("ScatterND", reduction, {"3", "2"}, {"3", "2"});
    // Repeated pairs have no defined result without a reduction.
    const Indices k = reduction == "none" ? Indices{{1, 2}, {-1, 0}, {0, -1}} : Indices{{1, 2}, {-3, -1}, {0, -1}};
    const Indices other{{3, 0}, {2, 1}, {-4, 1}};
    check_scatter(model, x, k, other, u, [&](const Indices& at) {
      Tensor<double> y = x;
      for (std::size_t i = 0; i < 3; ++i)
        for (std::size_t j = 0; j < 2; ++j) {
          double& to = y(from_front(at(i, 0), 4), from_front(at(i, 1), 3), j);
          to = reduced(reduction, to, u(i, j));
        }
      return y;
    });
  }
}

TEST_CASE("ScatterElements with a reduction takes its indices from the tape, in a Program too") {
  const Tensor<double> x = random_tensor({4, 3, 2}, 3), u = random_tensor({2, 2, 1}, 4);
  for (const std::string reduction : {"mul", "max", "min"}) {
    CAPTURE(reduction);
    const auto model = scatter_model("ScatterElements", reduction, {"2", "2", "1"}, {"2", "2", "1"});
    Indices k{{1, -1}, {1, -1}}, other{{3, 0}, {-2, 2}};
    k.reshape({2, 2, 1});
    other.reshape({2, 2, 1});
    check_scatter(model, x, k, other, u, [&](const Indices& at) {
      Tensor<double> y = x;
      for (std::size_t i = 0; i < 2; ++i)
        for (std::size_t j = 0; j < 2; ++j) {
          double& to = y(from_front(at(i, j, 0), 4), j, 0);
          to = reduced(reduction, to, u(i, j, 0));
        }
      return y;
    });
  }
}

TEST_CASE("a tape with values, on which ScatterND writes or adds, can be compiled for other indices") {
  const Tensor<double> x = random_tensor({4, 3, 2}, 7), u = random_tensor({3, 2}, 8);
  for (const std::string reduction : {"none", "add"}) {
    CAPTURE(reduction);
    const auto model = scatter_model("ScatterND", reduction, {"3", "2"}, {"3", "2"});
    Tape<double> tape;
    const Var<double> from = tape.constant(x), update = tape.constant(u);
    const IndexVar<double> k = tape.indices(Indices{{1, 2}, {0, 0}, {0, 1}});
    const Var<double> y = model(from, k, update);
    auto program = compile(tape, {from, k, update}, {y});
    const Indices other{{3, 0}, {2, 1}, {0, 1}};
    program(x, other, u);
    Tape<double> second;
    CHECK(distance(program.value(0), model(second.constant(x), other, second.constant(u)).value()) == 0);
  }
}

TEST_CASE("indices on the tape that are out of range are refused at the replay, with the axis") {
  const auto model = scatter_model("ScatterND", "none", {"3", "2"}, {"3", "2"});
  const Tensor<double> x = random_tensor({4, 3, 2}, 5), u = random_tensor({3, 2}, 6);
  auto program = compiled<double>([&](auto&, auto a, auto b, auto c) { return model(a, b, c); });
  program(x, Indices{{0, 0}, {1, 1}, {2, 2}}, u);
  CHECK(contains(message_of<ValueError>([&] {
                   program(x, Indices{{0, 0}, {1, 3}, {2, 2}}, u);
                 }),
                 "axis 1 has 3 elements"));
  CHECK(contains(message_of<ValueError>([&] {
                   program(x, Indices{{0, 0}, {1, 1}, {-5, 2}}, u);
                 }),
                 "axis 0 has 4 elements"));
}
