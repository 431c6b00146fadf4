// Matches names against patterns with wildcards, and finds the rules and names that a message suggests.
#include "io/renaming.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace wengert::io {
namespace {

// What the `*` of a pattern stand for in a name. Only the last one met is ever extended, so the others are shortest.
std::optional<std::vector<std::string_view>> captures(std::string_view pattern, std::string_view name) {
  std::vector<std::string_view> found;
  std::size_t p = 0, n = 0, after_star = 0, begin = 0;
  while (p < pattern.size() || n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      begin = n;
      found.push_back(name.substr(n, 0));
    } else if (p < pattern.size() && n < name.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (!found.empty() && begin + found.back().size() < name.size()) {
      found.back() = name.substr(begin, found.back().size() + 1);
      n = begin + found.back().size();
      p = after_star;
    } else {
      return std::nullopt;
    }
  }
  return found;
}

// Levenshtein distance of a name from the nearest one that the pattern matches.
std::size_t distance_from(std::string_view pattern, std::string_view name) {
  std::vector<std::size_t> row(name.size() + 1);
  for (std::size_t n = 0; n <= name.size(); ++n) row[n] = n;
  for (const char c : pattern) {
    std::size_t diagonal = row[0];
    if (c != '*') ++row[0];
    for (std::size_t n = 1; n <= name.size(); ++n) {
      const std::size_t above = row[n];
      row[n] = c == '*' ? std::min(above, row[n - 1])
                        : std::min({above + 1, row[n - 1] + 1, diagonal + (c == name[n - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

std::vector<std::string_view> components(std::string_view name) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0, dot = 0; dot != std::string_view::npos; begin = dot + 1) {
    dot = name.find('.', begin);
    parts.push_back(name.substr(begin, dot - begin));
  }
  return parts;
}

std::string pattern_of(bool begins, std::span<const std::string_view> middle, bool ends) {
  std::string text = begins ? "*" : "";
  for (const std::string_view part : middle) text.append(text.empty() ? "" : ".").append(part);
  if (ends) text += text.empty() ? "*" : ".*";
  return text;
}

using RuleKey = std::pair<std::string, std::string>;

// The rule that replaces the components in which two names differ; none if they have no component in common.
std::optional<RuleKey> rule_between(std::span<const std::string_view> a, std::span<const std::string_view> b) {
  const std::size_t shorter = std::min(a.size(), b.size());
  std::size_t first = 0, last = 0;
  while (last < shorter && a[a.size() - 1 - last] == b[b.size() - 1 - last]) ++last;
  while (first < shorter - last && a[first] == b[first]) ++first;
  if (first + last == 0) return std::nullopt;
  return RuleKey{pattern_of(first > 0, a.subspan(first, a.size() - first - last), last > 0),
                 pattern_of(first > 0, b.subspan(first, b.size() - first - last), last > 0)};
}

// The missing parameters by name.
using ByName = std::unordered_map<std::string_view, const NamedShape*>;
ByName by_name(const std::vector<NamedShape>& missing) {
  ByName result;
  for (const NamedShape& parameter : missing) result.emplace(parameter.name, &parameter);
  return result;
}

// The missing parameter that a rule leads an entry to; nullptr if there is none.
const NamedShape* target(const Rename& rule, const NamedShape& entry, const ByName& missing) {
  const std::optional<std::string> name = renamed(rule, entry.name);
  const auto found = name ? missing.find(*name) : missing.end();
  return found == missing.end() || found->second->shape != entry.shape ? nullptr : found->second;
}

// The rule that explains most entries. The number of pairs of names that it compares, and of rules that it tries, is
// bounded, so that the time of a message grows only in proportion to the number of names.
std::optional<Rename> best_rule(const std::vector<NamedShape>& unexpected, const std::vector<NamedShape>& missing,
                                const std::vector<std::string>& kept) {
  constexpr std::size_t most = 300, tried = 20;
  const auto first = [&](const std::vector<NamedShape>& all) {
    return std::span(all).first(std::min(all.size(), most));
  };
  std::vector<std::vector<std::string_view>> parts;
  for (const NamedShape& parameter : first(missing)) parts.push_back(components(parameter.name));
  std::map<RuleKey, std::size_t> pairs;
  for (const NamedShape& entry : first(unexpected)) {
    const std::vector<std::string_view> from = components(entry.name);
    for (std::size_t i = 0; i < parts.size(); ++i)
      if (entry.shape == missing[i].shape)
        if (const auto key = rule_between(from, parts[i])) ++pairs[*key];
  }
  std::vector<std::pair<RuleKey, std::size_t>> candidates(pairs.begin(), pairs.end());
  std::ranges::stable_sort(candidates, std::ranges::greater{}, &std::pair<RuleKey, std::size_t>::second);
  const ByName to_reach = by_name(missing);
  std::optional<Rename> best;
  std::size_t best_count = 0;
  for (const auto& [key, count] : std::span(candidates).first(std::min(candidates.size(), tried))) {
    const Rename rule{key.first, key.second};
    if (std::ranges::any_of(kept, [&](const std::string& name) { return matches(rule.from, name); })) continue;
    std::unordered_set<const NamedShape*> reached;
    for (const NamedShape& entry : unexpected)
      if (const auto* to = target(rule, entry, to_reach)) reached.insert(to);
    if (reached.size() <= best_count) continue;
    best = rule;
    best_count = reached.size();
  }
  return best;
}

}  // namespace

std::size_t wildcards(std::string_view pattern) { return static_cast<std::size_t>(std::ranges::count(pattern, '*')); }

bool matches(std::string_view pattern, std::string_view name) { return captures(pattern, name).has_value(); }

std::optional<std::string> renamed(const Rename& rule, std::string_view name) {
  const auto found = captures(rule.from, name);
  if (!found) return std::nullopt;
  std::string text;
  std::size_t next = 0;
  for (const char c : rule.to) c == '*' ? text.append((*found)[next++]) : text.append(1, c);
  return text;
}

std::vector<std::string> nearest(std::string_view pattern, const std::vector<std::string>& names) {
  std::vector<std::pair<std::size_t, const std::string*>> order;
  for (const std::string& name : names) order.emplace_back(distance_from(pattern, name), &name);
  std::ranges::stable_sort(order, {}, [](const auto& item) { return item.first; });
  std::vector<std::string> best;
  for (const auto& [changes, name] : std::span(order).first(std::min<std::size_t>(order.size(), 3)))
    best.push_back(*name);
  return best;
}

std::vector<Rename> suggested_rules(std::vector<NamedShape> unexpected, std::vector<NamedShape> missing,
                                    std::vector<std::string> kept) {
  std::vector<Rename> rules;
  while (rules.size() < 3) {
    const std::optional<Rename> rule = best_rule(unexpected, missing, kept);
    if (!rule) break;
    rules.push_back(*rule);
    std::vector<NamedShape> left;
    ByName to_reach = by_name(missing);
    for (NamedShape& entry : unexpected) {
      if (const NamedShape* const to = target(*rule, entry, to_reach)) {
        kept.push_back(to->name);
        to_reach.erase(to->name);
      } else {
        if (auto name = renamed(*rule, entry.name)) entry.name = *name;
        left.push_back(std::move(entry));
      }
    }
    std::vector<NamedShape> still_missing;
    for (const NamedShape& parameter : missing)
      if (to_reach.contains(parameter.name)) still_missing.push_back(parameter);
    missing = std::move(still_missing);
    unexpected = std::move(left);
  }
  return rules;
}

}  // namespace wengert::io
