// Registers functions composed of other ops, with examples to check.
#pragma once

#include <wengert/tape/registry.hpp>

namespace wengert {

/// Examples of a function of one tensor, one per shape.
template <class F>
std::vector<OpExample> examples_of(std::string_view name, std::initializer_list<Shape> shapes, const F& f) {
  std::vector<OpExample> result;
  for (const Shape& shape : shapes)
    result.push_back({std::string(name),
                      {shape},
                      {Domain{}},
                      [f](std::span<const Var<double>> x) { return f(x[0]); },
                      [f](std::span<const Var<float>> x) { return f(x[0]); }});
  return result;
}

}  // namespace wengert

// Registers the function `op` with its notation and convention; the last argument applies it to `x`.
#define WENGERT_REGISTER_COMPOSITE(op, text, edge, ...)                                                           \
  [[maybe_unused]] const bool op##_registered = register_op(                                                      \
      {.name = #op, .notation = text, .convention = edge, .own_examples = [] {                                    \
         return examples_of(#op, {Shape{3, 4}, Shape{5, 1}, Shape{2, 1, 4}}, [](auto x) { return __VA_ARGS__; }); \
       }});
