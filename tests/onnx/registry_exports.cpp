// Applications of the registry's ops as ONNX files: export, import, and the comparison of results.
#include "registry_exports.hpp"

#include "onnx/graph.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/onnx.hpp>
#include <wengert/onnx/save.hpp>

#include <type_traits>

#include <fmt/ranges.h>

namespace wengert::testing {

namespace {

template <class T>
auto application_in(const OpExample& example) {
  if constexpr (std::is_same_v<T, float>)
    return example.apply_in_float;
  else
    return example.apply;
}

template <class T>
std::vector<Var<T>> constants_on(Tape<T>& tape, const std::vector<Tensor<T>>& inputs) {
  std::vector<Var<T>> x;
  for (const Tensor<T>& input : inputs) x.push_back(tape.constant(input));
  return x;
}

// Records `call` on the inputs of a case; it returns the handle of the result.
template <class T, class F>
onnx::detail::Recording<T> recording_of(const ExportCase<T>& c, const F& call) {
  return [&c, call](Tape<T>& tape, std::span<const std::size_t>) {
    onnx::detail::RecordedCall<T> recorded{.caller = "onnx::save", .options = "SaveOptions"};
    const std::vector<Var<T>> x = constants_on(tape, c.inputs);
    for (std::size_t i = 0; i < x.size(); ++i) recorded.inputs.push_back({fmt::format("x{}", i), x[i], false});
    const Var<T> y = call(tape, x);
    recorded.outputs.push_back({"y", y, tape.node(y, "test").holds_indices});
    return recorded;
  };
}

template <class T>
std::vector<onnx::Value<T>> run_model(const onnx::Model<T>& model, Tape<T>& tape, const std::vector<Var<T>>& x) {
  return model.run(tape, std::vector<onnx::Value<T>>(x.begin(), x.end()));
}

// Ops whose files grow with each import and export, although each computes the same: MaxPool counts positions in the
// whole tensor, Wengert in a plane, so an import converts them, and an export of it converts them back.
bool is_converted_again(std::string_view name) {
  return name.starts_with("max_pool_positions.") || name.starts_with("max_unpool");
}

// The nodes of a file, one a line.
std::string nodes_of(const std::filesystem::path& path) {
  std::string text;
  const onnx::detail::ModelFile file = onnx::detail::read_model(path, Location::current());
  for (const onnx::detail::Node& node : file.graph.nodes)
    text += fmt::format("  {} = {}({})\n", fmt::join(node.outputs, ", "), node.op, fmt::join(node.inputs, ", "));
  return text;
}

// What is wrong with an imported file; empty if nothing is.
template <class T>
std::string check_model(const onnx::Model<T>& model, const ExportCase<T>& c, double& error) {
  const onnx::ElementType expected = c.integers ? onnx::ElementType::int64 : onnx::element_type<T>;
  const onnx::ElementType declared = model.outputs().front().type;
  if (declared != expected)
    return fmt::format("the output is declared as {}: expected {}", name_of(declared), name_of(expected));
  Tape<T> tape;
  const Tensor<double> got = run_model(model, tape, constants_on(tape, c.inputs)).front().numbers();
  const double e = relative_error(got, c.result);
  error = larger_error(error, e);
  if (e <= export_tolerance<T>) return {};
  return fmt::format("shape {} and an error of {}: expected shape {} and at most {}", to_string(Shape(got.shape())), e,
                     to_string(Shape(c.result.shape())), export_tolerance<T>);
}

}  // namespace

double relative_error(const Tensor<double>& got, const Tensor<double>& want) {
  if (got.shape() != want.shape()) return infinity;
  double largest = 0, difference = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double a = got.data()[i], b = want.data()[i];
    if (std::isfinite(b)) largest = std::max(largest, std::abs(b));
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    difference = std::isfinite(a) && std::isfinite(b) ? std::max(difference, std::abs(a - b)) : infinity;
  }
  return difference == 0 ? 0 : difference / largest;
}

template <class T>
ExportCase<T> export_case(const OpRow& row, const OpExample& example, std::size_t k) {
  ExportCase<T> c{fmt::format("{}.{}.{}", row.name, k, name_of(onnx::element_type<T>)),
                  example.label,
                  application_in<T>(example),
                  {},
                  {}};
  for (std::size_t i = 0; i < example.shapes.size(); ++i)
    c.inputs.push_back(random_tensor<T>(example.shapes[i], static_cast<unsigned>(1 + i), example.domains[i].low,
                                        example.domains[i].high));
  Tape<T> tape;
  const std::vector<Var<T>> x = constants_on(tape, c.inputs);
  const Var<T> y = c.apply(x);
  c.integers = tape.node(y, "test").holds_indices;
  c.result = c.integers ? onnx::Value<T>(IndexVar<T>(y)).numbers() : onnx::Value<T>(y).numbers();
  return c;
}

template <class T>
ExportOutcome try_export(const ExportCase<T>& c, const std::filesystem::path& folder) {
  ExportOutcome outcome;
  const onnx::SaveOptions fixed_extents{.axes = {}};
  const std::filesystem::path path = folder / (c.name + ".onnx");
  try {
    const auto applied = [&c](Tape<T>&, const std::vector<Var<T>>& x) { return c.apply(x); };
    onnx::detail::save_recording<T>(recording_of(c, applied), {}, {}, path, fixed_extents, Location::current());
  } catch (const Error& error) {
    outcome.refused = error.what();
    return outcome;
  }
  try {
    const TemporaryFolder others;  // `folder` holds only first files, which the checker and the runtime read
    std::vector<std::string> files{bytes_of(path)};
    std::filesystem::path from = path;
    for (const char* const again : {"second", "third"}) {
      const onnx::Model<T> model = onnx::load<T>(from);
      outcome.wrong = check_model(model, c, outcome.error);
      if (!outcome.wrong.empty()) {
        outcome.wrong = fmt::format("file {}: {}", files.size(), outcome.wrong);
        break;
      }
      const auto imported = [&](Tape<T>& tape, const std::vector<Var<T>>& x) {
        const onnx::Value<T> y = run_model(model, tape, x).front();
        return c.integers ? y.indices(tape).handle() : y.var(tape);
      };
      from = others / again;
      onnx::detail::save_recording<T>(recording_of(c, imported), named_parameters(model),
                                      wengert::detail::buffers_of<T>(model), from, fixed_extents, Location::current());
      files.push_back(bytes_of(from));
    }
    if (outcome.wrong.empty() && !is_converted_again(c.name) && files[1] != files[2])
      outcome.wrong = fmt::format("the third export differs from the second:\n{}second:\n{}",
                                  nodes_of(others / "third"), nodes_of(others / "second"));
  } catch (const std::exception& error) {
    outcome.wrong = error.what();
  }
  return outcome;
}

#define WENGERT_INSTANTIATE(T)                                                     \
  template ExportCase<T> export_case(const OpRow&, const OpExample&, std::size_t); \
  template ExportOutcome try_export(const ExportCase<T>&, const std::filesystem::path&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::testing
