// Reads conformance cases with protobuf, and decides which are out of scope.
#include "cases.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <onnx/onnx_pb.h>
#include <optional>
#include <set>
#include <stdexcept>
#include <string_view>

namespace wengert::testing {

namespace {

using wengert::onnx::ElementType;

template <class Message>
Message read_message(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  Message message;
  if (!file || !message.ParseFromIstream(&file)) throw std::runtime_error("cannot read " + path.string());
  return message;
}

double from_half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 0x1f;
  const double fraction = bits & 0x3ff;
  const double magnitude = exponent == 31  ? (fraction == 0 ? HUGE_VAL : std::nan(""))
                           : exponent == 0 ? std::ldexp(fraction, -24)
                                           : std::ldexp(fraction + 1024, exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}
double from_bfloat16(std::uint16_t bits) {
  const std::uint32_t wide = std::uint32_t{bits} << 16;
  float number;
  std::memcpy(&number, &wide, sizeof number);
  return number;
}

// The elements, converted one by one: stored as Raw if the tensor has raw data, and in `field` otherwise.
template <class To, class Raw, class Field, class Convert>
Tensor<To> elements_of(const ::onnx::TensorProto& proto, const Field& field, const Convert& convert) {
  Tensor<To> result = Tensor<To>::from_shape(xt::dynamic_shape<std::size_t>(Shape(proto.dims())));
  const bool raw = proto.has_raw_data();
  const std::size_t given = raw ? proto.raw_data().size() / sizeof(Raw) : static_cast<std::size_t>(field.size());
  if (given != result.size()) throw std::runtime_error("a tensor's elements do not fit its shape");
  for (std::size_t i = 0; i < result.size(); ++i) {
    Raw element;
    if (raw)
      std::memcpy(&element, proto.raw_data().data() + i * sizeof(Raw), sizeof(Raw));
    else
      element = static_cast<Raw>(field[static_cast<int>(i)]);
    result.data()[i] = convert(element);
  }
  return result;
}
template <class Raw, class Field>
Tensor<double> numbers_of(const ::onnx::TensorProto& proto, const Field& field) {
  return elements_of<double, Raw>(proto, field, [](Raw x) { return static_cast<double>(x); });
}
template <class Raw, class Field>
Indices integers_of(const ::onnx::TensorProto& proto, const Field& field) {
  return elements_of<std::int64_t, Raw>(proto, field, [](Raw x) { return static_cast<std::int64_t>(x); });
}

// The tensor, or nullopt for strings and complex numbers.
std::optional<CaseTensor> tensor_of(const ::onnx::TensorProto& p) {
  const auto type = static_cast<ElementType>(p.data_type());
  switch (type) {
    case ElementType::float32:
      return CaseTensor{type, numbers_of<float>(p, p.float_data())};
    case ElementType::float64:
      return CaseTensor{type, numbers_of<double>(p, p.double_data())};
    case ElementType::float16:
      return CaseTensor{type, elements_of<double, std::uint16_t>(p, p.int32_data(), from_half)};
    case ElementType::bfloat16:
      return CaseTensor{type, elements_of<double, std::uint16_t>(p, p.int32_data(), from_bfloat16)};
    case ElementType::int64:
      return CaseTensor{type, integers_of<std::int64_t>(p, p.int64_data())};
    case ElementType::int32:
      return CaseTensor{type, integers_of<std::int32_t>(p, p.int32_data())};
    case ElementType::int16:
      return CaseTensor{type, integers_of<std::int16_t>(p, p.int32_data())};
    case ElementType::int8:
      return CaseTensor{type, integers_of<std::int8_t>(p, p.int32_data())};
    case ElementType::uint8:
    case ElementType::boolean:
      return CaseTensor{type, integers_of<std::uint8_t>(p, p.int32_data())};
    case ElementType::uint16:
      return CaseTensor{type, integers_of<std::uint16_t>(p, p.int32_data())};
    case ElementType::uint32:
      return CaseTensor{type, integers_of<std::uint32_t>(p, p.uint64_data())};
    case ElementType::uint64:
      return CaseTensor{type, integers_of<std::uint64_t>(p, p.uint64_data())};
    default:
      return std::nullopt;
  }
}

void collect_ops(const ::onnx::GraphProto& graph, std::set<std::string>& ops) {
  for (const auto& node : graph.node()) {
    ops.insert(node.op_type());
    for (const auto& attribute : node.attribute())
      if (attribute.has_g()) collect_ops(attribute.g(), ops);
  }
}

// Whether a Dropout of the model is in training mode with a ratio other than zero.
bool drops_at_random(const ::onnx::GraphProto& graph, const std::vector<CaseTensor>& inputs) {
  const auto input_named = [&](const std::string& name) -> const CaseTensor* {
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (graph.input(static_cast<int>(i)).name() == name) return &inputs[i];
    return nullptr;
  };
  for (const auto& node : graph.node()) {
    if (node.op_type() != "Dropout" || node.input_size() < 3) continue;
    const CaseTensor* const ratio = input_named(node.input(1));
    const CaseTensor* const training = input_named(node.input(2));
    if (training != nullptr && std::get<Indices>(training->elements).flat(0) != 0 &&
        (ratio == nullptr || std::get<Tensor<double>>(ratio->elements).flat(0) != 0))
      return true;
  }
  return false;
}

std::string reason_out_of_scope(const ::onnx::ModelProto& model, const ConformanceCase& c) {
  std::set<std::string> ops;
  collect_ops(model.graph(), ops);
  const auto uses_op = [&](std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(), [&](const char* name) { return ops.contains(name); });
  };
  bool tensors = true;
  std::set<ElementType> types;
  for (const auto* ports : {&model.graph().input(), &model.graph().output()})
    for (const auto& port : *ports) {
      tensors = tensors && port.type().has_tensor_type();
      types.insert(static_cast<ElementType>(port.type().tensor_type().elem_type()));
    }
  if (!tensors || uses_op({"SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert",
                           "SequenceLength", "SequenceMap", "SplitToSequence", "ConcatFromSequence", "Optional",
                           "OptionalGetElement", "OptionalHasElement"}))
    return "sequences and optional values";
  if (types.contains(ElementType::string) || uses_op({"StringNormalizer", "TfIdfVectorizer"})) return "text";
  if (uses_op({"RandomUniform", "RandomUniformLike", "RandomNormal", "RandomNormalLike", "Bernoulli", "Multinomial"}) ||
      drops_at_random(model.graph(), c.inputs))
    return "random results";
  if (uses_op({"ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul", "QuantizeLinear", "DequantizeLinear",
               "DynamicQuantizeLinear"}))
    return "quantised numbers";
  std::erase_if(ops, [](const std::string& op) { return op == "Cast" || op == "CastLike"; });
  if (ops.empty()) return "conversion of types alone";
  for (const ElementType type : {ElementType::float32, ElementType::float64, ElementType::int64, ElementType::int32,
                                 ElementType::boolean, ElementType::undefined})
    types.erase(type);
  return types.empty() ? "" : "other types of elements";
}

}  // namespace

Shape CaseTensor::shape() const {
  return std::visit([](const auto& array) { return Shape(array.shape()); }, elements);
}

bool ConformanceCase::uses(ElementType type) const {
  const auto has = [&](const CaseTensor& tensor) { return tensor.type == type; };
  return std::any_of(inputs.begin(), inputs.end(), has) || std::any_of(outputs.begin(), outputs.end(), has);
}

ConformanceCase read_case(const std::filesystem::path& folder) {
  ConformanceCase result;
  result.name = (folder.parent_path().filename() / folder.filename()).string();
  result.model = folder / "model.onnx";
  const auto model = read_message<::onnx::ModelProto>(result.model);
  std::set<std::string> initialisers;
  for (const auto& tensor : model.graph().initializer()) initialisers.insert(tensor.name());
  const auto read = [&](const auto& ports, const std::string& kind, std::vector<CaseTensor>& tensors) {
    for (int i = 0; i < ports.size(); ++i) {
      if (kind == "input" && initialisers.contains(ports[i].name())) continue;
      const auto path = folder / "test_data_set_0" / (kind + "_" + std::to_string(i) + ".pb");
      std::optional<CaseTensor> tensor;
      if (ports[i].type().has_tensor_type()) {
        auto message = read_message<::onnx::TensorProto>(path);
        // The data of ONNX 1.12 hold bfloat16 numbers as tensors of uint16.
        if (ports[i].type().tensor_type().elem_type() == ::onnx::TensorProto::BFLOAT16)
          message.set_data_type(::onnx::TensorProto::BFLOAT16);
        tensor = tensor_of(message);
      }
      if (!tensor) {
        result.readable = false;
        return;
      }
      tensors.push_back(std::move(*tensor));
    }
  };
  read(model.graph().input(), "input", result.inputs);
  read(model.graph().output(), "output", result.outputs);
  result.out_of_scope = reason_out_of_scope(model, result);
  return result;
}

}  // namespace wengert::testing
