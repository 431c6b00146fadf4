// How far each op is from the oracle: measured by the oracle's tests, kept in error_bounds.csv, shown in docs/ops.md.
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

/// The worst errors of an op, relative to the largest entry: of values, first and second gradients. Negative: there is
/// no figure; 0: integers, which are exact.
struct ErrorBound {
  /// What the errors were met with: the op itself; otherwise functions, or their first gradients, that it is part of;
  /// otherwise their second gradients.
  enum class Of { second_gradients, functions, own };
  std::array<double, 3> worst{-1, -1, -1};
  Of of = Of::second_gradients;
};

/// The smallest power of ten that is not below an error; at least 1e-15, so that one unit in the last place more or
/// less does not show.
inline double power_of_ten_above(double error) {
  double bound = 1e-15;
  while (bound < error) bound *= 10;
  return bound;
}

/// The errors met in this run. If the variable WENGERT_ERROR_BOUNDS names a file, they are written there at the end of
/// the program, together with what the file held before; otherwise each is compared with error_bounds.csv.
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

  /// Notes the errors of one case: of its op, or of an op that is part of what the case does. The nearest evidence
  /// counts.
  void note(const std::string& op, const std::array<double, 3>& errors, ErrorBound::Of of) {
    ErrorBound& bound = met_[op];
    if (bound.of > of) return;
    if (of > bound.of) bound = {{-1, -1, -1}, of};
    for (std::size_t k = 0; k < 3; ++k) bound.worst[k] = std::max(bound.worst[k], errors[k]);
  }

  /// Whether the errors of a case are to be compared with the kept ones; not while these are made.
  bool are_compared() const { return target_ == nullptr; }
  /// The kept errors of an op.
  std::optional<ErrorBound> kept(const std::string& op) const {
    const auto found = kept_.find(op);
    return found == kept_.end() ? std::nullopt : std::optional(found->second);
  }

  /// The bounds of a file; none if it does not exist.
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

/// Whether an op is in the registry.
inline bool is_registered(const std::string& name) {
  static const auto names = [] {
    std::set<std::string> result;
    for (const OpRow& row : op_registry()) result.emplace(row.name);
    return result;
  }();
  return names.contains(name);
}

}  // namespace wengert::testing
