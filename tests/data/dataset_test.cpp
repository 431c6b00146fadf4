// Data sets: random and stratified splits, one-hot labels, and subsets.
#include "testing.hpp"
#include <wengert/data/dataset.hpp>

#include <algorithm>

using namespace wengert;
using namespace wengert::data;
using namespace wengert::testing;

namespace {

// Makes a data set whose sample i has the inputs (i, −i) and the label i mod 3.
Dataset<double> numbered(std::size_t n) {
  Dataset<double> dataset{Tensor<double>::from_shape({n, 2}), Indices::from_shape({n}), 3};
  for (std::size_t i = 0; i < n; ++i) {
    dataset.inputs(i, 0) = static_cast<double>(i);
    dataset.inputs(i, 1) = -static_cast<double>(i);
    dataset.labels(i) = static_cast<std::int64_t>(i % 3);
  }
  return dataset;
}

}  // namespace

TEST_CASE("a data set knows its size") {
  CHECK(Dataset<float>{}.size() == 0);
  CHECK(Dataset<float>{}.features() == 0);
  CHECK(numbered(5).size() == 5);
  CHECK(numbered(5).features() == 2);
  const Dataset<float> images{Tensor<float>::from_shape({6, 1, 4, 5}), Indices::from_shape({6}), 2};
  CHECK(images.size() == 6);
  CHECK(images.features() == 20);
}

TEST_CASE("a split assigns every sample, with its label, to one part") {
  const auto [train, test] = split(numbered(50), 0.2, 1);
  CHECK(train.size() == 40);
  CHECK(test.size() == 10);
  std::vector<double> seen;
  for (const auto* part : {&train, &test}) {
    CHECK(part->classes == 3);
    for (std::size_t i = 0; i < part->size(); ++i) {
      const double number = part->inputs(i, 0);
      seen.push_back(number);
      CHECK(part->inputs(i, 1) == -number);
      CHECK(part->labels(i) == static_cast<std::int64_t>(number) % 3);
    }
  }
  CHECK(!std::ranges::is_sorted(seen));
  std::ranges::sort(seen);
  for (std::size_t i = 0; i < 50; ++i) CHECK(seen[i] == static_cast<double>(i));
}

// The order is the first permutation of tests/data/batches_reference.py, seed 42: 1 7 9 | 0 3 8 4 2 5 6.
TEST_CASE("a split follows from its seed alone") {
  const auto [train, test] = split(numbered(10), 0.3, 42);
  CHECK(test.inputs == Tensor<double>{{1, -1}, {7, -7}, {9, -9}});
  CHECK(test.labels == Indices{1, 1, 0});
  CHECK(train.labels == Indices{0, 0, 2, 1, 2, 2, 0});
  CHECK(split(numbered(10), 0.3, 42).train.inputs == train.inputs);
  CHECK(split(numbered(10), 0.3, 43).train.inputs != train.inputs);
}

TEST_CASE("a split rounds, and leaves no part empty") {
  CHECK(split(numbered(10), 0.25, 1).test.size() == 3);
  CHECK(split(numbered(10), 0.24, 1).test.size() == 2);
  CHECK(split(numbered(10), 0.001, 1).test.size() == 1);
  CHECK(split(numbered(10), 0.999, 1).train.size() == 1);
  CHECK(split(numbered(2), 0.5, 1).test.size() == 1);
}

TEST_CASE("a split that makes no sense is refused") {
  const auto ten = numbered(10), one = numbered(1);
  auto unequal = numbered(10);
  unequal.labels = Indices{0, 1};
  CHECK_ERROR(ValueError, "[split] test fraction 0: expected a number between 0 and 1", split(ten, 0, 1));
  CHECK_ERROR(ValueError, "[split] test fraction 1: ", split(ten, 1, 1));
  CHECK_ERROR(ValueError, "[split] test fraction -0.5: ", split(ten, -0.5, 1));
  CHECK_ERROR(ValueError, "[split] test fraction nan: ", split(ten, std::nan(""), 1));
  CHECK_ERROR(ValueError, "[split] 1 samples: expected at least two", split(one, 0.5, 1));
  CHECK_ERROR(ShapeError, "[split] 10 samples, labels of shape (2,): expected one for each", split(unequal, 0.5, 1));
  CHECK_ERROR(ShapeError, "[stratified_split] 10 samples, labels of shape (2,)", stratified_split(unequal, 0.5, 1));
  auto columns = numbered(10);
  columns.labels.reshape({10, 1});
  const char* const expected =
      "10 samples, labels of shape (10, 1): expected shape (10,), an index for each; for other";
  CHECK_ERROR(ShapeError, std::string("[split] ") + expected, split(columns, 0.5, 1));
  CHECK_ERROR(ShapeError, std::string("[stratified_split] ") + expected, stratified_split(columns, 0.5, 1));
  CHECK_ERROR(ShapeError, std::string("[check] ") + expected, columns.check("check", Location::current()));
}

TEST_CASE("labels as rows of 0 and 1") {
  CHECK(one_hot<float>(Indices{2, 0}, 3) == Tensor<float>{{0, 0, 1}, {1, 0, 0}});
  CHECK(one_hot<double>(Indices{{0, 1}, {1, 1}}, 2) == Tensor<double>{{{1, 0}, {0, 1}}, {{0, 1}, {0, 1}}});
  CHECK(Shape(one_hot<float>(Indices::from_shape({0}), 3).shape()) == Shape{0, 3});
}

TEST_CASE("labels outside the classes are refused") {
  const Indices high{0, 3}, negative{-1};
  CHECK_ERROR(ValueError, "[one_hot] label 3 at 1: expected one in [0, 3)", one_hot<float>(high, 3));
  CHECK_ERROR(ValueError, "[one_hot] label -1 at 0: expected one in [0, 2)", one_hot<float>(negative, 2));
  CHECK_ERROR(ValueError, "[one_hot] label 0 at 0: expected one in [0, 0)", one_hot<float>(Indices{0}, 0));
  CHECK_ERROR(ValueError, "[one_hot] 2 labels of 4611686018427387904 classes: more than memory can hold",
              one_hot<float>(high, std::size_t{1} << 62));
}

TEST_CASE("a stratified split gives either part its share of every class") {
  // 60 samples of class 0, 12 of 1, 4 of 2, 2 of 3, none of 4.
  Dataset<double> dataset{Tensor<double>::from_shape({78, 1}), Indices::from_shape({78}), 5};
  for (std::size_t i = 0; i < 78; ++i) {
    dataset.inputs(i, 0) = static_cast<double>(i);
    dataset.labels(i) = i < 60 ? 0 : i < 72 ? 1 : i < 76 ? 2 : 3;
  }
  const auto [train, test] = stratified_split(dataset, 0.2, 7);
  const auto counts = [](const Dataset<double>& part) {
    std::vector<int> result(5);
    for (const std::int64_t label : part.labels) ++result[static_cast<std::size_t>(label)];
    return result;
  };
  CHECK(counts(test) == std::vector<int>{12, 2, 1, 1, 0});
  CHECK(counts(train) == std::vector<int>{48, 10, 3, 1, 0});
  CHECK(train.classes == 5);
  std::vector<double> seen(train.inputs.begin(), train.inputs.end());
  seen.insert(seen.end(), test.inputs.begin(), test.inputs.end());
  CHECK(!std::ranges::is_sorted(seen));
  std::ranges::sort(seen);
  for (std::size_t i = 0; i < 78; ++i) CHECK(seen[i] == static_cast<double>(i));
  for (const auto* part : {&train, &test})
    for (std::size_t i = 0; i < part->size(); ++i)
      CHECK(part->labels(i) == dataset.labels(static_cast<std::size_t>(part->inputs(i, 0))));
  CHECK(stratified_split(dataset, 0.2, 7).test.inputs == test.inputs);
  CHECK(stratified_split(dataset, 0.2, 8).test.inputs != test.inputs);

  dataset.labels(77) = 4;
  CHECK_ERROR(ValueError, "[stratified_split] class 3 has one sample: expected at least two",
              stratified_split(dataset, 0.2, 7));
  dataset.labels(77) = 5;
  CHECK_ERROR(ValueError, "[stratified_split] label 5: expected one in [0, 5)", stratified_split(dataset, 0.2, 7));
  CHECK_ERROR(ValueError, "[stratified_split] test fraction 1:", stratified_split(dataset, 1, 7));
}

TEST_CASE("a subset has the samples asked for, in order") {
  const std::vector<std::size_t> samples{4, 0, 4};
  const auto part = subset(numbered(5), samples);
  CHECK(part.inputs == Tensor<double>{{4, -4}, {0, 0}, {4, -4}});
  CHECK(part.labels == Indices{1, 0, 1});
  CHECK(part.classes == 3);
  CHECK_ERROR(ValueError, "index 5: the tensor has 5 rows", subset(numbered(5), std::vector<std::size_t>{5}));
}
