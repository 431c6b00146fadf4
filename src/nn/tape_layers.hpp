// The nodes of a tape, grouped by the layers of a traced module.
#pragma once

#include <wengert/nn/module_trace.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace wengert::nn {

/// The name of the struct at a path, without namespaces and template arguments: `Linear`.
std::string type_at(const std::vector<detail::ModulePart>& parts, std::string_view path);

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
std::vector<TapeLayer> layers_of(const Tape<T>& tape, std::size_t first, const detail::ModuleTrace<T>& trace);

extern template std::vector<TapeLayer> layers_of(const Tape<float>&, std::size_t, const detail::ModuleTrace<float>&);
extern template std::vector<TapeLayer> layers_of(const Tape<double>&, std::size_t, const detail::ModuleTrace<double>&);

}  // namespace wengert::nn
