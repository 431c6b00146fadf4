// Line charts: axis ticks, SVG rendering, and JSON for interactive charts.
#include "report/chart.hpp"

#include "io/json.hpp"
#include "report/text.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace wengert::report {
namespace {

namespace frame {
constexpr double width = 640, height = 280, left = 58, right = 14, top = 12, bottom = 34;
}

// Maps numbers to positions on an axis of the picture.
class Axis {
 public:
  Axis(double low, double high, double from, double to, bool logarithmic)
      : logarithmic_(logarithmic), low_(position(low)), high_(position(high)), from_(from), to_(to) {}
  bool shows(double value) const { return std::isfinite(value) && (!logarithmic_ || value > 0); }
  double operator()(double value) const {
    return high_ == low_ ? (from_ + to_) / 2 : from_ + (position(value) - low_) / (high_ - low_) * (to_ - from_);
  }

 private:
  double position(double value) const { return logarithmic_ ? std::log10(value) : value; }
  bool logarithmic_;
  double low_, high_, from_, to_;
};

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

Range value_range(const Chart& chart) {
  Range range;
  for (const Chart::Curve& curve : chart.curves)
    for (const double value : curve.values)
      if (std::isfinite(value) && (!chart.logarithmic || value > 0)) range.include(value);
  if (range.low > range.high) return {chart.logarithmic ? 0.1 : 0, 1};
  const double margin = (range.high - range.low) * 0.05;
  if (chart.logarithmic)
    return range.low == range.high ? Range{range.low / 2, range.high * 2} : Range{range.low / 1.2, range.high * 1.2};
  if (margin == 0) {
    const double around = range.low == 0 ? 1 : std::abs(range.low) * 0.1;
    return {range.low - around, range.high + around};
  }
  return {range.low - margin, range.high + margin};
}

std::string tick_text(double tick) { return fmt::format("{:.4g}", std::abs(tick) < 1e-300 ? 0 : tick); }

std::string path_of(const Chart& chart, const Chart::Curve& curve, const Axis& x, const Axis& y) {
  std::string path;
  bool pen_down = false;
  for (std::size_t i = 0; i < curve.values.size() && i < chart.x.size(); ++i) {
    const bool shown = y.shows(curve.values[i]);
    if (shown) path += fmt::format("{}{:.1f} {:.1f}", pen_down ? "L" : "M", x(chart.x[i]), y(curve.values[i]));
    pen_down = shown;
  }
  return path;
}

}  // namespace

std::vector<double> round_ticks(double low, double high, std::size_t wanted) {
  const double rough = (high - low) / static_cast<double>(wanted);
  if (!(rough > 0) || !std::isfinite(rough)) return {low};
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough * (1 - 1e-9)) {
      step = factor * power;
      break;
    }
  std::vector<double> ticks;
  const double first = std::ceil(low / step - 1e-9), last = std::floor(high / step + 1e-9);
  for (double k = first; k <= last; ++k) ticks.push_back(k * step);
  return ticks;
}

std::vector<double> power_ticks(double low, double high, std::size_t wanted) {
  const int first = static_cast<int>(std::ceil(std::log10(low) - 1e-9)),
            last = static_cast<int>(std::floor(std::log10(high) + 1e-9));
  if (last <= first) return round_ticks(low, high, wanted);
  const int step = std::max(1, (last - first) / static_cast<int>(wanted) + 1);
  std::vector<double> ticks;
  for (int power = first; power <= last; power += step) ticks.push_back(std::pow(10, power));
  return ticks;
}

std::string curve_colour(const Chart& chart, std::size_t curve) {
  if (!chart.gradual) return fmt::format("var(--s{})", curve % 8);
  return fmt::format("var(--g{})", 9 * curve / std::max<std::size_t>(1, chart.curves.size() - 1));
}

std::string to_svg(const Chart& chart) {
  const Range values = value_range(chart);
  Range places;
  for (const double x : chart.x) places.include(x);
  if (chart.x.empty()) places = {0, 1};
  const Axis x(places.low, places.high, frame::left, frame::width - frame::right, false);
  const Axis y(values.low, values.high, frame::height - frame::bottom, frame::top, chart.logarithmic);

  std::string svg = fmt::format(R"(<svg class="static" viewBox="0 0 {} {}" role="img" aria-label="{}">)", frame::width,
                                frame::height, escaped(chart.title));
  for (const double tick :
       chart.logarithmic ? power_ticks(values.low, values.high, 5) : round_ticks(values.low, values.high, 5))
    svg +=
        fmt::format(R"(<path class="grid" d="M{0} {2:.1f}H{1}"/><text class="y" x="{3}" y="{4:.1f}">{5}</text>)",
                    frame::left, frame::width - frame::right, y(tick), frame::left - 8, y(tick) + 4, tick_text(tick));
  for (const double tick : round_ticks(places.low, places.high, 8))
    svg += fmt::format(R"(<text class="x" x="{:.1f}" y="{}">{}</text>)", x(tick), frame::height - frame::bottom + 18,
                       tick_text(tick));
  for (std::size_t i = 0; i < chart.curves.size(); ++i) {
    const Chart::Curve& curve = chart.curves[i];
    svg += fmt::format(R"(<path class="curve{}" style="--c:{}" d="{}"><title>{}</title></path>)",
                       curve.faint ? " faint" : "", curve_colour(chart, i), path_of(chart, curve, x, y),
                       escaped(curve.name));
    constexpr std::size_t most_marked = 40;
    for (std::size_t k = 0; k < std::min(chart.x.size(), curve.values.size()) && chart.x.size() <= most_marked; ++k)
      if (y.shows(curve.values[k]))
        svg += fmt::format(R"(<circle style="--c:{}" cx="{:.1f}" cy="{:.1f}" r="3"/>)", curve_colour(chart, i),
                           x(chart.x[k]), y(curve.values[k]));
  }
  return svg + "</svg>";
}

std::string to_json(const std::vector<Chart>& charts) {
  io::JsonWriter json;
  const auto list = [&](const std::vector<double>& values) {
    json.begin_array();
    for (const double value : values) json.number(value);
    json.end_array();
  };
  json.begin_array();
  for (const Chart& chart : charts) {
    json.begin_object().key("title").string(chart.title).key("xName").string(chart.x_name);
    json.key("logarithmic").boolean(chart.logarithmic).key("gradual").boolean(chart.gradual);
    json.key("x");
    list(chart.x);
    json.key("curves").begin_array();
    for (const Chart::Curve& curve : chart.curves) {
      json.begin_object().key("name").string(curve.name).key("faint").boolean(curve.faint).key("values");
      list(curve.values);
      json.end_object();
    }
    json.end_array().end_object();
  }
  return json.end_array().text();
}

}  // namespace wengert::report
