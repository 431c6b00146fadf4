// List and Integers: lists as arguments, written in braces or passed as containers.
#pragma once

#include <wengert/base/tensor.hpp>

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <type_traits>

#include <xtensor/xstorage.hpp>

namespace wengert {

/// A list of E as an argument: `{a, b}`, or a contiguous container of E (std::vector, std::array, std::span). It refers
/// to the elements, which must live during the call.
template <class E>
class List {
 public:
  /// From braces, or from a container.
  ///@{
  List(std::initializer_list<E> list) : elements_(list.begin(), list.size()) {}
  template <class R>
  requires(!std::same_as<R, List> && std::convertible_to<const R&, std::span<const E>>)
      List(const R& range)  // NOLINT(google-explicit-constructor)
      : elements_(range) {}
  ///@}

  /// The elements.
  ///@{
  std::span<const E> elements() const { return elements_; }
  std::size_t size() const { return elements_.size(); }
  auto begin() const { return elements_.begin(); }
  auto end() const { return elements_.end(); }
  ///@}

 private:
  std::span<const E> elements_;
};

/// An integer of any type, as an element of a list.
struct Integer {
  /// From any integer.
  template <std::integral I>
  constexpr Integer(I number) : value(static_cast<std::ptrdiff_t>(number)) {}  // NOLINT(google-explicit-constructor)
  std::ptrdiff_t value;                                                        ///< the integer
};

/// A list of integers as an argument: `{2, -1}`, a container of integers of any type, or one integer. Up to `max_rank`
/// integers, copying does not allocate.
class Integers {
 public:
  /// One integer.
  Integers(std::integral auto one)  // NOLINT(google-explicit-constructor)
      : numbers_{static_cast<std::ptrdiff_t>(one)}, is_one_(true) {}
  /// From braces, or from a container.
  ///@{
  Integers(std::initializer_list<Integer> list) {
    for (const Integer number : list) numbers_.push_back(number.value);
  }
  template <detail::SizedRangeOfIntegers R>
  Integers(const R& range) {  // NOLINT(google-explicit-constructor)
    for (const auto number : range) numbers_.push_back(static_cast<std::ptrdiff_t>(number));
  }
  ///@}

  /// Whether it is one integer, not a list.
  bool is_one() const { return is_one_; }
  /// The integers.
  ///@{
  std::ptrdiff_t operator[](std::size_t i) const { return numbers_[i]; }
  std::size_t size() const { return numbers_.size(); }
  auto begin() const { return numbers_.begin(); }
  auto end() const { return numbers_.end(); }
  ///@}

 private:
  xt::svector<std::ptrdiff_t, max_rank> numbers_;
  bool is_one_ = false;
};

}  // namespace wengert
