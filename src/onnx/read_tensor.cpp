// Reads the tensors of ONNX files in each of their encodings.
#include "onnx/read_tensor.hpp"

#include "io/byte_source.hpp"
#include "io/in_quotes.hpp"

#include <charconv>
#include <concepts>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace wengert::onnx::detail {
namespace {

std::size_t element_size(ElementType type) {
  switch (type) {
    case ElementType::uint8:
    case ElementType::int8:
    case ElementType::boolean:
      return 1;
    case ElementType::uint16:
    case ElementType::int16:
    case ElementType::float16:
    case ElementType::bfloat16:
      return 2;
    case ElementType::float32:
    case ElementType::int32:
    case ElementType::uint32:
      return 4;
    case ElementType::complex128:
      return 16;
    default:
      return 8;
  }
}

class TensorReader {
 public:
  TensorReader(proto::TensorProto tensor, const std::string& what, Source& source)
      : tensor_(std::move(tensor)), what_(what), source_(source) {}

  TensorData read() {
    result_.name = tensor_.name();
    result_.type = type(tensor_.data_type());
    result_.shape = shape(tensor_.dims());
    if (tensor_.has_segment()) refuse("it is stored in segments, which are not supported");
    const std::size_t bytes = size();
    if (tensor_.data_location() == proto::TensorProto::EXTERNAL)
      result_.bytes = external(bytes);
    else if (tensor_.has_raw_data())
      result_.bytes = raw(bytes);
    else
      result_.bytes = typed();
    return std::move(result_);
  }

  // The dense tensor of these values and their positions.
  TensorData scatter(const proto::SparseTensorProto& sparse) {
    const TensorData values = read();
    const TensorData at = TensorReader(sparse.indices(), what_, source_).read();
    result_.name = values.name;
    result_.type = values.type;
    result_.shape = shape(sparse.dims());
    if (values.type == ElementType::string) refuse("it is a sparse tensor of strings, which is not supported");
    const std::size_t count = values.shape.elements(), rank = result_.shape.rank(), item = element_size(values.type);
    const bool flat = at.shape == Shape{count};
    if (values.shape.rank() != 1 || at.type != ElementType::int64 || !(flat || at.shape == Shape{count, rank}))
      refuse(
          fmt::format("indices of shape {} and type {} for values of shape {}: expected int64 indices of shape {} "
                      "or {}",
                      to_string(at.shape), name_of(at.type), to_string(values.shape), to_string(Shape{count}),
                      to_string(Shape{count, rank})));
    const std::size_t bytes = size();
    source_.spend(bytes);
    result_.bytes.resize(bytes);
    const Indices positions = at.integers();
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t to =
          flat ? position(positions.data()[i], result_.shape.elements()) : position(positions.data() + i * rank);
      std::memcpy(result_.bytes.data() + to * item, values.bytes.data() + i * item, item);
    }
    return std::move(result_);
  }

 private:
  [[noreturn]] void refuse(std::string_view why) const { source_.fail(fmt::format("{}: {}", what_, why)); }

  ElementType type(int number) const {
    if (number < static_cast<int>(ElementType::float32) || number > static_cast<int>(ElementType::bfloat16))
      refuse(fmt::format("its elements are of type {}: expected 1 (float) to 16 (bfloat16)", number));
    return static_cast<ElementType>(number);
  }
  Shape shape(const google::protobuf::RepeatedField<std::int64_t>& dims) const {
    if (dims.size() > static_cast<int>(max_rank))
      refuse(fmt::format("it has {} axes: expected at most {}", dims.size(), max_rank));
    Shape result;
    for (const std::int64_t extent : dims) {
      if (extent < 0) refuse(fmt::format("an axis has extent {}: expected at least 0", extent));
      result.push_back(static_cast<std::size_t>(extent));
    }
    return result;
  }
  std::size_t size() const {
    const std::optional<std::size_t> bytes = io::byte_count(result_.shape, element_size(result_.type));
    if (!bytes) refuse(fmt::format("no memory could hold its shape {}", to_string(result_.shape)));
    return *bytes;
  }
  std::size_t position(std::int64_t at, std::size_t extent) const {
    if (at < 0 || static_cast<std::size_t>(at) >= extent)
      refuse(fmt::format("index {} is out of range for {} elements", at, extent));
    return static_cast<std::size_t>(at);
  }
  std::size_t position(const std::int64_t* index) const {
    std::size_t result = 0;
    for (std::size_t axis = 0; axis < result_.shape.rank(); ++axis)
      result = result * result_.shape[axis] + position(index[axis], result_.shape[axis]);
    return result;
  }

  std::string external(std::size_t bytes) {
    if (result_.type == ElementType::string) refuse("it has strings as external data, which ONNX does not allow");
    std::string location;
    std::size_t offset = 0;
    std::optional<std::size_t> length;
    for (const auto& entry : tensor_.external_data()) {
      if (entry.key() == "location") location = entry.value();
      if (entry.key() == "offset") offset = number(entry);
      if (entry.key() == "length") length = number(entry);
    }
    return source_.external(what_, location, offset, length, bytes);
  }
  std::size_t number(const proto::StringStringEntryProto& entry) const {
    std::size_t result = 0;
    const char* end = entry.value().data() + entry.value().size();
    const auto [stop, failure] = std::from_chars(entry.value().data(), end, result);
    if (failure != std::errc() || stop != end)
      refuse(fmt::format("{} {} of its external data: expected a number of bytes", entry.key(),
                         io::in_quotes(entry.value())));
    return result;
  }
  std::string raw(std::size_t bytes) {
    if (result_.type == ElementType::string) refuse("it has strings in raw_data, which ONNX does not allow");
    if (tensor_.raw_data().size() != bytes)
      refuse(fmt::format("shape {} of {} takes {} bytes, but raw_data holds {}", to_string(result_.shape),
                         name_of(result_.type), bytes, tensor_.raw_data().size()));
    return std::move(*tensor_.mutable_raw_data());
  }
  std::string typed() const {
    switch (result_.type) {
      case ElementType::float32:
        return packed<float>("float_data", tensor_.float_data());
      case ElementType::complex64:
        return packed<float>("float_data", tensor_.float_data(), 2);
      case ElementType::float64:
        return packed<double>("double_data", tensor_.double_data());
      case ElementType::complex128:
        return packed<double>("double_data", tensor_.double_data(), 2);
      case ElementType::int64:
        return packed<std::int64_t>("int64_data", tensor_.int64_data());
      case ElementType::uint32:
        return packed<std::uint32_t>("uint64_data", tensor_.uint64_data());
      case ElementType::uint64:
        return packed<std::uint64_t>("uint64_data", tensor_.uint64_data());
      case ElementType::int32:
        return packed<std::int32_t>("int32_data", tensor_.int32_data());
      case ElementType::int16:
        return packed<std::int16_t>("int32_data", tensor_.int32_data());
      case ElementType::int8:
        return packed<std::int8_t>("int32_data", tensor_.int32_data());
      case ElementType::uint8:
      case ElementType::boolean:
        return packed<std::uint8_t>("int32_data", tensor_.int32_data());
      case ElementType::string:
        check_count("string_data", static_cast<std::size_t>(tensor_.string_data_size()), 1);
        return {};
      default:  // the other types of two bytes
        return packed<std::uint16_t>("int32_data", tensor_.int32_data());
    }
  }
  void check_count(std::string_view field, std::size_t count, std::size_t per_element) const {
    if (count != result_.shape.elements() * per_element)
      refuse(fmt::format("shape {} has {} elements of type {}, but {} holds {} numbers", to_string(result_.shape),
                         result_.shape.elements(), name_of(result_.type), field, count));
  }
  template <class Stored, class Field>
  std::string packed(std::string_view name, const Field& field, std::size_t per_element = 1) const {
    check_count(name, static_cast<std::size_t>(field.size()), per_element);
    std::string bytes(static_cast<std::size_t>(field.size()) * sizeof(Stored), '\0');
    char* to = bytes.data();
    for (const auto element : field) {
      if constexpr (std::integral<Stored>)
        if (!std::in_range<Stored>(element))
          refuse(fmt::format("{} holds {}, which is no {}", name, element, name_of(result_.type)));
      const auto stored = static_cast<Stored>(element);
      std::memcpy(to, &stored, sizeof stored);
      to += sizeof stored;
    }
    return bytes;
  }

  proto::TensorProto tensor_;
  const std::string& what_;
  Source& source_;
  TensorData result_;
};

}  // namespace

TensorData read_tensor(proto::TensorProto tensor, const std::string& what, Source& source) {
  return TensorReader(std::move(tensor), what, source).read();
}

TensorData read_sparse_tensor(proto::SparseTensorProto tensor, const std::string& what, Source& source) {
  proto::TensorProto values = std::move(*tensor.mutable_values());
  return TensorReader(std::move(values), what, source).scatter(tensor);
}

}  // namespace wengert::onnx::detail
