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

namespace {

bool is_weight(double w) { return std::isfinite(w) && w >= 0; }

[[noreturn]] void refuse_weight(std::string_view subject, double w, std::size_t sample, const Location& where) {
  throw ValueError(
      subject, fmt::format("sample weights: {} for sample {}: expected a finite number, 0 or more", w, sample), where);
}

}  // namespace

void detail::check_sample_weights(const Tensor<double>& weights, std::size_t samples, std::string_view subject,
                                  const Location& where) {
  if (weights.dimension() == 0) return;
  data::detail::check_rows({&weights}, samples, "sample weights", subject, where);
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (!is_weight(weights.data()[i])) refuse_weight(subject, weights.data()[i], i, where);
}

template <class T>
void detail::set_weights(const Tensor<double>& weights, std::span<const std::size_t> rows, Batch<T>& batch) {
  for (std::size_t i = 0; i < weights.size() && i < rows.size(); ++i)
    if (!is_weight(weights.data()[i])) refuse_weight("samples", weights.data()[i], rows[i], {});
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

#define INSTANTIATE(T)                                                                               \
  template double Batch<T>::weight() const;                                                          \
  template void detail::set_weights(const Tensor<double>&, std::span<const std::size_t>, Batch<T>&); \
  template std::vector<ProgramVar<T>> leaf_nodes(Tape<T>&, const std::vector<Array<T>>&);            \
  template void append_inputs(const std::vector<Array<T>>&, std::vector<ProgramInput<T>>&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace wengert::train
