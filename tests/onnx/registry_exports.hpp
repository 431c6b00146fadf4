// Applications of the registry's ops as ONNX files: export, import, and files for ONNX Runtime.
#pragma once

#include <wengert/base/tensor.hpp>
#include <wengert/tape/registry.hpp>
#include <wengert/tape/var.hpp>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace wengert::testing {

/// An application of an op with its inputs and its result on a tape.
template <class T>
struct ExportCase {
  std::string name;   ///< `softmax.2.float`, from which its files have their names
  std::string label;  ///< the example's
  std::function<Var<T>(std::span<const Var<T>>)> apply;
  std::vector<Tensor<T>> inputs;
  Tensor<double> result;
  bool integers = false;  ///< whether the result holds integers
};

/// Example number `k` of the op, applied to inputs drawn from its domains.
template <class T>
ExportCase<T> export_case(const OpRow& row, const OpExample& example, std::size_t k);

/// The largest error that an export may have, relative to the largest element.
template <class T>
inline constexpr double export_tolerance = sizeof(T) == 4 ? 1e-5 : 1e-12;

/// The largest difference, relative to the largest finite element of `want`: infinity if the shapes differ, or if one
/// tensor has a NaN or an infinity where the other has not.
double relative_error(const Tensor<double>& got, const Tensor<double>& want);

/// What became of a case.
struct ExportOutcome {
  std::string refused;  ///< the exporter's error; empty if there was none
  std::string wrong;    ///< what is wrong with the file; empty if nothing is
  double error = 0;     ///< of the imported file
};
/// Exports a case to `folder`, imports the file and compares its result, exports that and does both again: the files
/// are equal from the second on, or, where positions are converted each time, compute the same.
template <class T>
ExportOutcome try_export(const ExportCase<T>& c, const std::filesystem::path& folder);

/// The cases in a folder, in the format of runtime/run_models.mjs, whose entries here also hold the expected outputs.
class ExportManifest {
 public:
  /// A folder that exists.
  explicit ExportManifest(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Writes the inputs and the result of a case that was exported to the folder.
  template <class T>
  void add(const ExportCase<T>& c);
  /// Writes manifest.json.
  void write() const;

 private:
  std::filesystem::path folder_;
  std::vector<std::string> entries_;  // JSON
};

/// How the results that ONNX Runtime wrote to a folder differ from those of the manifest.
struct RuntimeComparison {
  std::string runtime;                 ///< its version
  std::size_t compared = 0;            ///< models whose results agree
  std::vector<std::string> no_kernel;  ///< models in double that the runtime has no kernels for
  std::vector<std::string> failures;   ///< all others: name and what is wrong
  double error_in_float = 0;           ///< the largest
  double error_in_double = 0;          ///< the largest
};
RuntimeComparison compare_runtime(const std::filesystem::path& folder);

}  // namespace wengert::testing
