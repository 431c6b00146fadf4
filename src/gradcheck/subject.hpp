// The function under a gradient check as a map from numbers to numbers, with its reverse sweeps.
#pragma once

#include "gradcheck/recording.hpp"
#include <wengert/gradcheck/gradcheck.hpp>
#include <wengert/transform/transforms.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace wengert::detail {

// Random numbers in ±[0.5, 1.5), so that cancelled or exchanged terms do not go unnoticed.
std::vector<double> random_weights(std::size_t count, std::uint64_t seed);

// A function of several inputs, treated as a function of the sequence of all their elements. For order 1, its results
// are those of the function; for order 2, the gradients of their weighted sum, one for each input; and so on.
class Subject {
 public:
  Subject(const CheckedFunction<double>& f, std::vector<Tensor<double>> inputs, int order, std::uint64_t seed);

  const std::vector<Tensor<double>>& inputs() const { return inputs_; }
  std::size_t elements() const { return elements_; }  // of all inputs
  double& element(std::size_t j);
  // The input that an element belongs to, and the element's index in it.
  std::pair<std::size_t, Shape> place(std::size_t j) const;
  std::size_t first_element(std::size_t input) const;

  // Records the function at the current inputs; the members below refer to this recording.
  void record();
  Tape<double>& tape() { return tape_; }
  bool is_input(std::size_t node) const { return recording_->is_input(node); }
  std::size_t recorded() const { return end_; }  // the number of nodes up to the results
  std::size_t results() const { return result_size_; }
  // The result that a number belongs to, and its index in it.
  std::pair<std::size_t, Shape> result_place(std::size_t i) const;
  void values(std::span<double> into) const;
  // Records again and writes the values at the current elements; false if they are not defined there.
  bool evaluate(std::span<double> into);
  // Jᵀu.
  std::vector<double> pull(std::span<const double> u);
  // J v, by the vjp of the vjp; for functions of one result.
  std::vector<double> push(std::span<const double> u, std::span<const double> v);

 private:
  Differentiated<double> weighted(std::span<const double> u);
  Var<double> constant_like(const Var<double>& x, std::span<const double> elements);

  const CheckedFunction<double>& f_;
  std::vector<Tensor<double>> inputs_;
  int order_;
  std::uint64_t seed_;
  std::size_t elements_ = 0;
  Tape<double> tape_;
  std::optional<Recording<double>> recording_;
  std::vector<Var<double>> results_;
  std::size_t result_size_ = 0;
  std::size_t end_ = 0;
};

}  // namespace wengert::detail
