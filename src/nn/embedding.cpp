#include "nn/making.hpp"
#include <wengert/nn/embedding.hpp>
#include <wengert/op.hpp>
#include <wengert/ops/index.hpp>

namespace wengert::nn {

template <class T>
Embedding<T> Embedding<T>::make(std::size_t entries, std::size_t width, Generator& generator, Location where) {
  require_positive("Embedding", "entries", entries, where);
  require_positive("Embedding", "numbers an entry", width, where);
  Embedding layer{filled<T>({entries, width}, 0, "weight")};
  normal(layer.weight, generator);
  return layer;
}

template <class T>
Var<T> Embedding<T>::operator()(IndexVar<T> indices, Location where) const {
  Tape<T>& tape = tape_of(indices.handle(), "Embedding", where);
  return atomically(tape, where, [&] { return embedding(tape.variable(weight, where), indices, where); });
}

template struct Embedding<float>;
template struct Embedding<double>;

}  // namespace wengert::nn
