// The manifest of exported ops for ONNX Runtime, and the comparison with its results.
#include "registry_exports.hpp"
#include "runtime_files.hpp"
#include <wengert/onnx/element_type.hpp>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace wengert::testing {

namespace {

// Models in double that ONNX Runtime computes with a factor in float: it merges the scale of a product of matrices into
// FusedMatMul, whose attribute is a float.
bool has_factor_in_float(std::string_view name) { return name.starts_with("scaled_dot_product_attention."); }

using nlohmann::json;

// A file of elements of type X as numbers.
template <class X>
Tensor<double> read_as(const std::filesystem::path& path, const std::vector<std::size_t>& shape) {
  xt::xarray<X, xt::layout_type::row_major> x = xt::xarray<X, xt::layout_type::row_major>::from_shape(shape);
  std::ifstream file(path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(x.data()), static_cast<std::streamsize>(x.size() * sizeof(X))))
    throw std::runtime_error("cannot read " + path.string());
  return xt::cast<double>(x);
}

Tensor<double> read_elements(const std::filesystem::path& folder, const json& tensor) {
  const std::string type = tensor.at("dtype");
  const std::filesystem::path path = folder / tensor.at("file").get<std::string>();
  const auto shape = tensor.at("shape").get<std::vector<std::size_t>>();
  if (type == "float") return read_as<float>(path, shape);
  if (type == "double") return read_as<double>(path, shape);
  if (type == "int64") return read_as<std::int64_t>(path, shape);
  throw std::runtime_error(fmt::format("{} has elements of type {}", path.string(), type));
}

bool lacks_kernel(const std::string& error) {
  return error.find("NOT_IMPLEMENTED") != std::string::npos ||
         error.find("Could not find an implementation") != std::string::npos;
}

}  // namespace

template <class T>
void ExportManifest::add(const ExportCase<T>& c) {
  json entry{{"name", c.name}, {"model", c.name + ".onnx"}, {"inputs", json::array()}};
  const auto describe = [&](const std::string& name, std::string_view type, const auto& x) {
    const std::string file = fmt::format("{}.{}.bin", c.name, name);
    write_elements(folder_ / file, x);
    const std::vector<std::size_t> shape(x.shape().begin(), x.shape().end());
    return json{{"name", name}, {"dtype", type}, {"shape", shape}, {"file", file}};
  };
  const std::string_view type = name_of(onnx::element_type<T>);
  for (std::size_t i = 0; i < c.inputs.size(); ++i)
    entry["inputs"].push_back(describe(fmt::format("x{}", i), type, c.inputs[i]));
  entry["expected"] = json::array({describe("y", "double", c.result)});
  entry["output_type"] = c.integers ? name_of(onnx::ElementType::int64) : type;
  entries_.push_back(entry.dump());
}

void ExportManifest::write() const {
  std::ofstream file(folder_ / "manifest.json");
  file << fmt::format("{{\"models\": [\n{}\n]}}\n", fmt::join(entries_, ",\n"));
  if (!file.flush()) throw std::runtime_error("cannot write " + (folder_ / "manifest.json").string());
}

RuntimeComparison compare_runtime(const std::filesystem::path& folder) {
  const json expected = read_json(folder / "manifest.json").at("models");
  const json results = read_json(folder / "results.json");
  const json& models = results.at("models");
  RuntimeComparison comparison;
  comparison.runtime = results.at("runtime");
  if (models.size() != expected.size())
    throw std::runtime_error(fmt::format("{} results for {} models", models.size(), expected.size()));
  for (std::size_t k = 0; k < models.size(); ++k) {
    const std::string name = expected[k].at("name");
    const auto fail = [&](const std::string& what) {
      comparison.failures.push_back(fmt::format("{}: {}", name, what));
    };
    const bool in_double = name.ends_with(".double");
    if (models[k].at("name") != name) throw std::runtime_error("the results are not those of the manifest's models");
    if (models[k].contains("error")) {
      const std::string error = models[k].at("error");
      if (in_double && lacks_kernel(error))
        comparison.no_kernel.push_back(name);
      else
        fail(error);
      continue;
    }
    const json &outputs = models[k].at("outputs"), &wanted = expected[k].at("expected");
    const bool is_rounded = in_double && has_factor_in_float(name);
    const double most = in_double && !is_rounded ? export_tolerance<double> : export_tolerance<float>;
    std::string wrong;
    if (outputs.size() != wanted.size()) wrong = fmt::format("{} outputs: expected {}", outputs.size(), wanted.size());
    for (std::size_t i = 0; i < outputs.size() && wrong.empty(); ++i) {
      const json& output = outputs[i];
      if (output.at("dtype") != expected[k].at("output_type")) {
        wrong = fmt::format("output {} has the type {}: expected {}", i, output.at("dtype").dump(),
                            expected[k].at("output_type").dump());
        break;
      }
      const double error = relative_error(read_elements(folder, output), read_elements(folder, wanted[i]));
      if (!(error <= most))
        wrong = fmt::format("output {}: shape {} and an error of {}: expected shape {} and at most {}", i,
                            output.at("shape").dump(), error, wanted[i].at("shape").dump(), most);
      if (is_rounded) continue;
      double& largest = in_double ? comparison.error_in_double : comparison.error_in_float;
      largest = std::max(largest, error);
    }
    if (wrong.empty())
      ++comparison.compared;
    else
      fail(wrong);
  }
  return comparison;
}

template void ExportManifest::add(const ExportCase<float>&);
template void ExportManifest::add(const ExportCase<double>&);

}  // namespace wengert::testing
