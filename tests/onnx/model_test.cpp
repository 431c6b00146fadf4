// Imported models as networks: parameters, ports, gradients, training, Programs, errors.
#include "../temporary_folder.hpp"
#include "../testing.hpp"
#include "builder.hpp"
#include <wengert/io/parameters.hpp>
#include <wengert/nn.hpp>
#include <wengert/onnx.hpp>
#include <wengert/optim.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <string>

using namespace wengert;
using namespace wengert::testing;

namespace {

using wengert::onnx::ElementType;
template <class T>
using OnnxModel = wengert::onnx::Model<T>;

template <class T>
OnnxModel<T> loaded(const OnnxBuilder& builder) {
  const TemporaryFolder folder;
  return wengert::onnx::load<T>(builder.save(folder / "model.onnx"));
}

// y = tanh(x·Wᵀ + b)·V with W 4×3, b of 4 elements and V 4×2.
template <class T>
OnnxModel<T> two_layers(unsigned seed = 1) {
  OnnxBuilder builder;
  builder.input("x", {"batch", "3"}, wengert::onnx::element_type<T>)
      .output("y", {"batch", "2"}, wengert::onnx::element_type<T>)
      .initialiser("hidden.weight", random_tensor<T>({4, 3}, seed))
      .initialiser("hidden.bias", random_tensor<T>({4}, seed + 1))
      .initialiser("head.weight", random_tensor<T>({4, 2}, seed + 2))
      .node("Gemm", {"x", "hidden.weight", "hidden.bias"}, {"hidden"}, {{"transB", std::int64_t{1}}})
      .node("Tanh", {"hidden"}, {"active"})
      .node("MatMul", {"active", "head.weight"}, {"y"});
  return loaded<T>(builder);
}

// The mean of the embeddings of a sample's words.
template <class T>
OnnxModel<T> mean_of_words() {
  OnnxBuilder builder;
  builder.input("words", {"batch", "steps"}, ElementType::int64)
      .output("y", {"batch", "2"}, wengert::onnx::element_type<T>)
      .initialiser("embedding.weight", Tensor<T>{{1, 2}, {3, 4}, {5, 6}, {7, 8}})
      .node("Gather", {"embedding.weight", "words"}, {"embedded"})
      .node("ReduceMean", {"embedded"}, {"y"}, {{"axes", std::vector<std::int64_t>{1}}, {"keepdims", std::int64_t{0}}});
  return loaded<T>(builder);
}

// Batch normalisation in evaluation mode, then a factor for each channel.
OnnxModel<float> normalised() {
  OnnxBuilder builder;
  builder.input("x", {"batch", "2"})
      .output("y", {"batch", "2"})
      .initialiser("norm.weight", Tensor<float>{1, 2})
      .initialiser("norm.bias", Tensor<float>{0, 1})
      .initialiser("norm.running_mean", Tensor<float>{3, 4})
      .initialiser("norm.running_var", Tensor<float>{4, 1})
      .initialiser("factor", Tensor<float>{10, 10})
      .node("BatchNormalization", {"x", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var"},
            {"normal"})
      .node("Mul", {"normal", "factor"}, {"y"});
  return loaded<float>(builder);
}

template <class T>
std::map<std::string, Tensor<T>> values_of_parameters(const OnnxModel<T>& model) {
  std::map<std::string, Tensor<T>> values;
  for (const auto& [path, parameter] : nn::named_parameters(model)) values.emplace(path, parameter.value());
  return values;
}

}  // namespace

TEST_CASE("an imported model has the file's initialisers as parameters, and its inputs and outputs") {
  OnnxBuilder builder;
  builder.input("x", {"batch", "2"})
      .input("positions", {"", "batch"}, ElementType::int64)
      .output("y", {"batch", "2"})
      .initialiser("layers.0.weight", Tensor<float>{{1, 2}, {3, 4}})
      .initialiser("layers.0.bias", Tensor<float>{10, 20})
      .initialiser("shape", Indices{-1, 2})
      .node("MatMul", {"x", "layers.0.weight"}, {"product"})
      .node("Add", {"product", "layers.0.bias"}, {"sum"})
      .node("Reshape", {"sum", "shape"}, {"y"})
      .metadata("author", "someone");
  const auto model = loaded<float>(builder);
  std::string paths;
  for (const auto& named : nn::named_parameters(model)) paths += named.name + " ";
  CHECK(paths == "layers.0.weight layers.0.bias ");
  CHECK(nn::parameter(model, "layers.0.bias").value() == Tensor<float>{10, 20});
  CHECK(model.metadata().at("author") == "someone");

  REQUIRE(model.inputs().size() == 2);
  const auto& x = model.inputs()[0];
  CHECK(x.name == "x");
  CHECK(x.type == ElementType::float32);
  REQUIRE(x.shape->size() == 2);
  CHECK(!(*x.shape)[0].extent);
  CHECK((*x.shape)[0].name == "batch");
  CHECK((*x.shape)[1].extent == 2u);
  const auto& positions = model.inputs()[1];
  CHECK(positions.type == ElementType::int64);
  CHECK(!(*positions.shape)[0].extent);
  CHECK((*positions.shape)[0].name.empty());
  REQUIRE(model.outputs().size() == 1);
  CHECK(model.outputs()[0].name == "y");

  Tape<float> tape;
  const auto input = tape.constant(Tensor<float>{{1, 0}, {0, 1}, {1, 1}});
  CHECK(model(input, Indices{{0, 1, 2}}).value() == Tensor<float>{{11, 22}, {13, 24}, {14, 26}});
  CHECK_ERROR(ShapeError, "the axis 'batch' has 3 elements in another input", model(input, Indices{{0, 1}}));
}

TEST_CASE("gradients of imported models are those of differences") {
  CHECK(gradcheck(two_layers<double>(), random_tensor({5, 3}, 4)));

  OnnxBuilder builder;
  builder.input("image", {"batch", "1", "6", "6"}, ElementType::float64)
      .output("y", {"batch", "3"}, ElementType::float64)
      .initialiser("conv.weight", random_tensor({2, 1, 3, 3}, 5))
      .initialiser("conv.bias", random_tensor({2}, 6))
      .initialiser("head.weight", random_tensor({3, 8}, 7))
      .node("Conv", {"image", "conv.weight", "conv.bias"}, {"conv"},
            {{"kernel_shape", std::vector<std::int64_t>{3, 3}}, {"pads", std::vector<std::int64_t>{1, 1, 0, 0}}})
      .node("Sigmoid", {"conv"}, {"active"})
      .node("AveragePool", {"active"}, {"pooled"},
            {{"kernel_shape", std::vector<std::int64_t>{2, 2}}, {"strides", std::vector<std::int64_t>{2, 2}}})
      .node("Flatten", {"pooled"}, {"flat"})
      .node("Gemm", {"flat", "head.weight"}, {"y"}, {{"transB", std::int64_t{1}}});
  CHECK(gradcheck(loaded<double>(builder), random_tensor({2, 1, 6, 6}, 8),
                  GradcheckOptions{.mode = GradcheckMode::fast}));
}

TEST_CASE("an imported model trains further, on a tape and as a Program") {
  const Tensor<float> x = random_tensor<float>({16, 3}, 10);
  const Tensor<float> truth = xt::view(x, xt::all(), xt::range(0, 2));
  const auto loss_of = [](const OnnxModel<float>& model, Var<float> input, Var<float> target) {
    return mean(square(model(input) - target));
  };
  const auto eager = two_layers<float>();
  optim::Optimizer<float> optimizer(eager, optim::Adam{.rate = 0.05});
  float first = 0, last = 0;
  for (int step = 0; step < 60; ++step) {
    Tape<float> tape;
    const auto loss = loss_of(eager, tape.constant(x), tape.constant(truth));
    last = loss.item();
    if (step == 0) first = last;
    optimizer.update(loss);
    tape.commit();
  }
  CHECK(last < 0.2f * first);

  const auto replayed = two_layers<float>();
  optim::Optimizer<float> other(replayed, optim::Adam{.rate = 0.05});
  auto step = compiled<float>(
      [&](auto&, auto input, auto target) {
        const auto loss = loss_of(replayed, input, target);
        other.update(loss);
        return loss;
      },
      {.fuse = false});
  for (int i = 0; i < 60; ++i) step(x, truth);
  CHECK(step.compilations() == 1);
  CHECK(values_of_parameters(replayed) == values_of_parameters(eager));
}

TEST_CASE("parts of an imported model are frozen by path; running statistics are not trained") {
  const auto model = two_layers<float>();
  nn::freeze(model, "hidden");
  const auto before = values_of_parameters(model);
  optim::Optimizer<float> optimizer(model, optim::SGD{.rate = 0.1});
  Tape<float> tape;
  optimizer.update(sum(model(tape.constant(random_tensor<float>({4, 3}, 1)))));
  tape.commit();
  const auto after = values_of_parameters(model);
  CHECK(after.at("hidden.weight") == before.at("hidden.weight"));
  CHECK(after.at("hidden.bias") == before.at("hidden.bias"));
  CHECK(after.at("head.weight") != before.at("head.weight"));

  const auto norm = normalised();
  Tape<float> other;
  const auto y = norm(other.constant(Tensor<float>{{5, 4}, {3, 5}}));
  CHECK(distance(y.value(), Tensor<float>{{10, 10}, {0, 30}}) < 1e-3);  // ε = 1e-5
  std::string trainable;
  for (const auto& [path, parameter] : nn::named_parameters(norm))
    if (parameter.trainable()) trainable += path + " ";
  CHECK(trainable == "norm.weight norm.bias factor ");
  nn::unfreeze(norm);
  CHECK(!nn::parameter(norm, "norm.running_mean").trainable());
  CHECK(!nn::parameter(norm, "norm.running_var").trainable());
}

TEST_CASE("an initialiser that only sets an option of an op is no parameter") {
  OnnxBuilder builder;
  builder.input("x", {"3"})
      .output("y", {"3"})
      .initialiser("factor", Tensor<float>{2, 2, 2})
      .initialiser("limit", Tensor<float>(4.0f))
      .node("Mul", {"x", "factor"}, {"product"})
      .node("Clip", {"product", "", "limit"}, {"y"});
  const auto model = loaded<float>(builder);
  CHECK(model.weights.size() == 1);
  CHECK(model.weights[0].name == "factor");
  Tape<float> tape;
  CHECK(model(tape.constant(Tensor<float>{-1, 1, 3})).value() == Tensor<float>{-2, 2, 4});
}

TEST_CASE("summary of an imported model counts its parameters") {
  const auto model = two_layers<float>();
  const auto summary = nn::summary(model, {5, 3});
  CHECK(summary.parameters == 4 * 3 + 4 + 4 * 2);
  CHECK(summary.unread.empty());
  CHECK(summary.flops == 2 * 5 * (3 * 4 + 4 * 2));
  REQUIRE(!summary.rows.empty());
  CHECK(summary.rows.back().output == Shape{5, 2});
}

TEST_CASE("parameters of an imported model are saved and loaded under their names") {
  const TemporaryFolder folder;
  const auto model = two_layers<float>(1), other = two_layers<float>(50);
  CHECK(values_of_parameters(other) != values_of_parameters(model));
  for (const char* name : {"weights.safetensors", "weights.npz"}) {
    CAPTURE(name);
    io::save_parameters(model, folder / name);
    const auto copy = two_layers<float>(50);
    io::load_parameters(copy, folder / name);
    CHECK(values_of_parameters(copy) == values_of_parameters(model));
  }
}

TEST_CASE("an imported model is compiled, once for each extent of its batch") {
  const auto model = two_layers<float>();
  auto program = compiled<float>([&](auto&, auto x) { return model(x); }, {.fuse = false});
  for (const std::size_t batch : {1u, 4u, 1u}) {
    const auto x = random_tensor<float>({batch, 3}, static_cast<unsigned>(batch));
    Tape<float> tape;
    CHECK(program(x).value() == model(tape.constant(x)).value());
  }
  CHECK(program.compilations() == 2);
}

TEST_CASE("integers enter an imported model as an IndexVar or as Indices, and are inputs of a Program") {
  const auto model = mean_of_words<float>();
  const Indices words{{0, 2}, {3, 3}};
  const Tensor<float> means{{3, 4}, {7, 8}};
  Tape<float> tape;
  const auto y = model(tape.indices(words));
  CHECK(y.value() == means);
  // Word 0 and word 2 are each half of the first mean, word 3 is the second, word 1 does not occur.
  const auto gradients = nn::grad(sum(y), model);
  REQUIRE(gradients.size() == 1);
  CHECK(gradients[0].gradient.value() == Tensor<float>{{0.5, 0.5}, {0, 0}, {0.5, 0.5}, {1, 1}});

  const auto known = model.run(tape, {words});
  REQUIRE(known.size() == 1);
  CHECK(known[0].var(tape).value() == means);
  CHECK_ERROR(ValueError, "no input is on a tape", model(words));

  auto program = compiled<float>([&](auto&, auto x) { return model(x); });
  CHECK(distance(program(words).value(), means) < 1e-6);
  CHECK(distance(program(Indices{{1, 1}, {0, 0}}).value(), Tensor<float>{{3, 4}, {1, 2}}) < 1e-6);
  CHECK(program.compilations() == 1);
  CHECK(gradcheck(mean_of_words<double>(), words));
}

TEST_CASE("several outputs, also integers, are returned by run") {
  OnnxBuilder builder;
  builder.input("x", {"batch", "3"})
      .output("largest", {"batch"}, ElementType::int64)
      .output("shifted", {"batch", "3"})
      .initialiser("shift", Tensor<float>{100})
      .node("ArgMax", {"x"}, {"largest"}, {{"axis", std::int64_t{1}}, {"keepdims", std::int64_t{0}}})
      .node("Add", {"x", "shift"}, {"shifted"});
  const auto model = loaded<float>(builder);
  Tape<float> tape;
  const auto x = tape.constant(Tensor<float>{{1, 5, 2}, {9, 0, 3}});
  const auto outputs = model.run({x});
  REQUIRE(outputs.size() == 2);
  CHECK(outputs[0].type() == ElementType::int64);
  CHECK(outputs[0].integers() == Indices{1, 0});
  CHECK(outputs[1].type() == ElementType::float32);
  CHECK(outputs[1].var(tape).value() == Tensor<float>{{101, 105, 102}, {109, 100, 103}});
  CHECK_ERROR(ValueError, "the model has 2 outputs: `run` returns all of them", model(x));
}

TEST_CASE("inputs that do not fit an imported model are refused, and nothing stays on the tape") {
  const auto model = two_layers<float>();
  Tape<float> tape;
  const auto x = tape.constant(random_tensor<float>({4, 3}, 1));
  const auto wide = tape.constant(random_tensor<float>({4, 5}, 1));
  const auto flat = tape.constant(random_tensor<float>({3}, 1));
  const auto words = tape.indices(Indices{{1, 2, 3}});
  const std::size_t size = tape.size();
  CHECK_ERROR(ValueError, "2 inputs given: the model takes 1: 'x' float (batch, 3)", model(x, x));
  CHECK_ERROR(ShapeError, "input 'x' is declared as float (batch, 3): got the shape (4, 5), whose axis 1 is not 3",
              model(wide));
  CHECK_ERROR(ShapeError, "got the shape (3,)", model(flat));
  CHECK_ERROR(ShapeError, "it takes a Var, not integers", model(words));
  CHECK(tape.size() == size);
  CHECK_ERROR(HandleError, "the model is empty", OnnxModel<float>{}.run({x}));

  OnnxBuilder builder;  // fails in its second node
  builder.input("a", {"", ""})
      .input("b", {"", ""})
      .output("y", {"", ""})
      .node("Neg", {"a"}, {"negative"})
      .node("MatMul", {"negative", "b"}, {"y"});
  const auto product = loaded<float>(builder);
  CHECK_ERROR(ShapeError, "node 'y_node' (MatMul, opset 17)", product(x, wide));
  CHECK(tape.size() == size);
}

TEST_CASE("a file that cannot be imported is refused, naming file or node") {
  const TemporaryFolder folder;
  CHECK_ERROR(FileError, "missing.onnx", wengert::onnx::load<float>(folder / "missing.onnx"));
  CHECK_ERROR(FileError, "damaged.onnx", wengert::onnx::load<float>(folder.write("damaged.onnx", "not protobuf")));

  OnnxBuilder unknown(13);
  unknown.input("x", {"2"}).output("y", {"2"}).node("Frobnicate", {"x"}, {"y"});
  CHECK_ERROR(ValueError, "node 'y_node' (Frobnicate, opset 13)",
              wengert::onnx::load<float>(unknown.save(folder / "unknown.onnx")));
  OnnxBuilder foreign;
  foreign.input("x", {"2"}).output("y", {"2"}).node("Relu", {"x"}, {"y"}, {}, "com.example");
  CHECK_ERROR(ValueError, "com.example", wengert::onnx::load<float>(foreign.save(folder / "foreign.onnx")));
}

TEST_CASE("known integers that no floating-point number holds are moved without rounding") {
  constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  OnnxBuilder builder;
  builder.input("x", {"4"})
      .output("y", {"3"})
      .output("all", {"2", "2"}, ElementType::int64)
      .initialiser("bounds", Indices{7, largest})
      .initialiser("which", Indices{1})
      .initialiser("one", Indices{1})
      .initialiser("square", Indices{2, 2})
      .node("Gather", {"bounds", "which"}, {"gathered"})
      .node("Expand", {"gathered", "one"}, {"end"})
      .node("Slice", {"x", "one", "end"}, {"y"})
      .node("Expand", {"bounds", "square"}, {"expanded"})
      .node("Transpose", {"expanded"}, {"all"}, {{"perm", std::vector<std::int64_t>{1, 0}}})
      .output("high", {"1"}, ElementType::int64)
      .node("Split", {"bounds", "ones"}, {"low", "high"})
      .initialiser("ones", Indices{1, 1});
  const auto model = loaded<float>(builder);
  Tape<float> tape;
  const auto outputs = model.run({tape.constant(Tensor<float>{1, 2, 3, 4})});
  CHECK(outputs[0].numbers() == Tensor<double>{2, 3, 4});
  CHECK(outputs[1].integers() == Indices{{7, 7}, {largest, largest}});
  CHECK(outputs[2].integers() == Indices{largest});
}

TEST_CASE("operands of ops before opset 7 broadcast as attributes say") {
  const auto sum_of = [](const Shape& axes, const Tensor<float>& b, const OnnxBuilder::Attributes& attributes,
                         Location where = Location::current()) {
    OnnxBuilder builder(6);
    OnnxBuilder::Names shape;
    for (const std::size_t extent : axes) shape.push_back(std::to_string(extent));
    builder.input("x", shape).output("y", shape).initialiser("b", b).node("Add", {"x", "b"}, {"y"}, attributes);
    Tape<float> tape;
    const auto x = tape.constant(Tensor<float>(xt::zeros<float>(xt::dynamic_shape<std::size_t>(axes))));
    return Tensor<float>(loaded<float>(builder)(x, where).value());
  };
  const std::int64_t yes = 1;
  CHECK(sum_of({2, 3}, {1, 2, 3}, {{"broadcast", yes}}) == Tensor<float>{{1, 2, 3}, {1, 2, 3}});
  CHECK(sum_of({2, 3}, {1, 2}, {{"broadcast", yes}, {"axis", std::int64_t{0}}}) == Tensor<float>{{1, 1, 1}, {2, 2, 2}});
  CHECK(sum_of({2, 2}, {1, 2}, {{"broadcast", yes}, {"axis", std::int64_t{0}}}) == Tensor<float>{{1, 1}, {2, 2}});
  CHECK_ERROR(ValueError, "without the attribute broadcast = 1", sum_of({2, 3}, {1, 2, 3}, {}));
  CHECK_ERROR(ValueError, "does not broadcast to shape (2, 3)", sum_of({2, 3}, {1, 2}, {{"broadcast", yes}}));
}

TEST_CASE("errors have the names of nodes up to 200 bytes") {
  const auto message = [](std::size_t length) {
    OnnxBuilder builder;
    const std::string name(length, 'n');
    builder.input("x", {"2"}).output("y", {"2"}).node("Frobnicate", {"x"}, {name}).node("Identity", {name}, {"y"});
    return message_of<ValueError>([&] { loaded<float>(builder); });
  };
  CHECK(contains(message(150), "'" + std::string(150, 'n')));
  CHECK(contains(message(300), "'" + std::string(200, 'n') + "…'"));
}
