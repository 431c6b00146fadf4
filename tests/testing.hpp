// What the tests share.
#pragma once

#include <wengert/wengert.hpp>

#include <cmath>
#include <random>
#include <string>
#include <type_traits>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <xtensor/xmath.hpp>
#include <xtensor/xview.hpp>

namespace wengert::testing {

/// A tensor of numbers drawn evenly from [low, high].
template <class T = double>
Tensor<T> random_tensor(const Shape& shape, unsigned seed, double low = -1, double high = 1) {
  std::mt19937_64 generator(seed);
  auto result = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
  for (T& element : result)
    element = static_cast<T>(low + (high - low) * (static_cast<double>(generator() >> 11) * 0x1p-53));
  return result;
}

/// The largest |a − b| over all elements; infinity if the shapes differ, NaN if an element is.
template <class A, class B>
double distance(const A& a, const B& b) {
  const Tensor<double> x = xt::cast<double>(a);
  const Tensor<double> y = xt::cast<double>(b);
  if (x.shape() != y.shape()) return std::numeric_limits<double>::infinity();
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double d = x.data()[i] == y.data()[i] ? 0 : std::abs(x.data()[i] - y.data()[i]);
    if (!(d <= worst)) worst = d;
  }
  return worst;
}

/// The message of the error of kind E that `f` throws; says so if it throws none or another.
template <class E, class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& other) {
    return std::string("another kind of error: ") + other.what();
  }
  return "no error";
}

/// Whether an op is one that a test defines to be wrong, or without a derivative.
inline bool of_a_test(const OpRow& row) {
  return row.name.starts_with("wrong_") || row.name == "not_a_number" || row.name == "flawed_slope" ||
         row.name == "constant_formula";
}

/// Extents to run over.
using Sizes = std::initializer_list<std::size_t>;

/// Whether `part` occurs in `text`.
inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace wengert::testing

/// Checks that an expression throws an error of a kind, whose message holds a text and the line it was called on.
#define CHECK_ERROR(Kind, text, ...)                                                                \
  do {                                                                                              \
    const std::string message = ::wengert::testing::message_of<Kind>([&] { (void)(__VA_ARGS__); }); \
    INFO(message);                                                                                  \
    CHECK(::wengert::testing::contains(message, text));                                             \
    CHECK(::wengert::testing::contains(message, fmt::format("{}:{}", __FILE__, __LINE__)));         \
  } while (false)
