// The parameters of a network, to and from files.
//
//     save_parameters(network, "weights.safetensors");     // or .npz
//     load_parameters(network, "weights.safetensors");     // throws, and changes nothing, unless all fits
#pragma once

#include <wengert/error.hpp>
#include <wengert/io/npz.hpp>
#include <wengert/io/safetensors.hpp>
#include <wengert/parameter.hpp>
#include <wengert/parameters.hpp>

#include <filesystem>
#include <iosfwd>
#include <string>
#include <type_traits>
#include <vector>

namespace wengert {

/// How `load_parameters` treats a file that does not fit.
struct LoadOptions {
  /// Takes over what fits and leaves the other parameters as they are, instead of throwing.
  bool partial = false;
  /// Only entries whose names begin so are looked at, without it: `{.prefix = "encoder."}` finds `encoder.0.weight` for
  /// the parameter `0.weight`.
  std::string prefix = {};
};

/// What a file and a network have in common. Entries are listed in the file's order, parameters in the network's.
struct LoadReport {
  /// A parameter whose entry has another shape.
  struct Mismatch {
    std::string name;  ///< the path of the parameter
    Shape in_file;     ///< the shape of the entry
    Shape expected;    ///< the shape of the parameter
  };
  std::vector<std::string> loaded;      ///< the parameters that were set
  std::vector<std::string> missing;     ///< parameters that the file has no entry for
  std::vector<std::string> unexpected;  ///< entries that no parameter is called like
  std::vector<Mismatch> mismatching;    ///< parameters whose entry has another shape

  /// Whether nothing is missing, unexpected or mismatching.
  bool complete() const { return missing.empty() && unexpected.empty() && mismatching.empty(); }
};

/// The report in one line, `3 fit; missing: head.bias; …`, of each list the first few.
std::string to_string(const LoadReport& report);
/// Writes `to_string`.
std::ostream& operator<<(std::ostream& out, const LoadReport& report);

namespace detail {

/// A parameter with every path it is met by: the first is its name, others are those it is shared under.
template <class T>
struct PathedParameter {
  std::vector<std::string> paths;
  Parameter<T> parameter;
};
/// The parameters of a struct, by their scalar types.
struct PathedParameters {
  std::vector<PathedParameter<float>> in_float;
  std::vector<PathedParameter<double>> in_double;

  void add(const std::string& path, const Parameter<float>& parameter) { add(in_float, path, parameter); }
  void add(const std::string& path, const Parameter<double>& parameter) { add(in_double, path, parameter); }

 private:
  template <class T>
  static void add(std::vector<PathedParameter<T>>& known, const std::string& path, const Parameter<T>& parameter) {
    for (PathedParameter<T>& other : known)
      if (other.parameter == parameter) return other.paths.push_back(path);
    known.push_back({{path}, parameter});
  }
};

template <class Module>
PathedParameters parameters_of(const Module& module) {
  PathedParameters all;
  for_each_named_leaf(module, [&]<class Leaf>(const std::string& path, const Leaf& leaf) {
    if constexpr (std::is_same_v<Leaf, Parameter<float>> || std::is_same_v<Leaf, Parameter<double>>)
      all.add(path, leaf);
  });
  return all;
}

void save(const PathedParameters& parameters, const std::filesystem::path& path, const Location& where);
LoadReport load(const PathedParameters& parameters, const std::filesystem::path& path, const LoadOptions& options,
                const Location& where);
LoadReport compare(const PathedParameters& parameters, const std::filesystem::path& path, const LoadOptions& options,
                   const Location& where);

}  // namespace detail

/// Writes every Parameter of a struct, untrainable ones too, under its path (`encoder.0.weight`); a shared one once, by
/// its first path.
///
/// The path's ending, `.npz` or `.safetensors`, chooses the format. Throws as `save_npz` and `save_safetensors` do;
/// ValueError for another ending, if the struct has no Parameters or some of either scalar type, and if members may
/// hold Parameters that are not found: layers that are no aggregates, maps of layers (see parameters.hpp).
template <class Module>
void save_parameters(const Module& module, const std::filesystem::path& path,
                     const Location& where = Location::current()) {
  detail::require_open(module, "save_parameters", where);
  detail::save(detail::parameters_of(module), path, where);
}

/// Assigns to every Parameter of a struct the entry called like its path, rounded to its scalar type.
///
/// A shared parameter takes the first of its paths that the file has. The path's ending chooses the format. Throws
/// FileError with the report if an entry is missing, unexpected or of another shape, unless `options.partial`; then
/// nothing is changed. Entries called `num_batches_tracked`, which PyTorch's batch normalisation has, are passed over.
/// Throws also as `load_npz` and `load_safetensors` do, and ValueError as `save_parameters` does.
template <class Module>
LoadReport load_parameters(const Module& module, const std::filesystem::path& path, const LoadOptions& options = {},
                           const Location& where = Location::current()) {
  detail::require_open(module, "load_parameters", where);
  return detail::load(detail::parameters_of(module), path, options, where);
}

/// What `load_parameters` would find; changes nothing, and throws only if the file cannot be read.
template <class Module>
LoadReport compare_parameters(const Module& module, const std::filesystem::path& path, const LoadOptions& options = {},
                              const Location& where = Location::current()) {
  return detail::compare(detail::parameters_of(module), path, options, where);
}

}  // namespace wengert
