// Batches and permutations: the same on every platform, uniform and resumable; gathering of rows.
#include "testing.hpp"
#include <wengert/data/batches.hpp>

#include <algorithm>
#include <map>
#include <numeric>

using namespace wengert;
using namespace wengert::data;
using namespace wengert::testing;

namespace {

std::vector<std::size_t> sorted(std::vector<std::size_t> numbers) {
  std::ranges::sort(numbers);
  return numbers;
}

std::vector<std::size_t> first_numbers(std::size_t n) {
  std::vector<std::size_t> numbers(n);
  std::iota(numbers.begin(), numbers.end(), std::size_t{0});
  return numbers;
}

}  // namespace

// Expected values: tests/data/batches_reference.py, from the published algorithms.
TEST_CASE("a permutation is the same on every platform") {
  std::mt19937_64 generator(42);
  CHECK(permutation(10, generator) == std::vector<std::size_t>{1, 7, 9, 0, 3, 8, 4, 2, 5, 6});
  CHECK(permutation(10, generator) == std::vector<std::size_t>{1, 2, 8, 0, 5, 4, 3, 6, 9, 7});
}

TEST_CASE("a permutation holds every number once") {
  std::mt19937_64 generator(1);
  for (const std::size_t n : {0U, 1U, 2U, 3U, 1000U}) CHECK(sorted(permutation(n, generator)) == first_numbers(n));
}

TEST_CASE("all permutations are equally likely") {
  constexpr int draws = 24'000, orders = 24;  // 1,000 of each are expected
  std::map<std::vector<std::size_t>, int> counts;
  std::mt19937_64 generator(7);
  for (int i = 0; i < draws; ++i) ++counts[permutation(4, generator)];
  CHECK(counts.size() == orders);
  double chi_square = 0;
  for (const auto& [order, count] : counts) chi_square += (count - 1000) * (count - 1000) / 1000.0;
  CHECK(chi_square < 49.7);  // the 99.9 % point at 23 degrees of freedom
}

TEST_CASE("an epoch's batches hold every sample once, the last batch being short") {
  std::mt19937_64 generator(3);
  Batches batches(10, 4);
  CHECK(batches.count() == 3);
  std::vector<std::vector<std::size_t>> epochs;
  for (int epoch = 0; epoch < 2; ++epoch) {
    std::vector<std::size_t> sizes, seen;
    for (std::span<const std::size_t> batch : batches.epoch(generator)) {
      sizes.push_back(batch.size());
      seen.insert(seen.end(), batch.begin(), batch.end());
    }
    CHECK(sizes == std::vector<std::size_t>{4, 4, 2});
    CHECK(sorted(seen) == first_numbers(10));
    epochs.push_back(seen);
  }
  CHECK(epochs[0] != epochs[1]);
}

TEST_CASE("an epoch depends on the generator alone, so that a run can be resumed") {
  const auto order_after = [](int epochs_before, std::uint64_t seed) {
    Batches batches(6, 6);
    std::mt19937_64 other(99), generator(seed);
    for (int i = 0; i < epochs_before; ++i) batches.epoch(other);
    const auto batch = batches.epoch(generator)[0];
    return std::vector<std::size_t>(batch.begin(), batch.end());
  };
  std::mt19937_64 generator(5);
  CHECK(order_after(0, 5) == permutation(6, generator));
  CHECK(order_after(3, 5) == order_after(0, 5));
}

TEST_CASE("batches of one, of all and of more than all") {
  CHECK(Batches(5, 1).count() == 5);
  CHECK(Batches(5, 5).count() == 1);
  CHECK(Batches(6, 3).count() == 2);
  std::mt19937_64 generator(1);
  Batches large(5, std::numeric_limits<std::size_t>::max());
  CHECK(large.count() == 1);
  CHECK(large.epoch(generator)[0].size() == 5);
}

TEST_CASE("moved batches still work") {
  std::mt19937_64 generator(1);
  Batches first(7, 3);
  Batches second = std::move(first);
  std::vector<std::size_t> seen;
  for (std::span<const std::size_t> batch : second.epoch(generator))
    seen.insert(seen.end(), batch.begin(), batch.end());
  CHECK(sorted(seen) == first_numbers(7));
}

TEST_CASE("batches without samples or size are refused") {
  CHECK_ERROR(ValueError, "[batches] 0 samples: expected at least one", Batches(0, 4));
  CHECK_ERROR(ValueError, "[batches] batch size 0: expected at least 1", Batches(4, 0));
}

TEST_CASE("rows are gathered in the order of the indices") {
  const Tensor<double> x{{1, 2}, {3, 4}, {5, 6}};
  const std::vector<std::size_t> indices{2, 0, 2, 1};
  Tensor<double> out;
  gather_rows(x, indices, out);
  CHECK(out == Tensor<double>{{5, 6}, {1, 2}, {5, 6}, {3, 4}});
  const Indices labels{7, 8, 9};
  Indices chosen;
  gather_rows(labels, indices, chosen);
  CHECK(chosen == Indices{9, 7, 9, 8});
  const Tensor<float> images = random_tensor<float>({3, 2, 4, 5}, 1);
  Tensor<float> some;
  gather_rows(images, indices, some);
  CHECK(Shape(some.shape()) == Shape{4, 2, 4, 5});
  for (std::size_t i = 0; i < indices.size(); ++i) CHECK(xt::view(some, i) == xt::view(images, indices[i]));
}

TEST_CASE("gathering into a tensor of the right shape keeps its memory") {
  const Tensor<float> x = random_tensor<float>({5, 3}, 2);
  auto out = Tensor<float>::from_shape({2, 3});
  const float* memory = out.data();
  gather_rows(x, std::vector<std::size_t>{4, 1}, out);
  CHECK(out.data() == memory);
  CHECK(out(0, 2) == x(4, 2));
  gather_rows(x, std::vector<std::size_t>{3}, out);
  CHECK(Shape(out.shape()) == Shape{1, 3});
}

TEST_CASE("gathering from nothing or for nobody") {
  Tensor<float> out;
  gather_rows(Tensor<float>::from_shape({0, 3}), {}, out);
  CHECK(Shape(out.shape()) == Shape{0, 3});
  gather_rows(random_tensor<float>({4, 3}, 1), {}, out);
  CHECK(Shape(out.shape()) == Shape{0, 3});
  gather_rows(Tensor<float>::from_shape({4, 0}), std::vector<std::size_t>{1, 1}, out);
  CHECK(Shape(out.shape()) == Shape{2, 0});
}

TEST_CASE("gathering what is not there is refused and leaves the result alone") {
  const Tensor<float> x{{1, 2}, {3, 4}};
  const Tensor<float> scalar(xt::dynamic_shape<std::size_t>{}, 1.0f);
  Tensor<float> out{{8, 9}}, same = x;
  const std::vector<std::size_t> beyond{1, 2}, first{0};
  CHECK_ERROR(ValueError, "[gather_rows] index 2: the tensor has 2 rows", gather_rows(x, beyond, out));
  CHECK_ERROR(ShapeError, "[gather_rows] a scalar: expected a tensor with rows", gather_rows(scalar, first, out));
  CHECK_ERROR(ValueError, "[gather_rows] the result is also the source", gather_rows(same, first, same));
  CHECK(out == Tensor<float>{{8, 9}});
}
