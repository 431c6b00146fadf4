// Saves and loads the parameters of a network: matches file entries to parameter paths and reports differences.
#include "base/join.hpp"
#include "base/located.hpp"
#include "io/in_quotes.hpp"
#include "io/renaming.hpp"
#include "io/tensor_formats.hpp"
#include <wengert/io/parameters.hpp>

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

namespace wengert::io {
namespace {

using detail::ModuleParameters;
using detail::ParameterPaths;

// Calls `f` with the parameters of the struct's only scalar type.
template <class F>
auto with_scalar(const ModuleParameters& parameters, const char* subject, const Location& where, const F& f) {
  if (parameters.in_float.empty() && parameters.in_double.empty())
    throw ValueError(subject, "the struct has no Parameters", where);
  if (!parameters.in_float.empty() && !parameters.in_double.empty())
    throw ValueError(subject,
                     fmt::format("'{}' is a Parameter of float, '{}' one of double: expected one scalar type",
                                 parameters.in_float[0].paths[0], parameters.in_double[0].paths[0]),
                     where);
  return parameters.in_double.empty() ? f(parameters.in_float) : f(parameters.in_double);
}

// A parameter and the value of its entry.
template <class T>
struct Match {
  Parameter<T> parameter;
  const Tensor<T>* value;
};

// What rules that a message suggests are found from.
struct Unmatched {
  std::vector<NamedShape> missing, unexpected;
  std::vector<std::string> kept;
};

template <class T>
struct Comparison {
  LoadReport report;
  std::vector<Match<T>> matches;
  Unmatched unmatched;
  bool file_is_empty;
};

// Whether an entry is the count that PyTorch's batch normalisation stores beside its statistics. It is ignored.
bool counts_batches(std::string_view name) {
  constexpr std::string_view last = "num_batches_tracked";
  return name.ends_with(last) && (name.size() == last.size() || name[name.size() - last.size() - 1] == '.');
}

// An entry of a file under its new name.
template <class T>
struct Entry {
  std::string name;
  const NamedTensor<T>* tensor;
  ElementType type;
  bool renamed = false;
};

// The call and the file, for errors.
struct Context {
  const char* subject;
  const std::filesystem::path& path;
  const Location& where;

  [[noreturn]] void refuse(const std::string& what) const {
    throw ValueError(subject, fmt::format("{}: {}", path.string(), what), where);
  }
  // Refuses an option that matches none of the names.
  [[noreturn]] void refuse_unmatched(const std::string& option, std::string_view pattern,
                                     const std::vector<std::string>& names) const {
    if (names.empty()) refuse(fmt::format("{} matches no name: the file has no entries", option));
    refuse(
        fmt::format("{} matches no name: the nearest are {}", option, first_few(nearest(pattern, names), in_quotes)));
  }
};

std::string text_of(const Rename& rule) { return fmt::format("'{}' → '{}'", rule.from, rule.to); }

template <class T>
std::vector<std::string> names_of(const std::vector<Entry<T>>& entries) {
  std::vector<std::string> names;
  for (const Entry<T>& entry : entries) names.push_back(entry.name);
  return names;
}

// The entries that begin with the prefix, without it, renamed by the rules.
template <class T>
std::vector<Entry<T>> renamed_entries(const std::vector<NamedTensor<T>>& tensors, const std::vector<ElementType>& types,
                                      const LoadOptions& options, const Context& context) {
  std::vector<Entry<T>> entries;
  std::vector<std::string> all;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    all.push_back(tensors[i].name);
    if (tensors[i].name.starts_with(options.prefix))
      entries.push_back({tensors[i].name.substr(options.prefix.size()), &tensors[i], types[i]});
  }
  if (entries.empty() && !options.prefix.empty())
    context.refuse_unmatched(fmt::format("the prefix '{}'", options.prefix), options.prefix + "*", all);
  for (const Rename& rule : options.rename) {
    if (wildcards(rule.from) != wildcards(rule.to))
      context.refuse(fmt::format("the rule {} has {} wildcards on the left and {} on the right: expected as many",
                                 text_of(rule), wildcards(rule.from), wildcards(rule.to)));
    bool matched = false;
    for (Entry<T>& entry : entries)
      if (auto name = renamed(rule, entry.name)) {
        entry.name = std::move(*name);
        entry.renamed = matched = true;
      }
    if (!matched) context.refuse_unmatched(fmt::format("the rule {}", text_of(rule)), rule.from, names_of(entries));
  }
  return entries;
}

// Removes and reports what the patterns of `LoadOptions::skip` leave out.
template <class T>
void skip(const std::vector<std::string>& patterns, std::vector<ParameterPaths<T>>& parameters,
          std::vector<Entry<T>>& entries, LoadReport& report, const Context& context) {
  std::vector<bool> matched(patterns.size(), false);
  const auto is_skipped = [&](const std::string& name) {
    bool any = false;
    for (std::size_t i = 0; i < patterns.size(); ++i)
      if (matches(patterns[i], name)) any = matched[i] = true;
    return any;
  };
  std::vector<std::string> names = names_of(entries);
  std::unordered_set<std::string> skipped;
  for (const auto& [paths, parameter] : parameters) names.insert(names.end(), paths.begin(), paths.end());
  std::erase_if(parameters, [&](const ParameterPaths<T>& p) {
    if (std::ranges::count_if(p.paths, is_skipped) == 0) return false;
    report.skipped.push_back(p.paths.front());
    skipped.insert(p.paths.begin(), p.paths.end());
    return true;
  });
  std::erase_if(entries, [&](const Entry<T>& entry) {
    const bool with_parameter = skipped.contains(entry.name), by_itself = is_skipped(entry.name);
    if (by_itself && !with_parameter) report.skipped.push_back(entry.tensor->name);
    return with_parameter || by_itself;
  });
  for (std::size_t i = 0; i < patterns.size(); ++i)
    if (!matched[i]) context.refuse_unmatched(fmt::format("'{}' in skip", patterns[i]), patterns[i], names);
}

template <class T>
Comparison<T> compare(std::vector<ParameterPaths<T>> parameters, const std::vector<NamedTensor<T>>& tensors,
                      const std::vector<ElementType>& types, const LoadOptions& options, const Context& context) {
  constexpr ElementType own = sizeof(T) == sizeof(float) ? ElementType::f32 : ElementType::f64;
  Comparison<T> result{{}, {}, {}, tensors.empty()};
  std::vector<Entry<T>> entries = renamed_entries(tensors, types, options, context);
  skip(options.skip, parameters, entries, result.report, context);
  std::unordered_map<std::string_view, const Entry<T>*> by_name;
  for (const Entry<T>& entry : entries)
    if (const auto [other, is_new] = by_name.emplace(entry.name, &entry); !is_new)
      context.refuse(fmt::format("{} and {} both become {}: expected rules that keep names apart, or skip for one",
                                 in_quotes(other->second->tensor->name), in_quotes(entry.tensor->name),
                                 in_quotes(entry.name)));

  LoadReport& report = result.report;
  std::unordered_set<std::string_view> expected;
  Unmatched& unmatched = result.unmatched;
  for (const auto& [paths, parameter] : parameters) {
    expected.insert(paths.begin(), paths.end());
    const auto name = std::ranges::find_if(paths, [&](const auto& path) { return by_name.contains(path); });
    if (name == paths.end()) {
      report.missing.push_back(paths.front());
      for (const std::string& path : paths) unmatched.missing.push_back({path, parameter.shape()});
      continue;
    }
    std::ranges::copy_if(paths, std::back_inserter(unmatched.kept),
                         [&](const auto& path) { return by_name.contains(path); });
    const Entry<T>& entry = *by_name.at(*name);
    const Shape shape(entry.tensor->value.shape());
    if (shape != parameter.shape()) {
      report.mismatched.push_back({*name, shape, parameter.shape()});
      continue;
    }
    report.loaded.push_back(*name);
    if (entry.renamed) report.renamed.push_back({*name, entry.tensor->name});
    if (entry.type != own) report.converted.push_back({*name, std::string(name_of(entry.type))});
    result.matches.push_back({parameter, &entry.tensor->value});
  }
  for (const Entry<T>& entry : entries)
    if (!expected.contains(entry.name) && !counts_batches(entry.name)) {
      report.unexpected.push_back(entry.tensor->name);
      unmatched.unexpected.push_back({entry.name, Shape(entry.tensor->value.shape())});
    }
  return result;
}

// The differences, and what removes or accepts them, in one line.
std::string complaint_of(const LoadReport& report, const std::vector<Rename>& suggested, const LoadOptions& options) {
  const auto name = [](const std::string& text) { return text; };
  const auto mismatch = [](const LoadReport::Mismatch& m) {
    return fmt::format("{} has shape {}, expected {}", m.name, to_string(m.in_file), to_string(m.expected));
  };
  const auto rule = [](const Rename& r) { return fmt::format("{{\"{}\", \"{}\"}}", r.from, r.to); };
  std::string text = fmt::format("{} matching", report.loaded.size());
  if (!report.missing.empty()) text += "; missing: " + first_few(report.missing, name);
  if (!report.unexpected.empty()) text += "; unexpected: " + first_few(report.unexpected, name);
  if (!report.mismatched.empty()) text += "; mismatched: " + first_few(report.mismatched, mismatch);
  text += "; nothing was loaded; ";
  if (!suggested.empty())
    text += fmt::format(fmt::runtime(options.rename.empty() ? "try .rename = {{{}}}" : "add {} to rename"),
                        first_few(suggested, rule));
  const std::string_view otherwise = suggested.empty() ? "" : ", or ";
  if (!report.loaded.empty()) return fmt::format("{}{}see LoadOptions::partial", text, otherwise);
  if (report.missing.empty() && report.mismatched.empty()) return text + "`skip` leaves out every parameter";
  return fmt::format("{}{}choose the file of this network: no entry has the name and shape of a parameter", text,
                     otherwise);
}

// Throws FileError unless the options allow what differs.
template <class T>
void check(Comparison<T>& comparison, const LoadOptions& options, const Context& context) {
  const LoadReport& report = comparison.report;
  const bool allowed = options.partial || ((options.allow_missing || report.missing.empty()) &&
                                           (options.allow_unexpected || report.unexpected.empty()) &&
                                           (options.allow_shape_mismatch || report.mismatched.empty()));
  if (allowed && !report.loaded.empty()) return;
  auto& [missing, unexpected, kept] = comparison.unmatched;
  const std::string complaint =
      comparison.file_is_empty
          ? "the file has no entries: expected the parameters of a network"
          : complaint_of(report, suggested_rules(std::move(unexpected), std::move(missing), std::move(kept)), options);
  throw FileError(context.subject, fmt::format("{}: {}", context.path.string(), complaint), context.where);
}

}  // namespace

namespace detail {

void save(const ModuleParameters& parameters, const std::filesystem::path& path, const Location& where) {
  located("save_parameters", where, [&] {
    const TensorFormat& format = tensor_format(path, "save_parameters", where);
    with_scalar(parameters, "save_parameters", where, [&]<class T>(const std::vector<ParameterPaths<T>>& all) {
      std::vector<NamedTensor<T>> tensors;
      for (const auto& [paths, parameter] : all) tensors.push_back({paths.front(), parameter.value()});
      format.save(path, tensors, where);
    });
  });
}

LoadReport load(const ModuleParameters& parameters, const std::filesystem::path& path, const LoadOptions& options,
                const Location& where) {
  return located("load_parameters", where, [&]() -> LoadReport {
    const Context context{"load_parameters", path, where};
    const TensorFormat& format = tensor_format(path, context.subject, where);
    return with_scalar(parameters, context.subject, where, [&]<class T>(const std::vector<ParameterPaths<T>>& all) {
      std::vector<ElementType> types;
      const std::vector<NamedTensor<T>> tensors = format.load<T>(path, types, where);
      Comparison<T> comparison = io::compare(all, tensors, types, options, context);
      check(comparison, options, context);
      for (Match<T>& match : comparison.matches) match.parameter.assign(*match.value, where);
      return std::move(comparison.report);
    });
  });
}

LoadReport compare(const ModuleParameters& parameters, const std::filesystem::path& path, const LoadOptions& options,
                   const Location& where) {
  return located("compare_parameters", where, [&]() -> LoadReport {
    const Context context{"compare_parameters", path, where};
    const TensorFormat& format = tensor_format(path, context.subject, where);
    return with_scalar(parameters, context.subject, where, [&]<class T>(const std::vector<ParameterPaths<T>>& all) {
      std::vector<ElementType> types;
      const std::vector<NamedTensor<T>> tensors = format.load<T>(path, types, where);
      return io::compare(all, tensors, types, options, context).report;
    });
  });
}

}  // namespace detail

}  // namespace wengert::io
