// ConfusionMatrix with weights, against sums computed by hand.
#include "testing.hpp"
#include <wengert/report/confusion_matrix.hpp>
#include <wengert/report/report.hpp>

#include <limits>

using namespace wengert;
using namespace wengert::testing;
using report::ConfusionMatrix;

TEST_CASE("a weighted confusion matrix holds sums of weights, and its figures are quotients of them") {
  // Labels 0 0 0 1 1 2, predictions 0 0 1 1 0 1, weights 1 ½ 2 3 ¼ 0.
  ConfusionMatrix matrix;
  matrix.add(0, 0, 1);
  matrix.add(0, 0, 0.5);
  matrix.add(0, 1, 2);
  matrix.add(1, 1, 3);
  matrix.add(1, 0, 0.25);
  matrix.add(2, 1, 0);
  CHECK(matrix.classes() == 3);
  CHECK(matrix(0, 0) == 1.5);
  CHECK(matrix(0, 1) == 2);
  CHECK(matrix(1, 0) == 0.25);
  CHECK(matrix(1, 1) == 3);
  CHECK(matrix(2, 1) == 0);
  CHECK(matrix.total() == 6.75);
  CHECK(matrix.accuracy() == doctest::Approx(4.5 / 6.75));
  CHECK(matrix.precision(0) == doctest::Approx(1.5 / 1.75));
  CHECK(matrix.recall(0) == doctest::Approx(1.5 / 3.5));
  CHECK(matrix.f1(0) == doctest::Approx(2 * 1.5 / (1.75 + 3.5)));
  CHECK(matrix.precision(1) == doctest::Approx(3.0 / 5));
  CHECK(matrix.recall(1) == doctest::Approx(3 / 3.25));
  CHECK(matrix.recall(2) == 0);
  for (const double wrong : {-1.0, infinity, std::numeric_limits<double>::quiet_NaN()})
    CHECK_ERROR(ValueError,
                fmt::format("[ConfusionMatrix] sample weight {}: expected a finite number, 0 or more", wrong),
                matrix.add(0, 0, wrong));
  CHECK(matrix.total() == 6.75);
}

TEST_CASE("a report shows counts as integers, and weights with four digits") {
  report::Report page;
  page.confusion.add(0, 0, 1234567);
  page.confusion.add(1, 0, 1.0 / 3);
  const std::string html = report::to_html(page);
  CHECK(contains(html, ">1234567</td>"));
  CHECK(contains(html, ">0.3333</td>"));
}

TEST_CASE("a report names its warnings") {
  report::Report page;
  CHECK(!contains(report::to_html(page), "<h2>Warnings</h2>"));
  page.warnings = {"a < b", "second"};
  CHECK(contains(report::to_html(page),
                 "<h2>Warnings</h2>\n<div class=\"card\"><ul>\n<li>a &lt; b</li>\n<li>second</li>"));
}
