// Errors of each op against the oracle: measured by the oracle tests, kept in error_bounds.csv, shown in docs/ops.md.
#pragma once

#include <wengert/tape/registry.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>

#include <fmt/format.h>

namespace wengert::testing {

/// The worst errors of an op relative to the largest entry: of values, first gradients and second gradients. A negative
/// error is unknown; 0 denotes integers, which are exact.
struct ErrorBound {
  /// The source of the errors: cases of the op itself, or else functions or their first gradients that contain the op,
  /// or else second gradients that contain it.
  enum class Of { second_gradients, functions, own };
  std::array<double, 3> worst{-1, -1, -1};
  Of of = Of::second_gradients;
};

/// Returns the smallest power of ten that is not below an error, and at least 1e-15, which hides differences of a unit
/// in the last place.
inline double power_of_ten_above(double error) {
  double bound = 1e-15;
  while (bound < error) bound *= 10;
  return bound;
}

/// The errors measured in this run. If the environment variable WENGERT_ERROR_BOUNDS names a file, the destructor
/// writes them to it, combined with those in the file; otherwise the tests compare each error with error_bounds.csv.
class ErrorBounds {
 public:
  static ErrorBounds& instance() {
    static ErrorBounds bounds;
    return bounds;
  }
  ~ErrorBounds() {
    if (target_ == nullptr) return;
    for (const auto& [op, bound] : read(target_)) note(op, bound.worst, bound.of);
    std::ofstream file(target_);
    file << "op,value,first,second,cases\n";
    for (const auto& [op, bound] : met_) {
      file << op;
      for (const double error : bound.worst)
        file << (error < 0 ? "," : error == 0 ? ",0" : fmt::format(",{:.0e}", power_of_ten_above(error)));
      file << ',' << words[static_cast<std::size_t>(bound.of)] << '\n';
    }
  }

  /// Records the errors of one case, for its op or an op that is part of the case. Errors from the most direct source
  /// count.
  void note(const std::string& op, const std::array<double, 3>& errors, ErrorBound::Of of) {
    ErrorBound& bound = met_[op];
    if (bound.of > of) return;
    if (of > bound.of) bound = {{-1, -1, -1}, of};
    for (std::size_t k = 0; k < 3; ++k) bound.worst[k] = std::max(bound.worst[k], errors[k]);
  }

  /// Returns whether errors are compared with the kept ones, which is not the case while they are written to a file.
  bool are_compared() const { return target_ == nullptr; }
  /// Returns the kept errors of an op.
  std::optional<ErrorBound> kept(const std::string& op) const {
    const auto found = kept_.find(op);
    return found == kept_.end() ? std::nullopt : std::optional(found->second);
  }

  /// Reads the errors from a file; returns none if the file does not exist.
  static std::map<std::string, ErrorBound> read(const std::string& path) {
    std::map<std::string, ErrorBound> result;
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);  // the heading
    while (std::getline(file, line)) {
      std::istringstream fields(line);
      std::string op, field;
      std::getline(fields, op, ',');
      ErrorBound bound;
      for (double& error : bound.worst)
        if (std::getline(fields, field, ',') && !field.empty()) error = std::stod(field);
      std::getline(fields, field);
      for (std::size_t of = 0; of < words.size(); ++of)
        if (field == words[of]) bound.of = static_cast<ErrorBound::Of>(of);
      result.emplace(op, bound);
    }
    return result;
  }

 private:
  static constexpr std::array<std::string_view, 3> words{"of second gradients", "of functions", "own"};

  ErrorBounds() = default;

  const char* target_ = std::getenv("WENGERT_ERROR_BOUNDS");
  std::map<std::string, ErrorBound> met_;
  std::map<std::string, ErrorBound> kept_ = read(PROJECT_SOURCE_DIR "/tests/oracle/error_bounds.csv");
};

/// Returns whether an op is in the registry.
inline bool is_registered(const std::string& name) {
  static const auto names = [] {
    std::set<std::string> result;
    for (const OpRow& row : op_registry()) result.emplace(row.name);
    return result;
  }();
  return names.contains(name);
}

}  // namespace wengert::testing
