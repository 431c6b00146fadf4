// Accuracy of the vectorised functions at the active instruction set; CTest runs these tests at each one.
#include "simd/accuracy.hpp"

#include "testing.hpp"

#include <bit>

using namespace wengert;
using namespace wengert::testing;

namespace {

// Returns numbers of every sign and exponent, including denormals, infinities and NaNs, with mantissas spread over each
// exponent.
std::vector<float> spread_over_all(float) {
  std::vector<float> numbers;
  constexpr std::uint64_t step = 8209;  // a prime, so that low bits differ
  for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += step)
    numbers.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  return numbers;
}
std::vector<double> spread_over_all(double) {
  std::vector<double> numbers;
  for (std::uint64_t high = 0; high < 1 << 12; ++high)  // sign and exponent
    for (std::uint64_t i = 0; i < 16; ++i)
      numbers.push_back(std::bit_cast<double>(high << 52 | (i * 0x9e3779b97f4a7c15U >> 12)));
  for (int i = -100'000; i <= 100'000; ++i)
    numbers.push_back(i * 0.00757);  // exponentials neither underflow nor overflow here
  return numbers;
}
template <class T>
std::vector<T> edges() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> numbers;
  for (const T x : {T(0), T(1), T(0.5), T(2), Limits::min(), Limits::denorm_min(), Limits::max(), Limits::epsilon(),
                    Limits::infinity(), Limits::quiet_NaN()})
    for (const T signed_x : {x, -x})
      for (const T neighbour :
           {std::nextafter(signed_x, -Limits::infinity()), signed_x, std::nextafter(signed_x, Limits::infinity())})
        numbers.push_back(neighbour);
  return numbers;
}

}  // namespace

TEST_CASE_TEMPLATE("vectorised functions are exact to 4 ulp in float, to 2 in double, over all numbers", T, float,
                   double) {
  MESSAGE("instruction set: ", std::string(to_string(active_isa())));
  std::vector<T> numbers = edges<T>();
  const std::vector<T> spread = spread_over_all(T(0));
  numbers.insert(numbers.end(), spread.begin(), spread.end());
  Tape<T> tape;
  for (const Function<T>& function : vectorised_functions<T>()) {
    Worst<T> worst;
    measure<T>(function, numbers, tape, worst);
    const std::string name(function.name);
    CAPTURE(name);
    CAPTURE(worst.at);
    CAPTURE(worst.got);
    CHECK(worst.distance <= function.allowed);
  }
}
