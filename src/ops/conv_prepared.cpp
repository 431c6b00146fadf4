// The op that replaces convolutions with constant weights in Programs.
#include "ops/conv_prepared.hpp"

#include "kernel/conv_prepared.hpp"
#include "ops/attributes/windows.hpp"
#include <wengert/ops/elementwise/activations.hpp>

#include <cstring>
#include <span>
#include <type_traits>

namespace wengert {
namespace {

struct PreparedConv {
  Epilogue epilogue{};
  const kernel::PreparedConvolution* convolution = nullptr;
};

// The inputs: x, the weight, and the bias and the addend of the epilogue.
void prepared_conv(const void* attributes, std::span<const Value<const float>> inputs, Value<float> y) {
  const auto& conv = *static_cast<const PreparedConv*>(attributes);
  std::size_t next = 2;
  const float* bias = conv.epilogue.bias ? inputs[next++].data : nullptr;
  const float* addend = conv.epilogue.addend ? inputs[next].data : nullptr;
  conv.convolution->run(inputs[0].data, inputs[1].data, {bias, addend, conv.epilogue.relu}, y.data);
}

constexpr Op<float> prepared_conv_op{.name = "prepared_conv",
                                     .forward = prepared_conv,
                                     .attribute_bytes = sizeof(PreparedConv),
                                     .flops = [](const void* attributes, std::span<const Shape* const>) {
                                       return static_cast<const PreparedConv*>(attributes)->convolution->flops();
                                     }};

std::optional<PreparedOp<float>> prepare(kernel::Product product, const void* attributes, const Shape& x,
                                         const Shape& y, const Value<const float>& weight) {
  const auto& how = *static_cast<const attributes::Convolution*>(attributes);
  const bool forward = product == kernel::Product::forward;
  const auto convolution = kernel::prepare_convolution(
      product, {x[0], forward ? x[1] : y[1], forward ? y[1] : x[1], how.groups, how.rank, how.window});
  if (convolution == nullptr) return std::nullopt;
  PreparedOp<float> prepared{.op = &prepared_conv_op,
                             .x_block = convolution->x_block(),
                             .y_block = convolution->y_block(),
                             .has_epilogue = true,
                             .referenced = convolution};
  const PreparedConv op{.convolution = convolution.get()};
  prepared.attributes.resize(sizeof op);
  std::memcpy(prepared.attributes.data(), &op, sizeof op);
  std::vector<float> copy;
  const float* from = weight.data;
  if (!weight.layout->contiguous) {
    copy.resize(weight.size());
    copy_elements(weight, copy.data());
    from = copy.data();
  }
  prepared.weight.resize(convolution->weight_size());
  convolution->lay_out(from, prepared.weight.data());
  return prepared;
}

[[maybe_unused]] const bool relu_entered = [] {
  LinearOps<float>::relu = &ElementwiseTable<float, std::remove_const_t<decltype(ops::relu)>>::table;
  return true;
}();

}  // namespace

template <>
std::optional<PreparedOp<float>> prepare_convolution(const void* attributes, const Shape& x, const Shape& y,
                                                     Value<const float> weight) {
  return prepare(kernel::Product::forward, attributes, x, y, weight);
}
template <>
std::optional<PreparedOp<double>> prepare_convolution(const void*, const Shape&, const Shape&, Value<const double>) {
  return std::nullopt;
}
template <>
std::optional<PreparedOp<float>> prepare_transposed_convolution(const void* attributes, const Shape& x, const Shape& y,
                                                                Value<const float> weight) {
  return prepare(kernel::Product::input_gradient, attributes, x, y, weight);
}
template <>
std::optional<PreparedOp<double>> prepare_transposed_convolution(const void*, const Shape&, const Shape&,
                                                                 Value<const double>) {
  return std::nullopt;
}

}  // namespace wengert
