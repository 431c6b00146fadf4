// Random draws: known answers of Philox, moments and frequencies, gradients, dropout, and rejected operands.
#include "../testing.hpp"
#include "kernel/philox.hpp"

#include <xtensor/xsort.hpp>

using namespace wengert;
using namespace wengert::testing;

namespace {

// Philox4x32-10 as in the paper, one block at a time.
std::array<std::uint32_t, 4> plain_philox(std::array<std::uint32_t, 4> c, std::array<std::uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = 0xD2511F53ULL * c[0], b = 0xCD9E8D57ULL * c[2];
    c = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(a)};
    k = {k[0] + 0x9E3779B9U, k[1] + 0xBB67AE85U};
  }
  return c;
}

// Returns Pearson's chi-squared statistic of counts against the expected counts.
double chi_square(const std::vector<double>& counts, const std::vector<double>& expected) {
  double total = 0;
  for (std::size_t i = 0; i < counts.size(); ++i)
    total += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
  return total;
}

template <class T>
double mean_of(const Tensor<T>& x, int power) {
  double total = 0;
  for (const T e : x) total += std::pow(static_cast<double>(e), power);
  return total / static_cast<double>(x.size());
}

}  // namespace

TEST_CASE("Philox4x32-10 gives the known answers of Random123's kat_vectors") {
  using Block = std::array<std::uint32_t, 4>;
  CHECK(kernel::philox4x32({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr std::uint32_t ones = 0xffffffff;
  CHECK(kernel::philox4x32({ones, ones, ones, ones}, {ones, ones}) ==
        Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(kernel::philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("many blocks at once are the single blocks, also where the counter's low half overflows") {
  const std::uint64_t key = 0x0123456789abcdef, first = 0xfffffff0;
  std::vector<std::uint64_t> words(2 * 37);
  kernel::philox_words(key, first, words.data(), 37);
  for (std::uint64_t block = 0; block < 37; ++block) {
    const std::uint64_t number = first + block;
    const auto expected = plain_philox(
        {static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(number >> 32), 0, 0}, {0x89abcdef, 0x01234567});
    CHECK(words[2 * block] == (std::uint64_t{expected[1]} << 32 | expected[0]));
    CHECK(words[2 * block + 1] == (std::uint64_t{expected[3]} << 32 | expected[2]));
  }
}

TEST_CASE_TEMPLATE("draws follow from key and counter alone, whatever their shape", T, float, double) {
  Tape<T> tape;
  for (const std::size_t count : Sizes{0, 1, 2, 3, 17, 33, 511, 512, 513, 1500}) {
    CAPTURE(count);
    Generator whole{5, 100}, half{5, 100};
    const auto all = uniform(tape, {count}, whole).value();
    CHECK(whole.counter() == 100 + (count + 1) / 2);
    const auto some = uniform(tape, {count / 2}, half).value();
    for (std::size_t i = 0; i < some.size(); ++i) CHECK(some(i) == all(i));
    const auto words = [&] {
      std::vector<std::uint64_t> w(count + 2);
      kernel::philox_words(5, 100, w.data(), (count + 1) / 2);
      return w;
    }();
    constexpr int digits = std::numeric_limits<T>::digits;
    for (std::size_t i = 0; i < count; ++i)
      CHECK(all(i) == std::ldexp(static_cast<T>(words[i] >> (64 - digits)), -digits));
    Generator g{5, 100}, h{5, 100};
    const auto z = normal(tape, {count}, g).value(), other = normal(tape, {count / 2}, h).value();
    for (std::size_t i = 0; i < other.size(); ++i)
      CHECK(z(i) == doctest::Approx(static_cast<double>(other(i))).epsilon(1e-6));
    for (std::size_t i = 0; i + 1 < count; i += 2) {  // the Box-Muller transform
      const double u = 1 - static_cast<double>(all(i)), angle = 2 * M_PI * static_cast<double>(all(i + 1));
      const double r = std::sqrt(-2 * std::log(u)), tolerance = sizeof(T) == 4 ? 1e-5 : 1e-14;
      CHECK(std::abs(static_cast<double>(z(i)) - r * std::cos(angle)) < tolerance);
      CHECK(std::abs(static_cast<double>(z(i + 1)) - r * std::sin(angle)) < tolerance);
    }
  }
  Generator a{1}, b{1}, c{2};
  const auto first = normal(tape, {2, 3}, a).value();
  CHECK(Shape(first.shape()) == Shape{2, 3});
  CHECK(first == normal(tape, {2, 3}, b).value());
  CHECK(first != normal(tape, {2, 3}, b).value());
  CHECK(first != normal(tape, {2, 3}, c).value());
  CHECK(normal(tape, {}, a).shape() == Shape{});
  const int threads = num_threads();
  set_num_threads(threads == 1 ? 2 : 1);
  b.seek(0);
  CHECK(first == normal(tape, {2, 3}, b).value());
  set_num_threads(threads);
}

TEST_CASE_TEMPLATE("uniform and normal draws have the moments and frequencies of their distributions", T, float,
                   double) {
  constexpr std::size_t count = 200000, bins = 100;
  const double n = count;
  Tape<T> tape;
  Generator generator{1964};
  const Tensor<T> u = uniform(tape, {count}, generator).value(), z = normal(tape, {count}, generator).value();
  CHECK(*std::min_element(u.begin(), u.end()) >= 0);
  CHECK(*std::max_element(u.begin(), u.end()) < 1);
  // The bounds are four standard deviations of each moment's estimate.
  CHECK(std::abs(mean_of(u, 1) - 0.5) < 4 / std::sqrt(12 * n));
  CHECK(std::abs(mean_of(u, 2) - 1.0 / 3) < 4 * std::sqrt(4.0 / 45 / n));
  CHECK(std::abs(mean_of(z, 1)) < 4 / std::sqrt(n));
  CHECK(std::abs(mean_of(z, 2) - 1) < 4 * std::sqrt(2 / n));
  CHECK(std::abs(mean_of(z, 3)) < 4 * std::sqrt(15 / n));
  CHECK(std::abs(mean_of(z, 4) - 3) < 4 * std::sqrt(96 / n));
  // χ² with 99 degrees of freedom exceeds 148.2 once in a thousand times.
  std::vector<double> flat(bins), bell(bins);
  double products = 0;
  for (std::size_t i = 0; i < count; ++i) {
    ++flat[static_cast<std::size_t>(static_cast<double>(u(i)) * bins)];
    const double p = 0.5 * std::erfc(-static_cast<double>(z(i)) / std::sqrt(2.0));
    ++bell[std::min(bins - 1, static_cast<std::size_t>(p * bins))];
    if (i > 0) products += static_cast<double>(z(i)) * static_cast<double>(z(i - 1));
  }
  const std::vector<double> even(bins, n / bins);
  CHECK(chi_square(flat, even) < 148.2);
  CHECK(chi_square(bell, even) < 148.2);
  CHECK(std::abs(products / n) < 4 / std::sqrt(n));  // neighbours are uncorrelated
}

TEST_CASE_TEMPLATE("reparameterised draws differentiate", T, float, double) {
  Tape<T> tape;
  Generator generator{3}, same{3};
  const auto mean = tape.variable(Tensor<T>{1, 2, 3}), deviation = tape.variable(column<T>({T(0.5), 2}));
  const auto x = normal(mean, deviation, generator);
  const auto z = normal(tape, {2, 3}, same).value();
  CHECK(generator.counter() == same.counter());
  CHECK(x.shape() == Shape{2, 3});
  CHECK(distance(x.value(), mean.value() + deviation.value() * z) < 1e-6);
  const auto [dm, ds] = grad(sum(x), mean, deviation);
  CHECK(dm.value() == Tensor<T>{2, 2, 2});
  CHECK(distance(ds.value(), xt::view(xt::sum(z, 1), xt::all(), xt::newaxis())) < 1e-6);
  const auto fixed = normal(0, deviation, generator);
  CHECK(fixed.shape() == Shape{2, 1});

  Generator g{4}, h{4};
  const auto low = tape.variable(Tensor<T>{-1, 5}), high = tape.variable(Tensor<T>{1, 6});
  const auto y = uniform(low, high, g);
  const auto u = uniform(tape, {2}, h).value();
  CHECK(distance(y.value(), low.value() + (high.value() - low.value()) * u) < 1e-6);
  const auto [dl, dh] = grad(sum(y), low, high);
  CHECK(distance(dl.value(), 1 - u) < 1e-6);
  CHECK(distance(dh.value(), u) < 1e-6);
}

TEST_CASE_TEMPLATE("bernoulli draws ones as often as it is asked to, without gradient", T, float, double) {
  constexpr std::size_t count = 50000;
  Tape<T> tape;
  Generator generator{8};
  for (const double p : {0.0, 0.1, 0.5, 0.93, 1.0}) {
    const auto probability = tape.variable(Tensor<T>(xt::ones<T>({count}) * static_cast<T>(p)));
    const auto y = bernoulli(probability, generator);
    const Tensor<T> drawn = y.value();
    for (const T e : drawn) REQUIRE((e == 0 || e == 1));
    CHECK(std::abs(mean_of(drawn, 1) - p) <= 4 * std::sqrt(p * (1 - p) / count) + 1e-9);
    CHECK(grad(sum(y), probability)[0].value() == Tensor<T>(xt::zeros<T>({count})));
  }
  const auto counter = generator.counter();
  CHECK_ERROR(ValueError, "[bernoulli] the probability at position 1 is 1.5: must be in [0, 1]",
              bernoulli(tape.constant(Tensor<T>{0, 1.5}), generator));
  CHECK_ERROR(ValueError, "is nan: must be in [0, 1]",
              bernoulli(tape.constant(std::numeric_limits<T>::quiet_NaN()), generator));
  CHECK(generator.counter() == counter);
}

TEST_CASE_TEMPLATE("categorical draws classes as often as softmax says", T, float, double) {
  constexpr std::size_t count = 60000;
  Tape<T> tape;
  Generator generator{9};
  const T inf = std::numeric_limits<T>::infinity();
  const auto logits = tape.variable(Tensor<T>{1000, -inf, 1001, T(999.5)});
  const IndexVar<T> k = categorical(broadcast_to(logits, {count, 4}), generator);
  CHECK(k.shape() == Shape{count});
  std::vector<double> counts(4);
  for (const std::int64_t drawn : k.value()) {
    REQUIRE(drawn >= 0);
    REQUIRE(drawn < 4);
    ++counts[static_cast<std::size_t>(drawn)];
  }
  CHECK(counts[1] == 0);
  const Tensor<T> p = softmax(logits).value();
  const auto expected = [&](std::size_t c) { return static_cast<double>(p(c)) * count; };
  // χ² with 2 degrees of freedom exceeds 13.8 once in a thousand times.
  CHECK(chi_square({counts[0], counts[2], counts[3]}, {expected(0), expected(2), expected(3)}) < 13.8);
  CHECK(categorical(tape.constant(Tensor<T>{{{0, 5000}, {5000, 0}}}), generator).value() == Indices{{1, 0}});
  CHECK(categorical(logits, generator).shape() == Shape{});
  CHECK(categorical(tape.constant(Tensor<T>(xt::zeros<T>({0, 3}))), generator).shape() == Shape{0});

  CHECK_ERROR(ShapeError, "[categorical] logits of shape (): the last axis must have at least one class",
              categorical(tape.constant(T(1)), generator));
  CHECK_ERROR(ShapeError, "[categorical] logits of shape (2, 0)",
              categorical(tape.constant(Tensor<T>(xt::zeros<T>({2, 0}))), generator));
  CHECK_ERROR(ValueError, "[categorical] logit 1 of row 0 is inf: must be less than infinity",
              categorical(tape.constant(Tensor<T>{0, inf}), generator));
  CHECK_ERROR(ValueError, "[categorical] row 1: no class has a probability above 0",
              categorical(tape.constant(Tensor<T>{{0, 1}, {-inf, -inf}}), generator));
}

TEST_CASE_TEMPLATE("dropout keeps the expectation, and its gradient passes where the element did", T, float, double) {
  constexpr std::size_t count = 100000;
  Tape<T> tape;
  Generator generator{10};
  const auto x = tape.variable(Tensor<T>(xt::ones<T>({count / 100, std::size_t{100}}) * T(3)));
  const auto y = dropout(x, 0.25, generator);
  const Tensor<T> value = y.value();
  std::size_t dropped = 0;
  for (const T e : value) {
    REQUIRE((e == 0 || e == T(4)));
    if (e == 0) ++dropped;
  }
  CHECK(std::abs(static_cast<double>(dropped) / count - 0.25) < 4 * std::sqrt(0.25 * 0.75 / count));
  CHECK(distance(grad(sum(y), x)[0].value(), value / T(3)) < 1e-6);
  for (const std::size_t size : Sizes{0, 1, 2, 3, 4, 5, 511, 513, 1030}) {  // each element uses 32 bits of the stream
    Generator g{11, 3};
    const auto z = dropout(tape.constant(Tensor<T>(xt::ones<T>({size}))), 0.5, g).value();
    CHECK(g.counter() == 3 + (size + 3) / 4);
    std::vector<std::uint64_t> words(2 * (size + 3) / 4 + 2);
    kernel::philox_words(11, 3, words.data(), (size + 3) / 4);
    for (std::size_t i = 0; i < size; ++i) CHECK((z(i) != 0) == ((words[i / 2] >> (32 * (i % 2)) & 0x80000000U) != 0));
  }
  CHECK(dropout(x, 0, generator).value() == x.value());
  CHECK(dropout(x, 1, generator).value() == Tensor<T>(xt::zeros<T>({count / 100, std::size_t{100}})));
  CHECK(dropout(x, 0.25, generator).value() != value);
  const T inf = std::numeric_limits<T>::infinity();
  CHECK(dropout(tape.constant(Tensor<T>{inf, inf}), 1, generator).value() == Tensor<T>{0, 0});
  const auto counter = generator.counter();
  CHECK_ERROR(ValueError, "[dropout] the probability is 1.5: must be in [0, 1]", dropout(x, 1.5, generator));
  CHECK_ERROR(ValueError, "[dropout] the probability is nan: must be in [0, 1]",
              dropout(x, std::numeric_limits<double>::quiet_NaN(), generator));
  CHECK_ERROR(HandleError, "[dropout] the operand is an empty handle", dropout(Var<T>(), 0.5, generator));
  CHECK(generator.counter() == counter);
}

TEST_CASE("draws refuse bad operands, record nothing and leave the generator where it is") {
  Tape<double> tape;
  Generator generator{1, 7};
  const auto a = tape.constant(Tensor<double>{1, 2}), b = tape.constant(Tensor<double>{1, 2, 3});
  const auto size = tape.size();
  CHECK_ERROR(ShapeError, "[normal] shapes (2,) and (3,) do not broadcast", normal(a, b, generator));
  CHECK_ERROR(ShapeError, "[uniform] shapes (2,) and (3,) do not broadcast", uniform(a, b, generator));
  CHECK_ERROR(HandleError, "[normal] no operand is a Var", normal(Var<double>(), 1.0, generator));
  CHECK_ERROR(ShapeError, "more elements than memory can hold",
              uniform(tape, {std::size_t{1} << 40, std::size_t{1} << 40}, generator));
  CHECK(tape.size() == size);
  CHECK(generator.counter() == 7);
}
