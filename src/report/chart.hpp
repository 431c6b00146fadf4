// Charts of curves, as SVG and as data for interactive charts.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace wengert::report {

/// Curves over a common x. Values that are not finite (or not positive, on a logarithmic axis) interrupt a curve.
struct Chart {
  struct Curve {
    std::string name;
    std::vector<double> values;
    bool faint = false;  ///< thin, behind the others
  };
  std::string title;
  std::string x_name;
  std::vector<double> x;
  std::vector<Curve> curves;
  bool logarithmic = false;
  bool gradual = false;  ///< colours change gradually from the first curve to the last, as for layers of a network
};

/// About `wanted` multiples of a round number (1, 2 or 5 times a power of ten) in [low, high].
std::vector<double> round_ticks(double low, double high, std::size_t wanted);
/// The powers of ten in [low, high], or every second, third … if there are many; round ticks if there are not two.
std::vector<double> power_ticks(double low, double high, std::size_t wanted);

/// The colour of a curve, as a variable of the page's style sheet.
std::string curve_colour(const Chart& chart, std::size_t curve);
/// The chart as an SVG that uses the page's style sheet.
std::string to_svg(const Chart& chart);
/// Charts as a JSON array, which can be used in an HTML script element.
std::string to_json(const std::vector<Chart>& charts);

}  // namespace wengert::report
