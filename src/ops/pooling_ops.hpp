// The ops of max pooling that Programs replace by one; the source that defines the ops enters them.
#pragma once

#include <wengert/tape/op.hpp>

namespace wengert {

/// The tables of these ops, which have the same attributes. A program that does not link them has none.
template <class T>
struct PoolingOps {
  static inline constinit const Op<T>* max_pool = nullptr;   // the elements of x at positions
  static inline constinit const Op<T>* positions = nullptr;  // those of the largest elements of x
  static inline constinit const Op<T>* values = nullptr;     // the largest elements of x; Programs alone contain it

  /// Sets all; called before main. Returns true.
  static bool enter(const Op<T>* pool, const Op<T>* its_positions, const Op<T>* its_values) {
    max_pool = pool;
    positions = its_positions;
    values = its_values;
    return true;
  }
};

}  // namespace wengert
