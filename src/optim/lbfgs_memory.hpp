// The memory of L-BFGS between iterations.
#pragma once

#include <wengert/optim/lbfgs.hpp>

#include <cstddef>
#include <deque>
#include <vector>

namespace wengert::optim {

/// The dot product, in double.
template <class T>
double dot(const std::vector<T>& a, const std::vector<T>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

/// The latest changes of the parameters and of the gradient.
template <class T>
struct LBFGS<T>::Memory {
  struct Change {  // in one iteration
    std::vector<T> parameters, gradient;
    double rho;  // 1 / (parameters · gradient)
  };

  std::vector<Parameter<T>> trained;          // by the last step
  std::deque<Change> history;                 // the oldest first
  std::vector<T> last_change, last_gradient;  // of the previous iteration; empty if there is none
};

}  // namespace wengert::optim
