// Renders a training run as an HTML page: tiles, charts, the network's graph, settings and tables.
#include "io/files.hpp"
#include "report/chart.hpp"
#include "report/drawn_graph.hpp"
#include "report/picture.hpp"
#include "report/report_parts.hpp"
#include "report/text.hpp"
#include <wengert/base/version.hpp>
#include <wengert/report/report.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace wengert::report {
namespace {

#include "report/page.inc"

std::vector<double> numbers(const History& history) {
  std::vector<double> epochs;
  for (const EpochRecord& e : history.epochs) epochs.push_back(static_cast<double>(e.epoch));
  return epochs;
}

void add_curve(Chart& chart, std::string name, std::vector<double> values) {
  if (std::ranges::any_of(values, [](double v) { return std::isfinite(v); }))
    chart.curves.push_back({std::move(name), std::move(values)});
}

// The layer of a path is the part before its last dot; the norm of a layer is that of all its gradients together.
Chart norms_chart(const History& history) {
  Chart chart{"Gradient norms by layer", "epoch", numbers(history), {}, true, true};
  std::vector<std::pair<std::string, std::vector<double>>> squares;
  for (std::size_t p = 0; p < history.parameter_paths.size(); ++p) {
    const std::string& path = history.parameter_paths[p];
    const std::size_t dot = path.rfind('.');
    const std::string layer = dot == std::string::npos ? path : path.substr(0, dot);
    auto found = std::ranges::find(squares, layer, &std::pair<std::string, std::vector<double>>::first);
    if (found == squares.end())
      found = squares.insert(found, {layer, std::vector<double>(history.epochs.size(), EpochRecord::none)});
    for (std::size_t e = 0; e < history.epochs.size(); ++e) {
      const std::vector<double>& norms = history.epochs[e].gradient_norms;
      if (p >= norms.size() || std::isnan(norms[p])) continue;  // frozen in that epoch
      double& sum = found->second[e];
      sum = norms[p] * norms[p] + (std::isnan(sum) ? 0 : sum);
    }
  }
  for (auto& [layer, values] : squares) {
    for (double& value : values) value = std::sqrt(value);
    add_curve(chart, layer, std::move(values));
  }
  return chart;
}

std::vector<Chart> charts_of(const Report& report) {
  const History& history = report.history;
  const std::vector<double> epochs = numbers(history);
  std::vector<Chart> charts;
  const auto positive = [](const Chart& chart) {
    return std::ranges::all_of(chart.curves, [](const Chart::Curve& curve) {
      return std::ranges::all_of(curve.values, [](double v) { return !(v <= 0); });
    });
  };
  Chart loss{"Loss", "epoch", epochs, {}};
  add_curve(loss, "training", history.column("loss", {}));
  add_curve(loss, "validation", history.column("validation_loss", {}));
  charts.push_back(std::move(loss));
  for (const std::string& name : history.metric_names) {
    Chart chart{name, "epoch", epochs, {}};
    std::ranges::replace(chart.title, '_', ' ');
    chart.title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(chart.title[0])));
    add_curve(chart, "training", history.column(name, {}));
    add_curve(chart, "validation", history.column("validation_" + name, {}));
    charts.push_back(std::move(chart));
  }
  Chart steps{report.losses.steps_each() == 1 ? "Loss of every step"
                                              : fmt::format("Loss, means of {} steps", report.losses.steps_each()),
              "step",
              {},
              {}};
  for (std::size_t i = 0; i < report.losses.losses().size(); ++i)
    steps.x.push_back(static_cast<double>((i + 1) * report.losses.steps_each()));
  add_curve(steps, "training", report.losses.losses());
  steps.logarithmic = positive(steps);
  charts.push_back(std::move(steps));
  Chart rate{"Learning rate", "epoch", epochs, {}};
  add_curve(rate, "rate", history.column("rate", {}));
  charts.push_back(std::move(rate));
  charts.push_back(norms_chart(history));
  std::erase_if(charts, [](const Chart& chart) { return chart.curves.empty() || chart.x.empty(); });
  return charts;
}

std::string legend(const Chart& chart) {
  std::string text = "<ul class=\"legend\">";
  for (std::size_t i = 0; i < chart.curves.size(); ++i)
    text += fmt::format("<li style=\"--c:{}\">{}</li>", curve_colour(chart, i), escaped(chart.curves[i].name));
  return text + "</ul>";
}

std::string charts_section(const std::vector<Chart>& charts) {
  if (charts.empty()) return {};
  std::string html = "<h2>Curves</h2>\n<div class=\"charts\">\n";
  for (const Chart& chart : charts)
    html +=
        fmt::format("<figure><figcaption>{}<small>by {}</small></figcaption><div class=\"plot\">{}</div>{}</figure>\n",
                    escaped(chart.title), escaped(chart.x_name), to_svg(chart), legend(chart));
  return html + "</div>\n<script type=\"application/json\" id=\"charts\">" + to_json(charts) + "</script>\n";
}

std::string tile(std::string_view name, const std::string& value, const std::string& note = {}) {
  return fmt::format("<div class=\"tile\"><span>{}</span><b>{}</b><i>{}</i></div>\n", escaped(name), escaped(value),
                     escaped(note));
}

// A tile with the last value of a column, and the best one with its epoch.
std::string tile_of(const History& history, const std::string& column, bool smaller_is_better) {
  const std::vector<double> values = history.column(column, {});
  std::size_t best = values.size();
  for (std::size_t i = 0; i < values.size(); ++i)
    if (std::isfinite(values[i]) &&
        (best == values.size() || (smaller_is_better ? values[i] < values[best] : values[i] > values[best])))
      best = i;
  if (best == values.size()) return {};
  std::string name = column;
  std::ranges::replace(name, '_', ' ');
  return tile(name, fmt::format("{:.4g}", values.back()),
              smaller_is_better ? fmt::format("lowest {:.3g}, epoch {}", values[best], history.epochs[best].epoch)
                                : fmt::format("highest {:.3g}, epoch {}", values[best], history.epochs[best].epoch));
}

std::string tiles(const Report& report) {
  const History& history = report.history;
  if (history.epochs.empty()) return {};
  const EpochRecord& last = history.epochs.back();
  std::string html =
      "<div class=\"tiles\">\n" + tile_of(history, "loss", true) + tile_of(history, "validation_loss", true);
  for (const std::string& name : history.metric_names) {
    const bool validated = !last.validation_metrics.empty();
    const bool less = std::ranges::find(report.less_is_better, name) != report.less_is_better.end();
    html += tile_of(history, validated ? "validation_" + name : name, less);
  }
  return html + tile("epochs", fmt::format("{}", last.epoch), fmt::format("{} steps", last.steps)) +
         tile("time", duration_text(last.seconds),
              fmt::format("{} per epoch", duration_text(last.seconds / static_cast<double>(history.epochs.size())))) +
         "</div>\n";
}

std::string warnings_section(const Report& report) {
  if (report.warnings.empty()) return {};
  std::string html = "<h2>Warnings</h2>\n<div class=\"card\"><ul>\n";
  for (const std::string& warning : report.warnings) html += fmt::format("<li>{}</li>\n", escaped(warning));
  return html + "</ul></div>\n";
}

// Lays the graph out from left to right, because pages are wider than tall.
std::string left_to_right(std::string dot) {
  constexpr std::string_view upright = "rankdir=BT";
  const std::size_t at = dot.find(upright);
  if (at != std::string::npos) dot.replace(at, upright.size(), "rankdir=LR; bgcolor=transparent");
  return dot;
}

std::string network_section(const Report& report) {
  if (report.summary.empty() && report.dot.empty()) return {};
  std::string html = "<h2>Network</h2>\n";
  if (!report.summary.empty())
    html += fmt::format("<div class=\"card\"><pre>{}</pre></div>\n", escaped(report.summary));
  if (report.dot.empty()) return html;
  const DrawnGraph drawing = drawn_graph(left_to_right(report.dot));
  return html + (drawing.svg.empty()
                     ? fmt::format("<p>The graph of the loss is not drawn: {}.</p>\n<details><summary>The graph in the "
                                   "DOT language</summary><div class=\"card\"><pre>{}</pre></div></details>\n",
                                   escaped(drawing.no_drawing), escaped(report.dot))
                     : fmt::format("<details open><summary>The graph of the loss</summary><div class=\"card "
                                   "graph\">{}</div></details>\n",
                                   drawing.svg));
}

std::string settings_section(const Report& report) {
  if (report.settings.empty()) return {};
  std::string html = "<h2>Settings</h2>\n<div class=\"card\"><table class=\"figures settings\"><tbody>\n";
  for (const auto& [name, value] : report.settings)
    html += fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", escaped(name), escaped(value));
  return html + "</tbody></table></div>\n";
}

}  // namespace

std::string to_html(const Report& report) {
  std::string html = "<!DOCTYPE html>\n<html lang=\"en\" data-theme=\"light\">\n<head>\n<meta charset=\"utf-8\">\n";
  html += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  html += fmt::format("<title>{}</title>\n<style>\n{}\n{}</style>\n</head>\n<body>\n<main>\n", escaped(report.title),
                      uplot_style, style);
  html += fmt::format("<header><div><h1>{}</h1><p>{}</p></div><button id=\"theme\" hidden>Dark</button></header>\n",
                      escaped(report.title), escaped(report.subtitle));
  html += warnings_section(report) + tiles(report) + charts_section(charts_of(report)) + classes_section(report) +
          mistakes_section(report) + network_section(report) + settings_section(report) +
          epochs_section(report.history);
  html +=
      fmt::format("<footer>Generated by Wengert {}.</footer>\n</main>\n<script>{}</script>\n<script>\n{}</script>\n",
                  WENGERT_VERSION, uplot_script, script);
  return html + "</body>\n</html>\n";
}

void write_report(const std::filesystem::path& path, const Report& report) {
  io::write_whole("report", path, to_html(report));
}

}  // namespace wengert::report
