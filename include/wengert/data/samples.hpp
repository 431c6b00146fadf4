// Samples: inputs and targets in memory, of any structure.
//
//     Samples{pictures, labels}                              // a network of one input: network(picture)
//     Samples{std::tuple{pictures, tables}, labels}          // of several: network(picture, table)
//     Samples{Pair<Tensor<float>>{left, right}, distances}   // of a struct: network(pair), a Pair<Var<float>>
#pragma once

#include <wengert/data/arrays.hpp>
#include <wengert/data/dataset.hpp>

#include <cstdint>
#include <tuple>

namespace wengert::data {

/// Inputs and their targets: row i of every input belongs to row i of every target.
///
/// X and Y are tensors, Indices, or tuples, std::arrays or structs of them. A struct must be a template over the types
/// of its arrays: `template <class V, class I> struct Inputs { V picture; I words; }`. On a tape, tensors are Vars and
/// Indices are IndexVars; a tuple of inputs is passed as several arguments,
/// a struct as one, or as its members if the network takes those. Without targets, Y is an empty tuple.
template <class X, class Y = std::tuple<>>
struct Samples {
  using Inputs = X;                      ///< the type of the network's inputs
  using Targets = Y;                     ///< the type of the loss's targets
  static constexpr bool repeats = true;  ///< the same rows always give the same batch
  X inputs;                              ///< one row per sample
  Y targets{};                           ///< one row per sample
  /// The weight of each sample in the loss and the metrics, N; of rank 0, the default, if all are 1.
  Tensor<double> weights{};

  /// The number of samples.
  std::size_t size() const { return detail::row_count(detail::arrays_of(inputs)); }
  /// Copies samples into x and y. Throws like `check`.
  void gather(std::span<const std::size_t> rows, X& x, Y& y) const {
    check("samples");
    detail::gather_rows(detail::arrays_of(inputs), rows, detail::arrays_of(x), {});
    detail::gather_rows(detail::arrays_of(targets), rows, detail::arrays_of(y), {});
  }
  /// Throws ShapeError as `subject` unless all inputs, targets and weights have the same number of rows.
  void check(std::string_view subject, const Location& where = {}) const {
    detail::check_rows(detail::arrays_of(inputs), size(), "inputs", subject, where);
    detail::check_rows(detail::arrays_of(targets), size(), "targets", subject, where);
    if (weights.dimension() != 0) detail::check_rows({&weights}, size(), "weights", subject, where);
  }
};
template <class X>
Samples(X) -> Samples<X>;
template <class X, class Y>
Samples(X, Y) -> Samples<X, Y>;
template <class X, class Y, class W>
Samples(X, Y, W) -> Samples<X, Y>;

/// The samples with these indices, in this order; an index may occur more than once. Throws like `gather_rows`.
template <class X, class Y>
Samples<X, Y> subset(const Samples<X, Y>& samples, std::span<const std::size_t> rows,
                     const Location& where = Location::current()) {
  samples.check("subset", where);
  Samples<X, Y> part;
  detail::gather_rows(detail::arrays_of(samples.inputs), rows, detail::arrays_of(part.inputs), where);
  detail::gather_rows(detail::arrays_of(samples.targets), rows, detail::arrays_of(part.targets), where);
  detail::gather_rows({&samples.weights}, rows, {&part.weights}, where);
  return part;
}

/// Splits like `split` of a Dataset. Throws likewise.
template <class X, class Y>
SplitOf<Samples<X, Y>> split(const Samples<X, Y>& samples, double test_fraction, std::uint64_t seed,
                             const Location& where = Location::current()) {
  const SplitRows rows = split_rows(samples.size(), test_fraction, seed, where);
  return {subset(samples, rows.train, where), subset(samples, rows.test, where)};
}

}  // namespace wengert::data
