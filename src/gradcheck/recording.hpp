// The function under a gradient check on a tape, and where each of its inputs stands there.
#pragma once

#include <wengert/gradcheck.hpp>
#include <wengert/transforms.hpp>

#include <cstddef>
#include <functional>
#include <span>
#include <string>
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
  // The names of trainable Parameters that the function recorded and that are no inputs.
  std::vector<std::string> overlooked(const Tape<T>& tape, const CheckedFunction<T>& f) const;
  // The gradients of a scalar, one for each input.
  std::vector<Var<T>> gradients(const Differentiated<T>& y) const;

 private:
  std::vector<std::vector<Var<T>>> sources_;  // of each input
  Var<T> result_;
};

// Gives Parameters their values back, whatever happens.
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
