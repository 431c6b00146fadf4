// Metrics against the examples of scikit-learn's documentation and against values computed by hand.
#include "testing.hpp"
#include "train/classes.hpp"
#include <wengert/train/metrics.hpp>

#include <cmath>
#include <limits>
#include <vector>

using namespace wengert;
using namespace wengert::testing;
using report::ConfusionMatrix;
using train::Targets;

TEST_CASE("a confusion matrix knows no samples of classes that did not occur; a share of none is refused") {
  const auto matrix = train::confusion_matrix(Tensor<double>{{2, 1}, {1, 2}}, Indices{0, 0});
  CHECK(matrix(0, 1) == 1);
  CHECK(matrix(3, 8) == 0);
  CHECK(matrix(0, 8) == 0);
  CHECK(matrix.recall(8) == 0);
  CHECK_ERROR(ValueError, "[accuracy] no labels of classes",
              train::accuracy(Tensor<double>::from_shape({0, 2}), Indices::from_shape({0})));
}

TEST_CASE("precision, recall and F1 are scikit-learn's") {
  // Example of the pages of sklearn.metrics.precision_score, recall_score and f1_score, average='macro'.
  const std::vector<std::size_t> labels{0, 1, 2, 0, 1, 2}, predictions{0, 2, 1, 0, 0, 1};
  ConfusionMatrix matrix;
  for (std::size_t i = 0; i < labels.size(); ++i) matrix.add(labels[i], predictions[i]);
  CHECK(matrix.classes() == 3);
  CHECK(matrix(1, 2) == 1);
  CHECK(matrix(2, 1) == 2);
  CHECK(matrix.macro_precision() == doctest::Approx(2.0 / 9));
  CHECK(matrix.macro_recall() == doctest::Approx(1.0 / 3));
  CHECK(matrix.macro_f1() == doctest::Approx(0.8 / 3));
  CHECK(matrix.precision(0) == doctest::Approx(2.0 / 3));
  CHECK(matrix.recall(0) == 1);
  CHECK(matrix.f1(0) == doctest::Approx(0.8));
  CHECK(matrix.accuracy() == doctest::Approx(1.0 / 3));
}

TEST_CASE("a class that does not occur counts for nothing, and one that is never right for 0") {
  ConfusionMatrix matrix(5);
  matrix.add(0, 0);
  matrix.add(1, 3);
  CHECK(matrix.macro_recall() == doctest::Approx(1.0 / 3));  // mean over the classes 0, 1 and 3
  CHECK(matrix.precision(4) == 0);
  CHECK(ConfusionMatrix().accuracy() == 0);
  CHECK_ERROR(ValueError, "class 100000000000: expected less than 10000", matrix.add(100'000'000'000, 0));
  CHECK(matrix.classes() == 5);
}

TEST_CASE("the best k scores are right if the label is among them") {
  // Example of the page of sklearn.metrics.top_k_accuracy_score: 0.75 for k = 2, 1 for k = 3.
  const Tensor<float> scores{{0.5F, 0.2F, 0.2F}, {0.3F, 0.4F, 0.2F}, {0.2F, 0.4F, 0.3F}, {0.7F, 0.2F, 0.1F}};
  const Indices labels{0, 1, 2, 2};
  CHECK(train::accuracy(scores, labels) == 0.5);
  CHECK(train::top_k_accuracy(scores, labels, 2) == 0.75);
  CHECK(train::top_k_accuracy(scores, labels, 3) == 1);
  // With a single score, k has no effect.
  Tensor<double> single{1.0, -1.0, 1.0};
  single.reshape({3, 1});
  CHECK(train::top_k_accuracy(single, Indices{1, 1, 0}, 2) == doctest::Approx(1.0 / 3));
  // Of equal scores, the first counts as the largest.
  CHECK(train::accuracy(Tensor<double>{{1, 1}, {1, 1}}, Indices{0, 1}) == 0.5);
  CHECK(train::predicted_classes(scores) == Indices{0, 1, 1, 0});
  CHECK_ERROR(ValueError, "[top_k_accuracy] k is 0: expected at least 1", train::top_k_accuracy(scores, labels, 0));
  CHECK_ERROR(ShapeError, "[accuracy] outputs of shape (4, 3), labels of shape (3,): expected (…, classes) and (…)",
              train::accuracy(scores, Indices{0, 1, 2}));
}

TEST_CASE("scores that are NaN are never right") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const Indices labels{0, 1, 2, 0, 1};
  const Tensor<double> scores{{nan, nan, nan}, {nan, 2, 1}, {1, 2, nan}, {3, nan, 1}, {0, 1, 0}};
  CHECK(train::accuracy(scores, labels) == doctest::Approx(1.0 / 5));
  CHECK(train::top_k_accuracy(scores, labels, 2) == doctest::Approx(3.0 / 5));  // all but labels with score NaN
  CHECK(train::confusion_matrix(scores, labels).accuracy() == doctest::Approx(1.0 / 5));
  const Tensor<double> logits{nan, nan, 1};
  CHECK(train::accuracy(logits, Indices{0, 1, 1}) == doctest::Approx(1.0 / 3));
  CHECK(train::confusion_matrix(logits, Indices{0, 1, 1}).accuracy() == doctest::Approx(1.0 / 3));
}

TEST_CASE("probabilities of a yes/no question are told by the threshold") {
  // Counted by hand for p > 0.5: accuracy 3/5; precision, recall and F1 are ½ for class 0 and ⅔ for class 1.
  const Tensor<double> p{0.2, 0.9, 0.4, 0.6, 0.7};
  const Indices labels{0, 1, 1, 0, 1};
  CHECK(train::accuracy(p, labels, 0.5) == doctest::Approx(0.6));
  CHECK(train::accuracy(p, labels) == doctest::Approx(0.6));  // predicts class 1 for every sample
  CHECK(train::confusion_matrix(p, labels)(0, 1) == 2);
  const ConfusionMatrix matrix = train::confusion_matrix(p, labels, 0.5);
  CHECK((matrix(0, 0) == 1 && matrix(0, 1) == 1 && matrix(1, 0) == 1 && matrix(1, 1) == 2));
  Tensor<double> column = p;
  column.reshape({5, 1});
  CHECK(train::predicted_classes(column, 0.5) == Indices{0, 1, 0, 1, 1});
  CHECK(train::predicted_classes(column) == Indices{1, 1, 1, 1, 1});
  const std::vector<std::pair<std::shared_ptr<train::Metric>, double>> cases{{train::accuracy(0.5), 0.6},
                                                                             {train::precision(0.5), 7.0 / 12},
                                                                             {train::recall(0.5), 7.0 / 12},
                                                                             {train::f1(0.5), 7.0 / 12},
                                                                             {train::recall(), 0.5}};
  for (const auto& [metric, expected] : cases) {
    metric->reset();
    metric->add(column, labels);
    CHECK(metric->value() == doctest::Approx(expected));
  }
}

TEST_CASE("a large vocabulary is no square") {
  constexpr std::size_t classes = 200'000;  // a full confusion matrix would take 320 GB
  Tensor<double> outputs = xt::zeros<double>({std::size_t{2}, classes});
  outputs(0, classes - 1) = outputs(1, 7) = 1;
  const Indices labels{static_cast<std::int64_t>(classes - 1), 0};
  struct Case {
    std::shared_ptr<train::Metric> metric;
    double value;  // mean over the classes 0, 7 and the last
  };
  for (const Case& c :
       {Case{train::precision(), 1.0 / 3}, Case{train::recall(), 1.0 / 3}, Case{train::f1(), 1.0 / 3}}) {
    c.metric->reset();
    c.metric->add(outputs, labels);
    CHECK(c.metric->value() == doctest::Approx(c.value));
  }
  CHECK(train::confusion_matrix(Tensor<double>{{0, 1, 0}}, Indices{0}).classes() == 3);
}

TEST_CASE("R² is scikit-learn's") {
  // Examples of the page of sklearn.metrics.r2_score; for two columns, the mean of 1 − 1.25/36.1667 and 1 − 3/32.6667.
  CHECK(train::r_squared(Tensor<double>{2.5, 0, 2, 8}, Tensor<double>{3, -0.5, 2, 7}) ==
        doctest::Approx(0.9486081370449679).epsilon(1e-14));
  const Tensor<double> y{{0.5, 1}, {-1, 1}, {7, -6}}, outputs{{0, 2}, {-1, 2}, {8, -5}};
  CHECK(train::r_squared(outputs, y) == doctest::Approx(0.936800526662278).epsilon(1e-12));
  CHECK(train::r_squared(Tensor<double>{1, 1}, Tensor<double>{1, 1}) == 1);
  CHECK(train::r_squared(Tensor<double>{1, 2}, Tensor<double>{1, 1}) == 0);
  CHECK_ERROR(ShapeError, "[r_squared] outputs of shape (2,), targets of shape (3,): expected equal shapes",
              train::r_squared(Tensor<double>{1, 2}, Tensor<double>{1, 2, 3}));
  const auto metric = train::r_squared();
  metric->add(random_tensor({4, 2}, 1), random_tensor({4, 2}, 2));
  CHECK(contains(message_of<ShapeError>([&] {
                   metric->add(random_tensor({4, 3}, 1), random_tensor({4, 3}, 2));
                 }),
                 "[r_squared] outputs of 3 columns after batches of 2: expected the same number in each batch"));
  metric->reset();
  metric->add(random_tensor({4, 3}, 1), random_tensor({4, 3}, 2));
}

TEST_CASE("labels may be sequences, yes or no, padded, or rows of scores") {
  Tensor<double> sequences{1, 0, 0, 1, 0, 1, 1, 0};
  sequences.reshape({2, 2, 2});
  CHECK(train::accuracy(sequences, Indices{{0, 1}, {0, -1}}) == doctest::Approx(2.0 / 3));
  CHECK(train::accuracy(Tensor<double>{0.1, -2, 3}, Indices{1, 0, 0}) == doctest::Approx(2.0 / 3));
  Tensor<double> column{0.1, -2};
  column.reshape({2, 1});
  CHECK(train::accuracy(column, Indices{1, 0}) == 1);
  ConfusionMatrix matrix;
  train::add_to(matrix, {{0.2, 0.8}, {0.9, 0.1}}, Targets(Tensor<double>{{0, 1}, {0, 1}}));
  CHECK(matrix(1, 1) == 1);
  CHECK(matrix(1, 0) == 1);
}

TEST_CASE("a metric gathered in batches is that of the whole, also after a pause") {
  const Tensor<double> outputs = random_tensor({60, 3}, 1), numbers = random_tensor({60, 3}, 2);
  auto labels = Indices::from_shape({60});
  for (std::size_t i = 0; i < 60; ++i) labels(i) = static_cast<std::int64_t>(i * 7 % 3);
  const auto rows = [](const auto& tensor, std::size_t first, std::size_t last) {
    return std::decay_t<decltype(tensor)>(xt::view(tensor, xt::range(first, last)));
  };
  struct Case {
    std::shared_ptr<train::Metric> metric, other;  // of the same kind
    bool of_labels;
    double whole;
  };
  const auto spread = [](const Tensor<double>& o, const Targets&) { return xt::mean(xt::square(o))(); };
  const ConfusionMatrix matrix = train::confusion_matrix(outputs, labels);
  const Case cases[] = {
      {train::accuracy(), train::accuracy(), true, train::accuracy(outputs, labels)},
      {train::top_k_accuracy(2), train::top_k_accuracy(2), true, train::top_k_accuracy(outputs, labels, 2)},
      {train::precision(), train::precision(), true, matrix.macro_precision()},
      {train::recall(), train::recall(), true, matrix.macro_recall()},
      {train::f1(), train::f1(), true, matrix.macro_f1()},
      {train::r_squared(), train::r_squared(), false, train::r_squared(outputs, numbers)},
      {train::metric("spread", spread), train::metric("spread", spread), false, spread(outputs, {})},
  };
  for (const Case& c : cases) {
    CAPTURE(c.metric->name());
    c.metric->reset();
    const auto add = [&](train::Metric& metric, std::size_t first, std::size_t last) {
      metric.add(rows(outputs, first, last),
                 c.of_labels ? Targets(rows(labels, first, last)) : Targets(rows(numbers, first, last)));
    };
    add(*c.metric, 0, 25);
    c.other->set_state(c.metric->state());
    for (train::Metric* metric : {c.metric.get(), c.other.get()}) {
      add(*metric, 25, 60);
      CHECK(metric->value() == doctest::Approx(c.whole).epsilon(1e-12));
    }
    c.metric->reset();
    add(*c.metric, 0, 60);
    CHECK(c.metric->value() == doctest::Approx(c.whole).epsilon(1e-12));
  }
}

TEST_CASE("a label that is none of the classes is refused by every metric of classes") {
  const Tensor<double> scores{{1, 2, 3}, {3, 2, 1}}, single{1.0, -1.0};
  const Indices labels{2, 3};
  const std::string message =
      "label 3 in row 1 of outputs of 3 classes: expected one from 0 to 2, or a negative one to skip the row";
  CHECK_ERROR(ValueError, "[accuracy] " + message, train::accuracy(scores, labels));
  CHECK_ERROR(ValueError, "[top_k_accuracy] " + message, train::top_k_accuracy(scores, labels, 2));
  CHECK_ERROR(ValueError, message, train::confusion_matrix(scores, labels));
  CHECK_ERROR(ValueError, "label 2 in row 0 of outputs of 1 class: expected one from 0 to 1",
              train::accuracy(single, Indices{2, 0}));
  for (const auto& metric : {train::accuracy(), train::precision(), train::recall(), train::f1()})
    CHECK(contains(message_of<ValueError>([&] { metric->add(scores, labels); }), message));
  CHECK(train::accuracy(scores, Indices{2, -1}) == 1);  // the negative label is ignored
  const Tensor<double> none = xt::zeros<double>({2, 0});
  CHECK_ERROR(ShapeError, "[predicted_classes] outputs of shape (2, 0): expected an axis of at least one class",
              train::predicted_classes(none));
  CHECK_ERROR(ShapeError, "outputs of shape (2, 0): expected at least one class", train::accuracy(none, Indices{0, 1}));
  CHECK(train::predicted_classes(Tensor<double>(xt::zeros<double>({0, 2}))).size() == 0);
}
