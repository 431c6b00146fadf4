// Data sets larger than memory: the rows of a memory-mapped file, read on demand.
//
//     const auto data = map_idx<float>("images.idx", "labels.idx");
//     gather_rows(data.inputs, batch, x);                            // as from a tensor in memory
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>
#include <wengert/data/dataset.hpp>
#include <wengert/data/normalise.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace wengert::data {

/// The rows of an array that stays in its file, which is mapped into memory. T is float, double or int64. A handle:
/// copies refer to the same mapping, and several threads may read at a time. Each call of `gather` checks that the file
/// has not been modified since it was opened, but cannot detect that it shrinks during the call.
template <class T>
class MappedTensor {
 public:
  // No move operations: a moved-from handle would refer to nothing.
  /// A copy reads the same file.
  ///@{
  MappedTensor(const MappedTensor&) = default;
  MappedTensor& operator=(const MappedTensor&) = default;
  ///@}

  /// The shape of the whole array, N×….
  const Shape& shape() const;
  /// The number of rows, N.
  std::size_t rows() const { return shape()[0]; }
  /// Copies rows `indices` into `out`; see `gather_rows`.
  void gather(std::span<const std::size_t> indices, Tensor<T>& out, const Location& where = Location::current()) const;

  /// The rows `indices`, in this order, as another array that reads the same file. Throws ValueError for an index out
  /// of range.
  MappedTensor select(std::span<const std::size_t> indices, const Location& where = Location::current()) const;

  /// The state that copies share, for `map_npy` and `map_idx`.
  struct Rows;
  /// The rows of an open file.
  explicit MappedTensor(std::shared_ptr<const Rows> rows) : rows_(std::move(rows)) {}

 private:
  std::shared_ptr<const Rows> rows_;
};

/// Samples that stay in a file, with their labels in memory.
template <class T>
struct MappedDataset {
  using Inputs = Tensor<T>;              ///< the inputs of a batch
  using Targets = Indices;               ///< the labels of a batch
  static constexpr bool repeats = true;  ///< the same rows always give the same batch
  MappedTensor<T> inputs;                ///< N×…
  Indices labels;                        ///< N, each in [0, classes)
  std::size_t classes = 0;  ///< `map_idx` sets it to the largest label + 1; raise it if the file lacks the last classes

  /// The number of samples.
  std::size_t size() const { return inputs.rows(); }
  /// Copies samples into x and y. Throws like `gather_rows`.
  void gather(std::span<const std::size_t> rows, Tensor<T>& x, Indices& y) const;
  /// Throws ShapeError as `subject` unless the labels have shape (N).
  void check(std::string_view subject, const Location& where = {}) const;
};

/// Opens an .npy file to read its rows on demand, rounded to T. Supports the element types of `io::load_npy`, in C
/// order only. Throws FileError if the file cannot be read, or if its length does not match its header.
template <class T>
MappedTensor<T> map_npy(const std::filesystem::path& path, const Location& where = Location::current());

/// Opens an uncompressed IDX file of unsigned bytes to read its rows on demand; bytes 0 … 255 map to 0 … 1. Rows keep
/// their shape (N×H×W). Throws FileError if the file cannot be read, or if its length does not match its header.
template <class T>
MappedTensor<T> map_idx(const std::filesystem::path& path, const Location& where = Location::current());

/// Opens samples and reads their labels. Gathered rows are those of `read_idx`, but keep their shape (N×H×W). Throws
/// like `read_idx`; FileError also for compressed samples.
template <class T>
MappedDataset<T> map_idx(const std::filesystem::path& samples, const std::filesystem::path& labels,
                         const Location& where = Location::current());

/// Copies rows `indices` into `out`: out[i] = tensor[indices[i]]. Throws ValueError for an index out of range,
/// FileError if the file has changed since it was opened; then `out` is unchanged.
template <class T>
void gather_rows(const MappedTensor<T>& tensor, std::span<const std::size_t> indices, Tensor<T>& out,
                 const Location& where = Location::current()) {
  tensor.gather(indices, out, where);
}

/// Splits like `split` of a Dataset; both parts read the same file. Throws likewise.
template <class T>
SplitOf<MappedDataset<T>> split(const MappedDataset<T>& dataset, double test_fraction, std::uint64_t seed,
                                const Location& where = Location::current());
/// Splits like `stratified_split` of a Dataset; both parts read the same file. Throws likewise.
template <class T>
SplitOf<MappedDataset<T>> stratified_split(const MappedDataset<T>& dataset, double test_fraction, std::uint64_t seed,
                                           const Location& where = Location::current());
/// The samples with these indices, in this order; an index may occur more than once. Throws like `gather_rows`.
template <class T>
MappedDataset<T> subset(const MappedDataset<T>& dataset, std::span<const std::size_t> samples,
                        const Location& where = Location::current());

/// The same as for a tensor in memory; reads the rows once, a few at a time.
template <class T>
Normalisation<T> learn_normalisation(const MappedTensor<T>& inputs, NormalisePer per = NormalisePer::feature,
                                     const Location& where = Location::current());

}  // namespace wengert::data
