// Module trace: which call of which layer recorded which nodes of a tape. `summary` and `check` build on it.
#pragma once

#include <wengert/nn/module.hpp>
#include <wengert/nn/scope.hpp>
#include <wengert/ops/random.hpp>
#include <wengert/reflect/fields.hpp>
#include <wengert/tape/index_var.hpp>
#include <wengert/tape/tape.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace wengert::nn::detail {

/// A part of a module, at any depth.
struct ModulePart {
  std::string path;     ///< such as `encoder.0`; empty for the module itself
  const void* address;  ///< its address
  TypeOf type;          ///< its type
};

/// The trace of a module: its structure, and the calls of its layers.
template <class T>
struct ModuleTrace {
  std::vector<NamedParameter<T>> parameters;  ///< with their paths
  std::vector<ModulePart> parts;              ///< the module and its parts, each before its own members
  std::vector<ModuleCall> calls;              ///< in the order in which they began
};

/// The random generators of a module.
template <class Module>
std::vector<Generator> generators_of(const Module& module) {
  std::vector<Generator> result;
  for_each_member<Generator>(module, [&](const std::string&, const Generator& g) { result.push_back(g); });
  return result;
}

// Restores the positions of random generators on destruction.
class GeneratorPositions {
 public:
  explicit GeneratorPositions(const std::vector<Generator>& generators) : generators_(generators) {
    for (const Generator& generator : generators_) counters_.push_back(generator.counter());
  }
  ~GeneratorPositions() {
    for (std::size_t i = 0; i < counters_.size(); ++i) generators_[i].seek(counters_[i]);
  }
  GeneratorPositions(const GeneratorPositions&) = delete;
  GeneratorPositions& operator=(const GeneratorPositions&) = delete;

 private:
  std::vector<Generator> generators_;
  std::vector<std::uint64_t> counters_;
};

// The map for `rebuild` that records the inputs of the traced call: zeros of a shape, a tensor, or indices.
template <class T>
struct RecordInputs {
  using Scalar = T;
  Tape<T>& tape;
  Var<T> operator()(const Shape& shape) const {
    return tape.constant(Tensor<T>(xt::zeros<T>(xt::dynamic_shape<std::size_t>(shape))));
  }
  template <class X>
  requires std::derived_from<X, xt::xexpression<X>>
  auto operator()(const X& x) const {
    using Element = typename X::value_type;
    static_assert(std::same_as<Element, T> || std::integral<Element>,
                  "wengert: the tensors must have the network's scalar type");
    if constexpr (std::same_as<X, Tensor<T>>)
      return tape.borrow(x);
    else if constexpr (std::same_as<Element, T>)
      return tape.constant(Tensor<T>(x));
    else
      return tape.indices(Indices(x));
  }
};
// Records an input, or each part of a tuple or struct of inputs.
template <class T, class X>
auto traced_input(Tape<T>& tape, const X& x) {
  RecordInputs<T> map{tape};
  static_assert(
      !std::same_as<wengert::detail::Rebuilt<RecordInputs<T>, X>, X>,
      "wengert: inputs are Shapes, tensors, Indices, or tuples or structs of them; a struct must be a template "
      "over the types of its members: template <class V> struct Inputs { V picture, table; }");
  return wengert::detail::rebuild(x, map);
}

/// Calls `run`, which must call the module on `tape`, and returns the trace. The module's random generators keep their
/// positions.
template <class T, class Module, class Run>
ModuleTrace<T> trace_module(const Tape<T>& tape, const Module& module, const Run& run) {
  const GeneratorPositions positions(generators_of(module));
  CallLog log(tape);
  run();
  ModuleTrace<T> trace{{}, {}, log.calls()};
  if constexpr (std::is_same_v<ModuleScalar<Module>, T>) trace.parameters = named_parameters(module);
  wengert::detail::visit_any_parts(module, [&](const std::string& path, const wengert::detail::AnyPart& part) {
    if (part.is_layer) trace.parts.push_back({path, part.address, part.type});
    return true;
  });
  return trace;
}

}  // namespace wengert::nn::detail
