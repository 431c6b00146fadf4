// Arrays of structured samples: the tensors and integer indices of a tuple or struct, visited in order.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>
#include <wengert/reflect/parameters.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace wengert::data {

/// A data set: the number of samples, and a function that copies rows into a batch's inputs and targets, each a tensor,
/// Indices, or a tuple, std::array or struct of them.
template <class D>
concept SampleData = requires(const D& data, std::span<const std::size_t> rows, typename D::Inputs& x,
                              typename D::Targets& y) {
  { data.size() } -> std::convertible_to<std::size_t>;
  data.gather(rows, x, y);
};

namespace detail {

template <class X>
inline constexpr bool is_array = false;
template <>
inline constexpr bool is_array<Tensor<float>> = true;
template <>
inline constexpr bool is_array<Tensor<double>> = true;
template <>
inline constexpr bool is_array<Indices> = true;

// Calls `f(path, array)` with each array, in the order of the members.
template <class X, class F>
void for_each_named_array(const X& x, const F& f) {
  wengert::detail::visit_parts(x, {}, [&]<class Part>(const std::string& path, const Part& part) {
    static_assert(is_array<Part> || wengert::detail::kind_of<Part> != wengert::detail::Kind::value,
                  "wengert: the inputs and targets of samples are tensors, Indices, or tuples or structs of them");
    if constexpr (is_array<Part>) f(path, part);
    return !is_array<Part>;
  });
}

// The arrays of samples, by reference.
using AnyArray = std::variant<const Tensor<float>*, const Tensor<double>*, const Indices*>;
using Arrays = std::vector<AnyArray>;
template <class X>
Arrays arrays_of(const X& x) {
  Arrays all;
  for_each_named_array(x, [&](const std::string&, const auto& array) { all.push_back(&array); });
  return all;
}
// Calls `f` with each array, to change it.
template <class X, class F>
void for_each_array(X& x, const F& f) {
  for_each_named_array(x, [&]<class A>(const std::string&, const A& array) { f(const_cast<A&>(array)); });
}
// The paths of the arrays: the names of members, and the indices of a tuple's elements.
template <class X>
std::vector<std::string> names_of() {
  std::vector<std::string> names;
  for_each_named_array(X{}, [&](const std::string& path, const auto&) { names.push_back(path); });
  return names;
}

// The extent of the first axis of the first array; 0 without arrays.
std::size_t row_count(const Arrays& arrays);
// Copies rows of each array of `from` into the array of the same index of `to`; an array of rank 0 has no rows and
// stays. Throws like `gather_rows`.
void gather_rows(const Arrays& from, std::span<const std::size_t> rows, const Arrays& to, const Location& where);
// Throws ShapeError as `subject` unless every array has `samples` rows. Accepts any arrays for 0 samples.
void check_rows(const Arrays& arrays, std::size_t samples, std::string_view kind, std::string_view subject,
                const Location& where);
// Throws ShapeError as `subject` unless the labels have shape (samples). Accepts any for 0 samples.
void check_labels(const Indices& labels, std::size_t samples, std::string_view subject, const Location& where);

}  // namespace detail

}  // namespace wengert::data
