// Saving and loading the parameters of a network.
//
//     save_parameters(network, "weights.safetensors");     // or .npz
//     load_parameters(network, "weights.safetensors");     // throws, and changes nothing, unless all fits
//     load_parameters(network, "pretrained.npz", {.rename = {{"encoder.*", "body.*"}}, .skip = {"head.*"}});
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/io/hidden.hpp>
#include <wengert/reflect/parameters.hpp>
#include <wengert/tape/parameter.hpp>

#include <filesystem>
#include <iosfwd>
#include <string>
#include <type_traits>
#include <vector>

namespace wengert::io {

/// A renaming rule of `load_parameters`: `{"encoder.*", "body.*"}`.
struct Rename {
  std::string from;  ///< a pattern of names: `*` stands for any characters, also none; each but the last for the fewest
  std::string to;    ///< the new name, with as many `*`, which stand for the same characters in the same order
};

/// Options of `load_parameters`. A prefix, rule or pattern that matches nothing is an error, also in partial loads.
struct LoadOptions {
  /// Considers only entries whose names begin with this prefix, which is removed: `{.prefix = "encoder."}` loads
  /// `encoder.0.weight` into the parameter `0.weight`.
  std::string prefix = {};
  /// Rules that rename entries, in order: each sees the names that the previous ones leave.
  std::vector<Rename> rename = {};
  /// Patterns, with `*` as in Rename, of what is left out: entries by their new names, and parameters by their paths (a
  /// shared one by any of them), which keep their values.
  std::vector<std::string> skip = {};
  /// Loads the entries that match and leaves the other parameters unchanged, instead of throwing: all three below.
  bool partial = false;
  bool allow_missing = false;         ///< accepts parameters without an entry, which keep their values
  bool allow_unexpected = false;      ///< accepts entries without a parameter, which are not loaded
  bool allow_shape_mismatch = false;  ///< accepts entries of another shape, which are not loaded
};

/// How the entries of a file match the parameters of a network. Parameters have the network's paths and its order,
/// entries the file's names and its order.
struct LoadReport {
  /// A parameter whose entry has another shape.
  struct Mismatch {
    std::string name;  ///< the path of the parameter
    Shape in_file;     ///< the shape of the entry
    Shape expected;    ///< the shape of the parameter
  };
  /// A loaded parameter whose entry was renamed.
  struct Renamed {
    std::string name;     ///< the path of the parameter
    std::string in_file;  ///< the name of the entry
  };
  /// A loaded parameter whose entry has elements of another type.
  struct Converted {
    std::string name;     ///< the path of the parameter
    std::string in_file;  ///< NumPy's name of the type in the file, such as `float16`; also `bfloat16`
  };
  std::vector<std::string> loaded;      ///< parameters with a matching entry
  std::vector<Renamed> renamed;         ///< those of them that a rule of `LoadOptions::rename` led to their entry
  std::vector<Converted> converted;     ///< those of them whose elements were rounded or widened
  std::vector<std::string> skipped;     ///< parameters, then other entries, that `LoadOptions::skip` leaves out
  std::vector<std::string> missing;     ///< parameters without an entry
  std::vector<std::string> unexpected;  ///< entries without a parameter
  std::vector<Mismatch> mismatched;     ///< parameters whose entry has another shape

  /// Whether nothing is missing, unexpected or mismatched.
  bool complete() const { return missing.empty() && unexpected.empty() && mismatched.empty(); }
};

/// The report as a table: a line with the counts, then one line for each item of the other lists, at most twenty a
/// list: `missing     head.weight`.
std::string to_string(const LoadReport& report);
/// Writes `to_string`.
std::ostream& operator<<(std::ostream& out, const LoadReport& report);

namespace detail {

/// A parameter with its paths, several if it is shared; it is saved under the first.
template <class T>
struct ParameterPaths {
  std::vector<std::string> paths;
  Parameter<T> parameter;
};
/// The parameters of a struct, by their scalar types.
struct ModuleParameters {
  std::vector<ParameterPaths<float>> in_float;
  std::vector<ParameterPaths<double>> in_double;

  void add(const std::string& path, const Parameter<float>& parameter) { add(in_float, path, parameter); }
  void add(const std::string& path, const Parameter<double>& parameter) { add(in_double, path, parameter); }

 private:
  template <class T>
  static void add(std::vector<ParameterPaths<T>>& known, const std::string& path, const Parameter<T>& parameter) {
    for (ParameterPaths<T>& other : known)
      if (other.parameter == parameter) return other.paths.push_back(path);
    known.push_back({{path}, parameter});
  }
};

template <class Module>
ModuleParameters parameters_of(const Module& module) {
  ModuleParameters all;
  wengert::detail::visit_any_parts(module, [&](const std::string& path, const wengert::detail::AnyPart& part) {
    if (const auto* const parameter = part.as<Parameter<float>>()) all.add(path, *parameter);
    if (const auto* const parameter = part.as<Parameter<double>>()) all.add(path, *parameter);
    return true;
  });
  return all;
}

void save(const ModuleParameters& parameters, const std::filesystem::path& path, const Location& where);
LoadReport load(const ModuleParameters& parameters, const std::filesystem::path& path, const LoadOptions& options,
                const Location& where);
LoadReport compare(const ModuleParameters& parameters, const std::filesystem::path& path, const LoadOptions& options,
                   const Location& where);

}  // namespace detail

/// Writes every Parameter of a struct, including untrainable ones, under its path (`encoder.0.weight`); a shared one is
/// written once, under its first path.
///
/// The extension, `.npz` or `.safetensors`, selects the format. Throws like `save_npz` and `save_safetensors`;
/// ValueError for any other extension, if the struct has no Parameters or has both float and double ones, and if
/// members may hold Parameters that cannot be found: layers that are not aggregates, maps of layers (see
/// reflect/parameters.hpp).
template <class Module>
void save_parameters(const Module& module, const std::filesystem::path& path,
                     const Location& where = Location::current()) {
  detail::require_open(module, "save_parameters", where);
  detail::save(detail::parameters_of(module), path, where);
}

/// Assigns to every Parameter of a struct the entry named by its path, rounded to its scalar type.
///
/// A shared parameter uses the first of its paths that the file contains. The extension selects the format. Ignores
/// entries named `num_batches_tracked`, which PyTorch's batch normalisation saves. If it throws, nothing is changed:
/// FileError with all differences, and rules that would remove some, if an entry is missing, unexpected or of another
/// shape and `options` do not allow it, or if nothing would be loaded; ValueError for a prefix, rule or pattern that
/// matches no name, and for rules that give two entries one name. Also throws like `load_npz` and `load_safetensors`,
/// and ValueError like `save_parameters`.
template <class Module>
LoadReport load_parameters(const Module& module, const std::filesystem::path& path, const LoadOptions& options = {},
                           const Location& where = Location::current()) {
  detail::require_open(module, "load_parameters", where);
  return detail::load(detail::parameters_of(module), path, options, where);
}

/// The report that `load_parameters` would return, without changing anything and whatever is allowed. Throws FileError
/// if the file cannot be read; ValueError for an unknown extension, for options like `load_parameters`, and if the
/// struct has no Parameters or has both float and double ones.
template <class Module>
LoadReport compare_parameters(const Module& module, const std::filesystem::path& path, const LoadOptions& options = {},
                              const Location& where = Location::current()) {
  return detail::compare(detail::parameters_of(module), path, options, where);
}

}  // namespace wengert::io
