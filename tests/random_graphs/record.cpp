// Fills the leaves of random graphs, records their steps, and injects faults into recordings.
#include "random_graphs/record.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace wengert::random_graphs {
namespace {

constexpr std::array edges{
    0.0,  -0.0,  std::numeric_limits<double>::infinity(),  -std::numeric_limits<double>::infinity(),
    1e30, 1e-30, std::numeric_limits<double>::quiet_NaN(), 1e-41};

// Draws the elements of a leaf in a replay.
template <class T>
void draw_elements(Tensor<T>& tensor, const Leaf& leaf, std::uint64_t seed) {
  std::mt19937_64 random(seed * 0xbf58476d1ce4e5b9U + 7);
  for (T& element : tensor) {
    double value = 4 * static_cast<double>(random() >> 11) * 0x1p-53 - 2;
    if (leaf.ties) value = std::round(2 * value) / 2;
    if (leaf.edges && random() % 6 == 0) value = edges[random() % edges.size()];
    element = static_cast<T>(value);
  }
}

template <class T>
Parameter<T> zeros_like(const Tensor<T>& value, const std::string& name) {
  return Parameter<T>(xt::zeros_like(value), name);
}

// Returns a value with each element moved by up to 8 ulp.
template <class T>
Var<T> moved(Var<T> x, std::mt19937_64& noise) {
  auto factors = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(x.shape()));
  for (T& factor : factors)
    factor = 1 + std::numeric_limits<T>::epsilon() * (T(16) * static_cast<T>(noise() >> 11) * T(0x1p-53) - T(8));
  return x * x.tape().constant(std::move(factors));
}

// ---- faults --------------------------------------------------------------------------------------------------------

// Returns whether a mutation keeps the value of a step as a constant.
bool is_kept(const Step& step, Mutation mutation) {
  switch (mutation) {
    case Mutation::kept_losses:
      return step.function.find("loss") != std::string::npos || step.function.find("entropy") != std::string::npos;
    case Mutation::kept_gradients:
      return functions().at(step.function).differentiates;
    case Mutation::kept_draws:
      return step.function == "dropout" || step.function == "normal";
    default:
      return false;
  }
}

// Returns the value of step k, computed on its own tape.
template <class T>
Tensor<T> value_of_step(const Graph& graph, std::size_t k) {
  Graph part = graph;
  part.steps.resize(k + 1);
  part.outputs = {graph.leaves.size() + k};
  World<T> world(part);
  Tape<T> tape;
  return record<T>(part, world, tape).outputs.front().handle().value();
}

// Returns the inputs that an elementwise op reads, according to the text of its formula with equal parameters.
template <class T>
std::uint32_t read_at_equal_parameters(const Op<T>& op, std::size_t arity) {
  std::vector<Text> marks;
  for (std::size_t i = 0; i < arity; ++i) {
    const std::string mark(1, static_cast<char>(1 + i));
    marks.push_back({mark, mark});
  }
  const std::vector<double> parameters(op.parameters, 1.25);
  const std::string formula = op.text(parameters.data(), marks).plain;
  std::uint32_t reads = 0;
  for (std::size_t i = 0; i < arity; ++i)
    if (formula.find(marks[i].plain) != std::string::npos) reads |= std::uint32_t{1} << i;
  return reads;
}

// Replaces the op of every elementwise node by one whose `reads` follows from that text.
template <class T>
void confuse_reads(Tape<T>& tape) {
  static std::map<const Op<T>*, Op<T>> confused;
  if constexpr (requires(Op<T> op) { op.reads; })
    for (std::size_t k = 0; k < tape.size(); ++k) {
      const Op<T>*& op = const_cast<Node<T>&>(tape.node(k)).op;
      if (op == nullptr || op->kernels[0] == nullptr || op->text == nullptr) continue;
      const auto [copy, is_new] = confused.try_emplace(op, *op);
      if (is_new) copy->second.reads = read_at_equal_parameters(*op, tape.inputs(k).size());
      op = &copy->second;
    }
}

template <class T>
void disturb_updates(Tape<T>& tape, Mutation mutation) {
  auto updates = tape.update_queue().exchange({});
  if (mutation == Mutation::reversed_updates) std::reverse(updates.begin(), updates.end());
  if (mutation == Mutation::lost_update && !updates.empty()) updates.pop_back();
  tape.update_queue().exchange(std::move(updates));
}

}  // namespace

template <class T>
World<T>::World(const Graph& graph) : generator(graph.seed) {
  for (const Leaf& leaf : graph.leaves) {
    tensors.push_back(Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(leaf.shape)));
    draw_elements(tensors.back(), leaf, graph.seed + 1000 * tensors.size());
    if (leaf.kind != LeafKind::parameter) continue;
    const std::string name = fmt::format("w{}", trained.size());
    trained.push_back({Parameter<T>(tensors.back(), name), zeros_like(tensors.back(), name + ".first"),
                       zeros_like(tensors.back(), name + ".second")});
  }
  fill(graph, 0);
}

template <class T>
void World<T>::fill(const Graph& graph, std::size_t replay) {
  for (std::size_t i = 0; i < graph.leaves.size(); ++i)
    if (const LeafKind kind = graph.leaves[i].kind; kind == LeafKind::input || kind == LeafKind::borrowed)
      draw_elements(tensors[i], graph.leaves[i], graph.seed + 1000 * (i + 1) + 17 * replay);
  std::mt19937_64 random(graph.seed + 31 * replay);
  const bool one_class = random() % 8 == 0, wrong = random() % 10 == 0;
  for (std::int64_t& label : labels) label = one_class ? 0 : static_cast<std::int64_t>(random() % 3);
  if (wrong) labels(1) = random() % 2 == 0 ? 3 : -2;
}

template <class T>
std::vector<Parameter<T>> World<T>::all_parameters() const {
  std::vector<Parameter<T>> all{rate, statistics.running_mean, statistics.running_variance};
  for (const Trained& t : trained) all.insert(all.end(), {t.value, t.first_moment, t.second_moment});
  return all;
}

template <class T>
Recording<T> record(const Graph& graph, World<T>& world, Tape<T>& tape, const RecordOptions<T>& options) {
  Recording<T> result;
  std::vector<Var<T>> values;
  for (std::size_t i = 0, parameter = 0; i < graph.leaves.size(); ++i) switch (graph.leaves[i].kind) {
      case LeafKind::input:
        values.push_back(tape.variable(world.tensors[i]));
        result.inputs.push_back(values.back());
        break;
      case LeafKind::parameter:
        values.push_back(tape.variable(world.trained[parameter++].value));
        break;
      case LeafKind::constant:
        values.push_back(tape.constant(world.tensors[i]));
        break;
      case LeafKind::borrowed:
        values.push_back(options.mutation == Mutation::constant_borrowed ? tape.constant(world.tensors[i])
                                                                         : tape.borrow(world.tensors[i]));
        break;
    }
  if (options.noise != nullptr)
    for (Var<T>& value : values) value = moved(value, *options.noise);
  const IndexVar<T> labels = tape.indices(world.labels);
  result.inputs.push_back(labels);
  std::vector<IndexVar<T>> indices;
  for (std::size_t k = 0; k < graph.steps.size(); ++k) {
    const Step& step = graph.steps[k];
    if (options.mutation == Mutation::early_updates)
      for (std::size_t i = 0, parameter = 0; i < graph.leaves.size(); ++i)
        if (graph.leaves[i].kind == LeafKind::parameter) values[i] = tape.updated(world.trained[parameter++].value);
    Arguments<T> arguments{world, tape, labels, {}, Choices(step.choices), &indices};
    for (const std::size_t value : step.takes) arguments.x.push_back(values[value]);
    result.refused.emplace_back();
    const std::size_t known_indices = indices.size();
    const std::uint64_t counter = world.generator.counter();
    const std::string known = options.refused == nullptr ? std::string() : (*options.refused)[k];
    const auto mark = tape.mark();
    try {
      values.push_back(functions().at(step.function).template in<T>()(arguments));
    } catch (const Error& error) {
      if (known.empty() && options.refused != nullptr) throw RefusedValue{k, error.what()};
      tape.rewind(mark);
      world.generator.seek(counter);
      indices.resize(known_indices);
      result.refused.back() = error.what();
      values.push_back(values[step.takes[0]]);
    }
    if (result.refused.back() != known && options.refused != nullptr)
      throw RefusedOtherwise{fmt::format("v{}: recorded without values: '{}'; with values: '{}'", values.size() - 1,
                                         known, result.refused.back())};
    if (is_kept(step, options.mutation)) values.back() = tape.constant(value_of_step<T>(graph, k));
    if (options.noise != nullptr) values.back() = moved(values.back(), *options.noise);
  }
  if (options.mutation == Mutation::equal_parameters) confuse_reads(tape);
  disturb_updates(tape, options.mutation);
  for (const std::size_t value : graph.outputs) result.outputs.push_back(values[value]);
  result.outputs.insert(result.outputs.end(), indices.begin(), indices.end());
  return result;
}

template struct World<float>;
template struct World<double>;
template Recording<float> record(const Graph&, World<float>&, Tape<float>&, const RecordOptions<float>&);
template Recording<double> record(const Graph&, World<double>&, Tape<double>&, const RecordOptions<double>&);

}  // namespace wengert::random_graphs
