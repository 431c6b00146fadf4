// Measures the error of each vectorised function over all 2³² floats, for the instruction set chosen by WENGERT_ISA.
//
// Takes one to three minutes per function. Arguments select functions (default: all); `--every N` tests every N-th
// float.
#include "simd/accuracy.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace wengert;
using namespace wengert::testing;

int main(int argc, char** argv) {
  std::uint64_t every = 1;
  std::vector<std::string_view> names;
  for (int i = 1; i < argc; ++i)
    if (std::strcmp(argv[i], "--every") == 0 && i + 1 < argc)
      every = std::strtoull(argv[++i], nullptr, 10);
    else
      names.emplace_back(argv[i]);
  const std::string isa(to_string(active_isa()));
  std::vector<float> numbers;
  Tape<float> tape;
  for (const Function<float>& function : vectorised_functions<float>()) {
    if (!names.empty() && std::find(names.begin(), names.end(), function.name) == names.end()) continue;
    Worst<float> worst;
    for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32;) {
      numbers.clear();
      for (; numbers.size() < 1 << 16 && bits < std::uint64_t{1} << 32; bits += every)
        numbers.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
      measure<float>(function, numbers, tape, worst);
    }
    std::printf("%-12s %-8s %8.3f ulp at %.9g (%a): %.9g\n", std::string(function.name).c_str(), isa.c_str(),
                worst.distance, static_cast<double>(worst.at), static_cast<double>(worst.at),
                static_cast<double>(worst.got));
    std::fflush(stdout);
  }
}
