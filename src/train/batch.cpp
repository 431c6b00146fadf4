// Batches: their weights, and their arrays as inputs of recordings and of replays.
#include "train/batch.hpp"

#include <cmath>
#include <variant>

#include <fmt/format.h>

namespace wengert::train {

template <class T>
double Batch<T>::weight() const {
  if (weights.dimension() == 0) return static_cast<double>(samples);
  double total = 0;
  for (const T w : weights) total += static_cast<double>(w);
  return total;
}

template <class T>
void detail::set_weights(const Tensor<double>& weights, Batch<T>& batch) {
  for (const double w : weights)
    if (!std::isfinite(w) || w < 0)
      throw ValueError("samples", fmt::format("a sample has the weight {}: expected a finite number, 0 or more", w));
  batch.sample_weights = weights;
  batch.weights = xt::cast<T>(weights);
}

template <class T>
std::vector<ProgramVar<T>> leaf_nodes(Tape<T>& tape, const std::vector<Array<T>>& arrays) {
  struct Leaf {
    Tape<T>& tape;
    ProgramVar<T> operator()(const Tensor<T>& tensor) const { return tape.borrow(tensor); }
    ProgramVar<T> operator()(const Indices& numbers) const { return tape.indices(numbers); }
  };
  std::vector<ProgramVar<T>> nodes;
  for (const Array<T>& array : arrays) nodes.push_back(std::visit(Leaf{tape}, array));
  return nodes;
}

template <class T>
void append_inputs(const std::vector<Array<T>>& arrays, std::vector<ProgramInput<T>>& inputs) {
  for (const Array<T>& array : arrays) std::visit([&](const auto& a) { inputs.emplace_back(a); }, array);
}

#define INSTANTIATE(T)                                                                    \
  template double Batch<T>::weight() const;                                               \
  template void detail::set_weights(const Tensor<double>&, Batch<T>&);                    \
  template std::vector<ProgramVar<T>> leaf_nodes(Tape<T>&, const std::vector<Array<T>>&); \
  template void append_inputs(const std::vector<Array<T>>&, std::vector<ProgramInput<T>>&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace wengert::train
