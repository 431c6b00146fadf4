// Command line of the benchmark programs:
//   PROGRAM --benchmark_filter=REGEX …    times the work whose name matches (Google Benchmark's options)
//   PROGRAM --check REGEX                 one step each; prints a line of JSON with value and digests of the arrays
//   PROGRAM --memory NAME                 peak resident memory in kB: at the start, after first steps, of later steps
//   PROGRAM --allocations NAME            calls of malloc and operator new per step after warm-up
// BENCHMARK_THREADS sets the number of threads (default 1).

// g++ 12 warns of uninitialised variables in <regex> under the sanitizers.
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "allocations.hpp"
#include "inputs.hpp"
#include "work.hpp"

#include <benchmark/benchmark.h>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <map>
#include <regex>
#include <stdexcept>
#include <utility>

namespace {

using bench::Array;
using bench::Work;

using Offers = std::map<std::string, std::function<std::unique_ptr<Work>()>>;
Offers& offers() {
  static Offers all;
  return all;
}

Work& named(const std::string& name) {
  static std::map<std::string, std::unique_ptr<Work>> made;
  const auto offer = offers().find(name);
  if (offer == offers().end()) throw std::invalid_argument("no work is called " + name);
  std::unique_ptr<Work>& work = made[name];
  if (work == nullptr) {
    work = offer->second();
    work->step();  // the first step also warms up
  }
  return *work;
}

// Prints a digest for comparing arrays: size, norm and a random projection.
void print_digest(const Array& array) {
  double norm = 0, projection = 0;
  for (std::size_t i = 0; i < array.elements.size(); ++i) {
    norm = std::hypot(norm, array.elements[i]);
    projection += array.elements[i] * (2 * bench::uniform(0, i) - 1);
  }
  std::printf("\"%s\": [%zu, %.17g, %.17g]", array.name.c_str(), array.elements.size(), norm, projection);
}

void check(const std::string& name) {
  const std::unique_ptr<Work> work = offers().at(name)();
  std::vector<Array> before;
  if (work->trains()) before = work->arrays();
  work->step();
  std::vector<Array> arrays = work->arrays();
  for (std::size_t a = 0; a < before.size(); ++a)
    for (std::size_t i = 0; i < arrays[a].elements.size(); ++i)
      arrays[a].elements[i] = before[a].elements[i] - arrays[a].elements[i];
  std::printf("{\"name\": \"%s\", \"value\": %.17g, \"arrays\": {", name.c_str(), work->value());
  for (std::size_t a = 0; a < arrays.size(); ++a) {
    if (a > 0) std::printf(", ");
    print_digest(arrays[a]);
  }
  std::printf("}}\n");
}

void check_all(const std::string& pattern) {
  for (const auto& [name, make] : offers())
    if (std::regex_search(name, std::regex(pattern))) check(name);
}

long peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::strtol(line.c_str() + 6, nullptr, 10);
  throw std::runtime_error("/proc/self/status has no VmHWM");
}

void weigh(const std::string& name) {
  const long before = peak_memory();
  Work& work = named(name);
  for (int i = 0; i < 3; ++i) work.step();
  const long peak = peak_memory();
  std::ofstream("/proc/self/clear_refs") << 5;  // resets the peak
  for (int i = 0; i < 3; ++i) work.step();
  std::printf("{\"name\": \"%s\", \"start_kb\": %ld, \"peak_kb\": %ld, \"later_kb\": %ld}\n", name.c_str(), before,
              peak, peak_memory());
}

void count_allocations(const std::string& name) {
  Work& work = named(name);
  for (int i = 0; i < 3; ++i) work.step();
  const bench::Allocations before = bench::allocations();
  constexpr int steps = 10;
  for (int i = 0; i < steps; ++i) work.step();
  const bench::Allocations after = bench::allocations();
  std::printf("{\"name\": \"%s\", \"own\": %g, \"libraries\": %g}\n", name.c_str(),
              static_cast<double>(after.own - before.own) / steps,
              static_cast<double>(after.libraries - before.libraries) / steps);
}

void register_benchmarks() {
  for (const auto& [name, make] : offers())
    benchmark::RegisterBenchmark(name.c_str(), [name = name](benchmark::State& state) {
      Work& work = named(name);
      for (auto _ : state) work.step();
      state.counters["items"] = work.items();
    });
}

}  // namespace

bool bench::offer(std::string name, std::function<std::unique_ptr<Work>()> make) {
  return offers().emplace(std::move(name), std::move(make)).second;
}

int main(int argc, char** argv) {
  try {
    const char* threads = std::getenv("BENCHMARK_THREADS");
    bench::set_threads(threads == nullptr ? 1 : std::atoi(threads));
    const std::string mode = argc == 3 ? argv[1] : "";
    if (mode == "--check") return check_all(argv[2]), 0;
    if (mode == "--memory") return weigh(argv[2]), 0;
    if (mode == "--allocations") return count_allocations(argv[2]), 0;
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    register_benchmarks();
    benchmark::RunSpecifiedBenchmarks();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  return 0;
}
