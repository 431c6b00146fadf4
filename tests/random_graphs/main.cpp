// Compares the tape and Programs on random graphs; see docs/contributing.md.
#include "random_graphs/compare.hpp"
#include "random_graphs/functions.hpp"
#include "random_graphs/shrink.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace wengert;
using namespace wengert::random_graphs;

namespace {

std::uint64_t current_seed = 0;

// Prints the seed of the graph that crashed the program.
void report_crash(int signal) {
  std::fprintf(stderr, "seed %llu: signal %d\n", static_cast<unsigned long long>(current_seed), signal);
  std::_Exit(3);
}

struct Options {
  std::size_t seeds = 100, first = 0, failures = 3;
  int threads = 1;
  std::string dtype = "both";
  std::set<std::string> skipped;
  bool big = false, shrink = true, coverage = false, borrow = true, mutations = false;
};

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    const auto value = [&]() -> const char* { return i + 1 < count ? arguments[++i] : "0"; };
    if (name == "--seeds")
      options.seeds = std::strtoull(value(), nullptr, 10);
    else if (name == "--first")
      options.first = std::strtoull(value(), nullptr, 10);
    else if (name == "--failures")
      options.failures = std::strtoull(value(), nullptr, 10);
    else if (name == "--threads")
      options.threads = std::atoi(value());
    else if (name == "--dtype")
      options.dtype = value();
    else if (name == "--big")
      options.big = true;
    else if (name == "--no-shrinking")
      options.shrink = false;
    else if (name == "--mutations")
      options.mutations = true;
    else if (name == "--skip")
      options.skipped.insert(value());
    else if (name == "--no-borrow")
      options.borrow = false;
    else if (name == "--coverage")
      options.coverage = true;
    else
      fmt::print("unknown option {}\n", name), std::exit(2);
  }
  return options;
}

template <class T>
bool run_seed(const Options& options, std::uint64_t seed, Statistics& statistics) {
  Graph graph = generate(seed, options.big);
  for (Step& step : graph.steps)
    if (options.skipped.contains(step.function)) step.function = "contiguous";
  if (!options.borrow)
    for (Leaf& leaf : graph.leaves)
      if (leaf.kind == LeafKind::borrowed) leaf.kind = LeafKind::constant;
  const auto difference = compare<T>(graph, statistics);
  if (!difference) return true;
  const char* type = sizeof(T) == 4 ? "float" : "double";
  fmt::print("seed {}, {}: {}\n", seed, type, difference->text);
  std::fflush(stdout);
  if (options.shrink) {
    Statistics ignored;
    const Graph small = shrink(graph, [&](const Graph& other) {
      const auto still = compare<T>(other, ignored);
      return still && still->kind == difference->kind;
    });
    const auto again = compare<T>(small, ignored);
    fmt::print("{}\n{}\n", again ? again->text : "(not when run again)", to_string(small));
  } else {
    fmt::print("{}\n", to_string(graph));
  }
  std::fflush(stdout);
  return false;
}

// Returns the functions that no graph applied, and the ops without examples that no graph recorded.
std::vector<std::string> left_out(const Statistics& statistics) {
  std::vector<std::string> result;
  for (const auto& [name, function] : functions())
    if (!statistics.applied.contains(name)) result.push_back(name);
  for (const OpRow& row : op_registry())
    if (row.table == nullptr && row.examples().empty() && !statistics.recorded.contains(row.name))
      result.push_back("op " + std::string(row.name));
  return result;
}

// Returns whether at least one graph reveals each mutation.
bool find_mutations(const Options& options) {
  bool all = true;
  for (std::size_t k = 1; k < mutation_names.size(); ++k) {
    const auto mutation = static_cast<Mutation>(k);
    std::size_t killed = 0, tried = 0;
    for (current_seed = options.first; tried < options.seeds && killed < 3; ++current_seed, ++tried) {
      const Graph graph = generate(current_seed, false);
      Statistics ignored;
      const auto difference = compare<double>(graph, ignored, mutation);
      if (!difference || difference->kind == Difference::Kind::refusal || compare<double>(graph, ignored)) continue;
      if (killed++ == 0) fmt::print("{}: seed {}, {}\n", mutation_names[k], current_seed, difference->text);
    }
    fmt::print("{}: {} of {} graphs find it\n", mutation_names[k], killed, tried);
    all = all && killed > 0;
  }
  return all;
}

}  // namespace

int main(int count, char** arguments) {
  const Options options = parse(count, arguments);
  std::signal(SIGSEGV, report_crash);
  std::signal(SIGFPE, report_crash);
  std::signal(SIGABRT, report_crash);
  set_num_threads(options.threads);
  if (options.mutations) return find_mutations(options) ? 0 : 1;
  Statistics statistics;
  std::size_t failed = 0;
  for (current_seed = options.first; current_seed < options.first + options.seeds; ++current_seed) {
    if (options.dtype != "double" && !run_seed<float>(options, current_seed, statistics)) ++failed;
    if (options.dtype != "float" && !run_seed<double>(options, current_seed, statistics)) ++failed;
    if (failed >= options.failures) break;
  }
  std::size_t steps = 0;
  for (const auto& [name, times] : statistics.applied) steps += times;
  const std::vector<std::string> never = left_out(statistics);
  if (options.coverage && !never.empty()) fmt::print("never applied: {}\n", fmt::join(never, ", "));
  fmt::print(
      "{} graphs at {}, {} threads: {} failed; {} steps of {} functions, {} never applied, {} ops recorded; {} steps "
      "and {} replays "
      "refused by both; {} elements, {:.1f} % finite, {} rounded otherwise, {} of them ill-conditioned\n",
      statistics.graphs, to_string(active_isa()), num_threads(), failed, steps, functions().size(), never.size(),
      statistics.recorded.size(), statistics.refused_steps, statistics.refused_values, statistics.elements,
      100.0 * static_cast<double>(statistics.finite) /
          static_cast<double>(std::max<std::size_t>(1, statistics.elements)),
      statistics.rounded, statistics.ill_conditioned);
  return failed > 0 || (options.coverage && !never.empty()) ? 1 : 0;
}
