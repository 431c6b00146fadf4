// Mutation tests of gradcheck: faults injected into the vjp of every op must be reported.
#include "base/sanitizers.hpp"
#include "gradcheck/mutants.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include <fmt/ranges.h>

using namespace wengert;
using namespace wengert::testing;

namespace {

// Returns whether a fault is possible for an input.
bool applies(Injected injected, const std::vector<Shape>& shapes, std::size_t input) {
  const Shape& shape = shapes[input];
  const std::size_t rank = shape.rank();
  switch (injected) {
    case Injected::transposed:
      return rank >= 2 && shape[rank - 1] == shape[rank - 2];
    case Injected::swapped:
      return input + 1 < shapes.size() && shapes[input + 1] == shape;
    case Injected::upstream:
      return input == 0;
    default:
      return true;
  }
}

// Returns the gradients of a function for a fixed cotangent, or nothing if they cannot be computed.
std::vector<Tensor<double>> gradients_at(const GradcheckFunction& f, const std::vector<Tensor<double>>& inputs,
                                         unsigned seed_number) {
  Tape<double> tape;
  std::vector<Var<double>> x;
  for (const Tensor<double>& input : inputs) x.push_back(tape.variable(input));
  const Var<double> y = f(x);
  std::vector<Tensor<double>> result;
  try {
    for (const Var<double>& g : grad<double>(seed(y, tape.constant(random_tensor(y.shape(), seed_number))), x))
      result.push_back(g.value());
  } catch (const Error&) {
  }
  return result;
}

constexpr unsigned points = 5;  // number of points at which a mutant is examined

// Returns why a mutant is equivalent to the original, or nothing if their gradients differ at any point.
std::optional<std::string> why_equivalent(const OpExample& example, const Mutant& mutant) {
  double largest = 0;
  for (unsigned k = 0; k < points; ++k) {
    const auto inputs = random_inputs(example, k);
    const auto right = gradients_at(example.apply, inputs, 7 + k);
    const auto mutated =
        gradients_at([&](std::span<const Var<double>> x) { return apply_mutant(example, mutant, x); }, inputs, 7 + k);
    if (mutated.size() != right.size()) return std::nullopt;
    for (std::size_t i = 0; i < right.size(); ++i) {
      const double scale = xt::amax(xt::abs(right[i]))();
      largest = std::max(largest, scale);
      if (!(distance(right[i], mutated[i]) <= 1e-12 * (1 + scale))) return std::nullopt;
    }
  }
  if (largest == 0) return "its gradient is zero on this shape";
  switch (mutant.injected) {
    case Injected::times_size:
    case Injected::over_size:
      return "N is 1";
    case Injected::transposed:
      return "the input's gradient is symmetric";
    case Injected::swapped:
      return "both inputs have the same gradient";
    default:
      return "the input has no influence";
  }
}

struct Score {
  std::size_t killed = 0;
  std::size_t total = 0;
  std::size_t blamed = 0;  // killed with a finding that names the op
  std::size_t equivalents = 0;
  std::size_t explained = 0;                                // with a finding that describes the fault
  std::set<std::string> unblamed;                           // killed without a finding that names the op
  std::map<std::string, std::set<std::string>> equivalent;  // ops by reason and fault
};

// Returns whether a finding describes the injected fault.
bool describes(const GradcheckFinding& finding, Injected injected) {
  switch (injected) {
    case Injected::sign:
      return finding.fault == Fault::opposite_sign;
    case Injected::twice:
      return finding.fault == Fault::constant_factor && std::abs(finding.factor - 2) < 1e-6;
    case Injected::half:
      return finding.fault == Fault::constant_factor && std::abs(finding.factor - 0.5) < 1e-6;
    case Injected::times_size:
      return finding.fault == Fault::constant_factor && finding.factor > 1;
    case Injected::over_size:
      return finding.fault == Fault::constant_factor && finding.factor < 1;
    case Injected::dropped:
      return finding.fault == Fault::missing;
    case Injected::one_element:
      return finding.fault == Fault::some_elements;
    case Injected::wrong_shape:
      return finding.fault == Fault::wrong_shape;
    case Injected::transposed:
      return finding.fault == Fault::transposed;
    case Injected::upstream:
      return finding.fault == Fault::upstream_ignored;
    case Injected::swapped:
      return finding.fault == Fault::swapped;
  }
  return false;
}

// Counts one mutant; the checker gets the same points at which the mutant was examined.
void judge_mutant(const OpExample& example, const Mutant& mutant, GradcheckMode mode, Score& score) {
  const std::string fault = injected_names[static_cast<std::size_t>(mutant.injected)];
  if (const auto reason = why_equivalent(example, mutant)) {
    ++score.equivalents;
    score.equivalent[fmt::format("{}, {}", *reason, fault)].insert(example.label);
    return;
  }
  ++score.total;
  const GradcheckFunction f = [&](std::span<const Var<double>> x) { return apply_mutant(example, mutant, x); };
  GradcheckReport report;
  for (unsigned k = 0; k < points && report.verdict() != Verdict::wrong; ++k)
    report = gradcheck_inputs(f, random_inputs(example, k),
                              GradcheckOptions{.orders = 1, .mode = mode, .vacuous_passes = true});
  INFO(example.label, " on ", to_string(example.shapes.front()), ", input ", mutant.input + 1, ": ", fault, "\n",
       report);
  CHECK(report.verdict() == Verdict::wrong);
  score.killed += report.verdict() == Verdict::wrong ? 1 : 0;
  const auto& findings = report.findings();
  const auto any = [&](const auto& is) { return std::any_of(findings.begin(), findings.end(), is) ? 1U : 0U; };
  if (any([&](const auto& finding) { return finding.op == mutant.name; }) == 1)
    ++score.blamed;
  else
    score.unblamed.insert(fmt::format("{} of {}, input {}, {}: {}", example.label, mutant.name, mutant.input + 1, fault,
                                      report.findings().empty() ? "" : report.findings().front().text));
  score.explained += any([&](const auto& finding) { return describes(finding, mutant.injected); });
}

void mutate(const OpExample& example, GradcheckMode mode, Score& score) {
  const auto target = target_of(example);
  if (!target) return;
  for (std::size_t input = 0; input < target->shapes.size(); ++input)
    for (const Injected injected : all_injected)
      if (applies(injected, target->shapes, input))
        judge_mutant(example, Mutant(*target->op, injected, input), mode, score);
}

// Under AddressSanitizer, which is ten times as slow and checks the engine rather than gradcheck, one example per op.
constexpr std::size_t most_examples = WENGERT_ASAN ? 1 : std::numeric_limits<std::size_t>::max();

void check_mutation_score(GradcheckMode mode, const std::string& title) {
  Score score;
  for (const OpRow& row : op_registry()) {
    if (!row.differentiable || of_a_test(row)) continue;
    CAPTURE(std::string(row.name));
    const std::size_t before = score.total + score.equivalents;
    auto examples = row.examples();
    examples.resize(std::min(examples.size(), most_examples));
    for (const OpExample& example : examples) mutate(example, mode, score);
    if (row.table != nullptr) {  // square shapes permit the transposed fault
      OpExample square = row.examples().front();
      std::fill(square.shapes.begin(), square.shapes.end(), Shape{3, 3});
      mutate(square, mode, score);
    }
    CHECK(score.total + score.equivalents >= before + 8);  // includes equivalent mutants
  }
  std::string list;
  for (const auto& [reason, ops] : score.equivalent)
    list += fmt::format("\n  equivalent: {}: {}", reason, fmt::join(ops, ", "));
  MESSAGE(title, ": ", score.killed, " of ", score.total, " killed, ", score.equivalents, " equivalent; ", score.blamed,
          " with the op named, ", score.explained, " with the fault", list);
  CHECK(score.killed == score.total);
  CHECK(fmt::format("{}", fmt::join(score.unblamed, "; ")) == "");
  CHECK(score.explained > score.total * 95 / 100);  // a single wrong element may also be reported as a factor
  CHECK(score.total > 2000);
}

}  // namespace

TEST_CASE("every fault injected into the vjp of any op is found by the full check") {
  check_mutation_score(GradcheckMode::full, "mutation score");
}

TEST_CASE("every fault injected into the vjp of any op is found by random projections") {
  check_mutation_score(GradcheckMode::fast, "mutation score of the fast mode");
}
