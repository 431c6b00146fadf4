// Every op of the registry on its own examples as an ONNX file: imported again, and computed by ONNX Runtime.
#include "../temporary_folder.hpp"
#include "../testing.hpp"
#include "registry_examples.hpp"
#include "registry_exports.hpp"
#include <wengert/nn.hpp>
#include <wengert/onnx.hpp>

#include <cstdlib>
#include <optional>
#include <set>

#include <fmt/ranges.h>

using namespace wengert;
using namespace wengert::testing;

namespace {

// As many ops were exported when this was written; more may be.
constexpr std::size_t least_exported = 270;

// The exports of all ops.
struct RegistryExports {
  std::filesystem::path folder;
  ExportManifest manifest{folder};
  std::size_t files = 0;
  double error_in_float = 0, error_in_double = 0;

  // Exports an example in T; returns the exporter's error, empty if there was none.
  template <class T>
  std::string run(const OpRow& row, const OpExample& example, std::size_t k) {
    const ExportCase<T> c = export_case<T>(row, example, k);
    const ExportOutcome outcome = try_export(c, folder);
    if (!outcome.refused.empty()) return outcome.refused;
    INFO(c.name, ", ", c.label);
    CHECK(outcome.wrong == "");
    double& largest = sizeof(T) == 4 ? error_in_float : error_in_double;
    if (outcome.wrong.empty()) largest = std::max(largest, outcome.error);
    manifest.add(c);
    ++files;
    return {};
  }
};

// Adds a layer of causal attention that was saved once, with cases of several batches and lengths.
template <class T>
void export_causal_attention(RegistryExports& exports) {
  // Four elements a head give the scale 1/2: ONNX Runtime rounds the scale to float in double models, too.
  const auto layer = nn::TransformerEncoderLayer<T>::make(8, 2, Generator(1), {.dropout = 0, .causal = true});
  const auto path = [&](const std::string& name) { return exports.folder / (name + ".onnx"); };
  const std::string saved = fmt::format("causal_attention.{}", name_of(wengert::onnx::element_type<T>));
  wengert::onnx::save(layer, Shape{2, 5, 8}, path(saved),
                      {.inputs = {"x0"}, .outputs = {"y"}, .axes = {{"batch", {{0, 0}}}, {"length", {{0, 1}}}}});
  const auto loaded = wengert::onnx::load<T>(path(saved));
  for (const std::size_t length : {1u, 2u, 5u, 9u}) {
    CAPTURE(length);
    const Tensor<T> x = random_tensor<T>({3, length, 8}, 1);
    Tape<T> tape;
    const Tensor<double> expected = xt::cast<double>(layer(tape.constant(x)).value());
    CHECK(relative_error(xt::cast<double>(loaded(tape.constant(x)).value()), expected) < export_tolerance<T>);
    const std::string name = fmt::format("causal_attention_{}.{}", length, name_of(wengert::onnx::element_type<T>));
    std::filesystem::copy_file(path(saved), path(name), std::filesystem::copy_options::overwrite_existing);
    exports.manifest.add(ExportCase<T>{name, name, {}, {x}, expected});
  }
}

}  // namespace

// With WENGERT_ONNX_EXPORTS, the files stay in this folder, for export_runtime_test.sh.
TEST_CASE("every op of the registry is exported to ONNX, or listed with a reason") {
  std::optional<TemporaryFolder> temporary;
  const char* const given = std::getenv("WENGERT_ONNX_EXPORTS");
  if (given == nullptr) temporary.emplace();
  RegistryExports exports{given != nullptr ? std::filesystem::path(given) : *temporary / "."};

  std::size_t ops = 0, exported = 0;
  std::set<std::string_view> refused;
  for (const OpRow& row : op_registry()) {
    if (of_a_test(row)) continue;
    ++ops;
    const std::string name(row.name);
    const std::vector<OpExample> examples = export_examples(row);
    std::string refusal = examples.empty() ? "it has no examples" : "";
    for (std::size_t k = 0; k < examples.size(); ++k) {
      for (const std::string& error :
           {exports.run<double>(row, examples[k], k),
            examples[k].apply_in_float ? exports.run<float>(row, examples[k], k) : std::string{}})
        if (refusal.empty() && !error.empty()) refusal = fmt::format("{}: {}", examples[k].label, error);
    }
    const bool is_listed = not_exported().contains(row.name);
    if (refusal.empty()) {
      ++exported;
      CHECK_MESSAGE(!is_listed, fmt::format("{} is exported: remove it from not_exported()", name));
    } else {
      refused.insert(row.name);
      CHECK_MESSAGE(is_listed, fmt::format("{} is not exported: {}", name, refusal));
    }
  }
  for (const auto& listed : not_exported())
    CHECK_MESSAGE(refused.contains(listed.first),
                  fmt::format("{} is in not_exported(), but no such op was refused", listed.first));
  export_causal_attention<float>(exports);
  export_causal_attention<double>(exports);
  exports.manifest.write();

  const std::string text = fmt::format(
      "exported to ONNX: {} of {} ops in {} files; the largest errors after an import are {:.1e} in float and "
      "{:.1e} in double, relative to the largest element",
      exported, ops, exports.files, exports.error_in_float, exports.error_in_double);
  MESSAGE(text);
  CHECK(exported >= least_exported);
}

// Run by export_runtime_test.sh after ONNX Runtime.
TEST_CASE("ONNX Runtime computes what the exported ops compute" * doctest::skip()) {
  const char* const folder = std::getenv("WENGERT_ONNX_EXPORTS");
  REQUIRE_MESSAGE(folder != nullptr, "WENGERT_ONNX_EXPORTS must name the folder of the files");
  const RuntimeComparison comparison = compare_runtime(folder);
  const std::string text = fmt::format(
      "ONNX Runtime {}: {} results agree; the largest errors are {:.1e} in float and {:.1e} in double; it has "
      "no kernels in double for {} models: {}",
      comparison.runtime, comparison.compared, comparison.error_in_float, comparison.error_in_double,
      comparison.no_kernel.size(), fmt::join(comparison.no_kernel, " "));
  MESSAGE(text);
  CHECK_MESSAGE(comparison.failures.empty(), fmt::format("{}", fmt::join(comparison.failures, "\n")));
  CHECK(comparison.compared > 1000);
}
