// The ops whose constant weights Programs scale and lay out for their kernels; the sources that define the ops enter
// them.
#pragma once

#include <wengert/tape/op.hpp>

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

namespace wengert {

/// What an op does to its result y before it stores it, in this order, each if set: y + bias, y + addend, max(y, 0).
struct Epilogue {
  bool bias = false;    // one element for each channel, along axis 1
  bool addend = false;  // a value in y's layout
  bool relu = false;    // a NaN stays one
};

/// A replacement for an op of two inputs whose second, its weight, is constant. Its inputs are x, the weight as its
/// kernel reads it and, if its epilogue has them, a bias and an addend.
template <class T>
struct PreparedOp {
  const Op<T>* op = nullptr;
  std::vector<std::byte> attributes{};
  std::vector<T> weight{};
  /// How x and the result lie in memory: in blocks of so many channels, as (N, C/block, spatial…, block); 0: row-major.
  std::size_t x_block = 0, y_block = 0;
  bool has_epilogue = false;  // whether the attributes begin with an Epilogue, which asks for nothing yet
  std::shared_ptr<const void> referenced{};  // what the attributes refer to
};

/// The tables of these ops. A program that does not link an op has no entry for it.
template <class T>
struct LinearOps {
  /// An op of two inputs that is linear in the second, its weight.
  struct Weighted {
    const Op<T>* op = nullptr;
    std::ptrdiff_t weight_axis = 0;  ///< the axis of the weight whose slices give the channels of the result
    std::ptrdiff_t result_axis = 0;  ///< the axis of the channels; both may count from the end
    /// The replacement for these attributes, shapes of x and the result, and weight; empty if there is no faster one.
    std::optional<PreparedOp<T>> (*prepare)(const void* attributes, const Shape& x, const Shape& y,
                                            Value<const T> weight) = nullptr;
  };
  static inline constinit std::array<Weighted, 3> weighted{};
  static inline constinit const Op<T>* add = nullptr;              // x + y
  static inline constinit const Op<T>* scale_and_shift = nullptr;  // x · w + b
  static inline constinit const Op<T>* relu = nullptr;             // max(x, 0)

  /// The weighted op of this table; null if there is none.
  static const Weighted* find(const Op<T>* op) {
    for (const Weighted& entry : weighted)
      if (op != nullptr && entry.op == op) return &entry;
    return nullptr;
  }
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
