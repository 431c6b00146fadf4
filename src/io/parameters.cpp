// Saves and loads the parameters of a network: matches file entries to parameter paths and reports differences.
#include "base/join.hpp"
#include "base/located.hpp"
#include "io/tensor_formats.hpp"
#include <wengert/io/parameters.hpp>

#include <algorithm>
#include <optional>
#include <ostream>
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
  const Parameter<T>* parameter;
  const Tensor<T>* value;
};

template <class T>
struct Comparison {
  LoadReport report;
  std::vector<Match<T>> matches;
};

// Whether an entry is the count that PyTorch's batch normalisation stores beside its statistics. It is ignored.
bool counts_batches(std::string_view name) {
  constexpr std::string_view last = "num_batches_tracked";
  return name.ends_with(last) && (name.size() == last.size() || name[name.size() - last.size() - 1] == '.');
}

template <class T>
Comparison<T> compare(const std::vector<ParameterPaths<T>>& parameters, const std::vector<NamedTensor<T>>& entries,
                      const std::string& prefix) {
  std::unordered_map<std::string_view, const Tensor<T>*> by_name;
  for (const auto& entry : entries)
    if (entry.name.starts_with(prefix))
      by_name.emplace(std::string_view(entry.name).substr(prefix.size()), &entry.value);
  Comparison<T> result;
  std::unordered_set<std::string_view> expected;
  for (const auto& [paths, parameter] : parameters) {
    expected.insert(paths.begin(), paths.end());
    const auto name = std::ranges::find_if(paths, [&](const auto& path) { return by_name.contains(path); });
    if (name == paths.end()) {
      result.report.missing.push_back(prefix + paths.front());
      continue;
    }
    const Tensor<T>* value = by_name.at(*name);
    if (Shape(value->shape()) != parameter.shape()) {
      result.report.mismatching.push_back({prefix + *name, Shape(value->shape()), parameter.shape()});
      continue;
    }
    result.report.loaded.push_back(prefix + *name);
    result.matches.push_back({&parameter, value});
  }
  for (const auto& entry : entries)
    if (entry.name.starts_with(prefix) && !expected.contains(std::string_view(entry.name).substr(prefix.size())) &&
        !counts_batches(entry.name))
      result.report.unexpected.push_back(entry.name);
  return result;
}

}  // namespace

std::string to_string(const LoadReport& report) {
  const auto name = [](const std::string& text) { return text; };
  const auto mismatch = [](const LoadReport::Mismatch& m) {
    return fmt::format("{} has shape {}, expected {}", m.name, to_string(m.in_file), to_string(m.expected));
  };
  std::string text = fmt::format("{} matching", report.loaded.size());
  if (!report.missing.empty()) text += "; missing: " + first_few(report.missing, name);
  if (!report.unexpected.empty()) text += "; unexpected: " + first_few(report.unexpected, name);
  if (!report.mismatching.empty()) text += "; mismatching: " + first_few(report.mismatching, mismatch);
  return text;
}

std::ostream& operator<<(std::ostream& out, const LoadReport& report) { return out << to_string(report); }

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
    const TensorFormat& format = tensor_format(path, "load_parameters", where);
    return with_scalar(parameters, "load_parameters", where, [&]<class T>(const std::vector<ParameterPaths<T>>& all) {
      const std::vector<NamedTensor<T>> entries = format.load<T>(path, where);
      Comparison<T> comparison = io::compare(all, entries, options.prefix);
      if (!options.partial && !comparison.report.complete())
        throw FileError("load_parameters",
                        fmt::format("{}: {}; nothing was loaded, see LoadOptions::partial", path.string(),
                                    to_string(comparison.report)),
                        where);
      for (const Match<T>& match : comparison.matches) Parameter<T>(*match.parameter).assign(*match.value, where);
      return std::move(comparison.report);
    });
  });
}

LoadReport compare(const ModuleParameters& parameters, const std::filesystem::path& path, const LoadOptions& options,
                   const Location& where) {
  return located("compare_parameters", where, [&]() -> LoadReport {
    const TensorFormat& format = tensor_format(path, "compare_parameters", where);
    return with_scalar(parameters, "compare_parameters", where,
                       [&]<class T>(const std::vector<ParameterPaths<T>>& all) {
                         return io::compare(all, format.load<T>(path, where), options.prefix).report;
                       });
  });
}

}  // namespace detail

}  // namespace wengert::io
