#include "random_graphs/compare.hpp"

#include "random_graphs/record.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>
#include <xtensor/xmath.hpp>

namespace wengert::random_graphs {
namespace {

// What one replay leaves: results, then parameters, then how far the generator went; as doubles, which hold them all.
struct Snapshot {
  std::vector<Tensor<double>> values;
  std::vector<double> scales;  // on the tape: the largest number that each value was made from
  std::optional<RefusedValue> refused;
};

template <class T>
void add_parameters(Snapshot& snapshot, const World<T>& world) {
  for (const Parameter<T>& parameter : world.all_parameters())
    snapshot.values.push_back(xt::cast<double>(parameter.value()));
  snapshot.values.push_back(static_cast<double>(world.generator.counter()));
}

// By node: the largest finite number among what it was made from. Parameters carry that of earlier replays.
template <class T>
std::vector<double> scales_of(const Tape<T>& tape, double carried) {
  std::vector<double> scales;
  for (std::size_t k = 0; k < tape.size(); ++k) {
    const Node<T>& node = tape.node(k);
    double scale = tape.parameter(k) ? carried : 0;
    for (const std::uint32_t input : tape.inputs(k)) scale = std::max(scale, scales[input]);
    if (!node.released && !node.holds_indices && node.data != nullptr) {
      const Layout& layout = *node.layout;
      const auto elements =
          xt::adapt(static_cast<const T*>(node.data), layout.size, xt::no_ownership(),
                    xt::dynamic_shape<std::size_t>(layout.shape),
                    xt::dynamic_shape<std::ptrdiff_t>(
                        layout.strides.begin(), layout.strides.begin() + static_cast<std::ptrdiff_t>(layout.rank())));
      for (const T element : elements)
        if (std::isfinite(element)) scale = std::max(scale, static_cast<double>(std::abs(element)));
    }
    scales.push_back(scale);
  }
  return scales;
}

template <class T>
std::vector<Snapshot> run_tape(const Graph& graph, const std::vector<std::string>& refused,
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
      if (recording.refused != refused) {
        snapshot.refused = RefusedValue{graph.steps.size(), "other steps are refused"};
        return snapshots;
      }
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
      tape.exchange_updates({});
      snapshot.refused = error;
      return snapshots;
    }
  }
  return snapshots;
}

// A Program of a graph, with a world of its own.
template <class T>
class Replayed {
 public:
  Replayed(const Graph& graph, bool fuse)
      : graph_(graph),
        world_(graph),
        program_(compile_recorded<T>(
            [this](Tape<T>& tape, std::vector<ProgramVar<T>>& inputs) {
              Recording<T> recording = record<T>(graph_, world_, tape);
              inputs = recording.inputs;
              refused_ = recording.refused;
              return recording.outputs;
            },
            {.fuse = fuse})) {}

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

// Where fused results may differ from the tape's: how far an element moves if all values are moved by some ulp.
template <class T>
class Conditioning {
 public:
  Conditioning(const Graph& graph, const std::vector<std::string>& refused, const std::vector<Snapshot>& exact)
      : graph_(graph), refused_(refused), exact_(exact) {}

  bool explains(std::size_t replay, std::size_t value, std::size_t element, double got) {
    const double want = exact_[replay].values[value].data()[element];
    if (perturbed_.empty())
      for (std::uint64_t run = 0; run < 40; ++run) {
        std::mt19937_64 noise(run);
        perturbed_.push_back(run_tape<T>(graph_, refused_, &noise));
      }
    double spread = 0;
    for (const std::vector<Snapshot>& run : perturbed_) {
      if (run.size() <= replay || run[replay].refused) return true;
      const double moved = run[replay].values[value].data()[element];
      if (same_bits(moved, got)) return true;
      if (!std::isfinite(moved) && !same_bits(moved, want)) return true;
      spread = std::max(spread, std::abs(moved - want));
    }
    return std::abs(got - want) <= 8 * spread;
  }

 private:
  const Graph& graph_;
  const std::vector<std::string>& refused_;
  const std::vector<Snapshot>& exact_;
  std::vector<std::vector<Snapshot>> perturbed_;
};

template <class T>
std::string name_of(const Graph& graph, std::size_t value, std::size_t outputs) {
  if (value < graph.outputs.size()) return fmt::format("v{}", graph.outputs[value]);
  if (value < outputs) return fmt::format("indices {}", value - graph.outputs.size());
  const auto parameters = World<T>(graph).all_parameters();
  return value - outputs < parameters.size() ? fmt::format("parameter {}", parameters[value - outputs].name())
                                             : "the generator";
}

}  // namespace

template <class T>
std::optional<Difference> compare(const Graph& graph, Statistics& statistics) {
  using Kind = Difference::Kind;
  ++statistics.graphs;
  try {
    Replayed<T> unfused(graph, false), fused(graph, true);
    const std::vector<std::string>& refused = unfused.refused();
    for (std::size_t k = 0; k < graph.steps.size(); ++k)
      ++(refused[k].empty() ? statistics.applied[graph.steps[k].function] : statistics.refused_steps);
    const std::vector<Snapshot> tape = run_tape<T>(graph, refused);
    Conditioning<T> conditioning(graph, refused, tape);
    for (std::size_t replay = 0; replay < tape.size(); ++replay) {
      const Snapshot& expected = tape[replay];
      for (Replayed<T>* program : {&unfused, &fused}) {
        const bool fuse = program == &fused;
        const std::string at = fmt::format("{}, replay {}", fuse ? "fused" : "unfused", replay);
        const Snapshot before = program->parameters(), got = program->run(replay);
        if (expected.refused) {
          if (expected.refused->step >= graph.steps.size())
            return Difference{Kind::refusal, "the tape refuses other steps than the recording without values"};
          const std::size_t step_value = graph.leaves.size() + expected.refused->step;
          const bool live = std::find(graph.outputs.begin(), graph.outputs.end(), step_value) != graph.outputs.end();
          if (live && !got.refused)
            return Difference{Kind::error, fmt::format("{}: the tape throws at v{}, the Program does not: {}", at,
                                                       step_value, expected.refused->message)};
          if (got.refused && got.values != before.values)
            return Difference{Kind::error, at + ": a replay that threw changed parameters"};
          statistics.refused_values += fuse ? 0 : 1;
          continue;
        }
        if (got.refused)
          return Difference{Kind::error, fmt::format("{}: the Program throws: {}", at, got.refused->message)};
        const std::size_t outputs = got.values.size() - (before.values.size());
        for (std::size_t value = 0; value < expected.values.size(); ++value) {
          const Tensor<double>&want = expected.values[value], &is = got.values[value];
          if (want.shape() != is.shape()) return Difference{Kind::unfused, at + ": another shape"};
          for (std::size_t i = 0; i < want.size(); ++i) {
            const double a = want.data()[i], b = is.data()[i];
            ++statistics.elements;
            statistics.finite += std::isfinite(a) ? 1 : 0;
            if (same_bits(a, b)) continue;
            if (fuse) {
              ++statistics.rounded;
              constexpr double ulp = std::numeric_limits<T>::epsilon();
              if (std::abs(a - b) <= 4 * ulp * expected.scales[value]) continue;
              ++statistics.ill_conditioned;
              if (conditioning.explains(replay, value, i, b)) continue;
            }
            return Difference{
                fuse ? Kind::fused : Kind::unfused,
                fmt::format("{}: {}, element {}: the tape has {:.17g}, the Program {:.17g} (scale {:.3g})", at,
                            name_of<T>(graph, value, outputs), i, a, b, expected.scales[value])};
          }
        }
      }
    }
  } catch (const std::exception& error) {
    return Difference{Kind::compilation, fmt::format("unexpected exception: {}", error.what())};
  }
  return std::nullopt;
}

template std::optional<Difference> compare<float>(const Graph&, Statistics&);
template std::optional<Difference> compare<double>(const Graph&, Statistics&);

}  // namespace wengert::random_graphs
