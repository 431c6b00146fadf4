// Embedding: a table of learned vectors, looked up by integer indices.
#pragma once

#include <wengert/ops/random.hpp>
#include <wengert/tape/index_var.hpp>
#include <wengert/tape/parameter.hpp>

#include <cstddef>
#include <optional>

namespace wengert::nn {

/// Options of Embedding.
struct EmbeddingOptions {
  std::optional<std::size_t> padding{};  ///< the padding entry, whose row is 0 and gets no gradient
};

/// A table whose rows are looked up by index: indices (…) give (…, width).
template <class T>
struct Embedding {
  Parameter<T> weight;                   ///< (entries, width)
  std::optional<std::size_t> padding{};  ///< the padding entry, whose row gets no gradient

  /// A table drawn from the standard normal distribution, as in PyTorch. Throws ValueError for sizes below 1 and for a
  /// padding index that is out of range, MemoryError for sizes that are too large.
  static Embedding make(std::size_t entries, std::size_t width, Generator generator,
                        const EmbeddingOptions& options = {}, Location where = Location::current());
  /// Throws ValueError for an index outside [0, entries).
  Var<T> operator()(IndexVar<T> indices, Location where = Location::current()) const;
};

extern template struct Embedding<float>;
extern template struct Embedding<double>;

}  // namespace wengert::nn
