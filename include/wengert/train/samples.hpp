// The data types that `fit` accepts: any type whose samples can be gathered into a batch.
//
// These are `Dataset`, `MappedDataset`, `SampleSource` and `Table` of namespace `data`; `data::Loader`, which
// prefetches batches, may augment them, and has its own batch size, order and seed; `Samples{X, Y}`, where either is a
// tensor or integer indices; and every other type with
//
//     using Inputs = Tensor<float>;   using Targets = Indices;           // or the other way round
//     std::size_t size() const;
//     void gather(std::span<const std::size_t> rows, Inputs& x, Targets& y) const;   // x and y are kept and reused
//
// `gather` may read from a file, draw random numbers, or augment: it is called once per batch, in order. The member
// `static constexpr bool repeats = true;` declares that the same rows always give the same batch; then `gather` is not
// called again for a batch that is still in memory.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/base/tensor.hpp>
#include <wengert/data/batches.hpp>
#include <wengert/data/dataset.hpp>
#include <wengert/data/loader.hpp>
#include <wengert/data/mapped.hpp>
#include <wengert/data/table.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

namespace wengert::train {

namespace detail {

/// Throws ShapeError as `subject` unless there is a target for each sample. Accepts any targets for 0 samples.
void check_targets(std::size_t samples, const Shape& targets, std::string_view subject, const Location& where);

}  // namespace detail

/// Inputs and their targets: X[i] belongs to Y[i]. Either is a tensor or integer indices.
template <class X, class Y>
struct Samples {
  using Inputs = X;                      ///< the type of the network's input
  using Targets = Y;                     ///< the type of the loss's targets
  static constexpr bool repeats = true;  ///< the same rows always give the same batch
  X inputs;                              ///< one row per sample
  Y targets;                             ///< one row per sample

  /// The number of samples.
  std::size_t size() const { return inputs.dimension() == 0 ? 0 : inputs.shape()[0]; }
  /// Copies samples into x and y. Throws ShapeError unless the numbers of inputs and targets are equal.
  void gather(std::span<const std::size_t> rows, X& x, Y& y) const {
    detail::check_targets(size(), targets.shape(), "samples", {});
    data::gather_rows(inputs, rows, x, {});
    data::gather_rows(targets, rows, y, {});
  }
};
template <class X, class Y>
Samples(X, Y) -> Samples<X, Y>;

/// A batch of any data type, as the training loop passes it to the erased model.
template <class T>
struct Batch {
  std::variant<Tensor<T>, Indices> inputs;   ///< one row per sample
  std::variant<Tensor<T>, Indices> targets;  ///< one row per sample
  std::size_t samples = 0;                   ///< the number of samples
};

namespace detail {

template <class X, class T>
concept TensorOrIndices = std::same_as<X, Tensor<T>> || std::same_as<X, Indices>;

// Uniform access to the samples of every supported type.
template <class D>
struct Access;
template <class D>
requires requires {
  typename D::Inputs;
  typename D::Targets;
}
struct Access<D> {
  using Inputs = typename D::Inputs;
  using Targets = typename D::Targets;
  static void gather(const D& data, std::span<const std::size_t> rows, Inputs& x, Targets& y) {
    data.gather(rows, x, y);
  }
  static constexpr bool repeats = [] {
    if constexpr (requires { D::repeats; })
      return static_cast<bool>(D::repeats);
    else
      return false;
  }();
};
template <class T>
struct Access<data::Dataset<T>> {
  using Inputs = Tensor<T>;
  using Targets = Indices;
  static void gather(const data::Dataset<T>& data, std::span<const std::size_t> rows, Inputs& x, Targets& y) {
    data::gather_rows(data.inputs, rows, x, {});
    data::gather_rows(data.labels, rows, y, {});
  }
  static constexpr bool repeats = true;
};
template <class T>
struct Access<data::SampleSource<T>> {
  using Inputs = Tensor<T>;
  using Targets = Indices;
  static void gather(const data::SampleSource<T>& data, std::span<const std::size_t> rows, Inputs& x, Targets& y) {
    if (!data.gather) throw ValueError("samples", "the source has no function that gathers samples", {});
    data.gather(rows, x);
    data::gather_rows(data.labels, rows, y, {});
  }
  static constexpr bool repeats = true;
};
template <class T>
struct Access<data::MappedDataset<T>> {
  using Inputs = Tensor<T>;
  using Targets = Indices;
  static void gather(const data::MappedDataset<T>& data, std::span<const std::size_t> rows, Inputs& x, Targets& y) {
    data.inputs.gather(rows, x, {});
    data::gather_rows(data.labels, rows, y, {});
  }
  static constexpr bool repeats = true;
};
// A Loader's samples without its transforms; `Source::loader` returns the Loader for its batches.
template <class T>
struct Access<data::Loader<T>> : Access<data::SampleSource<T>> {
  static void gather(const data::Loader<T>& data, std::span<const std::size_t> rows, Tensor<T>& x, Indices& y) {
    Access<data::SampleSource<T>>::gather(data.source(), rows, x, y);
  }
};
template <class D>
std::size_t size_of(const D& data) {
  if constexpr (requires { data.source().size; })
    return data.source().size;
  else if constexpr (requires { data.size(); })
    return data.size();
  else
    return data.size;
}
// The shape of the targets, if it must match the number of samples.
template <class D>
std::optional<Shape> shape_of_targets(const D&) {
  return {};
}
template <class T>
std::optional<Shape> shape_of_targets(const data::Dataset<T>& data) {
  return data.labels.shape();
}
template <class T>
std::optional<Shape> shape_of_targets(const data::SampleSource<T>& data) {
  return data.labels.shape();
}
template <class T>
std::optional<Shape> shape_of_targets(const data::MappedDataset<T>& data) {
  return data.labels.shape();
}
template <class T>
std::optional<Shape> shape_of_targets(const data::Loader<T>& data) {
  return data.source().labels.shape();
}
template <class X, class Y>
std::optional<Shape> shape_of_targets(const Samples<X, Y>& data) {
  return data.targets.shape();
}
template <class T>
std::optional<Shape> shape_of_targets(const data::Table<T>& data) {
  return data.targets.shape();
}

}  // namespace detail

/// Whether D can be trained on in scalar type T.
template <class D, class T>
concept SamplesOf = requires(const D& data, std::span<const std::size_t> rows, typename detail::Access<D>::Inputs& x,
                             typename detail::Access<D>::Targets& y) {
  { detail::size_of(data) } -> std::convertible_to<std::size_t>;
  detail::Access<D>::gather(data, rows, x, y);
  requires detail::TensorOrIndices<typename detail::Access<D>::Inputs, T>;
  requires detail::TensorOrIndices<typename detail::Access<D>::Targets, T>;
};

/// Type-erased samples.
template <class T>
class Source {
 public:
  virtual ~Source() = default;
  virtual std::size_t size() const = 0;  ///< the number of samples
  virtual bool repeats() const = 0;      ///< whether the same rows always give the same batch
  /// Copies samples into a batch.
  virtual void gather(std::span<const std::size_t> rows, Batch<T>& batch) const = 0;
  virtual const data::Loader<T>* loader() const { return nullptr; }  ///< the Loader that makes the batches, if any
};

namespace detail {

template <class T, class D>
class SourceOf final : public Source<T> {
 public:
  // Throws ShapeError as `subject` unless there is a target for each sample.
  SourceOf(const D& data, std::string_view subject, const Location& where) : data_(data) {
    if (const std::optional<Shape> targets = shape_of_targets(data))
      check_targets(size_of(data), *targets, subject, where);
  }
  std::size_t size() const override { return size_of(data_); }
  bool repeats() const override { return Access<D>::repeats; }
  void gather(std::span<const std::size_t> rows, Batch<T>& batch) const override {
    batch.samples = rows.size();
    Access<D>::gather(data_, rows, part<typename Access<D>::Inputs>(batch.inputs),
                      part<typename Access<D>::Targets>(batch.targets));
  }
  const data::Loader<T>* loader() const override {
    if constexpr (std::same_as<D, data::Loader<T>>)
      return &data_;
    else
      return nullptr;
  }

 private:
  template <class X>
  static X& part(std::variant<Tensor<T>, Indices>& of) {
    return std::holds_alternative<X>(of) ? std::get<X>(of) : of.template emplace<X>();
  }
  const D& data_;
};

}  // namespace detail

}  // namespace wengert::train
