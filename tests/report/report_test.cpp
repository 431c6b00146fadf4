// Contents of report.html, and its charts and pictures. tests/report/report_test.sh opens a report in a browser.
#include "data/files.hpp"
#include "report/chart.hpp"
#include "report/picture.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/report/report.hpp>

#include <chrono>
#include <cmath>
#include <regex>

#include <fmt/format.h>

using namespace wengert;
using namespace wengert::testing;
using report::Chart;
using report::EpochRecord;
using report::Mistake;
using report::Report;

namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

Report example_report() {
  Report report;
  report.title = "A <title> & \"more\"";
  report.history = {{"accuracy"}, {"0.weight", "0.bias", "2.weight"}, {}};
  for (std::size_t e = 1; e <= 5; ++e) {
    EpochRecord record;
    record.epoch = e;
    record.steps = 10 * e;
    record.rate = 0.1;
    record.loss = 1 / static_cast<double>(e);
    record.metrics = {1 - 0.1 / static_cast<double>(e)};
    record.validation_loss = 1.5 / static_cast<double>(e);
    record.validation_metrics = {0.9};
    record.gradient_norms = {3, 4, 1};
    report.history.epochs.push_back(record);
  }
  for (int i = 0; i < 50; ++i) report.losses.add(1.0 / (1 + i));
  for (std::size_t label = 0; label < 3; ++label) report.confusion.add(label, label, 10);
  report.confusion.add(1, 2, 5);
  report.class_names = {"cat", "dog", "</script><b>"};
  report.mistakes = {{17, 1, 2, 0.97, {0, 0.5, 0.5, 1}, {2, 2}}, {4, 1, 2, 0.6, {1, -2, 3}}};
  report.summary = "0.weight  (3, 2)";
  report.dot = "digraph { a -> b }";
  report.settings = {{"seed", "7"}};
  return report;
}

}  // namespace

TEST_CASE("a report is one page that asks for nothing else") {
  const TemporaryFolder folder;
  report::write_report(folder / "report.html", example_report());
  const std::string html = bytes_of(folder / "report.html");
  CHECK(contains(html, "<h1>A &lt;title&gt; &amp; &quot;more&quot;</h1>"));
  CHECK(count(html, "<figure>") == 5);                      // loss, accuracy, steps, rate, norms
  CHECK(count(html, "class=\"curve\"") == 8);               // 2 + 2 + 1 + 1 + 2 layers
  CHECK(count(html, "src=\"data:image/png;base64,") == 1);  // one of the mistakes has a picture
  CHECK(contains(html, "<b>&lt;/script&gt;&lt;b&gt;</b> instead of dog"));
  CHECK(contains(html, "97.0 % sure, sample 17"));
  CHECK(contains(html, "dog classified as &lt;/script&gt;&lt;b&gt;: 5 (33.3 %)"));
  CHECK(contains(html, "85.71 % of 35 samples are correct"));
  CHECK(contains(html, "\"name\":\"0\",\"faint\":false,\"values\":[5,5,5,5,5]"));  // √(3² + 4²)
  // The page loads nothing; URLs occur only in licences and XML namespaces.
  CHECK_FALSE(std::regex_search(html, std::regex("(src|href)=\"(https?:)?//")));
  CHECK_FALSE(contains(html, "@import"));
  CHECK(count(html, "</script>") == 3);
}

TEST_CASE("the best of an error is the lowest") {
  Report report = example_report();
  CHECK(contains(report::to_html(report), "<i>highest 0.9, epoch 1</i>"));
  report.less_is_better = {"accuracy"};
  CHECK_FALSE(contains(report::to_html(report), "highest"));
}

TEST_CASE("a layer's norm is that of its parameters that were trained in an epoch") {
  Report report = example_report();
  report.history.epochs[1].gradient_norms[1] = NAN;  // 0.bias was frozen
  report.history.epochs[2].gradient_norms = {NAN, NAN, 1};
  CHECK(contains(report::to_html(report), "\"name\":\"0\",\"faint\":false,\"values\":[5,3,null,5,5]"));
}

TEST_CASE("a report shows what there is") {
  const std::string html = report::to_html({});
  CHECK(contains(html, "<h1>Training</h1>"));
  for (const char* absent : {"<figure>", "<h2>"}) CHECK_FALSE(contains(html, absent));
}

TEST_CASE("charts are JSON that cannot end the page's script element") {
  const Chart chart{"a \"b\" </script>", "epoch", {1, 2e6, 0.1}, {{"loss", {1.0 / 3, NAN, 1e-9}, true}}, true};
  CHECK(report::to_json({chart, {}}) ==
        "[{\"title\":\"a \\\"b\\\" \\u003c/script>\",\"xName\":\"epoch\",\"logarithmic\":true,\"gradual\":false,"
        "\"x\":[1,2e+06,0.1],\"curves\":[{\"name\":\"loss\",\"faint\":true,\"values\":[0.333333,null,1e-09]}]},"
        "{\"title\":\"\",\"xName\":\"\",\"logarithmic\":false,\"gradual\":false,\"x\":[],\"curves\":[]}]");
}

TEST_CASE("curves are drawn where their values are") {
  Chart chart{"c", "x", {0, 1, 2, 3}, {{"a", {0, 10, NAN, 5}}}};
  const std::string svg = report::to_svg(chart);
  // x: 58 … 626; y: 246 … 12 for −0.5 … 10.5, so 0 is at 235.4, 10 at 22.6, 5 at 129.
  CHECK(contains(svg, "d=\"M58.0 235.4L247.3 22.6M626.0 129.0\""));
  chart.logarithmic = true;
  chart.curves[0].values = {1, 10, 0, 100};
  // y for 1/1.2 … 120: log₁₀ −0.0792 … 2.0792, so 1 is at 237.4, 10 at 129, 100 at 20.6; 0 interrupts the curve.
  CHECK(contains(report::to_svg(chart), "d=\"M58.0 237.4L247.3 129.0M626.0 20.6\""));
}

TEST_CASE("ticks are round numbers") {
  const auto near = [](const std::vector<double>& a, const std::vector<double>& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
      if (std::abs(a[i] - b[i]) > 1e-12 * (1 + std::abs(b[i]))) return false;
    return true;
  };
  CHECK(near(report::round_ticks(0, 1, 5), {0, 0.2, 0.4, 0.6, 0.8, 1}));
  CHECK(near(report::round_ticks(-3, 17, 5), {0, 5, 10, 15}));
  CHECK(near(report::round_ticks(3, 3, 5), {3}));
  CHECK(near(report::power_ticks(0.02, 200, 5), {0.1, 1, 10, 100}));
  CHECK(near(report::power_ticks(1e-12, 1, 3), {1e-12, 1e-7, 1e-2}));
}

TEST_CASE("base64 is RFC 4648's") {
  CHECK(report::base64("") == "");
  CHECK(report::base64("f") == "Zg==");
  CHECK(report::base64("fo") == "Zm8=");
  CHECK(report::base64("foo") == "Zm9v");
  CHECK(report::base64("foob") == "Zm9vYg==");
  CHECK(report::base64("fooba") == "Zm9vYmE=");
  CHECK(report::base64("\xff\xfe\xfd") == "//79");
}

TEST_CASE("what is a picture") {
  CHECK(report::is_picture({28, 28}));
  CHECK(report::is_picture({1, 28, 28}));
  CHECK(report::is_picture({3, 32, 32}));
  for (const Shape& shape : {Shape{784}, Shape{2, 8, 8}, Shape{1, 28}, Shape{28, 1}, Shape{600, 4}, Shape{}})
    CHECK_FALSE(report::is_picture(shape));
}

TEST_CASE("a graph that cannot be drawn within two seconds is text, with the reason") {
  // Steps of a recurrence: six nodes each, which depend on each other, on those of the last step and on six parameters.
  const auto steps = [](std::size_t number) {
    constexpr std::size_t width = 6;
    std::string dot = "digraph {\n";
    for (std::size_t s = 0; s < number; ++s)
      for (std::size_t i = 0; i < width; ++i) {
        dot += fmt::format("p{} -> s{}_{};\n", i, s, i);
        if (i > 0) dot += fmt::format("s{}_{} -> s{}_{};\n", s, i - 1, s, i);
        if (s > 0) dot += fmt::format("s{}_{} -> s{}_{};\n", s - 1, i, s, (i + 2) % width);
      }
    return dot + "}\n";
  };
  Report page = example_report();
  const auto html_of = [&](const std::string& dot) {
    page.dot = dot;
    return report::to_html(page);
  };
  const std::string large = html_of(steps(100));
  CHECK(contains(large, "The graph of the loss is not drawn: it has 1694 edges, more than 1000."));
  CHECK(contains(large, "The graph in the DOT language"));
  CHECK(contains(large, "p0 -&gt; s0_0;"));
  CHECK(contains(html_of("digraph { a -> }"), "The graph of the loss is not drawn: Graphviz"));
  const auto begin = std::chrono::steady_clock::now();
  CHECK(contains(html_of(steps(50)), "The graph of the loss is not drawn: "));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(6));
}
