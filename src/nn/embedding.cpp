// Embedding: initialisation, and a lookup in which the padding entry receives no gradient.
#include "nn/construction.hpp"
#include <wengert/nn/embedding.hpp>
#include <wengert/nn/scope.hpp>
#include <wengert/ops/control.hpp>
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/index.hpp>
#include <wengert/tape/op.hpp>

#include <algorithm>

namespace wengert::nn {

template <class T>
Embedding<T> Embedding<T>::make(std::size_t entries, std::size_t width, Generator generator,
                                const EmbeddingOptions& options, Location where) {
  const Construction construction{"Embedding", where};
  require_positive(construction, "entries", entries);
  require_positive(construction, "features", width);
  if (options.padding && *options.padding >= entries)
    throw ValueError(
        "Embedding",
        fmt::format("padding index {} for {} entries: expected the index of an entry", *options.padding, entries),
        where);
  Embedding layer{filled<T>(construction, {entries, width}, 0, "weight"), options.padding};
  normal(layer.weight, generator);
  if (options.padding) {
    Tensor<T> table = layer.weight.value();
    std::fill_n(table.data() + *options.padding * width, width, T(0));
    layer.weight.assign(table);
  }
  return layer;
}

template <class T>
Var<T> Embedding<T>::operator()(IndexVar<T> indices, Location where) const {
  const Scope scope(*this, indices);
  Tape<T>& tape = tape_of(indices.handle(), "Embedding", where);
  return atomically(tape, where, [&] {
    const Var<T> rows = embedding(tape.variable(weight, where), indices, where);
    if (!padding) return rows;
    Tensor<T> learned = xt::ones<T>({weight.shape()[0], std::size_t{1}});
    learned(*padding, 0) = T(0);
    const Var<T> is_learned = embedding(tape.constant(std::move(learned), where), indices, where);
    return wengert::where(Operand<T>(is_learned, where), Operand<T>(rows, where),
                          Operand<T>(stop_gradient(rows, where), where));
  });
}

template struct Embedding<float>;
template struct Embedding<double>;

}  // namespace wengert::nn
