// The nodes that a value was computed from.
#pragma once

#include <wengert/tape/op.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace wengert {

/// For each node up to that of `y`, whether y was computed from it; true for y's own.
template <class T>
std::vector<bool> ancestors(Var<T> y) {
  const Tape<T>& tape = y.tape();
  std::vector<bool> result(std::size_t{y.index()} + 1);
  result.back() = true;
  for (std::size_t k = result.size(); k-- > 0;) {
    if (!result[k]) continue;
    for (const std::uint32_t input : tape.inputs(k)) result[input] = true;
  }
  return result;
}

}  // namespace wengert
