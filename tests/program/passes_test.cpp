// Passes of the compiler, each on its own graph.
#include "program/passes.hpp"

#include "program/tiles.hpp"
#include "testing.hpp"

#include <algorithm>
#include <cstring>

using namespace wengert;
using namespace wengert::testing;
using program::Graph;
using program::Source;

namespace {

using Vars = std::vector<Var<double>>;

Graph<double> graph_of(Tape<double>& tape, const Vars& inputs, const Vars& outputs) {
  return program::capture<double>(tape, inputs, outputs, tape.updates());
}
std::size_t count(const Graph<double>& graph, std::string_view op) {
  return static_cast<std::size_t>(std::count_if(graph.entries.begin(), graph.entries.end(), [&](const auto& entry) {
    return entry.source == Source::computed && entry.op->name == op;
  }));
}
std::size_t count(const Graph<double>& graph, Source source) {
  return static_cast<std::size_t>(std::count_if(graph.entries.begin(), graph.entries.end(),
                                                [&](const auto& entry) { return entry.source == source; }));
}
// Returns the index of the fusion group that computes an op's result.
std::size_t group_of(const Graph<double>& graph, const program::Schedule& schedule, std::string_view op) {
  for (std::size_t g = 0; g < schedule.groups.size(); ++g)
    for (const std::uint32_t k : schedule.groups[g].entries)
      if (graph.entries[k].op->name == op) return g;
  return schedule.groups.size();
}

}  // namespace

TEST_CASE("capture: leaves by kind, views with their offsets") {
  Parameter<double> w(Tensor<double>{1, 2, 3}, "w");
  Tape<double> tape;
  const auto x = tape.constant(Tensor<double>{1, 2, 3}), c = tape.constant(Tensor<double>{4, 5, 6});
  const auto part = slice(x + c, {{1, 3}}), u = tape.variable(w);
  const auto graph = graph_of(tape, {x}, {part, u});
  CHECK(graph.entries[x.index()].source == Source::input);
  CHECK(graph.entries[c.index()].source == Source::constant);
  CHECK(static_cast<const double*>(graph.entries[c.index()].elements)[2] == 6);
  CHECK(graph.entries[u.index()].source == Source::parameter);
  CHECK(graph.entries[part.index()].source == Source::view);
  CHECK(program::places(graph)[part.index()].offset == 1);
  CHECK(graph.parameters.size() == 1);
}

TEST_CASE("eliminate_dead_code drops what nothing needs, inputs apart") {
  Tape<double> tape;
  const auto x = tape.constant(1.0), unused = tape.constant(2.0), c = tape.constant(3.0);
  const auto dead = exp(unused) + c;
  const auto y = sin(x);
  (void)dead;
  const auto graph = program::eliminate_dead_code(graph_of(tape, {x, unused}, {y}));
  CHECK(graph.entries.size() == 3);
  CHECK(graph.inputs == std::vector<std::uint32_t>{0, 1});
  CHECK(graph.outputs == std::vector<std::uint32_t>{2});
}

TEST_CASE("fold_constants computes what depends on constants only, where that does not take more memory") {
  Tape<double> tape;
  const auto x = tape.constant(Tensor<double>{1, 2}), c = tape.constant(Tensor<double>{0, 1});
  const auto y = x + exp(c) * 2;
  const auto graph = program::fold_constants(graph_of(tape, {x}, {y}));
  CHECK(count(graph, Source::computed) == 1);
  const auto& folded = graph.entries[graph.inputs_of(graph.outputs[0])[1]];
  CHECK(folded.source == Source::constant);
  CHECK(static_cast<const double*>(folded.elements)[1] == doctest::Approx(2 * std::exp(1.0)));
  const auto wide = exp(broadcast_to(c, {1000, 2}));  // 16 kB that repeat two numbers
  CHECK(count(program::fold_constants(graph_of(tape, {x}, {wide})), "exp") == 1);
  Generator generator(1);
  const auto noise = dropout(c, 0.5, generator);
  CHECK(count(program::fold_constants(graph_of(tape, {x}, {noise})), "dropout") == 1);
}

TEST_CASE("fold_constants leaves an op that refuses its operands to the replay, which names the user's line") {
  const Tensor<double> one{1};
  const Indices wrong{0, 3};
  auto step = compiled<double>([&](auto& tape, auto x) { return x + take(tape.constant(one), wrong, 0); });
  const int line = __LINE__ - 1;
  for (int call = 0; call < 2; ++call)
    check_message(message_of<ValueError>([&] { step(one); }), "[take] index 3 at (1,): axis 0 has 1 elements", __FILE__,
                  line);
}

TEST_CASE("eliminate_common_subexpressions merges equal entries, but neither draws nor what is repeated on purpose") {
  Tape<double> tape;
  Generator generator(1);
  const auto x = tape.variable(Tensor<double>{1, 2, 3});
  const auto y = exp(x * 2) + exp(x * 2) + exp(x * 3);
  CHECK(count(program::eliminate_common_subexpressions(graph_of(tape, {x}, {y})), "exp") == 2);
  const auto z = dropout(x, 0.5, generator) + dropout(x, 0.5, generator);
  CHECK(count(program::eliminate_common_subexpressions(graph_of(tape, {x}, {z})), "dropout") == 2);
  const auto kept = checkpoint([](auto v) { return exp(v) * 2; })(x);
  const auto [g] = grad(sum(square(kept)), x);
  CHECK(count(program::eliminate_common_subexpressions(graph_of(tape, {x}, {kept, g})), "exp") == 2);
  const auto constants = (x + tape.constant(1.0)) * (x + tape.constant(1.0));
  CHECK(count(program::eliminate_common_subexpressions(graph_of(tape, {x}, {constants})), "add") == 1);
}

// clang 16 cannot clear padding: there, the pass may keep two ops where one would do.
#if __has_builtin(__builtin_clear_padding)

// Fills the stack memory that holds the temporaries of the next call with `byte`.
[[gnu::noinline]] static void fill_stack(unsigned char byte) {
  volatile unsigned char memory[8192];
  for (auto& m : memory) m = byte;
}

TEST_CASE("eliminate_common_subexpressions does not see the padding of attributes") {
  using Function = Var<double> (*)(Var<double>);
  const std::vector<Function> functions{
      [](Var<double> x) { return sum(x, 0); },
      [](Var<double> x) {
        return mean(x, {0, 1});
      },
      [](Var<double> x) { return softmax(x, 0); },
      [](Var<double> x) { return logsumexp(x, -1); },
      [](Var<double> x) { return reshape(x, {6}); },
      [](Var<double> x) { return transpose(x); },
      [](Var<double> x) { return cumsum(x, 1); },
      [](Var<double> x) { return flip(x, 0); },
      [](Var<double> x) {
        return broadcast_to(x, {4, 2, 3});
      },
      [](Var<double> x) { return roll(x, 1, 0); },
      [](Var<double> x) {
        return pad(x, {{1, 1}, {0, 2}});
      },
      [](Var<double> x) { return stddev(x, 1); },
      [](Var<double> x) { return matmul(x, transpose(x)); },
      [](Var<double> x) { return layer_norm(x, {3}); },
      [](Var<double> x) { return norm(x); },
      [](Var<double> x) {
        return concatenate({x, sin(x)}, 0);
      },
      [](Var<double> x) { return einsum("ij->ji", x); },
  };
  for (std::size_t i = 0; i < functions.size(); ++i) {
    CAPTURE(i);
    Tape<double> tape;
    const auto x = tape.variable(random_tensor({2, 3}, 1));
    fill_stack(0x55);
    const auto once = functions[i](x);
    const std::size_t entries = program::eliminate_common_subexpressions(graph_of(tape, {x}, {once})).entries.size();
    fill_stack(0xaa);
    const auto again = functions[i](x);
    const auto merged = program::eliminate_common_subexpressions(graph_of(tape, {x}, {once, again}));
    CHECK(merged.entries.size() == entries);
  }
}

#endif

TEST_CASE("drop_unused_operands: a derivative of the output does not keep the input") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{1, 2, 3}, "x");
  const auto y = sqrt(x * 2);
  const auto [g] = grad(sum(square(y)), x);
  const auto graph = program::drop_unused_operands(graph_of(tape, {x}, {g}));
  for (std::uint32_t k = 0; k < graph.entries.size(); ++k) {
    if (graph.entries[k].source != Source::computed || graph.entries[k].op->name != "sqrt.vjp") continue;
    for (const std::uint32_t input : graph.inputs_of(k)) CHECK(graph.entries[input].op->name != "multiply_scalar");
  }
  CHECK(count(graph, "sqrt.vjp") == 1);
}

TEST_CASE("drop_positions: maxima are computed directly if nothing else reads their positions") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({1, 4, 4}, 1)), c = tape.constant(random_tensor({1, 2, 2}, 2));
  using Counts = std::pair<std::size_t, std::size_t>;
  const auto values_and_positions = [&](const Vars& outputs) {
    const auto graph = program::drop_positions(graph_of(tape, {x}, outputs));
    return Counts(count(graph, "max_pool_values"), count(graph, "max_pool_positions"));
  };
  const auto y = max_pool2d(x, 2);
  CHECK(values_and_positions({y}) == Counts{1, 0});
  CHECK(values_and_positions({max_pool2d(max_pool2d(x, 2), 2), adaptive_max_pool2d(x, 3)}) == Counts{3, 0});
  const auto [g] = grad(sum(y * c), x);
  CHECK(values_and_positions({y, g}) == Counts{0, 1});
  const auto [values, indices] = max_pool2d_with_indices(x, 2);
  CHECK(values_and_positions({values, max_unpool2d(values, indices, {4, 4})}) == Counts{0, 1});
  CHECK(values_and_positions({values, indices.handle()}) == Counts{0, 1});
  const auto [elsewhere] = grad(sum(g * square(x)), c);  // elements of one value where another is largest
  CHECK(values_and_positions({elsewhere}) == Counts{0, 1});
}

TEST_CASE_TEMPLATE("drop_positions: ties, zeros of both signs and NaN as on the tape", T, float, double) {
  constexpr T nan = std::numeric_limits<T>::quiet_NaN(), infinite = std::numeric_limits<T>::infinity();
  const T from[] = {T(0), -T(0), T(1), -T(1), nan, -infinite, infinite};
  auto x = random_tensor<T>({3, 9, 11}, 1, 0, 7);
  for (T& e : x) e = from[static_cast<std::size_t>(e)];
  for (const bool fuse : {false, true}) {
    Tape<T> tape;
    const auto input = tape.constant(x);
    const std::vector<Var<T>> maxima{
        max_pool2d(input, 2, {.stride = {1, 2}, .padding = 1}),
        max_pool2d(input, {2, 3}, {.stride = {3, 2}, .padding = {0, 1}, .dilation = {2, 1}, .ceil_mode = true}),
        max_pool1d(input, 3, {.stride = 1, .dilation = 2}),
        max_pool3d(reshape(input, {1, 3, 9, 11}), {2, 3, 2}, {.stride = {1, 2, 3}, .padding = {1, 0, 1}}),
        adaptive_max_pool2d(input, {4, 5}),
    };
    auto program = compile(tape, {input}, {maxima.begin(), maxima.end()},
                           {.fuse = fuse, .allow_value_dependence = true, .keep_passes = true});
    CHECK(contains(program.passes().back().second, "max_pool_values"));
    CHECK(!contains(program.passes().back().second, "max_pool_positions"));
    program(x);
    for (std::size_t k = 0; k < maxima.size(); ++k) {
      CAPTURE(k);
      const Tensor<T> got = program.value(k), expected = maxima[k].value();
      REQUIRE(got.shape() == expected.shape());
      CHECK(std::memcmp(got.data(), expected.data(), expected.size() * sizeof(T)) == 0);
    }
  }
}

TEST_CASE("accumulate_updates: W ← β·W + α·AᵀB is one product into W, and nothing else is") {
  Parameter<double> w(random_tensor({3, 2}, 1), "w");
  const auto accumulated = [&](const auto& value) {
    Tape<double> tape;
    const auto a = tape.constant(random_tensor({3, 5}, 2)), b = tape.constant(random_tensor({5, 2}, 3)),
               u = tape.variable(w);
    tape.update(w, value(u, a, b));
    const auto graph = program::accumulate_updates(graph_of(tape, {a, b}, {}));
    const auto& entry = graph.entries[graph.updates[0].value];
    return entry.accumulates ? std::optional(std::pair(entry.alpha, entry.beta)) : std::nullopt;
  };
  using Pair = std::pair<double, double>;
  CHECK(accumulated([](auto u, auto a, auto b) { return u - 0.5 * matmul(a, b); }) == Pair{-0.5, 1});
  CHECK(accumulated([](auto u, auto a, auto b) { return 0.9 * u + matmul(a, b) * 2; }) == Pair{2, 0.9});
  CHECK(accumulated([](auto u, auto a, auto b) { return u - 0.5 * (matmul(a, b) + 0.1 * u); }) == Pair{-0.5, 0.95});
  CHECK(accumulated([](auto, auto a, auto b) { return matmul(a, b); }) == Pair{1, 0});
  CHECK(!accumulated([](auto u, auto a, auto b) { return u - matmul(a, b) - matmul(a, b * 2); }));
  CHECK(!accumulated([](auto u, auto a, auto b) { return u * matmul(a, b); }));
  CHECK(!accumulated([](auto u, auto a, auto) { return u + matmul(matmul(a, transpose(a)), u); }));  // reads W itself
}

TEST_CASE("accumulate_updates: a step size that is a parameter is read at each replay") {
  Parameter<double> w(random_tensor({3, 2}, 1), "w"), rate(Tensor<double>(0.5), "rate");
  const auto function_of_update = [&](bool rate_changes, const auto& value) {
    Tape<double> tape;
    const auto a = tape.constant(random_tensor({3, 5}, 2)), b = tape.constant(random_tensor({5, 2}, 3)),
               u = tape.variable(w), r = tape.variable(rate);
    if (rate_changes) tape.update(rate, r * 0.5);
    tape.update(w, value(u, a, b, r));
    const auto graph = program::accumulate_updates(graph_of(tape, {a, b}, {}));
    return graph.entries[graph.updates.back().value];
  };
  const auto entry = function_of_update(false, [](auto u, auto a, auto b, auto r) { return u - r * matmul(a, b) * 2; });
  CHECK(entry.accumulates);
  CHECK(entry.alpha == -2);
  CHECK(entry.beta == 1);
  CHECK(entry.factor != program::none);
  // A factor is not recognised if it is updated itself, if it scales W, or if there are two.
  CHECK(!function_of_update(true, [](auto u, auto a, auto b, auto r) { return u - r * matmul(a, b); }).accumulates);
  CHECK(!function_of_update(false, [](auto u, auto a, auto b, auto r) { return r * u + matmul(a, b); }).accumulates);
  CHECK(!function_of_update(false, [](auto u, auto a, auto b, auto r) {
           return u + r * (r * matmul(a, b));
         }).accumulates);

  Tape<double> tape;
  const auto a = tape.variable(random_tensor({3, 5}, 2)), b = tape.variable(random_tensor({5, 2}, 3));
  const auto u = tape.variable(w), product = matmul(a, b);
  tape.update(w, u - tape.variable(rate) * product);
  auto step = compile(tape, {a, b}, {});
  Tensor<double> expected = w.value();
  for (const double r : {0.5, 0.125}) {
    rate.assign(Tensor<double>(r));
    step(a.value(), b.value());
    expected -= r * product.value();
    CHECK(distance(w.value(), expected) < 1e-14);
  }
}

TEST_CASE("schedule: elementwise neighbours of one shape are one fusion group, products and other shapes are not") {
  Tape<double> tape;
  const auto x = tape.constant(random_tensor({64, 64}, 1)), w = tape.constant(random_tensor({64, 64}, 2));
  const auto a = tanh(exp(x) * 2), b = matmul(a, w), c = sinh(b) + cosh(a), d = sum(c);
  auto graph = program::eliminate_dead_code(graph_of(tape, {x, w}, {d}));
  const auto fused = program::schedule(graph, true);
  CHECK(group_of(graph, fused, "exp") == group_of(graph, fused, "tanh"));
  CHECK(group_of(graph, fused, "tanh") < group_of(graph, fused, "matmul"));
  CHECK(group_of(graph, fused, "matmul") < group_of(graph, fused, "sinh"));
  CHECK(group_of(graph, fused, "sinh") == group_of(graph, fused, "sum"));
  // cosh(a) may run before or after the product, but never before its operand is computed.
  CHECK(group_of(graph, fused, "cosh") >= group_of(graph, fused, "tanh"));
  const auto single = program::schedule(graph, false);
  CHECK(single.groups.size() == 8);
}

TEST_CASE("schedule: an update is one pass over its parameter, also where it reads scalars of the same step") {
  Tape<double> tape;
  Parameter<double> w(random_tensor({64, 64}, 1), "w"), step(Tensor<double>(0.0), "step");
  const auto g = tape.constant(random_tensor({64, 64}, 2));
  const auto next = tape.variable(step) + 1;
  tape.update(step, next);
  tape.update(w, tape.variable(w) - square(g) * sin(next));
  auto graph = program::update_in_place(program::eliminate_dead_code(graph_of(tape, {g}, {})));
  const auto fused = program::schedule(graph, true);
  CHECK(group_of(graph, fused, "square") == group_of(graph, fused, "subtract"));
  CHECK(group_of(graph, fused, "sin") < group_of(graph, fused, "subtract"));
  CHECK(fused.groups.size() == 2);
  CHECK(fused.copies.empty());
}

TEST_CASE("plan_memory: values that are not needed at the same time share memory") {
  Tape<double> tape;
  const auto x = tape.constant(random_tensor({64}, 1));
  Var<double> y = x;
  for (int i = 0; i < 10; ++i) y = exp(reshape(y, {8, 8})), y = reshape(sinh(y), {64});
  auto graph = program::eliminate_dead_code(graph_of(tape, {x}, {y}));
  const auto single = program::schedule(graph, false);
  const auto plan = program::plan_memory(graph, single);
  CHECK(plan.bytes == 64 * sizeof(double));  // each result overwrites its operand
  // Results that are needed at the same time do not overlap.
  const auto matrices = [&] {
    Tape<double> other;
    const auto a = other.constant(random_tensor({6, 6}, 1));
    Var<double> p = a, q = a;
    std::vector<Var<double>> results;
    for (int i = 0; i < 6; ++i) {
      p = matmul(p, q) + a;
      if (i % 2 == 0) q = matmul(a, p);
    }
    auto g = program::eliminate_dead_code(graph_of(other, {a}, {p, q}));
    const auto s = program::schedule(g, true);
    const auto memory = program::plan_memory(g, s);
    const auto place = program::places(g);
    std::vector<std::size_t> born(g.entries.size()), last(g.entries.size());
    for (std::size_t group = 0; group < s.groups.size(); ++group)
      for (const std::uint32_t k : s.groups[group].entries) {
        born[k] = last[k] = group;
        for (const std::uint32_t input : g.inputs_of(k)) last[place[input].base] = group;
      }
    for (const std::uint32_t k : g.outputs) last[k] = s.groups.size();
    std::size_t overlaps = 0, pairs = 0;
    for (std::size_t i = 0; i < born.size(); ++i)
      for (std::size_t j = 0; j < i; ++j) {
        if (memory.offsets[i] == program::MemoryPlan::nowhere || memory.offsets[j] == program::MemoryPlan::nowhere)
          continue;
        const bool together = born[i] < last[j] && born[j] < last[i];
        const bool apart = memory.offsets[i] + g.entries[i].bytes() <= memory.offsets[j] ||
                           memory.offsets[j] + g.entries[j].bytes() <= memory.offsets[i];
        pairs += together ? 1 : 0;
        overlaps += together && !apart ? 1 : 0;
      }
    CHECK(pairs > 0);
    return overlaps;
  };
  CHECK(matrices() == 0);
}

TEST_CASE("tile_loops: the fewest loops in which every operand has fixed strides") {
  const Layout full = contiguous_layout({2, 3, 4});
  Layout row = full, column = full;
  row.strides[0] = row.strides[1] = 0;
  column.strides[2] = 0, column.strides[1] = 1, column.strides[0] = 3;
  CHECK(program::tile_loops({2, 3, 4}, {}).extents == std::vector<std::size_t>{1, 24});
  CHECK(program::tile_loops({2, 3, 4}, {&row}).extents == std::vector<std::size_t>{6, 4});
  const auto loops = program::tile_loops({2, 3, 4}, {&row, &column});
  CHECK(loops.extents == std::vector<std::size_t>{6, 4});
  CHECK(program::strides_in(loops, full) == std::vector<std::ptrdiff_t>{4, 1});
  CHECK(program::strides_in(loops, row) == std::vector<std::ptrdiff_t>{0, 1});
  CHECK(program::strides_in(loops, column) == std::vector<std::ptrdiff_t>{1, 0});
  auto flat = program::tile_loops({2, 3, 4}, {});
  CHECK(program::trailing_sum({1, 6, 4}, flat) == program::TrailingSum::columns);
  CHECK(flat.extents == std::vector<std::size_t>{6, 4});
  auto other = program::tile_loops({2, 3, 4}, {});
  CHECK(program::trailing_sum({2, 3, 4}, other) == program::TrailingSum::unfused);
  CHECK(program::trailing_sum({6, 4, 1}, other) == program::TrailingSum::rows);
  CHECK(program::trailing_sum({1, 24, 1}, other) == program::TrailingSum::total);
  CHECK(program::trailing_sum({24, 1, 1}, other) == program::TrailingSum::unfused);  // sums of one element
}
