// Helpers of the linear algebra ops: shape checks, iteration over stacks, packed factors, and weighted triangles.
#include "ops/matrices.hpp"

#include "ops/attributes/linalg.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/tape/structural.hpp>

#include <fmt/format.h>
#include <xtensor/xbuilder.hpp>

namespace wengert::detail {

// ---- shapes and messages -------------------------------------------------------------------------------------------

Shape with_axes(Shape batch, std::initializer_list<std::size_t> extents) {
  for (const std::size_t extent : extents) batch.push_back(extent);
  return batch;
}

void require_matrices(std::string_view op, const Shape& x) {
  constexpr std::size_t most = 0x7fffffff;  // LAPACK uses 32-bit integers
  if (x.rank() < 2)
    throw ShapeError(
        op, fmt::format("shape {}: expected a matrix, or a stack of matrices in the last two axes", to_string(x)));
  if (rows_of(x) > most || columns_of(x) > most)
    throw ShapeError(op, fmt::format("shape {}: a matrix has at most {} rows or columns", to_string(x), most));
}

void require_square(std::string_view op, const Shape& x) {
  require_matrices(op, x);
  if (rows_of(x) != columns_of(x))
    throw ShapeError(op, fmt::format("shape {}: the matrix must be square, but has {} rows and {} columns",
                                     to_string(x), rows_of(x), columns_of(x)));
}

std::string matrix_at(const Shape& batch, std::size_t entry) {
  return batch.rank() == 0 ? "the matrix" : fmt::format("the matrix at {}", to_string(unravel(entry, batch)));
}

// ---- iteration over stacks -----------------------------------------------------------------------------------------

template <class T>
std::optional<kernel::Matrix<T>> readable(const T* data, const Layout& x) {
  const auto rows = static_cast<std::ptrdiff_t>(rows_of(x.shape));
  const auto columns = static_cast<std::ptrdiff_t>(columns_of(x.shape));
  const std::ptrdiff_t down = x.strides[x.rank() - 2], along = x.strides[x.rank() - 1];
  const auto matrix = [data](std::ptrdiff_t stride, bool transposed) {
    return kernel::Matrix<T>{data, static_cast<std::size_t>(std::max<std::ptrdiff_t>(stride, 1)), transposed};
  };
  if (along == 1 || columns <= 1) {
    if (rows <= 1) return matrix(columns, false);
    if (down >= std::max<std::ptrdiff_t>(columns, 1)) return matrix(down, false);
  }
  if (down == 1 || rows <= 1) {
    if (columns <= 1) return matrix(rows, true);
    if (along >= std::max<std::ptrdiff_t>(rows, 1)) return matrix(along, true);
  }
  return {};
}

Layout batch_layout(const Layout& x, const Shape& batch) {
  std::array<std::ptrdiff_t, max_rank> strides{};
  const std::size_t lead = batch.rank() + 2 - x.rank();
  for (std::size_t axis = lead; axis < batch.rank(); ++axis)
    strides[axis] = x.shape[axis - lead] == 1 ? 0 : x.strides[axis - lead];
  return strided_layout(batch, strides);
}

template <class T>
Entries<T>::Entries(Value<const T> x, const Shape& batch)
    : data_(x.data), batch_(batch_layout(*x.layout, batch)), at_(batch) {
  const std::size_t last = x.layout->rank() - 1;
  const std::ptrdiff_t down = x.layout->strides[last - 1], along = x.layout->strides[last];
  const std::size_t rows = rows_of(x.shape()), columns = columns_of(x.shape());
  matrix_ = strided_layout({rows, columns}, std::array{down, along});
  transposed_ = strided_layout({columns, rows}, std::array{along, down});
}

// ---- unpack and pack -----------------------------------------------------------------------------------------------

namespace {

struct Unpack : attributes::Unpack {
  static constexpr std::string_view name = "unpack";
  static constexpr std::string_view notation = "one factor of a factorisation";
  static constexpr std::size_t arity = 1;

  bool view(const Layout& input, Layout& out, std::ptrdiff_t& offset) const {
    const std::size_t last = input.rank() - 1;
    const std::ptrdiff_t step = input.strides[last];
    Shape shape(std::span(input.shape.begin(), last));
    std::array<std::ptrdiff_t, max_rank> strides = input.strides;
    if (place.is_matrix) {
      strides[shape.rank()] = step * static_cast<std::ptrdiff_t>(place.stride);
      shape.push_back(place.rows);
    }
    strides[shape.rank()] = step;
    shape.push_back(place.columns);
    out = strided_layout(shape, strides);
    if (out.size > 0) offset = step * static_cast<std::ptrdiff_t>(place.offset);
    return true;
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T> packed) const {
    return pack(g, place, packed.shape().back());
  }
  static std::vector<StructuralExample<Unpack>> examples() {
    return {{{Place::matrix(2, 2, 3, 4)}, {{2, 11}}}, {{Place::vector(1, 3)}, {{2, 5}}}};
  }
};

struct Pack : attributes::Pack {
  static constexpr std::string_view name = "pack";
  static constexpr std::string_view notation = "one factor at its place among zeros";
  static constexpr std::size_t arity = 1;

  Shape shape(const Shape& x) const {
    return with_axes(Shape(std::span(x.begin(), x.rank() - (place.is_matrix ? 2 : 1))), {size});
  }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    std::fill_n(y.data, y.size(), T(0));
    if (x.size() == 0) return;
    const T* from = x.data;
    for (T* to = y.data; to != y.data + y.size(); to += size)
      for (std::size_t row = 0; row < place.rows; ++row, from += place.columns)
        std::copy_n(from, place.columns, to + place.offset + row * place.stride);
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const {
    return unpack(g, place);
  }
  static std::vector<StructuralExample<Pack>> examples() {
    return {{{Place::matrix(2, 2, 3, 4), 11}, {{2, 2, 3}}}, {{Place::vector(1, 3), 5}, {{2, 3}}}};
  }
};

// ---- weigh_triangles -----------------------------------------------------------------------------------------------

struct WeighTriangles : attributes::WeighTriangles {
  static constexpr std::string_view name = "weigh_triangles";
  static constexpr std::string_view notation = "a · below + b · diagonal + c · above";
  static constexpr std::size_t arity = 1;
  static constexpr bool any_extents = true;

  Shape shape(const Shape& x) const { return x; }
  template <class T>
  void forward(Value<const T> x, Value<T> y) const {
    if (x.size() == 0) return;
    const std::size_t rows = rows_of(x.shape()), columns = columns_of(x.shape());
    const T* from = x.data;
    T* to = y.data;
    const auto weigh = [&](std::size_t count, double weight) {  // a weight of 0 gives 0, even for infinities
      if (weight == 0)
        std::fill_n(to, count, T(0));
      else
        std::transform(from, from + count, to, [w = static_cast<T>(weight)](T e) { return w * e; });
      from += count;
      to += count;
    };
    while (to != y.data + y.size())
      for (std::size_t row = 0; row < rows; ++row) {
        const std::size_t left = std::min(row, columns), middle = row < columns ? 1 : 0;
        weigh(left, below);
        weigh(middle, on);
        weigh(columns - left - middle, above);
      }
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>) const {
    return weigh_triangles(g, below, on, above);
  }
  static std::vector<StructuralExample<WeighTriangles>> examples() {
    return {{{1, 0.5, 0}, {{3, 3}}}, {{0, 1, -2}, {{2, 2, 4}}}, {{1, 1, 0}, {{4, 2}}}};
  }
};

}  // namespace

// ---- functions -----------------------------------------------------------------------------------------------------

template <class T>
Var<T> unpack(Var<T> packed, const Place& place, Location where) {
  return record(Unpack{{place}}, where, packed);
}

template <class T>
Var<T> pack(Var<T> x, const Place& place, std::size_t size, Location where) {
  return record(Pack{{place, size}}, where, x);
}

template <class T>
Var<T> weigh_triangles(Var<T> x, double below, double on, double above, Location where) {
  return record(WeighTriangles{{below, on, above}}, where, x);
}

template <class T>
Var<T> quotient_or_zero(Var<T> a, Var<T> b) {
  return a / (b + equal(a, 0) * equal(b, 0));
}

Var<double> dominant_diagonal(Var<double> a) {
  auto steps = Tensor<double>::from_shape({columns_of(a.shape())});
  for (std::size_t i = 0; i < steps.size(); ++i) steps(i) = 6.0 + 5.0 * static_cast<double>(i);
  return a + weigh_triangles(broadcast_to(a.tape().constant(steps), a.shape()), 0, 1, 0);
}

Var<double> symmetric_separated(Var<double> a) { return dominant_diagonal(a + transposed(a)); }

Var<double> positive_definite(Var<double> a) {
  return matmul(a, transposed(a)) +
         as_diagonal(a.tape().constant(Tensor<double>(xt::ones<double>({rows_of(a.shape())}))));
}

#define WENGERT_INSTANTIATE(T)                                                 \
  template std::optional<kernel::Matrix<T>> readable(const T*, const Layout&); \
  template class Entries<T>;                                                   \
  template Var<T> unpack(Var<T>, const Place&, Location);                      \
  template Var<T> pack(Var<T>, const Place&, std::size_t, Location);           \
  template Var<T> weigh_triangles(Var<T>, double, double, double, Location);   \
  template Var<T> quotient_or_zero(Var<T>, Var<T>);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::detail
