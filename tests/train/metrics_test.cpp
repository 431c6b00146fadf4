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

namespace {

constexpr double nan_score = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("a label that is none of the classes adds nothing of its batch") {
  const Tensor<double> scores{{1, 2, 3}, {3, 2, 1}};
  const std::vector<double> weights{1, 2, 3};
  for (const auto& metric : {train::accuracy(), train::precision(), train::roc_auc(), train::log_loss()}) {
    CAPTURE(metric->name());
    metric->reset();
    metric->add(scores, Indices{2, 1});
    const auto before = metric->state();
    CHECK_THROWS_AS(metric->add(scores, Indices{2, 3}), ValueError);
    CHECK_THROWS_AS(metric->add_weighted(scores, Indices{2, 1}, weights), ShapeError);
    CHECK(metric->state() == before);
  }
}

TEST_CASE("weights are those of samples or of rows; wrong ones are refused") {
  // Two sequences of two rows; by hand: right in rows 0, 2 and 3.
  Tensor<double> sequences{1, 0, 1, 0, 0, 1, 1, 0};
  sequences.reshape({2, 2, 2});
  const Indices labels{{0, 1}, {1, 0}};
  const std::vector<double> by_sample{1, 3}, by_row{1, 2, 3, 4}, three{1, 1, 1};
  CHECK(train::measure(train::accuracy(), sequences, labels) == 0.75);
  CHECK(train::measure(train::accuracy(), sequences, labels, by_sample) == doctest::Approx(7.0 / 8));
  CHECK(train::measure(train::accuracy(), sequences, labels, by_row) == doctest::Approx(8.0 / 10));
  const Tensor<double> zeros = xt::zeros<double>({2, 2, 2});
  CHECK(train::measure(train::rmse(), sequences, zeros, by_row) ==
        doctest::Approx((std::sqrt(0.7) + std::sqrt(0.3)) / 2));
  CHECK(train::measure(train::rmse(), sequences, zeros, by_sample) ==
        doctest::Approx((std::sqrt(0.625) + std::sqrt(0.375)) / 2));
  CHECK_ERROR(
      ShapeError,
      "[accuracy] 3 sample weights for outputs of shape (2, 2, 2): expected 2, one for each sample, or 4, one for each "
      "row",
      train::measure(train::accuracy(), sequences, labels, three));
  const Tensor<double> logits{1, 2};
  CHECK_ERROR(ShapeError, "[roc_auc] 3 sample weights for outputs of shape (2,): expected 2, one for each sample",
              train::measure(train::roc_auc(), logits, Indices{0, 1}, three));
  const std::string expected = " at position 1: expected a finite number that is not negative";
  for (const double wrong : {-1.0, nan_score, infinity}) {
    const std::vector<double> weights{1, wrong};
    CHECK_ERROR(ValueError, expected, train::measure(train::mse(), logits, logits, weights));
    CHECK_ERROR(ValueError, expected, train::measure(train::f1(), logits, Indices{0, 1}, weights));
  }
  const auto own = train::metric("own", [](const Tensor<double>&, const Targets&) { return 1.0; });
  CHECK(train::measure(own, logits, logits) == 1);
  CHECK_ERROR(ValueError, "[own] this metric takes no sample weights: override Metric::add_weighted, or measure it without",
              train::measure(own, logits, logits, std::vector<double>{1, 1}));
  CHECK_ERROR(ValueError, "[measure] the metric is a null pointer: expected one such as accuracy()",
              train::measure(nullptr, logits, logits));
}

TEST_CASE("scores that are NaN rank last in positive rows and first in negative ones") {
  // Worst order by hand: the positive NaN below all, the negative one above all.
  const Tensor<double> logits{nan_score, 2, nan_score, 0}, worst{-infinity, 2, infinity, 0};
  const Indices labels{1, 1, 0, 0};
  CHECK(train::measure(train::roc_auc(), logits, labels) == 0.25);
  for (const auto& metric : {train::roc_auc(), train::average_precision()})
    CHECK(train::measure(metric, logits, labels) == train::measure(metric, worst, labels));
  const Tensor<double> rows{{nan_score, 1, 0}, {0, 5, 1}, {1, 0, 5}, {4, 1, 0}};
  CHECK(train::measure(train::roc_auc({.average = train::Average::binary, .positive = 0}), rows, Indices{0, 1, 2, 0}) ==
        doctest::Approx(0.5));
  for (const auto& metric : {train::log_loss(), train::perplexity(), train::log_loss(false)})
    CHECK(std::isnan(train::measure(metric, Tensor<double>{nan_score, 0.5}, Indices{1, 0})));
  for (const auto& metric : {train::mae(), train::mse(), train::rmse(), train::r_squared()}) {
    CHECK(std::isnan(train::measure(metric, Tensor<double>{nan_score, 0.5}, Tensor<double>{1, 2})));
    CHECK(std::isnan(train::measure(metric, Tensor<double>{nan_score, 0.5}, Tensor<double>{1, 1})));
  }
}

TEST_CASE("figures that are not defined are NaN, and figures without a denominator 0") {
  const Tensor<double> logits{1, -1, 2};
  CHECK(std::isnan(train::measure(train::roc_auc(), logits, Indices{1, 1, 1})));
  CHECK(std::isnan(train::measure(train::roc_auc(), logits, Indices{0, 0, 0})));
  CHECK(train::measure(train::average_precision(), logits, Indices{0, 0, 0}) == 0);
  CHECK(train::measure(train::average_precision(), logits, Indices{1, 1, 1}) == 1);
  CHECK(std::isnan(train::measure(train::average_precision(), logits, Indices{-1, -1, -1})));
  const Tensor<double> rows{{1, 0, 0}, {0, 1, 0}};
  CHECK(std::isnan(train::measure(train::roc_auc(), rows, Indices{2, 2})));
  CHECK(train::measure(train::matthews_correlation(), logits, Indices{1, 1, 1}) == 0);
  for (const auto& metric : {train::precision({.average = train::Average::binary, .positive = 2}),
                             train::recall({.average = train::Average::binary, .positive = 2}),
                             train::f1({.average = train::Average::binary, .positive = 2})})
    CHECK(train::measure(metric, rows, Indices{0, 1}) == 0);
  CHECK(std::isnan(train::measure(train::r_squared(), Tensor<double>{1}, Tensor<double>{1})));
  const std::vector<double> none{0, 0, 0};
  for (const auto& metric : {train::accuracy(), train::log_loss(), train::roc_auc(), train::balanced_accuracy(),
                             train::matthews_correlation()}) {
    CAPTURE(metric->name());
    CHECK(std::isnan(train::measure(metric, logits, Indices{1, 0, 1}, none)));
    CHECK(std::isnan(train::measure(metric, logits, Indices{-1, -1, -1})));
  }
}

TEST_CASE("likelihoods and ranks of logits are not rounded to 0 or 1") {
  const Tensor<double> rows{{0, 800, 0}, {0, 900, 0}, {-800, 0, 0}, {-900, 0, 0}};
  const auto of = [](std::size_t c) { return train::roc_auc({.average = train::Average::binary, .positive = c}); };
  CHECK(train::measure(of(1), rows, Indices{0, 1, 0, 0}) == 1);  // softmax gives 1 in the first two rows
  CHECK(train::measure(of(0), rows, Indices{1, 1, 0, 1}) == doctest::Approx(2.0 / 3));  // and 0 in the last two
  CHECK(train::measure(train::log_loss(), rows, Indices{0, 1, 1, 1}) ==
        doctest::Approx((800 + 2 * std::log(2.0)) / 4).epsilon(1e-14));
  CHECK(train::measure(train::log_loss(), Tensor<double>{-800, 800}, Indices{1, 1}) == 400);
  CHECK(train::measure(train::perplexity(), Tensor<double>(xt::zeros<double>({4, 7})), Indices{0, -1, 3, 6}) ==
        doctest::Approx(7).epsilon(1e-14));
  // Clipped to 2⁻⁵² by scikit-learn.
  CHECK(train::measure(train::log_loss(false), Tensor<double>{0, 1}, Indices{1, 1}) ==
        doctest::Approx(26 * std::log(2.0)).epsilon(1e-14));
}

TEST_CASE("metrics refuse outputs and targets that they do not fit") {
  using train::Average;
  const Tensor<double> rows{{2, 1, 0}, {0, 1, 3}}, logits{1, 2};
  CHECK_ERROR(ValueError, "[precision_3] positive class 3 of outputs of 3 classes: expected one from 0 to 2",
              train::measure(train::precision({.average = Average::binary, .positive = 3}), rows, Indices{0, 1}));
  CHECK_ERROR(ValueError, "[roc_auc_2] positive class 2 of outputs of 1 class: expected one from 0 to 1",
              train::measure(train::roc_auc({.average = Average::binary, .positive = 2}), logits, Indices{0, 1}));
  CHECK_ERROR(
      ValueError, "[roc_auc_3] positive class 3 of outputs of 3 classes: expected one from 0 to 2",
      train::measure(train::roc_auc({.average = Average::binary, .positive = 3, .multilabel = true}), rows, rows));
  CHECK_ERROR(ValueError,
              "[average_precision] multilabel, but the targets are labels: expected numbers of the outputs' shape",
              train::measure(train::average_precision({.multilabel = true}), rows, Indices{0, 1}));
  CHECK_ERROR(ShapeError, "[roc_auc] outputs of shape (2, 3), targets of shape (2,): expected equal shapes",
              train::measure(train::roc_auc({.multilabel = true}), rows, logits));
  CHECK_ERROR(ValueError, "[log_loss] probability 2 in row 0: expected 0 to 1; for logits, set from_logits",
              train::measure(train::log_loss(false), rows, Indices{0, 1}));
  CHECK_ERROR(ValueError, "[log_loss] probabilities in row 1 sum to 0.5: expected 1; for logits, set from_logits",
              train::measure(train::log_loss(false), Tensor<double>{{0.5, 0.5}, {0.25, 0.25}}, Indices{0, 1}));
  CHECK_ERROR(ValueError, "[f1] threshold is NaN: expected a number",
              train::measure(train::f1(nan_score), logits, Indices{0, 1}));
  for (const auto& metric : {train::mae(), train::mse(), train::rmse(), train::r_squared()}) {
    const std::string subject = "[" + metric->name() + "] ";
    CHECK_ERROR(ValueError, subject + "the targets are labels: expected numbers; for classes, use accuracy()",
                train::measure(metric, logits, Indices{0, 1}));
    CHECK_ERROR(ShapeError, subject + "outputs of shape (2, 3), targets of shape (2,): expected equal shapes",
                train::measure(metric, rows, logits));
  }
  const auto metric = train::roc_auc();
  metric->add(rows, Indices{0, 1});
  CHECK(contains(message_of<ShapeError>([&] {
                   metric->add(logits, Indices{0, 1});
                 }),
                 "[roc_auc] outputs of 1 columns after batches of 3: expected the same number in each batch"));
  for (const auto& state : {std::vector<double>{}, {3, 1, 2}, {-1, 1}, {nan_score, 1}, {1, 1, 2}})
    CHECK_THROWS_AS(metric->set_state(state), std::out_of_range);
  CHECK_THROWS_AS(train::precision()->set_state({3, 1, 2}), std::out_of_range);
  CHECK_THROWS_AS(train::mae()->set_state({3, 1, 2}), std::out_of_range);
}

TEST_CASE("metrics have the names of their averages and know which values are better") {
  using train::Average;
  CHECK(train::precision({.average = Average::micro})->name() == "precision_micro");
  CHECK(train::roc_auc({.average = Average::weighted})->name() == "roc_auc_weighted");
  CHECK(train::f1({.average = Average::binary})->name() == "f1_1");
  const auto each = train::per_class(train::recall, 3);
  REQUIRE(each.size() == 3);
  CHECK((each[0]->name() == "recall_0" && each[2]->name() == "recall_2"));
  for (const auto& metric : {train::log_loss(), train::perplexity(), train::mae(), train::mse(), train::rmse()})
    CHECK_FALSE(metric->larger_is_better());
  for (const auto& metric : {train::accuracy(), train::top_k_accuracy(2), train::balanced_accuracy(),
                             train::matthews_correlation(), train::precision(), train::recall(), train::f1(),
                             train::roc_auc(), train::average_precision(), train::r_squared()})
    CHECK(metric->larger_is_better());
  // The threshold reaches the metrics of each class: of probabilities 0.2 and 0.4, none is positive.
  for (const auto& metric : train::per_class(train::recall, 2, 0.5))
    CHECK(train::measure(metric, Tensor<double>{0.2, 0.4}, Indices{0, 1}) == (metric->name() == "recall_0" ? 1 : 0));
}
