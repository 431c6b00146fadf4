// The ops among which Programs fold constant scales into weights; the sources that define the ops enter them.
#pragma once

#include <wengert/tape/op.hpp>

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace wengert {

/// The tables of these ops. A program that does not link an op has no entry for it.
template <class T>
struct LinearOps {
  /// An op of two inputs that is linear in the second, its weight.
  struct Weighted {
    const Op<T>* op = nullptr;
    std::ptrdiff_t weight_axis = 0;  ///< the axis of the weight whose slices give the channels of the result
    std::ptrdiff_t result_axis = 0;  ///< the axis of the channels; both may count from the end
  };
  static inline constinit std::array<Weighted, 3> weighted{};
  static inline constinit const Op<T>* add = nullptr;              // x + y
  static inline constinit const Op<T>* scale_and_shift = nullptr;  // x · w + b

  /// Adds an op to `weighted`; called before main. Returns true; ends the program if there is no room.
  static bool enter(const Weighted& op) {
    for (Weighted& free : weighted)
      if (free.op == nullptr) {
        free = op;
        return true;
      }
    std::fputs("wengert: LinearOps::weighted is full: make it as long as the number of ops that enter it\n", stderr);
    std::abort();
  }
};

}  // namespace wengert
