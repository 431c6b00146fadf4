// Sections of the HTML report: confusion matrix, metrics by class, most confident mistakes, and epochs.
#include "report/report_parts.hpp"

#include "report/picture.hpp"
#include "report/text.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace wengert::report {
namespace {

std::string class_name(const Report& report, std::size_t c) {
  return c < report.class_names.size() ? report.class_names[c] : fmt::format("{}", c);
}

// A number of samples, or the sum of their weights.
std::string count_text(double count) {
  return count == std::floor(count) ? fmt::format("{:.0f}", count) : fmt::format("{:.4g}", count);
}

// Rows are labels, columns predictions. Colours show the square root of the share in the row, so that rare mistakes are
// visible.
std::string matrix_table(const Report& report) {
  const ConfusionMatrix& matrix = report.confusion;
  const std::size_t classes = matrix.classes();
  constexpr std::size_t most_with_numbers = 16;
  std::string html = fmt::format(
      "<table class=\"confusion{}\"><thead><tr><th></th><th class=\"axis\" "
      "colspan=\"{}\">predicted</th></tr><tr><th></th>",
      classes > most_with_numbers ? " many" : "", classes);
  for (std::size_t c = 0; c < classes; ++c) html += fmt::format("<th>{}</th>", escaped(class_name(report, c)));
  html += "</tr></thead>\n<tbody>\n";
  for (std::size_t row = 0; row < classes; ++row) {
    double of_row = 0;
    for (std::size_t c = 0; c < classes; ++c) of_row += matrix(row, c);
    html += fmt::format("<tr><th>{}</th>", escaped(class_name(report, row)));
    for (std::size_t c = 0; c < classes; ++c) {
      const double count = matrix(row, c), share = of_row == 0 ? 0 : count / of_row;
      html +=
          fmt::format("<td class=\"{}{}\" style=\"--v:{:.3f}\" title=\"{} classified as {}: {} ({:.1f} %)\">{}</td>",
                      row == c ? "right" : "wrong", share > 0.3 ? " strong" : "", std::sqrt(share),
                      escaped(class_name(report, row)), escaped(class_name(report, c)), count_text(count), 100 * share,
                      count == 0 ? "" : count_text(count));
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table>\n";
}

std::string class_table(const Report& report) {
  const ConfusionMatrix& matrix = report.confusion;
  std::string html =
      "<table class=\"figures\"><thead><tr><th>class</th><th>precision</th><th>recall</th><th>F1</th><th>samples</th>"
      "</tr></thead>\n<tbody>\n";
  const auto row = [&](const std::string& name, double precision, double recall, double f1, double samples) {
    html += fmt::format("<tr><th>{}</th><td>{:.3f}</td><td>{:.3f}</td><td>{:.3f}</td><td>{}</td></tr>\n", escaped(name),
                        precision, recall, f1, count_text(samples));
  };
  for (std::size_t c = 0; c < matrix.classes(); ++c) {
    double samples = 0;
    for (std::size_t p = 0; p < matrix.classes(); ++p) samples += matrix(c, p);
    row(class_name(report, c), matrix.precision(c), matrix.recall(c), matrix.f1(c), samples);
  }
  row("mean", matrix.macro_precision(), matrix.macro_recall(), matrix.macro_f1(), matrix.total());
  return html + "</tbody></table>\n";
}

// The values of a sample that is not an image, as bars.
std::string bars(const std::vector<double>& values) {
  constexpr std::size_t most = 64;
  const std::size_t count = std::min(values.size(), most);
  double largest = 0;
  for (std::size_t i = 0; i < count; ++i)
    if (std::isfinite(values[i])) largest = std::max(largest, std::abs(values[i]));
  std::string svg = fmt::format("<svg viewBox=\"0 0 {} 2\" preserveAspectRatio=\"none\">", std::max(count, most / 8));
  for (std::size_t i = 0; i < count; ++i) {
    const double value = largest > 0 && std::isfinite(values[i]) ? values[i] / largest : 0;
    svg += fmt::format("<rect x=\"{}\" y=\"{:.3f}\" width=\"0.8\" height=\"{:.3f}\"/>", i, 1 - std::max(value, 0.0),
                       std::max(std::abs(value), 0.01));
  }
  return svg + "</svg>";
}

}  // namespace

std::string classes_section(const Report& report) {
  constexpr std::size_t most = 200;
  const std::size_t classes = report.confusion.classes();
  if (classes == 0 || classes > most || report.confusion.total() == 0) return {};
  return fmt::format(
      "<h2>Classes<small>{:.2f} % of {} samples are correct</small></h2>\n<div class=\"pair\">\n<div "
      "class=\"card\">{}</div>\n<div class=\"card\">{}</div>\n</div>\n",
      100 * report.confusion.accuracy(), count_text(report.confusion.total()), matrix_table(report),
      class_table(report));
}

std::string mistakes_section(const Report& report) {
  if (report.mistakes.empty()) return {};
  std::string html = "<h2>Most confident mistakes</h2>\n<div class=\"mistakes\">\n";
  for (const Mistake& mistake : report.mistakes)
    html += fmt::format("<div class=\"mistake\">{}<b>{}</b> instead of {}<span>{:.1f} % sure, sample {}</span></div>\n",
                        is_picture(mistake.shape) ? fmt::format("<img alt=\"sample {}\" src=\"{}\">", mistake.sample,
                                                                picture_address(mistake.values, mistake.shape))
                                                  : bars(mistake.values),
                        escaped(class_name(report, mistake.prediction)), escaped(class_name(report, mistake.label)),
                        100 * mistake.confidence, mistake.sample);
  return html + "</div>\n";
}

std::string epochs_section(const History& history) {
  if (history.epochs.empty()) return {};
  std::vector<std::string> names = history.columns();
  std::erase_if(names, [](const std::string& name) { return name.starts_with("gradient_norm."); });
  std::vector<std::vector<double>> columns;
  for (std::size_t i = 0; i < names.size();) {
    std::vector<double> values = history.column(names[i], {});
    if (std::ranges::all_of(values, [](double v) { return std::isnan(v); })) {
      names.erase(names.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      columns.push_back(std::move(values));
      ++i;
    }
  }
  std::string html =
      "<h2>Epochs</h2>\n<details><summary>All values</summary><div class=\"card\"><table class=\"figures\"><thead><tr>";
  for (std::string name : names) {
    std::ranges::replace(name, '_', ' ');
    html += fmt::format("<th>{}</th>", escaped(name));
  }
  html += "</tr></thead>\n<tbody>\n";
  constexpr std::size_t most = 500;
  for (std::size_t e = history.epochs.size() - std::min(most, history.epochs.size()); e < history.epochs.size(); ++e) {
    html += "<tr>";
    for (const std::vector<double>& column : columns)
      html += std::isnan(column[e]) ? "<td></td>" : fmt::format("<td>{:.5g}</td>", column[e]);
    html += "</tr>\n";
  }
  return html + "</tbody></table></div></details>\n";
}

}  // namespace wengert::report
