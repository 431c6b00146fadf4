// The recording of a function under a gradient check, and the nodes of its inputs.
#pragma once

#include <wengert/gradcheck/gradcheck.hpp>
#include <wengert/transform/transforms.hpp>

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace wengert::detail {

// A recording. Inputs are variables, recorded first. The function records Parameters that are inputs itself, once,
// several times or never, so these are assigned their values beforehand and searched for on the tape.
template <class T>
class Recording {
 public:
  // Records on an empty tape.
  Recording(Tape<T>& tape, const CheckedFunction<T>& f, const std::vector<Tensor<double>>& inputs);

  const Var<T>& result() const { return result_; }
  // Whether a node is one of the inputs.
  bool is_input(std::size_t node) const;
  // The names of trainable Parameters that the function recorded and that are not inputs.
  std::vector<std::string> overlooked(const Tape<T>& tape, const CheckedFunction<T>& f) const;
  // The gradients of a scalar, one for each input.
  std::vector<Var<T>> gradients(const Differentiated<T>& y) const;

 private:
  std::vector<std::vector<Var<T>>> sources_;  // of each input
  Var<T> result_;
};

// Restores the values of Parameters on destruction.
class Restored {
 public:
  template <class T>
  explicit Restored(const std::vector<WatchedParameter<T>>& watched) {
    for (const auto& [input, parameter] : watched)
      restore_.push_back([kept = parameter, value = parameter.value()]() mutable { kept.assign(value); });
  }
  ~Restored() {
    for (const auto& restore : restore_) restore();
  }
  Restored(const Restored&) = delete;
  Restored& operator=(const Restored&) = delete;

 private:
  std::vector<std::function<void()>> restore_;
};

extern template class Recording<float>;
extern template class Recording<double>;

}  // namespace wengert::detail
