// ONNX's own conformance cases, on a tape and as Programs; prints a table of them.
#include "../testing.hpp"
#include "cases.hpp"
#include <wengert/onnx.hpp>

#include <cctype>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include <fmt/format.h>

using namespace wengert;
using namespace wengert::testing;

namespace {

using wengert::onnx::ElementType;
using OnnxCase = ConformanceCase;

// Cases in scope that are known not to pass, with the reason; a way that is not the tape is in brackets after the name.
const std::map<std::string, std::string> known_failures{
    {"node/test_adam_multiple", "its outputs were computed with epsilon = 0.01, which the model does not state"}};

// What came of one way to compute a case.
struct Outcome {
  enum Kind {
    passed,
    refused,  // a recording needs a value that only exists at the replay
    threw,
    wrong
  } kind = passed;
  std::string reason{};

  bool failed() const { return kind == threw || kind == wrong; }
};

// ---- comparison, with the tolerances of ONNX's own runner

constexpr double relative_tolerance = 1e-3;
constexpr double absolute_tolerance = 1e-7;

// An output of a model without the tape or Program that computed it.
struct ComputedTensor {
  ElementType type;
  Shape shape;
  std::vector<double> numbers;
};

template <class A>
ComputedTensor computed(ElementType type, const A& array) {
  ComputedTensor result{type, Shape(array.shape()), {}};
  for (const auto element : array) result.numbers.push_back(static_cast<double>(element));
  return result;
}

// Empty if an output is as expected; otherwise says what differs.
std::string difference(const CaseTensor& expected, const ComputedTensor& got) {
  if (got.shape != expected.shape())
    return fmt::format("shape {}, not {}", to_string(got.shape), to_string(expected.shape()));
  const bool floating = wengert::onnx::is_floating(expected.type);
  if (floating ? !wengert::onnx::is_floating(got.type) : got.type != expected.type)
    return fmt::format("type {}, not {}", name_of(got.type), name_of(expected.type));
  const ComputedTensor want =
      std::visit([&](const auto& array) { return computed(expected.type, array); }, expected.elements);
  double largest = 0;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < want.numbers.size(); ++i) {
    const double a = got.numbers[i], b = want.numbers[i];
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    if (floating && std::abs(a - b) <= absolute_tolerance + relative_tolerance * std::abs(b)) continue;
    ++wrong;
    largest = larger_error(largest, std::abs(a - b));
  }
  return wrong == 0 ? ""
                    : fmt::format("{} of {} elements differ, by up to {:.3g}", wrong, want.numbers.size(), largest);
}

Outcome compare(const OnnxCase& c, const std::vector<ComputedTensor>& outputs) {
  if (outputs.size() != c.outputs.size())
    return {Outcome::wrong, fmt::format("{} outputs, not {}", outputs.size(), c.outputs.size())};
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (const std::string text = difference(c.outputs[i], outputs[i]); !text.empty())
      return {Outcome::wrong, fmt::format("output {}: {}", i, text)};
  return {};
}

// ---- ways to compute a case

// Whether integers and truth values among the inputs are known, or IndexVars.
enum class IntegerInputs { known, on_tape };

// The inputs on a tape. `leaves`, if given, gets those that a Program takes; they are then zeros, because a Program
// must depend on the values of its replay alone.
template <class T>
std::vector<wengert::onnx::Value<T>> inputs_on(Tape<T>& tape, const OnnxCase& c, IntegerInputs integers,
                                               std::vector<ProgramVar<T>>* leaves) {
  std::vector<wengert::onnx::Value<T>> result;
  for (const CaseTensor& input : c.inputs) {
    if (const auto* const numbers = std::get_if<Tensor<double>>(&input.elements)) {
      const Tensor<T> values = xt::cast<T>(*numbers);
      const Var<T> x = tape.constant(leaves == nullptr ? values : Tensor<T>(xt::zeros_like(values)));
      if (leaves != nullptr) leaves->push_back(x);
      result.emplace_back(x, input.type);
      continue;
    }
    const auto& known = std::get<Indices>(input.elements);
    if (integers == IntegerInputs::known) {
      result.emplace_back(known, input.type);
      continue;
    }
    const IndexVar<T> x = tape.indices(leaves == nullptr ? known : Indices(xt::zeros_like(known)));
    if (leaves != nullptr) leaves->push_back(x);
    result.emplace_back(x, input.type);
  }
  return result;
}

std::string first_line(const std::exception& error) {
  const std::string text = error.what();
  return text.substr(0, text.find('\n'));
}

template <class T>
ComputedTensor read_value(const wengert::onnx::Value<T>& value) {
  using wengert::onnx::is_floating;
  return is_floating(value.type()) || value.template holds<Var<T>>() ? computed(value.type(), value.numbers())
                                                                     : computed(value.type(), value.integers());
}

template <class T>
Outcome run_on_tape(const wengert::onnx::Model<T>& model, const OnnxCase& c, IntegerInputs integers) {
  Tape<T> tape;
  std::vector<ComputedTensor> outputs;
  for (const auto& value : model.run(tape, inputs_on<T>(tape, c, integers, nullptr)))
    outputs.push_back(read_value(value));
  return compare(c, outputs);
}

template <class T>
Outcome run_as_program(const wengert::onnx::Model<T>& model, const OnnxCase& c, IntegerInputs integers) {
  std::vector<wengert::onnx::Value<T>> results;
  const auto on_tape = [](const auto& value) {
    return value.template holds<Var<T>>() || value.template holds<IndexVar<T>>();
  };
  std::vector<ComputedTensor> outputs;
  const auto record = [&](Tape<T>& tape, std::vector<ProgramVar<T>>& leaves) {
    results = model.run(tape, inputs_on<T>(tape, c, integers, &leaves));
    std::vector<ProgramVar<T>> vars;
    for (const auto& value : results) {
      if (!on_tape(value))
        outputs.push_back(read_value(value));  // known when recorded
      else {
        outputs.push_back({value.type(), value.shape(), {}});
        if (value.template holds<Var<T>>())
          vars.push_back(value.template get<Var<T>>());
        else
          vars.push_back(value.template get<IndexVar<T>>());
      }
    }
    return vars;
  };
  std::optional<Program<T>> program;
  try {
    program.emplace(compile_recorded<T>(record));
  } catch (const HandleError& error) {
    return {Outcome::refused, first_line(error)};
  }
  std::vector<Tensor<T>> numbers;  // the replay reads the inputs in place
  std::vector<ProgramInput<T>> inputs;
  numbers.reserve(c.inputs.size());
  for (const CaseTensor& input : c.inputs) {
    if (const auto* const wide = std::get_if<Tensor<double>>(&input.elements)) {
      numbers.emplace_back(xt::cast<T>(*wide));
      inputs.emplace_back(numbers.back());
    } else if (integers == IntegerInputs::on_tape) {
      inputs.emplace_back(std::get<Indices>(input.elements));
    }
  }
  program->run(inputs);
  for (std::size_t i = 0, k = 0; i < results.size(); ++i) {
    if (!on_tape(results[i])) continue;
    outputs[i] = results[i].template holds<Var<T>>() ? computed(outputs[i].type, program->value(k))
                                                     : computed(outputs[i].type, program->indices(k));
    ++k;
  }
  return compare(c, outputs);
}

Outcome outcome_of(const std::function<Outcome()>& run) {
  try {
    return run();
  } catch (const std::exception& error) {
    return {Outcome::threw, first_line(error)};
  }
}

// The four ways in which a case is computed; those with IndexVars only if there are integers among the inputs.
struct OnnxOutcomes {
  Outcome tape, program;
  std::optional<Outcome> index_tape, index_program;
};

template <class T>
OnnxOutcomes outcomes_in(const OnnxCase& c) {
  std::optional<wengert::onnx::Model<T>> model;
  const Outcome loaded = outcome_of([&]() -> Outcome {
    model = wengert::onnx::load<T>(c.model);
    return {};
  });
  if (!model) return {loaded, loaded, {}, {}};
  OnnxOutcomes result;
  result.tape = outcome_of([&] { return run_on_tape<T>(*model, c, IntegerInputs::known); });
  result.program = outcome_of([&] { return run_as_program<T>(*model, c, IntegerInputs::known); });
  if (std::any_of(c.inputs.begin(), c.inputs.end(),
                  [](const CaseTensor& input) { return std::holds_alternative<Indices>(input.elements); })) {
    result.index_tape = outcome_of([&] { return run_on_tape<T>(*model, c, IntegerInputs::on_tape); });
    result.index_program = outcome_of([&] { return run_as_program<T>(*model, c, IntegerInputs::on_tape); });
  }
  return result;
}

OnnxOutcomes outcomes_of(const OnnxCase& c) {
  if (!c.readable) {
    const Outcome unread{Outcome::threw, "its data are not tensors of numbers"};
    return {unread, unread, {}, {}};
  }
  return c.uses(ElementType::float64) ? outcomes_in<double>(c) : outcomes_in<float>(c);
}

// ---- the table

// One line of the table, a category of cases.
struct OnnxRow {
  std::size_t cases = 0, passed = 0, programs = 0, refused = 0;
  std::size_t with_integers = 0, index_passed = 0, index_programs = 0;

  void add(const OnnxOutcomes& o) {
    const auto counts = [](const std::optional<Outcome>& outcome) {
      return outcome && outcome->kind == Outcome::passed;
    };
    ++cases;
    passed += counts(o.tape);
    programs += counts(o.program);
    refused += o.program.kind == Outcome::refused;
    with_integers += o.index_tape.has_value();
    index_passed += counts(o.index_tape);
    index_programs += counts(o.index_program);
  }
};

// Runs the cases of a folder whose names (without `test_`) begin with a letter from `first` to `last`.
void run_conformance(const std::string& folder, char first, char last) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(WENGERT_ONNX_TESTDATA) / folder))
    if (const std::string name = entry.path().filename().string();
        name.starts_with("test_") && std::tolower(name[5]) >= first && std::tolower(name[5]) <= last)
      paths.push_back(entry.path());
  REQUIRE(!paths.empty());
  std::sort(paths.begin(), paths.end());

  std::map<std::string, OnnxRow> rows;
  std::string notes, program_notes, index_notes;
  for (const auto& path : paths) {
    const OnnxCase c = read_case(path);
    const OnnxOutcomes o = outcomes_of(c);
    const bool in_scope = c.out_of_scope.empty();
    rows[in_scope ? "in scope" : "out of scope: " + c.out_of_scope].add(o);
    if (!in_scope) continue;
    const auto judge = [&](const std::string& way, const Outcome& outcome, std::string& text, bool may_throw) {
      const std::string name = c.name + way;
      CAPTURE(name);
      INFO(outcome.reason);
      const auto listed = known_failures.find(name);
      if (listed != known_failures.end()) {
        CHECK_MESSAGE(outcome.failed(), "remove it from the list of known failures: it passes");
        text += fmt::format("  {}: {} (listed: {})\n", name, outcome.reason, listed->second);
        return;
      }
      if (outcome.kind == Outcome::passed) return;
      text += fmt::format("  {}: {}{}\n", name, outcome.kind == Outcome::refused ? "refused: " : "", outcome.reason);
      if (!may_throw) CHECK(!outcome.failed());
    };
    judge("", o.tape, notes, false);
    // A model that fails on the tape counts once.
    if (o.tape.kind == Outcome::passed) judge(" (Program)", o.program, program_notes, false);
    // Ops need not take their integers from the tape, but what they compute must be right.
    if (o.tape.kind == Outcome::passed && o.index_tape) {
      judge(" (IndexVar)", *o.index_tape, index_notes, o.index_tape->kind != Outcome::wrong);
      judge(" (IndexVar, Program)", *o.index_program, index_notes, o.index_program->kind != Outcome::wrong);
    }
  }

  fmt::print("\nONNX conformance, {}, {} to {}\n{:<44}{:>7}{:>8}{:>9}{:>9} |{:>10}{:>8}{:>9}\n", folder, first, last,
             "category", "cases", "passed", "Program", "refused", "IndexVar", "passed", "Program");
  for (const auto& [category, row] : rows)
    fmt::print("{:<44}{:>7}{:>8}{:>9}{:>9} |{:>10}{:>8}{:>9}\n", category, row.cases, row.passed, row.programs,
               row.refused, row.with_integers, row.index_passed, row.index_programs);
  const auto list = [](const char* title, const std::string& text) {
    if (!text.empty()) fmt::print("{}\n{}", title, text);
  };
  list("not passed on the tape:", notes);
  list("not computed as a Program:", program_notes);
  list("not computed with the integer inputs as IndexVars:", index_notes);
}

}  // namespace

// Each test case is a process of its own under CTest, so they run in parallel.
TEST_CASE("ONNX conformance: ops, a to c") { run_conformance("node", 'a', 'c'); }
TEST_CASE("ONNX conformance: ops, d to m") { run_conformance("node", 'd', 'm'); }
TEST_CASE("ONNX conformance: ops, n to r") { run_conformance("node", 'n', 'r'); }
TEST_CASE("ONNX conformance: ops, s to z") { run_conformance("node", 's', 'z'); }
TEST_CASE("ONNX conformance: models") {
  for (const char* folder : {"pytorch-converted", "pytorch-operator", "simple"}) run_conformance(folder, 'a', 'z');
  for (const auto& [name, reason] : known_failures) {
    CAPTURE(name);
    CHECK(std::filesystem::exists(std::filesystem::path(WENGERT_ONNX_TESTDATA) / name.substr(0, name.find(' '))));
  }
}
