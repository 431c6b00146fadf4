// Extents as numbers of T in an ONNX graph.
#include "onnx/extent_values.hpp"

#include "onnx/export_parts.hpp"

namespace wengert::onnx::detail {

template <class T>
std::string number(const Emit<T>& e, const Extent& extent) {
  if (extent.fixed()) return e.scalar(static_cast<double>(extent.constant));
  return e.node("Cast", {parts::scalar(e, extent)}, {{"to", static_cast<std::int64_t>(element_type<T>)}});
}

template <class T>
std::string scalar_parameter(const Emit<T>& e) {
  const auto parameter = [&](std::size_t recording) { return e.parameter_in(recording, 0); };
  const auto scalar = scalar_of_recordings(e, parameter);
  if (!scalar) fail_for_parameter(e, parameter);
  return *scalar;
}

#define WENGERT_INSTANTIATE(T)                                \
  template std::string number(const Emit<T>&, const Extent&); \
  template std::string scalar_parameter(const Emit<T>&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::onnx::detail
