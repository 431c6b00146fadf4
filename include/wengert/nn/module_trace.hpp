// Module trace: which call of which layer recorded which nodes of a tape. `summary` and `check` build on it.
#pragma once

#include <wengert/nn/module.hpp>
#include <wengert/nn/scope.hpp>
#include <wengert/ops/random.hpp>
#include <wengert/tape/index_var.hpp>
#include <wengert/tape/tape.hpp>

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace wengert::nn {

/// A part of a module, at any depth.
struct ModulePart {
  std::string path;     ///< such as `encoder.0`; empty for the module itself
  const void* address;  ///< its address
  detail::TypeOf type;  ///< its type
};

/// The trace of a module: its structure, and the calls of its layers.
template <class T>
struct ModuleTrace {
  std::vector<NamedParameter<T>> parameters;  ///< with their paths
  std::vector<ModulePart> parts;              ///< the module and its parts, each before its own members
  std::vector<detail::ModuleCall> calls;      ///< in the order in which they began
};

/// The name of the struct at a path, without namespaces and template arguments: `Linear`.
std::string type_at(const std::vector<ModulePart>& parts, std::string_view path);

namespace detail {

// Restores the position of a random generator on destruction.
struct KeptPosition {
  Generator generator;
  std::uint64_t counter = generator.counter();
  ~KeptPosition() { generator.seek(counter); }
};

// Records an input of the traced call: zeros of a shape, a tensor, or indices.
template <class T>
Var<T> traced_input(Tape<T>& tape, const Shape& shape) {
  return tape.constant(Tensor<T>(xt::zeros<T>(xt::dynamic_shape<std::size_t>(shape))));
}
template <class T>
Var<T> traced_input(Tape<T>& tape, const Tensor<T>& x) {
  return tape.borrow(x);
}
template <class T>
IndexVar<T> traced_input(Tape<T>& tape, const Indices& x) {
  return tape.indices(x);
}

}  // namespace detail

/// Calls `run`, which must call the module on `tape`, and returns the trace. The module's random generators keep their
/// positions.
template <class T, class Module, class Run>
ModuleTrace<T> trace_module(const Tape<T>& tape, const Module& module, const Run& run) {
  std::list<detail::KeptPosition> positions;
  for_each_member<Generator>(module, [&](const std::string&, const Generator& g) { positions.push_back({g}); });
  detail::CallLog log(tape);
  run();
  ModuleTrace<T> trace{{}, {}, log.calls()};
  if constexpr (std::is_same_v<ModuleScalar<Module>, T>) trace.parameters = named_parameters(module);
  for_each_part(module, [&]<class Part>(const std::string& path, const Part& part) {
    if constexpr (std::is_class_v<Part> && !wengert::detail::is_leaf<Part>)
      trace.parts.push_back({path, std::addressof(part), detail::type_of<Part>()});
  });
  return trace;
}

/// Nodes of a tape that belong together: those of one layer, or of a function between layers.
struct TapeLayer {
  std::string path;                ///< the path of the layer; "" for functions
  std::string type;                ///< the name of the layer's struct, or of the function's op
  bool is_function = false;        ///< whether they belong to no layer
  std::vector<std::size_t> nodes;  ///< in order
};

/// The nodes from `first` on, grouped by layer, in order. A node belongs to the innermost scope that contains it;
/// consecutive nodes of one scope form a layer. Outside of scopes, the nodes from the first to the last that reads the
/// parameters of one struct form a layer; the others form functions, one for each place in the source.
template <class T>
std::vector<TapeLayer> layers_of(const Tape<T>& tape, std::size_t first, const ModuleTrace<T>& trace);

extern template std::vector<TapeLayer> layers_of(const Tape<float>&, std::size_t, const ModuleTrace<float>&);
extern template std::vector<TapeLayer> layers_of(const Tape<double>&, std::size_t, const ModuleTrace<double>&);

}  // namespace wengert::nn
