// Metrics of classes and their targets: numbers that are no classes, shapes that do not match, and weighted confusion
// matrices.
#include "testing.hpp"
#include "train/classes.hpp"
#include <wengert/train/metrics.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace wengert;
using namespace wengert::testing;
using report::ConfusionMatrix;
using train::Targets;

TEST_CASE("targets that are no classes are refused by every metric of classes, with the element and the cure") {
  const Tensor<double> logits{1, -1, 2}, numbers{1, 0.37, 0};
  const Tensor<double> rows{{1, 2}, {2, 1}}, soft{{0, 1}, {0.37, 0.63}}, twice{{0, 1}, {1, 1}};
  for (const auto& metric : {train::accuracy(), train::top_k_accuracy(2), train::balanced_accuracy(),
                             train::matthews_correlation(), train::precision(), train::recall(), train::f1(),
                             train::roc_auc(), train::average_precision(), train::log_loss(), train::perplexity()}) {
    const std::string subject = "[" + metric->name() + "] ";
    CHECK_ERROR(ValueError,
                subject +
                    "target 0.37 at (1,): expected 0 (or −1) for no, 1 for yes; for numbers, use a metric of "
                    "numbers such as mae() or r_squared()",
                train::measure(metric, logits, numbers));
    CHECK_ERROR(ValueError,
                subject +
                    "target 0.37 at (1, 0): expected rows of 0 with a single 1, or labels as Indices; for "
                    "numbers, use a metric of numbers such as mae() or r_squared(); for several labels a row, "
                    "roc_auc({.multilabel = true})",
                train::measure(metric, rows, soft));
    CHECK_ERROR(ValueError, subject + "row 1 of the targets has 2 ones: expected a single 1",
                train::measure(metric, rows, twice));
    CHECK_ERROR(ValueError, subject + "row 0 of the targets has 0 ones: expected a single 1",
                train::measure(metric, rows, Tensor<double>{{0, 0}, {0, 1}}));
    CHECK_ERROR(ValueError, subject + "target nan at (0,)",
                train::measure(metric, logits, Tensor<double>{std::numeric_limits<double>::quiet_NaN(), 1, 0}));
    CHECK(train::measure(metric, logits, Tensor<double>{1, -1, 0}) ==  // −1 is no, as for hinge_loss
          train::measure(metric, logits, Indices{1, 0, 0}));
    CHECK(train::measure(metric, Tensor<double>{{1, 2}, {2, 1}, {0, 3}}, Tensor<double>{{0, 1}, {0, 1}, {1, 0}}) ==
          train::measure(metric, Tensor<double>{{1, 2}, {2, 1}, {0, 3}}, Indices{1, 1, 0}));
  }
  for (const auto& metric : {train::roc_auc({.multilabel = true}), train::average_precision({.multilabel = true})}) {
    CHECK_ERROR(ValueError, "[" + metric->name() + "] target 0.37 at (1, 0): expected 0 (or −1) for no, 1 for yes",
                train::measure(metric, rows, soft));
    CHECK(std::isfinite(
        train::measure(metric, Tensor<double>{{1, 2}, {2, 1}, {3, 0}}, Tensor<double>{{1, 1}, {0, 1}, {1, 0}})));
  }
  ConfusionMatrix matrix;
  CHECK_ERROR(ValueError, "[confusion matrix] target 0.37 at (1, 0): expected rows of 0 with a single 1",
              train::add_to(matrix, rows, Targets(soft)));
  CHECK(matrix.total() == 0);
}

TEST_CASE("shapes of outputs and targets that do not match are refused with the cure") {
  Tensor<double> column{1, -1, 2};
  column.reshape({3, 1});
  const Tensor<double> flat{1, 0, 1}, rows{{1, 2}, {2, 1}, {0, 1}};
  Indices labels{1, 0, 1};
  labels.reshape({3, 1});
  CHECK_ERROR(ShapeError,
              "[accuracy] outputs of shape (3, 1), targets of shape (3,): expected (…, classes) and (…): pass labels "
              "as Indices, or reshape the targets to (3, 1)",
              train::measure(train::accuracy(), column, flat));
  CHECK_ERROR(ShapeError, "expected (…, classes) and (…): pass labels as Indices",
              train::measure(train::f1(), rows, flat));
  CHECK_ERROR(ShapeError, "expected (…, classes) and (…): reshape the labels to (3,)",
              train::measure(train::accuracy(), rows, labels));
  CHECK_ERROR(ShapeError, "expected (…, classes) and (…): reshape the targets to (3,)",
              train::measure(train::accuracy(), flat, column));
  CHECK_ERROR(ShapeError,
              "[mse] outputs of shape (3, 1), targets of shape (3,): expected equal shapes: reshape one to the other's",
              train::measure(train::mse(), column, flat));
}

TEST_CASE("a confusion matrix adds up the weights of samples or of rows") {
  // Predictions 0 1 0 1 for labels 0 1 1 −1, of which the last is ignored.
  const Tensor<double> scores{{2, 1}, {1, 2}, {2, 1}, {1, 2}};
  const Indices labels{0, 1, 1, -1};
  const std::vector<double> weights{0.5, 2, 0.25, 8};
  const ConfusionMatrix matrix = train::confusion_matrix(scores, labels, 0, weights);
  CHECK(matrix(0, 0) == 0.5);
  CHECK(matrix(0, 1) == 0);
  CHECK(matrix(1, 0) == 0.25);
  CHECK(matrix(1, 1) == 2);
  CHECK(matrix.total() == 2.75);
  CHECK(matrix.accuracy() == doctest::Approx(train::measure(train::accuracy(), scores, labels, weights)));
  CHECK(train::confusion_matrix(scores, labels).total() == 3);
  Tensor<double> sequences = scores;
  sequences.reshape({2, 2, 2});
  const Indices steps{{0, 1}, {1, -1}};
  CHECK(train::confusion_matrix(sequences, steps, 0, std::vector<double>{3, 5}).total() == 3 + 3 + 5);
  CHECK(train::confusion_matrix(sequences, steps, 0, weights).total() == 2.75);
  CHECK_ERROR(ShapeError, "[confusion matrix] 2 sample weights for outputs of shape (4, 2): expected 4",
              train::confusion_matrix(scores, labels, 0, std::vector<double>{3, 5}));
  CHECK_ERROR(ValueError, "[confusion matrix] sample weight -1 at position 2: expected a finite number",
              train::confusion_matrix(scores, labels, 0, std::vector<double>{1, 1, -1, 1}));
}
