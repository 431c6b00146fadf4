// Helpers shared by the tests: random tensors, distances, messages of errors, and CHECK_ERROR.
#pragma once

#include <wengert/wengert.hpp>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <random>
#include <string>
#include <type_traits>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <xtensor/xmath.hpp>
#include <xtensor/xview.hpp>

namespace wengert::testing {

/// Returns a tensor of random numbers, uniform between low and high.
template <class T = double>
Tensor<T> random_tensor(const Shape& shape, unsigned seed, double low = -1, double high = 1) {
  std::mt19937_64 generator(seed);
  auto result = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
  for (T& element : result)
    element = static_cast<T>(low + (high - low) * (static_cast<double>(generator() >> 11) * 0x1p-53));
  return result;
}

inline constexpr double infinity = std::numeric_limits<double>::infinity();

/// Returns a matrix with one column.
template <class T>
Tensor<T> column(std::initializer_list<T> elements) {
  auto result = Tensor<T>::from_shape({elements.size(), 1});
  std::copy(elements.begin(), elements.end(), result.begin());
  return result;
}

/// Returns the larger of two errors, or NaN if either is NaN: std::max loses a NaN, and the check passes.
inline double larger_error(double a, double b) { return a > b || std::isnan(a) ? a : b; }

/// Returns the largest |a − b| over all elements: infinity if the shapes differ, NaN if any difference is NaN.
template <class A, class B>
double distance(const A& a, const B& b) {
  const Tensor<double> x = xt::cast<double>(a);
  const Tensor<double> y = xt::cast<double>(b);
  if (x.shape() != y.shape()) return std::numeric_limits<double>::infinity();
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double d = x.data()[i] == y.data()[i] ? 0 : std::abs(x.data()[i] - y.data()[i]);
    worst = larger_error(worst, d);
  }
  return worst;
}

/// A reference to a callable of any type; functions that take a Call compile once, not once for each lambda.
class Call {
 public:
  template <class F>
  Call(const F& f) : f_(&f), run_([](const void* call) { (*static_cast<const F*>(call))(); }) {}  // NOLINT
  void operator()() const { run_(f_); }

 private:
  const void* f_;
  void (*run_)(const void*);
};

/// Returns the message of the error of type E that `call` throws; otherwise returns a text that says what happened.
template <class E>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& other) {
    return std::string("another kind of error: ") + other.what();
  }
  return "no error";
}

/// Returns the message of the FileError that `call` throws, without the source location at its end.
inline std::string file_complaint(const Call& call) {
  const std::string message = message_of<FileError>(call);
  const std::size_t line = message.rfind(" (");
  return line != std::string::npos && message.ends_with(')') && message.find("_test.cpp:", line) != std::string::npos
             ? message.substr(0, line)
             : message;
}

/// Returns whether a test defines the op, with a deliberate fault or a derivative of zero.
inline bool of_a_test(const OpRow& row) {
  return row.name.starts_with("wrong_") || row.name == "not_a_number" || row.name == "flawed_slope" ||
         row.name == "constant_formula" || row.name.ends_with("_of_test");
}

/// Extents to iterate over.
using Sizes = std::initializer_list<std::size_t>;

/// Returns whether `part` occurs in `text`.
inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Checks that the message of an error contains a text and the file and line of the call.
inline void check_message(const std::string& message, const std::string& text, const char* file, int line) {
  CAPTURE(line);
  INFO(message);
  CHECK(contains(message, text));
  CHECK(contains(message, fmt::format("{}:{}", file, line)));
}

}  // namespace wengert::testing

/// Checks that an expression throws an error of type Kind whose message contains a text and the line of the call.
#define CHECK_ERROR(Kind, text, ...)                                                                          \
  ::wengert::testing::check_message(::wengert::testing::message_of<Kind>([&] { (void)(__VA_ARGS__); }), text, \
                                    __FILE__, __LINE__)
