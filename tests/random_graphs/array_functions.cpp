// Functions of random graphs: products and index ops.
#include "random_graphs/functions.hpp"

namespace wengert::random_graphs {
namespace {

// Returns a random extent, which may be 0.
std::size_t extent(auto& a) { return std::array<std::size_t, 8>{2, 3, 1, 4, 5, 2, 3, 0}[a.below(8)]; }

std::vector<Function> products() {
  return {
      function(
          "matmul", 2,
          [](auto& a) {
            const std::size_t n = extent(a), k = extent(a), m = extent(a);
            return matmul(fit(a.x[0], {n, k}, a.flag()), fit(a.x[1], {k, m}, a.flag()));
          },
          3),
      function(
          "matmul of what comes", 2, [](auto& a) { return matmul(a.x[0], a.x[1]); }, 2),
      function("matmul by its transpose", 1, [](auto& a) { return matmul(a.x[0], transpose(a.x[0])); }),
      function("matmul of stacks", 2,
               [](auto& a) {
                 const std::size_t n = extent(a), k = extent(a), m = extent(a);
                 const auto left = fit(a.x[0], {2, n, k});
                 return a.flag() ? matmul(left, fit(a.x[1], {k, m}, a.flag())) : matmul(left, fit(a.x[1], {2, k, m}));
               }),
      function("matmul with a vector", 2,
               [](auto& a) {
                 const std::size_t n = extent(a), k = extent(a);
                 const auto matrix = fit(a.x[0], {n, k}, a.flag());
                 return a.flag() ? matmul(matrix, fit(a.x[1], {k})) : matmul(fit(a.x[1], {n}), matrix);
               }),
      function(
          "large matmul", 2,
          [](auto& a) {
            return matmul(fit(a.x[0], {70, 66}), fit(a.x[1], {66, 9}));
          },
          0.2),
      function(
          "linear layer", 3,
          [](auto& a) {
            const std::size_t n = extent(a), k = extent(a), m = extent(a);
            return matmul(fit(a.x[0], {n, k}), fit(a.x[1], {k, m})) + fit(a.x[2], {m});
          },
          2),
      function("dot", 2,
               [](auto& a) {
                 return dot(fit(a.x[0], {extent(a), 3}), fit(a.x[1], {3, extent(a)}, a.flag()));
               }),
      function("outer", 2, [](auto& a) { return outer(fit(a.x[0], {extent(a)}), fit(a.x[1], {extent(a)})); }),
      function("tensordot", 2,
               [](auto& a) {
                 const std::size_t k = extent(a);
                 return tensordot(fit(a.x[0], {2, k, 3}, a.flag()), fit(a.x[1], {k, 3, 2}), 1 + a.below(2));
               }),
      function("einsum", 2,
               [](auto& a) {
                 const std::size_t n = extent(a), k = extent(a);
                 const auto x = fit(a.x[0], {n, k}), y = fit(a.x[1], {n, k}, a.flag());
                 switch (a.below(4)) {
                   case 0:
                     return einsum("ij,kj->ik", x, y);
                   case 1:
                     return einsum("ij,ij->j", x, y);
                   case 2:
                     return einsum("ij,ik->jk", x, y);
                   default:
                     return einsum("ij,ij->", x, y);
                 }
               }),
      function("inverse", 1, [](auto& a) {
        const std::size_t n = extent(a);
        Tensor<typename std::remove_reference_t<decltype(a)>::T> identity = xt::eye<double>(n);
        return inv(into(fit(a.x[0], {n, n}), {-0.2, 0.2}) + identity);
      })};
}

Indices places(std::size_t count, std::size_t below, std::size_t step) {
  Indices result = Indices::from_shape({count});
  for (std::size_t i = 0; i < count; ++i) result(i) = static_cast<std::int64_t>(i * step % below);
  return result;
}

std::vector<Function> indexing() {
  return {function("take", 1,
                   [](auto& a) {
                     const auto axis = a.axis_of(a.x[0]);
                     return take(a.x[0], places(1 + a.below(4), 2, 1 + a.below(2)), axis);
                   }),
          function("take by labels", 1,
                   [](auto& a) {
                     return take(fit(a.x[0], {3, extent(a)}, a.flag()), a.labels, 0);
                   }),
          function("take elements by labels", 1,
                   [](auto& a) {
                     return take(fit(a.x[0], {2, 3}, a.flag()), a.labels);
                   }),
          function("embedding", 1,
                   [](auto& a) {
                     return embedding(fit(a.x[0], {3, extent(a)}, a.flag()), a.labels);
                   }),
          function("index_add", 2,
                   [](auto& a) {
                     const std::size_t n = extent(a);
                     return index_add(fit(a.x[0], {n, 3}), 1, a.labels, fit(a.x[1], {n, 4}, a.flag()));
                   }),
          function("index", 2,
                   [](auto& a) {
                     const auto x = fit(a.x[0], {2, 3, 2}, a.flag());
                     const auto i = argmin(fit(a.x[1], {2, 4}), 0), j = argmin(fit(a.x[1], {3, 4}), 0);
                     switch (a.below(4)) {
                       case 0:
                         return index(x, {i, j});
                       case 1:
                         return index(x, {j, i}, {1, 2});
                       case 2:
                         return index(x, {i, {-1}}, {2, 0});
                       default:
                         return index(x, {i, j, i});
                     }
                   }),
          function("one_hot", 1,
                   [](auto& a) {
                     return one_hot(a.labels, 3) * fit(a.x[0], {4, 1});
                   }),
          function("slices of labels", 1,
                   [](auto& a) {
                     const auto table = fit(a.x[0], {3, extent(a)}, a.flag());
                     const auto matrix = reshape(a.labels, {2, -1});
                     const auto part = a.flag() ? slice(matrix, 1, static_cast<std::ptrdiff_t>(a.below(3)) - 1)
                                       : a.flag()
                                           ? slice(matrix, {Slice{{}, {}, -1}, Slice{1, {}}, xt::newaxis()})
                                           : slice(matrix, {0, Slice{0, static_cast<std::ptrdiff_t>(a.below(3))}});
                     a.indices->push_back(part);
                     return take(table, part, 0);
                   }),
          function("reshaped indices", 2,
                   [](auto& a) {
                     const auto order = argsort(fit(a.x[1], {2, 3}), 1);
                     a.indices->push_back(reshape(slice(order, {xt::all(), Slice{{}, {}, -2}}), {4}));
                     return embedding(fit(a.x[0], {3, extent(a)}, a.flag()), a.indices->back());
                   }),
          function("labels as values", 1,
                   [](auto& a) {
                     return to_values(a.labels) * fit(a.x[0], {3, 4}, a.flag());
                   }),
          function("masks as indices", 2,
                   [](auto& a) {
                     const auto chosen = to_indices(fit(a.x[1], {4}) > 0);
                     a.indices->push_back(chosen);
                     return embedding(fit(a.x[0], {2, extent(a)}, a.flag()), chosen);
                   }),
          function("sequence_mask", 1,
                   [](auto& a) {
                     return sequence_mask(a.labels, 2 + a.below(2)) * fit(a.x[0], {4, 1});
                   }),
          function("sequences by labels", 1,
                   [](auto& a) {
                     const auto x = fit(a.x[0], {4, 2 + a.below(2), 2}, a.flag());
                     return a.flag()   ? mask_steps(x, a.labels)
                            : a.flag() ? last_step(x, a.labels)
                                       : mean_steps(x, a.labels);
                   }),
          function("take_along_axis", 2,
                   [](auto& a) {
                     const auto axis = a.axis_of(a.x[0]);
                     return take_along_axis(a.x[0], argsort(fit(a.x[1], a.x[0].shape(), a.flag()), axis), axis);
                   }),
          function("gather", 2,
                   [](auto& a) {
                     const auto order = argsort(fit(a.x[1], {2, 3}), 1);
                     return gather(fit(a.x[0], {3, 3}, a.flag()), 1, order);
                   }),
          function("scatter", 2,
                   [](auto& a) {
                     const auto order = argsort(fit(a.x[1], {2, 3}), 1);
                     return scatter(fit(a.x[0], {2, 3}), 1, order, a.flag() ? fit(a.x[1], {2, 3}, a.flag()) : a.x[1]);
                   }),
          function("scatter_add", 2,
                   [](auto& a) {
                     const auto order = argsort(fit(a.x[1], {2, 3}), 1, SortOrder::descending);
                     return scatter_add(fit(a.x[0], {2, 4}), 1, order, fit(a.x[1], {2, 3}, a.flag()));
                   }),
          function("topk", 1,
                   [](auto& a) {
                     const auto best = topk(a.x[0], 1 + a.below(2));
                     a.indices->push_back(best.indices);
                     return best.values;
                   }),
          function("argmax", 1,
                   [](auto& a) {
                     const auto best = a.flag() ? argmax(a.x[0]) : argmax(a.x[0], a.axis_of(a.x[0]));
                     a.indices->push_back(best);
                     return a.x[0];
                   }),
          function("argmin and take", 2, [](auto& a) {
            const auto worst = argmin(fit(a.x[1], {3, 2}), 1);
            a.indices->push_back(worst);
            return take(fit(a.x[0], {2, 2}), worst, 0);
          })};
}

}  // namespace

std::vector<Function> array_functions() {
  std::vector<Function> result = products();
  for (Function& f : indexing()) result.push_back(std::move(f));
  return result;
}

}  // namespace wengert::random_graphs
