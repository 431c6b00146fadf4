// A chart of curves, as SVG and as the data an interactive chart is made from.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace wengert::train {

/// Curves over a common x. What is not finite (or not positive, on a logarithmic axis) interrupts a curve.
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
  bool gradual = false;  ///< colours go from the first curve to the last, as the layers of a network do
};

/// The positions of about `wanted` round numbers (1, 2 or 5 times a power of ten) in [low, high].
std::vector<double> round_ticks(double low, double high, std::size_t wanted);
/// The powers of ten in [low, high], every second or third … where there are many; round ticks where there are not two.
std::vector<double> power_ticks(double low, double high, std::size_t wanted);

/// The colour of a curve, as a variable of the page's style sheet.
std::string curve_colour(const Chart& chart, std::size_t curve);
/// The chart as an SVG whose colours are classes of the page's style sheet.
std::string to_svg(const Chart& chart);
/// The chart as an object of JSON.
std::string to_json(const Chart& chart);

}  // namespace wengert::train
