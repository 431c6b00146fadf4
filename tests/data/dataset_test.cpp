#include "testing.hpp"
#include <wengert/data/batches.hpp>
#include <wengert/data/dataset.hpp>

#include <algorithm>
#include <numeric>
#include <set>

using namespace wengert;
using namespace wengert::testing;

TEST_CASE_TEMPLATE("one-hot rows", T, float, double) {
  CHECK(one_hot<T>(IndexTensor{2, 0}, 3) == Tensor<T>{{0, 0, 1}, {1, 0, 0}});
  CHECK(contains(message_of<ValueError>([] {
                   one_hot<T>(IndexTensor{0, 3}, 3);
                 }),
                 "[one_hot] label 3 of sample 1: there are classes 0 to 2"));
  CHECK(contains(message_of<ValueError>([] { one_hot<T>(IndexTensor{-1}, 3); }), "label -1 of sample 0"));
}

TEST_CASE("an epoch is a permutation in batches without replacement, the last one short") {
  std::mt19937_64 generator(1);
  Batches batches(10, 4);
  std::vector<std::size_t> first;
  for (int epoch = 0; epoch < 3; ++epoch) {
    std::vector<std::size_t> seen, sizes;
    for (const auto batch : batches.epoch(generator)) {
      sizes.push_back(batch.size());
      seen.insert(seen.end(), batch.begin(), batch.end());
    }
    CHECK(sizes == std::vector<std::size_t>{4, 4, 2});
    CHECK(std::set<std::size_t>(seen.begin(), seen.end()).size() == 10);
    CHECK(*std::max_element(seen.begin(), seen.end()) == 9);
    if (epoch == 0) first = seen;
    if (epoch == 1) CHECK(seen != first);
  }
  CHECK(Batches(10, 1).count() == 10);
  CHECK(Batches(10, 10).count() == 1);
  CHECK(Batches(10, 100).count() == 1);
  CHECK(contains(message_of<ValueError>([] { Batches(0, 1); }), "no samples"));
  CHECK(contains(message_of<ValueError>([] { Batches(1, 0); }), "a batch size of 0"));
}

TEST_CASE("permutations are even and the same for the same seed") {
  std::mt19937_64 a(7), b(7);
  CHECK(permutation(100, a) == permutation(100, b));
  std::array<int, 6> counts{};  // of the six orders of three, 6000 draws: 1000 each, give or take five deviations
  for (int i = 0; i < 6000; ++i) {
    const auto p = permutation(3, a);
    ++counts[2 * p[0] + (p[1] > p[2] ? 1 : 0)];
  }
  for (const int count : counts) CHECK(std::abs(count - 1000) < 150);
}

TEST_CASE("rows are gathered into a buffer that is kept") {
  const Tensor<double> from{{1, 2}, {3, 4}, {5, 6}};
  Tensor<double> out;
  const std::vector<std::size_t> rows{2, 0};
  gather_rows<double>(from, rows, out);
  CHECK(out == Tensor<double>{{5, 6}, {1, 2}});
  const double* memory = out.data();
  gather_rows<double>(from, std::vector<std::size_t>{1, 1}, out);
  CHECK(out == Tensor<double>{{3, 4}, {3, 4}});
  CHECK(out.data() == memory);
  CHECK(contains(message_of<ValueError>([&] { gather_rows<double>(from, std::vector<std::size_t>{3}, out); }),
                 "row 3 of a tensor with 3 rows"));
}

TEST_CASE("a split has every sample once, with its label") {
  Dataset<float> data{Tensor<float>::from_shape({10, 1}), IndexTensor::from_shape({10}), 10};
  for (std::size_t i = 0; i < 10; ++i) {
    data.inputs(i, 0) = static_cast<float>(i);
    data.labels(i) = static_cast<std::int64_t>(i);
  }
  const auto [train, test] = split(data, 0.3, 5);
  CHECK(train.size() == 7);
  CHECK(test.size() == 3);
  CHECK(test.classes == 10);
  std::set<std::int64_t> seen;
  for (const auto* part : {&train, &test})
    for (std::size_t i = 0; i < part->size(); ++i) {
      CHECK(part->inputs(i, 0) == static_cast<float>(part->labels(i)));
      seen.insert(part->labels(i));
    }
  CHECK(seen.size() == 10);
  CHECK(split(data, 0.3, 5).test.labels == test.labels);
  CHECK(split(data, 0.001, 5).test.size() == 1);
  CHECK(contains(message_of<ValueError>([&] { split(data, 1.0, 5); }), "a test fraction of 1"));
}
