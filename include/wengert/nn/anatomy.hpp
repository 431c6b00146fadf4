// Module trace: which layer of a network recorded which nodes of a tape. `summary` and `check` build on it.
#pragma once

#include <wengert/nn/chain_marks.hpp>
#include <wengert/nn/module.hpp>
#include <wengert/ops/random.hpp>
#include <wengert/tape/index_var.hpp>
#include <wengert/tape/tape.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert::nn {

/// A layer of a `Sequential` and the nodes [begin, end) that it recorded.
struct LayerCall {
  std::string path;       ///< such as `encoder.0.weight`
  std::string type;       ///< the name of the struct
  std::size_t begin = 0;  ///< its first node
  std::size_t end = 0;    ///< one past its last node
};

/// The trace of a module: its structure, and the nodes that the layers of its chains recorded.
template <class T>
struct Anatomy {
  std::vector<NamedParameter<T>> parameters;  ///< with their paths
  std::map<std::string, std::string> types;   ///< the struct type at each path; "" is the network
  std::vector<LayerCall> calls;               ///< chain by chain, in the order of the calls
};

namespace detail {

/// While it lives, the chains of a network note the nodes that their layers record. On destruction it restores the
/// positions of the network's random generators.
class Observation {
 public:
  struct Chain {
    std::string path;
    ChainMarks marks;
  };

  template <class Module>
  explicit Observation(const Module& module) {
    for_each_member<ChainMarks>(module, [&](const std::string& path, const ChainMarks& marks) {
      const auto is_same = [&](const Chain& chain) { return chain.marks.state() == marks.state(); };
      if (std::none_of(chains_.begin(), chains_.end(), is_same)) chains_.push_back({path, marks});
    });
    for_each_member<Generator>(module, [&](const std::string&, const Generator& generator) {
      generators_.emplace_back(generator, generator.counter());
    });
    for (const Chain& chain : chains_) *chain.marks.state() = {.noting = true, .entries = {}};
  }
  ~Observation() {
    for (const Chain& chain : chains_) *chain.marks.state() = {};
    for (auto& [generator, counter] : generators_) generator.seek(counter);
  }
  Observation(const Observation&) = delete;
  Observation& operator=(const Observation&) = delete;

  const std::vector<Chain>& chains() const { return chains_; }

 private:
  std::vector<Chain> chains_;
  std::vector<std::pair<Generator, std::uint64_t>> generators_;
};

// Records an input of the traced call: zeros of a shape, a tensor, or indices.
template <class T>
Var<T> observed_input(Tape<T>& tape, const Shape& shape) {
  return tape.constant(Tensor<T>(xt::zeros<T>(xt::dynamic_shape<std::size_t>(shape))));
}
template <class T>
Var<T> observed_input(Tape<T>& tape, const Tensor<T>& x) {
  return tape.borrow(x);
}
template <class T>
IndexVar<T> observed_input(Tape<T>& tape, const Indices& x) {
  return tape.indices(x);
}

}  // namespace detail

/// Calls `run`, which must call the network, and returns the module trace. The network's random generators keep their
/// positions.
template <class T, class Module, class Run>
Anatomy<T> observe(const Module& module, const Run& run) {
  const detail::Observation observation(module);
  run();
  Anatomy<T> anatomy;
  if constexpr (std::is_same_v<ModuleScalar<Module>, T>) anatomy.parameters = named_parameters(module);
  for_each_part(module, [&]<class Part>(const std::string& path, const Part&) {
    if constexpr (std::is_aggregate_v<Part> && std::is_class_v<Part>)
      anatomy.types.emplace(path, detail::type_name<Part>());
  });
  for (const auto& [path, marks] : observation.chains())
    for (const ChainMarks::Entry& entry : marks.entries())
      anatomy.calls.push_back(
          {(path.empty() ? "" : path + ".") + std::to_string(entry.layer), entry.type, entry.begin, entry.end});
  return anatomy;
}

/// Nodes of a tape that belong together: those of one layer, or of a function between layers.
struct TapeLayer {
  std::string path;  ///< the path of the struct whose parameters they read, or of a chain's layer; "" for functions
  std::string type;  ///< the name of the layer's struct, or of the function's op
  bool is_function = false;        ///< whether they belong to no layer
  std::vector<std::size_t> nodes;  ///< in order
};

/// The nodes from `first` on, grouped by layer, in order.
template <class T>
std::vector<TapeLayer> layers_of(const Tape<T>& tape, std::size_t first, const Anatomy<T>& anatomy);

extern template std::vector<TapeLayer> layers_of(const Tape<float>&, std::size_t, const Anatomy<float>&);
extern template std::vector<TapeLayer> layers_of(const Tape<double>&, std::size_t, const Anatomy<double>&);

}  // namespace wengert::nn
