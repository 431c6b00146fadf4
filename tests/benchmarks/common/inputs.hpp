// Reproducible input numbers, the same on every machine and for every library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bench {

/// Returns the `index`-th number of a stream, in [0, 1) (splitmix64: Steele, Lea & Flood 2014).
inline double uniform(std::uint64_t stream, std::uint64_t index) {
  std::uint64_t z = (stream << 40U) + (index + 1) * 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return static_cast<double>((z ^ (z >> 31U)) >> 11U) * 0x1p-53;
}

/// Fills the elements with numbers in [low, high).
template <class T>
void fill(std::span<T> elements, std::uint64_t stream, double low, double high) {
  for (std::size_t i = 0; i < elements.size(); ++i)
    elements[i] = static_cast<T>(low + (high - low) * uniform(stream, i));
}

/// Fills rows with zeros and a single 1.
template <class T>
void fill_one_hot(std::span<T> elements, std::uint64_t stream, std::size_t classes) {
  for (T& element : elements) element = 0;
  for (std::size_t row = 0; row * classes < elements.size(); ++row)
    elements[row * classes + static_cast<std::size_t>(uniform(stream, row) * static_cast<double>(classes))] = 1;
}

/// Returns a vector of numbers in [low, high).
template <class T>
std::vector<T> numbers(std::size_t count, std::uint64_t stream, double low, double high) {
  std::vector<T> result(count);
  fill(std::span<T>(result), stream, low, high);
  return result;
}

}  // namespace bench
