// Worst errors of derivatives over the whole range: measured by sweeps and kept in derivative_bounds.csv.
// docs/ops.md shows them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace wengert::testing {

/// The scale of the errors of a case. `own`: max(|f′|, ε max|f′|) of each derivative. `point`: the largest of all
/// derivatives of an order at a point, or of a row of elements. `largest`: the largest over all points.
enum class ErrorScale { own, point, largest };
inline constexpr std::array<std::string_view, 3> error_scales{"itself", "the point", "the largest"};

/// The worst errors of a case: of orders 1 and 2 in double, then in float.
struct DerivativeBound {
  std::array<double, 4> worst{};
  ErrorScale scale = ErrorScale::own;
};

/// The errors measured in this run. If the environment variable WENGERT_DERIVATIVE_BOUNDS names a file, the destructor
/// writes the maxima of these errors and those in the file to it.
class DerivativeBounds {
 public:
  static DerivativeBounds& instance() {
    static DerivativeBounds bounds;
    return bounds;
  }
  ~DerivativeBounds() {
    if (target_ == nullptr) return;
    for (const auto& [name, bound] : read(target_))
      for (std::size_t k = 0; k < bound.worst.size(); ++k) raise(met_[name], k, bound.worst[k], bound.scale);
    std::ofstream file(target_);
    file << "case,order 1,order 2,order 1 in float,order 2 in float,relative to\n";
    for (const auto& [name, bound] : met_) {
      file << name;
      for (const double error : bound.worst) file << fmt::format(",{:.0e}", error);
      file << ',' << error_scales[static_cast<std::size_t>(bound.scale)] << '\n';
    }
  }

  /// Records an error of a case. Returns whether it is at most ten times the kept one, which leaves a margin for other
  /// compilers and instruction sets, or true if the errors are written to a file.
  template <class T>
  bool note(const std::string& name, std::size_t order, double error, ErrorScale scale) {
    const std::size_t k = order - 1 + (sizeof(T) == 4 ? 2 : 0);
    const double least = sizeof(T) == 4 ? 1e-7 : 1e-16;
    double rounded = least;  // rounded up to a power of ten
    while (rounded < error && rounded < 1e300) rounded *= 10;
    raise(met_[name], k, rounded, scale);
    if (target_ != nullptr) return true;
    const auto found = kept_.find(name);
    return found != kept_.end() && error <= 10 * found->second.worst[k];
  }

  /// Reads the errors from a file; returns none if the file does not exist.
  static std::map<std::string, DerivativeBound> read(const std::string& path) {
    std::map<std::string, DerivativeBound> result;
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);  // the heading
    while (std::getline(file, line)) {
      std::istringstream fields(line);
      std::string name, field;
      std::getline(fields, name, ',');
      DerivativeBound bound;
      for (double& error : bound.worst)
        if (std::getline(fields, field, ',')) error = std::stod(field);
      std::getline(fields, field);
      const auto scale = std::find(error_scales.begin(), error_scales.end(), field);
      bound.scale = static_cast<ErrorScale>(scale - error_scales.begin());
      result.emplace(name, bound);
    }
    return result;
  }

 private:
  DerivativeBounds() = default;
  static void raise(DerivativeBound& bound, std::size_t k, double error, ErrorScale scale) {
    bound.worst[k] = std::max(bound.worst[k], error);
    bound.scale = scale;
  }

  const char* target_ = std::getenv("WENGERT_DERIVATIVE_BOUNDS");
  std::map<std::string, DerivativeBound> met_;
  std::map<std::string, DerivativeBound> kept_ = read(PROJECT_SOURCE_DIR "/tests/oracle/derivative_bounds.csv");
};

}  // namespace wengert::testing
