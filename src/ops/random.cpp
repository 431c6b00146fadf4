// Random ops: uniform, normal, Bernoulli and categorical draws, and dropout, from a counter-based generator.
#include "ops/attributes/random.hpp"

#include "kernel/philox.hpp"
#include "tape/operands.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/random.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape/structural.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace wengert {
namespace {

constexpr std::size_t buffer_size = 256;

// Calls use(first, u, n) for the uniform draws u[0 … n) of elements first, first + 1, …
template <class Use>
void each_draw(const Draw& from, std::size_t count, const Use& use) {
  std::array<double, buffer_size> u;  // NOLINT: filled below
  for (std::size_t first = 0; first < count; first += buffer_size) {
    const std::size_t n = std::min(buffer_size, count - first);
    kernel::draw_uniform(from.key, from.counter + first / 2, u.data(), n);
    use(first, u.data(), n);
  }
}

// Stands for the generator in examples, whose draws are fixed.
Indices no_generator() { return Indices::from_shape({0}); }

struct UniformDraw : attributes::DrawnTo {
  static constexpr std::string_view name = "uniform";
  static constexpr std::string_view notation = "u drawn from [0, 1)";
  static constexpr bool differentiable = false;
  static constexpr std::size_t arity = 1;  // the generator
  static constexpr std::uint8_t index_inputs = 0b1;

  Shape shape(const Shape&) const { return to; }
  template <class T>
  void forward(Value<const std::int64_t>, Value<T> y) const {
    kernel::draw_uniform(draw.key, draw.counter, y.data, y.size());
  }
  template <class T>
  auto vjp(Var<T>, Var<T>, IndexVar<T>) const {
    return no_gradient;
  }
  static std::vector<StructuralExample<UniformDraw>> examples() { return {}; }
};

struct NormalDraw : attributes::DrawnTo {
  static constexpr std::string_view name = "normal";
  static constexpr std::string_view notation = "z drawn from N(0, 1)";
  static constexpr bool differentiable = false;
  static constexpr std::size_t arity = 1;  // the generator
  static constexpr std::uint8_t index_inputs = 0b1;

  Shape shape(const Shape&) const { return to; }
  template <class T>
  void forward(Value<const std::int64_t>, Value<T> y) const {
    kernel::draw_normal(draw.key, draw.counter, y.data, y.size());
  }
  template <class T>
  auto vjp(Var<T>, Var<T>, IndexVar<T>) const {
    return no_gradient;
  }
  static std::vector<StructuralExample<NormalDraw>> examples() { return {}; }
};

struct Bernoulli : attributes::Drawn {
  static constexpr std::string_view name = "bernoulli";
  static constexpr std::string_view notation = "[u < p], u drawn from [0, 1)";
  static constexpr std::string_view convention = "the gradient is 0";
  static constexpr std::size_t arity = 2;  // the probabilities and the generator
  static constexpr std::uint8_t index_inputs = 0b10;
  static constexpr bool differentiable = false;

  Shape shape(const Shape& p, const Shape&) const { return p; }
  template <class T>
  void forward(Value<const T> p, Value<const std::int64_t>, Value<T> y) const {
    each_draw(draw, y.size(), [&](std::size_t first, const double* u, std::size_t n) {
      for (std::size_t i = 0; i < n; ++i) {
        const auto probability = static_cast<double>(p.data[first + i]);
        if (!(probability >= 0 && probability <= 1))
          throw ValueError(
              name, fmt::format("the probability at position {} is {}: must be in [0, 1]", first + i, probability));
        y.data[first + i] = u[i] < probability ? T(1) : T(0);
      }
    });
  }
  template <class T>
  auto vjp(Var<T>, Var<T>, Var<T>, IndexVar<T>) const {
    return std::tuple(no_gradient, no_gradient);
  }
  static std::vector<StructuralExample<Bernoulli>> examples() {
    return {{{{7, 0, 6}}, {{3, 4}}, {0.2, 0.8}, {no_generator()}}};
  }
};

struct Categorical : attributes::Drawn {
  static constexpr std::string_view name = "categorical";
  static constexpr std::string_view notation = "k drawn with the probabilities softmax(z)ₖ";
  static constexpr std::size_t arity = 2;  // the logits and the generator
  static constexpr std::uint8_t index_inputs = 0b10;
  static constexpr bool index_output = true;

  Shape shape(const Shape& z, const Shape&) const {
    if (z.rank() == 0 || z.back() == 0)
      throw ShapeError(name,
                       fmt::format("logits of shape {}: the last axis must have at least one class", to_string(z)));
    Shape rows;
    for (std::size_t axis = 0; axis + 1 < z.rank(); ++axis) rows.push_back(z[axis]);
    return rows;
  }
  template <class T>
  void forward(Value<const T> z, Value<const std::int64_t>, Value<std::int64_t> k) const {
    const std::size_t classes = z.shape().back();
    each_draw(draw, k.size(), [&](std::size_t first, const double* u, std::size_t n) {
      for (std::size_t i = 0; i < n; ++i)
        k.data[first + i] = choose(z.data + (first + i) * classes, classes, u[i], first + i);
    });
  }
  // The first class at which the cumulative probability exceeds u; a class of probability 0 is never drawn.
  template <class T>
  static std::int64_t choose(const T* z, std::size_t classes, double u, std::size_t row) {
    double top = -std::numeric_limits<double>::infinity(), total = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      const auto logit = static_cast<double>(z[c]);
      if (!(logit < std::numeric_limits<double>::infinity()))
        throw ValueError(name, fmt::format("logit {} of row {} is {}: must be less than infinity", c, row, logit));
      top = std::max(top, logit);
    }
    if (std::isinf(top)) throw ValueError(name, fmt::format("row {}: no class has a probability above 0", row));
    for (std::size_t c = 0; c < classes; ++c) total += std::exp(static_cast<double>(z[c]) - top);
    std::size_t chosen = 0;
    double below = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      const double weight = std::exp(static_cast<double>(z[c]) - top);
      if (weight > 0) chosen = c;
      below += weight;
      if (below > u * total) break;
    }
    return static_cast<std::int64_t>(chosen);
  }
  static std::vector<StructuralExample<Categorical>> examples() { return {}; }
};

// Linear in x, so its vjp is the same op on the cotangent. An element uses 32 random bits, which suffice for a mask.
struct Dropout : attributes::Dropout {
  static constexpr std::string_view name = "dropout";
  static constexpr std::string_view notation = "x [u ≥ p] / (1 − p), u drawn from [0, 1)";
  static constexpr std::size_t arity = 2;  // x and the generator
  static constexpr std::uint8_t index_inputs = 0b10;

  static std::uint64_t blocks(std::size_t count) { return count / 4 + (count % 4 != 0); }
  Shape shape(const Shape& x, const Shape&) const { return x; }
  template <class T>
  void forward(Value<const T> x, Value<const std::int64_t>, Value<T> y) const {
    if (probability == 1) {
      std::fill_n(y.data, y.size(), T(0));
      return;
    }
    const T scale = static_cast<T>(1 / (1 - probability));
    const auto threshold = static_cast<std::uint32_t>(std::min(std::ldexp(probability, 32), 4294967295.0));
    const auto kept = [&](std::size_t i, std::uint64_t bits) {
      y.data[i] = static_cast<std::uint32_t>(bits) < threshold ? T(0) : x.data[i] * scale;
    };
    std::array<std::uint64_t, buffer_size> words;  // NOLINT: filled below
    for (std::size_t first = 0; first < y.size(); first += 2 * buffer_size) {
      const std::size_t n = std::min(2 * buffer_size, y.size() - first);
      kernel::philox_words(draw.key, draw.counter + first / 4, words.data(), static_cast<std::size_t>(blocks(n)));
      for (std::size_t j = 0; j < n / 2; ++j) {
        kept(first + 2 * j, words[j]);
        kept(first + 2 * j + 1, words[j] >> 32);
      }
      if (n % 2 != 0) kept(first + n - 1, words[n / 2]);
    }
  }
  template <class T>
  auto vjp(Var<T> g, Var<T>, Var<T>, IndexVar<T> generator) const {
    return std::tuple([=, *this] { return record(*this, Location::current(), g, generator); }, no_gradient);
  }
  static std::vector<StructuralExample<Dropout>> examples() {
    return {{{{{1, 0, 4}, 0.3}}, {{3, 5}}, {}, {no_generator()}},
            {{{{1, 5, 1}, 0.0}}, {{3}}, {}, {no_generator()}},
            {{{{1, 7, 1}, 1.0}}, {{2, 2}}, {}, {no_generator()}},
            {{{{2, 0, 1}, 0.5}}, {{}}, {}, {no_generator()}}};
  }
};

constexpr auto between_op = elementwise<"uniform_between">([](auto a, auto b, auto u) { return a + (b - a) * u; },
                                                           notation<"a + (b − a) u, u drawn from [0, 1)">);
constexpr auto around_op = elementwise<"normal_around">([](auto m, auto s, auto z) { return m + s * z; },
                                                        notation<"μ + σ z, z drawn from N(0, 1)">);

// Calls `record_with` with the next draw of `blocks` blocks and the generator on the tape, then advances the generator
// past the draw.
template <class T, class F>
auto drawn(Tape<T>& tape, Generator& generator, std::uint64_t blocks, const Location& where, const F& record_with) {
  return atomically(tape, where, [&] {
    const auto result = record_with(Draw{generator.key(), generator.counter(), blocks},
                                    IndexVar<T>(tape.keep_alive(generator.state(), where)));
    generator.seek(generator.counter() + blocks);
    return result;
  });
}

// Applies `place` to a, b and a standard draw of the shape to which they broadcast.
template <class T, class Standard, class Place>
Var<T> reparameterised(std::string_view name, const Operand<T>& a, const Operand<T>& b, Generator& generator,
                       const Place& place) {
  const Location& where = a.where();
  if (a.handle().empty() && b.handle().empty())
    throw HandleError(name, "no operand is a Var recorded on a tape", where);
  Tape<T>& tape = (a.handle().empty() ? b : a).handle().tape(name, where);
  return atomically(tape, where, [&] {
    const Var<T> x = a.on(tape), y = b.on(tape);
    for (const Var<T>& operand : {x, y}) check_operand(tape, operand, name, where, "an operand");
    const auto shape = broadcast_shapes(x.shape(), y.shape());
    if (!shape)
      throw ShapeError(name, fmt::format("shapes {} and {} do not broadcast: aligned from the last axis, extents must "
                                         "be equal or 1",
                                         to_string(x.shape()), to_string(y.shape())));
    return drawn(tape, generator, kernel::blocks_for(shape->elements()), where,
                 [&](const Draw& draw, IndexVar<T> from) {
                   return place(Operand<T>(x, where), Operand<T>(y, where),
                                Operand<T>(record(Standard{*shape, draw}, where, from), where));
                 });
  });
}

template <class T>
Var<T> uniform_between(const Operand<T>& low, const Operand<T>& high, Generator& generator) {
  return reparameterised<T, UniformDraw>(
      "uniform", low, high, generator,
      [](const Operand<T>& a, const Operand<T>& b, const Operand<T>& u) { return between_op(a, b, u); });
}

template <class T>
Var<T> normal_around(const Operand<T>& mean, const Operand<T>& deviation, Generator& generator) {
  return reparameterised<T, NormalDraw>(
      "normal", mean, deviation, generator,
      [](const Operand<T>& m, const Operand<T>& s, const Operand<T>& z) { return around_op(m, s, z); });
}

}  // namespace

template <class T>
Var<T> uniform(Tape<T>& tape, const Shape& shape, Generator& generator, Location where) {
  return drawn(tape, generator, kernel::blocks_for(shape.elements()), where, [&](const Draw& draw, IndexVar<T> from) {
    return record(UniformDraw{{shape, draw}}, where, from);
  });
}

Var<float> uniform(const Operand<float>& low, const Operand<float>& high, Generator& generator) {
  return uniform_between(low, high, generator);
}
Var<double> uniform(const Operand<double>& low, const Operand<double>& high, Generator& generator) {
  return uniform_between(low, high, generator);
}

template <class T>
Var<T> normal(Tape<T>& tape, const Shape& shape, Generator& generator, Location where) {
  return drawn(tape, generator, kernel::blocks_for(shape.elements()), where, [&](const Draw& draw, IndexVar<T> from) {
    return record(NormalDraw{{shape, draw}}, where, from);
  });
}

Var<float> normal(const Operand<float>& mean, const Operand<float>& deviation, Generator& generator) {
  return normal_around(mean, deviation, generator);
}
Var<double> normal(const Operand<double>& mean, const Operand<double>& deviation, Generator& generator) {
  return normal_around(mean, deviation, generator);
}

template <class T>
Var<T> bernoulli(Var<T> probability, Generator& generator, Location where) {
  Tape<T>& tape = tape_of(probability, Bernoulli::name, where);
  return drawn(tape, generator, kernel::blocks_for(probability.size()), where,
               [&](const Draw& draw, IndexVar<T> from) { return record(Bernoulli{draw}, where, probability, from); });
}

template <class T>
IndexVar<T> categorical(Var<T> logits, Generator& generator, Location where) {
  Tape<T>& tape = tape_of(logits, Categorical::name, where);
  return atomically(tape, where, [&] {
    const std::size_t count = Categorical{}.shape(logits.shape(), {}).elements();
    return drawn(tape, generator, kernel::blocks_for(count), where,
                 [&](const Draw& draw, IndexVar<T> from) { return record(Categorical{draw}, where, logits, from); });
  });
}

template <class T>
Var<T> dropout(Var<T> x, double probability, Generator& generator, Location where) {
  if (!(probability >= 0 && probability <= 1))
    throw ValueError(Dropout::name, fmt::format("the probability is {}: must be in [0, 1]", probability), where);
  Tape<T>& tape = tape_of(x, Dropout::name, where);
  if (probability == 0) return x;  // nothing to draw
  return drawn(tape, generator, Dropout::blocks(x.size()), where, [&](const Draw& draw, IndexVar<T> from) {
    return record(Dropout{{draw, probability}}, where, x, from);
  });
}

#define WENGERT_INSTANTIATE(T)                                           \
  template Var<T> uniform(Tape<T>&, const Shape&, Generator&, Location); \
  template Var<T> normal(Tape<T>&, const Shape&, Generator&, Location);  \
  template Var<T> bernoulli(Var<T>, Generator&, Location);               \
  template IndexVar<T> categorical(Var<T>, Generator&, Location);        \
  template Var<T> dropout(Var<T>, double, Generator&, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
