// Where parameters stand on a tape.
#pragma once

#include <wengert/tape.hpp>

#include <cstddef>
#include <unordered_map>
#include <vector>

namespace wengert::optim {

/// The nodes that refer to parameters, up to that of `loss`. A parameter may have been recorded several times, or not
/// at all.
template <class T>
struct Leaves {
  std::vector<Var<T>> vars;
  std::vector<std::size_t> numbers;  // of the parameters they refer to

  Leaves(Var<T> loss, const std::vector<Parameter<T>>& parameters) {
    std::unordered_map<const void*, std::size_t> number_of;
    for (std::size_t i = 0; i < parameters.size(); ++i) number_of.emplace(&parameters[i].value(), i);
    Tape<T>& tape = loss.tape();
    tape.node(loss, "optimiser");
    for (std::size_t i = 0; i <= loss.index(); ++i) {
      const auto parameter = tape.parameter(i);
      if (!parameter) continue;
      const auto known = number_of.find(&parameter->value());
      if (known == number_of.end()) continue;
      vars.push_back(tape.at(i));
      numbers.push_back(known->second);
    }
  }
};

}  // namespace wengert::optim
