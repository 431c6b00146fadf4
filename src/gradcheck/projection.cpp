// Random projections of the Jacobian, bisection to wrong elements, and the choice of elements to check.
#include "gradcheck/projection.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <set>

namespace wengert::detail {

namespace {

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace

Projection project(Subject& subject, std::span<const double> u, std::vector<double> v, const Tolerance& tolerance,
                   double step) {
  std::vector<double> origin(v.size());
  for (std::size_t j = 0; j < v.size(); ++j) {
    origin[j] = subject.element(j);
    v[j] *= std::max(1.0, std::abs(origin[j]));
  }
  const std::array<double, 1> analytic{dot(subject.pull(u), v)};
  std::vector<double> y(subject.results());
  subject.values(y);
  const std::array<double, 1> at_zero{dot(u, y)};
  const auto along = [&](double t, std::span<double> value) {
    for (std::size_t j = 0; j < v.size(); ++j) subject.element(j) = origin[j] + t * v[j];
    value[0] = subject.evaluate(y) ? dot(u, y) : std::numeric_limits<double>::quiet_NaN();
  };
  const Judgement judgement = judge_derivatives(along, at_zero, analytic, tolerance, step, 1)[0];
  for (std::size_t j = 0; j < v.size(); ++j) subject.element(j) = origin[j];
  subject.record();
  return {analytic[0], judgement};
}

std::vector<std::size_t> find_wrong_elements(Subject& subject, std::size_t at_most, std::uint64_t seed,
                                             const Tolerance& tolerance, double step) {
  const std::vector<double> u = random_weights(subject.results(), seed);
  const std::vector<double> v = random_weights(subject.elements(), seed + 1);
  struct Range {
    std::size_t begin, end;
  };
  std::vector<Range> open{{0, v.size()}};
  std::vector<std::size_t> found;
  while (!open.empty() && found.size() < at_most) {
    const auto [begin, end] = open.back();
    open.pop_back();
    std::vector<double> part(v.size());
    std::copy(v.begin() + static_cast<std::ptrdiff_t>(begin), v.begin() + static_cast<std::ptrdiff_t>(end),
              part.begin() + static_cast<std::ptrdiff_t>(begin));
    if (project(subject, u, std::move(part), tolerance, step).judgement.verdict != Verdict::wrong) continue;
    if (end - begin == 1) {
      found.push_back(begin);
      continue;
    }
    const std::size_t middle = begin + (end - begin) / 2;
    open.push_back({middle, end});
    open.push_back({begin, middle});
  }
  return found;
}

std::size_t transposed_element(std::size_t element, std::size_t extent) {
  const std::size_t matrix = element / (extent * extent) * extent * extent;
  const std::size_t row = element % (extent * extent) / extent;
  return matrix + element % extent * extent + row;
}

std::vector<std::size_t> sample_elements(const Subject& subject, std::size_t count, std::uint64_t seed) {
  constexpr std::size_t at_least = 16;  // of each input
  std::set<std::size_t> result;
  for (std::size_t i = 0; i < subject.inputs().size(); ++i) {
    const Tensor<double>& input = subject.inputs()[i];
    const Shape shape(input.shape());
    const std::size_t rank = shape.rank(), first = subject.first_element(i), size = input.size();
    const std::size_t share = std::max(at_least, count * size / std::max<std::size_t>(1, subject.elements()));
    std::mt19937_64 generator(seed + size);
    for (std::size_t k = 0; k < std::min(share, size); ++k) {
      const std::size_t element = size <= share ? k : generator() % size;
      result.insert(first + element);
      if (rank >= 2 && shape[rank - 1] == shape[rank - 2])
        result.insert(first + transposed_element(element, shape[rank - 1]));
    }
  }
  return {result.begin(), result.end()};
}

}  // namespace wengert::detail
