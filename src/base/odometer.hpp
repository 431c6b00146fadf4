// Odometer: counts through the index tuples of nested loops.
#pragma once

#include <wengert/base/tensor.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace wengert {

/// Counts through the index tuples of nested loops in row-major order, and reports how far each step moves along each
/// loop, so that pointers to any number of values can follow by their strides:
///
///     const auto move = [&](std::size_t loop, std::ptrdiff_t steps) { x += steps * strides[loop]; };
///     for (Odometer outer(extents); !outer.done(); outer.next(move)) run_inner_loop(x);
///
/// Without loops, there is one tuple; with an extent of 0, there is none.
class Odometer {
 public:
  /// At the first tuple. `extents` holds at most `max_rank` extents, outermost first.
  explicit Odometer(std::span<const std::size_t> extents)
      : extents_(extents), done_(std::find(extents.begin(), extents.end(), 0) != extents.end()) {}

  /// Whether all tuples have been counted.
  bool done() const { return done_; }
  /// Goes to the next tuple: calls move(loop, steps) for each loop whose index changes. After the last tuple, it is
  /// done, and everything has moved back to the first.
  template <class Move>
  void next(const Move& move) {
    for (std::size_t loop = extents_.rank(); loop-- > 0;) {
      if (++position_[loop] < extents_[loop]) {
        move(loop, std::ptrdiff_t{1});
        return;
      }
      position_[loop] = 0;
      move(loop, 1 - static_cast<std::ptrdiff_t>(extents_[loop]));
    }
    done_ = true;
  }

 private:
  Shape extents_;
  std::array<std::size_t, max_rank> position_{};
  bool done_;
};

}  // namespace wengert
