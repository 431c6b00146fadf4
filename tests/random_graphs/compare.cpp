// Runs random graphs on the tape and as Programs, and tells rounding in fused results from real differences.
#include "random_graphs/compare.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include <fmt/format.h>
#include <xtensor/xmath.hpp>

namespace wengert::random_graphs {
namespace {

// The outcome of one replay: results, then parameters, then the generator's counter; doubles represent all of them.
struct Snapshot {
  std::vector<Tensor<double>> values;
  std::vector<double> scales;  // on the tape: by value, see scales_of
  std::optional<RefusedValue> refused;
};

template <class T>
void add_parameters(Snapshot& snapshot, const World<T>& world) {
  for (const Parameter<T>& parameter : world.all_parameters())
    snapshot.values.push_back(xt::cast<double>(parameter.value()));
  snapshot.values.push_back(static_cast<double>(world.generator.counter()));
}

// Returns for each node the largest finite magnitude among its elements and those of its ancestors. Parameters carry
// the scale of earlier replays.
template <class T>
std::vector<double> scales_of(Tape<T>& tape, double carried) {
  std::vector<double> scales;
  for (std::size_t k = 0; k < tape.size(); ++k) {
    const Node<T>& node = tape.node(k);
    double scale = tape.parameter(k) ? carried : 0;
    for (const std::uint32_t input : tape.inputs(k)) scale = std::max(scale, scales[input]);
    if (!node.released && !node.holds_indices && node.layout->size > 0)  // xtensor offsets a null pointer if empty
      for (const T element : tape.at(k).view())
        if (std::isfinite(element)) scale = std::max(scale, static_cast<double>(std::abs(element)));
    scales.push_back(scale);
  }
  return scales;
}

template <class T>
std::vector<Snapshot> run_tape(const Graph& graph, const std::vector<std::string>& refused, Statistics& statistics,
                               std::mt19937_64* noise = nullptr) {
  World<T> world(graph);
  Tape<T> tape;
  std::vector<Snapshot> snapshots;
  double carried = 0;
  for (std::size_t replay = 0; replay < graph.replays; ++replay) {
    world.fill(graph, replay);
    tape.clear();
    Snapshot& snapshot = snapshots.emplace_back();
    try {
      const Recording<T> recording = record<T>(graph, world, tape, {&refused, noise});
      for (std::size_t k = 0; k < tape.size(); ++k)
        if (tape.node(k).op != nullptr) statistics.recorded.insert(tape.node(k).op->name);
      const std::vector<double> scales = scales_of(tape, carried);
      for (std::size_t i = 0; i < recording.outputs.size(); ++i) {
        const Var<T> output = recording.outputs[i].handle();
        snapshot.scales.push_back(scales[output.index()]);
        snapshot.values.push_back(i < graph.outputs.size()
                                      ? Tensor<double>(xt::cast<double>(output.value()))
                                      : Tensor<double>(xt::cast<double>(IndexVar<T>(output).value())));
      }
      for (const auto& update : tape.updates()) carried = std::max(carried, scales[update.value.index()]);
      tape.commit();
      add_parameters(snapshot, world);
      snapshot.scales.resize(snapshot.values.size(), carried);
    } catch (const RefusedValue& error) {
      tape.update_queue().exchange({});
      snapshot.refused = error;
      return snapshots;
    }
  }
  return snapshots;
}

// A Program of a graph, with its own World.
template <class T>
class Replayed {
 public:
  Replayed(const Graph& graph, const CompileOptions& compile_options, const RecordOptions<T>& options)
      : graph_(graph),
        world_(graph),
        program_(compile_recorded<T>(
            [&](Tape<T>& tape, std::vector<ProgramVar<T>>& inputs) {
              Recording<T> recording = record<T>(graph_, world_, tape, options);
              inputs = recording.inputs;
              refused_ = recording.refused;
              return recording.outputs;
            },
            compile_options)) {}

  const std::vector<std::string>& refused() const { return refused_; }

  Snapshot run(std::size_t replay) {
    world_.fill(graph_, replay);
    std::vector<ProgramInput<T>> inputs;
    for (std::size_t i = 0; i < graph_.leaves.size(); ++i)
      if (graph_.leaves[i].kind == LeafKind::input) inputs.emplace_back(world_.tensors[i]);
    inputs.emplace_back(world_.labels);
    Snapshot snapshot;
    try {
      program_.run(inputs);
      for (std::size_t i = 0; i < program_.output_count(); ++i)
        snapshot.values.push_back(i < graph_.outputs.size() ? Tensor<double>(xt::cast<double>(program_.value(i)))
                                                            : Tensor<double>(xt::cast<double>(program_.indices(i))));
    } catch (const Error& error) {
      snapshot.refused = RefusedValue{0, error.what()};
    }
    add_parameters(snapshot, world_);
    return snapshot;
  }
  Snapshot parameters() const {
    Snapshot snapshot;
    add_parameters(snapshot, world_);
    return snapshot;
  }

 private:
  const Graph& graph_;
  World<T> world_;
  std::vector<std::string> refused_;
  Program<T> program_;
};

bool same_bits(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

bool same(const std::vector<Tensor<double>>& a, const std::vector<Tensor<double>>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), same_bits);
  });
}

// Compares a graph on the tape with its Programs.
template <class T>
class Comparison {
 public:
  using Kind = Difference::Kind;
  using Result = std::optional<Difference>;

  Comparison(const Graph& graph, Statistics& statistics, Mutation mutation)
      : graph_(graph),
        statistics_(statistics),
        unfused_(graph, {.fuse = false}, {.mutation = mutation}),
        fused_(graph, {.allow_value_dependence = computes(graph)},
               {.refused = computes(graph) ? &unfused_.refused() : nullptr, .mutation = mutation}) {}

  Result run() {
    const std::vector<std::string>& refused = unfused_.refused();
    if (fused_.refused() != refused) return Difference{Kind::refusal, "recorded twice, other steps are refused"};
    for (std::size_t k = 0; k < graph_.steps.size(); ++k)
      ++(refused[k].empty() ? statistics_.applied[graph_.steps[k].function] : statistics_.refused_steps);
    tape_ = run_tape<T>(graph_, refused, statistics_);
    for (replay_ = 0; replay_ < tape_.size(); ++replay_) {
      if (Result difference = compare(unfused_, false)) return difference;
      if (Result difference = compare(fused_, true)) return difference;
    }
    return std::nullopt;
  }

 private:
  // Returns whether the fused Program is compiled from a tape that computes values.
  static bool computes(const Graph& graph) { return graph.seed % 4 == 3; }

  Result compare(Replayed<T>& program, bool fuse) {
    const Snapshot& expected = tape_[replay_];
    const Snapshot before = program.parameters(), got = program.run(replay_);
    const std::string at = fmt::format("{}, replay {}", fuse ? "fused" : "unfused", replay_);
    if (expected.refused) {
      const std::size_t value = graph_.leaves.size() + expected.refused->step;
      const bool live = std::find(graph_.outputs.begin(), graph_.outputs.end(), value) != graph_.outputs.end();
      if (live && !got.refused)
        return Difference{Kind::error, fmt::format("{}: the tape throws at v{}, the Program does not: {}", at, value,
                                                   expected.refused->message)};
      if (got.refused && !same(got.values, before.values))
        return Difference{Kind::error, at + ": a replay that threw changed parameters"};
      ++statistics_.refused_values;
      if (live && got.refused->message != expected.refused->message)
        return Difference{Kind::error, fmt::format("{}: the tape throws '{}', the Program '{}'", at,
                                                   expected.refused->message, got.refused->message)};
      return std::nullopt;
    }
    if (got.refused)
      return Difference{Kind::error, fmt::format("{}: the Program throws: {}", at, got.refused->message)};
    outputs_ = got.values.size() - before.values.size();
    for (std::size_t value = 0; value < expected.values.size(); ++value) {
      const Tensor<double>&want = expected.values[value], &is = got.values[value];
      if (want.shape() != is.shape())
        return Difference{Kind::unfused, fmt::format("{}: {} has another shape", at, name_of(value))};
      statistics_.elements += want.size();
      statistics_.finite += static_cast<std::size_t>(
          std::count_if(want.data(), want.data() + want.size(), [](double element) { return std::isfinite(element); }));
      if (want.size() == 0 || std::memcmp(want.data(), is.data(), want.size() * sizeof(double)) == 0) continue;
      for (std::size_t i = 0; i < want.size(); ++i)
        if (!agree(value, i, want.data()[i], is.data()[i], fuse))
          return Difference{fuse ? Kind::fused : Kind::unfused,
                            fmt::format("{}: {}, element {}: the tape has {:.17g}, the Program {:.17g} (scale {:.3g})",
                                        at, name_of(value), i, want.data()[i], is.data()[i], expected.scales[value])};
    }
    return std::nullopt;
  }

  bool agree(std::size_t value, std::size_t element, double want, double is, bool fuse) {
    if (same_bits(want, is)) return true;
    if (!fuse) return false;
    ++statistics_.rounded;
    if (std::abs(want - is) <= 4 * std::numeric_limits<T>::epsilon() * tape_[replay_].scales[value]) return true;
    ++statistics_.ill_conditioned;
    return moves(value, element, want, is);
  }

  // Returns whether an element moves as far if all values are moved at random by some ulp.
  bool moves(std::size_t value, std::size_t element, double want, double is) {
    constexpr std::uint64_t runs = 40;
    if (moved_.empty())
      for (std::uint64_t run = 0; run < runs; ++run) {
        std::mt19937_64 noise(run);
        moved_.push_back(run_tape<T>(graph_, unfused_.refused(), statistics_, &noise));
      }
    double spread = 0;
    for (const std::vector<Snapshot>& run : moved_) {
      if (run.size() <= replay_ || run[replay_].refused) return true;
      const double moved = run[replay_].values[value].data()[element];
      if (same_bits(moved, is) || (!std::isfinite(moved) && !same_bits(moved, want))) return true;
      spread = std::max(spread, std::abs(moved - want));
    }
    return std::abs(is - want) <= 8 * spread;
  }

  std::string name_of(std::size_t value) const {
    if (value < graph_.outputs.size()) return fmt::format("v{}", graph_.outputs[value]);
    if (value < outputs_) return fmt::format("indices {}", value - graph_.outputs.size());
    const auto parameters = World<T>(graph_).all_parameters();
    const std::size_t parameter = value - outputs_;
    return parameter < parameters.size() ? fmt::format("parameter {}", parameters[parameter].name()) : "the generator";
  }

  const Graph& graph_;
  Statistics& statistics_;
  Replayed<T> unfused_, fused_;
  std::vector<Snapshot> tape_;                // by replay
  std::vector<std::vector<Snapshot>> moved_;  // by run, with values moved at random
  std::size_t replay_ = 0;
  std::size_t outputs_ = 0;
};

}  // namespace

template <class T>
std::optional<Difference> compare(const Graph& graph, Statistics& statistics, Mutation mutation) {
  ++statistics.graphs;
  try {
    return Comparison<T>(graph, statistics, mutation).run();
  } catch (const RefusedValue&) {
    ++statistics.refused_values;  // by the tape from which a Program is compiled
    return std::nullopt;
  } catch (const RefusedOtherwise& otherwise) {
    return Difference{Difference::Kind::refusal, otherwise.message};
  } catch (const std::exception& error) {
    return Difference{Difference::Kind::compilation, fmt::format("unexpected exception: {}", error.what())};
  }
}

template std::optional<Difference> compare<float>(const Graph&, Statistics&, Mutation);
template std::optional<Difference> compare<double>(const Graph&, Statistics&, Mutation);

}  // namespace wengert::random_graphs
