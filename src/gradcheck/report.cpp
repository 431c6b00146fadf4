// The text of a gradient check's report.
#include <wengert/gradcheck/gradcheck.hpp>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace wengert {

double GradcheckEntry::difference() const { return std::abs(analytic - numeric); }

Verdict GradcheckReport::verdict() const {
  if (!mismatches_.empty() || !findings_.empty()) return Verdict::wrong;
  return inconclusive_.empty() ? Verdict::right : Verdict::inconclusive;
}

std::string GradcheckReport::input_name(std::size_t input) const {
  const bool known = input < names_.size() && !names_[input].empty();
  return known ? fmt::format("{} ({})", input + 1, names_[input]) : std::to_string(input + 1);
}

std::string GradcheckReport::overlooked_text() const {
  std::string text = fmt::format("{} parameter{} ", overlooked_.size(), overlooked_.size() == 1 ? "" : "s");
  for (std::size_t i = 0; i < overlooked_.size(); ++i) text += fmt::format("{}{}", i == 0 ? "(" : ", ", overlooked_[i]);
  return text + ")";
}

std::string GradcheckReport::to_string() const {
  const std::string kinks = kinks_ == 0 ? "" : fmt::format("; {} at kinks", kinks_);
  if (ok())
    return fmt::format("gradcheck: right: {} derivatives agree{}; the worst used {:.2g} of its tolerance", checked_,
                       kinks, worst_) +
           (overlooked_.empty() ? "" : fmt::format("; not checked: {} that it captured", overlooked_text()));
  std::string text = fmt::format("gradcheck: {}: of {} derivatives {} disagree, {} are inconclusive{}\n",
                                 verdict() == Verdict::wrong ? "wrong" : "inconclusive", checked_, mismatches_.size(),
                                 inconclusive_.size(), kinks);
  for (const GradcheckFinding& finding : findings_) text += fmt::format("  * {}\n", finding.text);
  constexpr std::size_t shown = 10;
  const auto& entries = mismatches_.empty() ? inconclusive_ : mismatches_;
  if (entries.empty()) return text;
  text += fmt::format("  {:>5}  {:<16} {:<16} {:>15} {:>15} {:>10}\n", "order", "d result", "d input", "analytic",
                      "numeric", "± error");
  for (std::size_t i = 0; i < std::min(shown, entries.size()); ++i) {
    const GradcheckEntry& e = entries[i];
    const std::string result = (e.order == 1 ? "" : fmt::format("∇{} ", e.source + 1)) + wengert::to_string(e.output);
    text += fmt::format("  {:>5}  {:<16} {:<16} {:>15.9g} {:>15.9g} {:>10.1e}\n", e.order, result,
                        input_name(e.input) + " " + wengert::to_string(e.index), e.analytic, e.numeric, e.error);
  }
  if (entries.size() > shown) {
    std::set<std::size_t> inputs;
    for (const GradcheckEntry& e : entries) inputs.insert(e.input);
    text += fmt::format("  … and {} more, of the inputs:", entries.size() - shown);
    for (const char* separator = " "; const std::size_t input : inputs)
      text += std::exchange(separator, ", ") + input_name(input);
    text += "\n";
  }
  return text;
}

std::ostream& operator<<(std::ostream& out, const GradcheckReport& report) { return out << report.to_string(); }

}  // namespace wengert
