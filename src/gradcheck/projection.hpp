// Random projections u·J·v, and the elements to check when one is wrong.
#pragma once

#include "gradcheck/differences.hpp"
#include "gradcheck/subject.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace wengert::detail {

struct Projection {
  double analytic;
  Judgement judgement;
};

// u·J·v by one sweep and by differences along v, which is scaled by max(1, |x|). Leaves the subject recorded at its
// original inputs.
Projection project(Subject& subject, std::span<const double> u, std::vector<double> v, const Tolerance& tolerance,
                   double step);

// Elements with wrong derivatives, found by bisecting the set of perturbed elements: few sweeps each, at any size.
std::vector<std::size_t> find_wrong_elements(Subject& subject, std::size_t at_most, std::uint64_t seed,
                                             const Tolerance& tolerance, double step);

// About `count` elements in ascending order, some of every input: the same ones for inputs of equal size and, with each
// element of a square matrix, the one with which a transpose exchanges it.
std::vector<std::size_t> sample_elements(const Subject& subject, std::size_t count, std::uint64_t seed);

// The position of an element in a stack of square matrices after the last two axes are exchanged.
std::size_t transposed_element(std::size_t element, std::size_t extent);

}  // namespace wengert::detail
