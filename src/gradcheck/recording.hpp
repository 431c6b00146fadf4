// The function under a gradient check on a tape, and where each of its inputs stands there.
#pragma once

#include <wengert/gradcheck.hpp>
#include <wengert/transforms.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace wengert::detail {

// Inputs are variables, recorded first; those that are Parameters get their values and are then looked for, as the
// function records them itself, once, several times or never.
template <class T>
class Recording {
 public:
  // Records on an empty tape.
  Recording(Tape<T>& tape, const CheckedFunction<T>& f, const std::vector<Tensor<double>>& inputs);

  const Var<T>& result() const { return result_; }
  // Whether a node is one of the inputs.
  bool is_input(std::size_t node) const;
  // The gradients of a scalar, one for each input.
  std::vector<Var<T>> gradients(const Differentiated<T>& y) const;

 private:
  std::vector<std::vector<Var<T>>> sources_;  // of each input
  Var<T> result_;
};

extern template class Recording<float>;
extern template class Recording<double>;

}  // namespace wengert::detail
