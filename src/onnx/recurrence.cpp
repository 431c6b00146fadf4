// The loop over directions and steps of RNN, LSTM and GRU, and their activations.
#include "onnx/recurrence.hpp"

#include "onnx/operand.hpp"
#include "onnx/whole_layers.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/join.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/sequence.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/ops/slice.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace wengert::onnx::detail {
namespace {

// ---- activations

// An activation by name, with the default values of the parameters that it has.
template <class T>
struct NamedActivation {
  const char* name;
  std::optional<double> alpha, beta;
  Var<T> (*compute)(const Call<T>&, Var<T>, double alpha, double beta);
};

template <class T>
Var<T> scaled(const Call<T>& c, Var<T> x, double factor, double summand) {
  return add(at(c, multiply(at(c, x), at(c, factor))), at(c, summand));
}

template <class T>
std::span<const NamedActivation<T>> named_activations() {
  using C = const Call<T>&;
  using X = Var<T>;
  static const NamedActivation<T> all[] = {
      {"Affine", 1, 0, [](C c, X x, double alpha, double beta) { return scaled(c, x, alpha, beta); }},
      {"Elu", 1, {}, [](C c, X x, double alpha, double) { return elu(at(c, x), alpha); }},
      {"HardSigmoid", 0.2, 0.5,
       [](C c, X x, double alpha, double beta) { return clip(at(c, scaled(c, x, alpha, beta)), 0, 1); }},
      {"LeakyRelu", 0.01, {}, [](C c, X x, double alpha, double) { return leaky_relu(at(c, x), alpha); }},
      {"Relu", {}, {}, [](C c, X x, double, double) { return relu(at(c, x)); }},
      {"ScaledTanh", 1, 1,
       [](C c, X x, double alpha, double beta) { return scaled(c, tanh(at(c, scaled(c, x, beta, 0))), alpha, 0); }},
      {"Sigmoid", {}, {}, [](C c, X x, double, double) { return sigmoid(at(c, x)); }},
      {"Softplus", {}, {}, [](C c, X x, double, double) { return softplus(at(c, x)); }},
      {"Softsign", {}, {}, [](C c, X x, double, double) { return softsign(at(c, x)); }},
      {"Tanh", {}, {}, [](C c, X x, double, double) { return tanh(at(c, x)); }},
      {"ThresholdedRelu",
       1,
       {},
       [](C c, X x, double alpha, double) { return wengert::where(greater_equal(at(c, x), alpha), x, 0); }},
  };
  return all;
}

// Whether two names differ at most in case: early exporters write `sigmoid`.
bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char letter) { return 'A' <= letter && letter <= 'Z' ? letter - 'A' + 'a' : int{letter}; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

// The activations of all directions. Each takes its parameters from the front of what is left of the lists.
template <class T>
std::vector<Activation<T>> activations_of(const Call<T>& c, const Cell<T>& cell, std::size_t directions) {
  std::vector<std::string> names = c.texts("activations");
  const std::size_t count = cell.defaults.size() * directions;
  if (names.empty())
    for (std::size_t i = 0; i < count; ++i) names.emplace_back(cell.defaults[i % cell.defaults.size()]);
  if (names.size() < count)
    c.fail("attribute activations with " + std::to_string(names.size()) + " names: expected " + std::to_string(count));
  const std::vector<double> alphas = c.numbers("activation_alpha"), betas = c.numbers("activation_beta");
  std::size_t alphas_taken = 0, betas_taken = 0;
  const auto parameter = [](const std::optional<double>& otherwise, const std::vector<double>& list,
                            std::size_t& taken) {
    if (!otherwise) return 0.0;
    return taken < list.size() ? list[taken++] : *otherwise;
  };
  const double limit = c.number("clip", 0);
  std::vector<Activation<T>> result;
  for (std::size_t i = 0; i < count; ++i) {
    const auto all = named_activations<T>();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& one) { return same_name(one.name, names[i]); });
    if (found == all.end()) {
      std::string known;
      for (const auto& one : all) known += (known.empty() ? "" : ", ") + std::string(one.name);
      c.fail("attribute activations with '" + names[i] + "': expected one of " + known);
    }
    const double alpha = parameter(found->alpha, alphas, alphas_taken);
    const double beta = parameter(found->beta, betas, betas_taken);
    result.push_back([&c, compute = found->compute, alpha, beta, limit](Var<T> x) {
      return compute(c, limit > 0 ? clip(at(c, x), -limit, limit) : x, alpha, beta);
    });
  }
  return result;
}

// ---- operands

// The extents of a layer.
struct RecurrentExtents {
  std::size_t steps, samples, inputs, hidden, directions;
  bool batch_first;  // layout 1: the batch comes before steps and directions
};

template <class T>
void require_shape(const Call<T>& c, std::size_t input, const Shape& expected) {
  if (c.has(input) && c.shape(input) != expected)
    c.fail("input " + std::to_string(input) + " of shape " + to_string(c.shape(input)) + ": expected " +
           to_string(expected));
}

template <class T>
RecurrentExtents extents_of(const Call<T>& c, const Cell<T>& cell) {
  if (c.rank(0) != 3 || c.rank(2) != 3)
    c.fail("inputs of shapes " + to_string(c.shape(0)) + " and " + to_string(c.shape(2)) +
           ": expected sequences and recurrence weights of rank 3");
  const bool batch_first = c.integer("layout", 0) != 0;
  const std::string direction = c.text("direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional")
    c.fail("attribute direction = '" + direction + "': expected forward, reverse or bidirectional");
  const Shape x = c.shape(0);
  const RecurrentExtents e{x[batch_first ? 1 : 0],
                           x[batch_first ? 0 : 1],
                           x[2],
                           c.shape(2)[2],
                           direction == "bidirectional" ? std::size_t{2} : std::size_t{1},
                           batch_first};
  if (e.steps == 0) c.fail("an input of shape " + to_string(x) + ": expected at least one step");
  const std::size_t rows = cell.gates * e.hidden;
  require_shape(c, 1, {e.directions, rows, e.inputs});
  require_shape(c, 2, {e.directions, rows, e.hidden});
  require_shape(c, 3, {e.directions, 2 * rows});
  require_shape(c, 4, {e.samples});
  for (std::size_t part = 0; part < cell.parts; ++part)
    require_shape(c, 5 + part,
                  batch_first ? Shape{e.samples, e.directions, e.hidden} : Shape{e.directions, e.samples, e.hidden});
  return e;
}

template <class T>
Direction<T> direction_of(const Call<T>& c, const Cell<T>& cell, const RecurrentExtents& e, std::size_t number,
                          const std::vector<Activation<T>>& activations) {
  const std::size_t rows = cell.gates * e.hidden, each = cell.defaults.size();
  const auto own = [&](std::size_t input) { return slice(c.x(input), 0, number, c.where); };
  Direction<T> d;
  d.input_weight = transpose(own(1), {}, c.where);
  d.state_weight = transpose(own(2), {}, c.where);
  if (c.has(3)) {
    d.input_bias = slice(own(3), 0, Slice(0, static_cast<std::ptrdiff_t>(rows)), c.where);
    d.state_bias = slice(own(3), 0, Slice(static_cast<std::ptrdiff_t>(rows), {}), c.where);
  }
  for (std::size_t i = 0; i < each; ++i) d.activations.push_back(activations[number * each + i]);
  d.number = number;
  d.backwards = number == 1 || c.text("direction", "forward") == "reverse";
  return d;
}

// The mask of the real steps, (N, L, 1); an empty handle if all are.
template <class T>
Var<T> mask_of(const Call<T>& c, const RecurrentExtents& e) {
  if (!c.has(4)) return {};
  if (c.value(4).constant()) {
    const std::vector<std::ptrdiff_t> lengths = c.integers(4);
    if (std::all_of(lengths.begin(), lengths.end(), [&](auto n) { return n == static_cast<std::ptrdiff_t>(e.steps); }))
      return {};
  }
  return expand_dims(sequence_mask(c.indices(4), e.steps, c.where), 2, c.where);
}

// ---- the loop

// The outputs (L, N, hidden) of one direction; `state` becomes the final one. A sample keeps its state in the padding.
template <class T>
Var<T> run_direction(const Call<T>& c, const Cell<T>& cell, const RecurrentExtents& e, const Direction<T>& d, Var<T> x,
                     Var<T> mask, std::vector<Var<T>>& state) {
  Var<T> bias = d.input_bias;
  if (cell.adds_state_bias && !bias.empty()) bias = at(c, bias) + d.state_bias;
  const Var<T> rows = reshape(x, Shape{e.steps * e.samples, e.inputs}, c.where);
  const Var<T> projected =
      reshape(affine_of(c, rows, d.input_weight, bias), Shape{e.steps, e.samples, cell.gates * e.hidden}, c.where);
  const auto step = cell.step(d);
  std::vector<Var<T>> outputs(e.steps);
  for (std::size_t k = 0; k < e.steps; ++k) {
    const std::size_t place = d.backwards ? e.steps - 1 - k : k;
    std::vector<Var<T>> next = step(slice(projected, 0, place, c.where), state);
    outputs[place] = next[0];
    if (!mask.empty()) {
      const Var<T> real = slice(mask, 1, place, c.where);
      outputs[place] = wengert::where(at(c, real), next[0], 0);
      for (std::size_t part = 0; part < cell.parts; ++part)
        next[part] = wengert::where(at(c, real), next[part], state[part]);
    }
    state = std::move(next);
  }
  return stack(outputs, 0, c.where);
}

// The node as one op, for a file that it is saved in.
template <class T>
Outputs<T> record_whole(const Call<T>& c, const Cell<T>& cell, const RecurrentExtents& e, WholeLayers<T>& recorder) {
  std::vector<Var<T>> inputs;
  for (std::size_t i = 0; i < c.size(); ++i)
    inputs.push_back(!c.has(i) ? Var<T>() : i == WholeNode::lengths ? c.indices(i).handle() : c.x(i));
  const Shape last =
      e.batch_first ? Shape{e.samples, e.directions, e.hidden} : Shape{e.directions, e.samples, e.hidden};
  std::vector<Shape> outputs(1 + cell.parts, last);
  outputs[0] = e.batch_first ? Shape{e.samples, e.steps, e.directions, e.hidden}
                             : Shape{e.steps, e.directions, e.samples, e.hidden};
  std::vector<Value<T>> results;
  for (const Var<T>& output : recorder.record(c.node, inputs, outputs, c.where))
    results.emplace_back(output, c.type(0));
  return results;
}

}  // namespace

template <class T>
Var<T> gate_of(const Call<T>& c, Var<T> gates, std::size_t gate, std::size_t hidden) {
  return slice(gates, -1,
               Slice(static_cast<std::ptrdiff_t>(gate * hidden), static_cast<std::ptrdiff_t>((gate + 1) * hidden)),
               c.where);
}

template <class T>
Var<T> affine_of(const Call<T>& c, Var<T> a, Var<T> weight, Var<T> bias) {
  const Var<T> product = matmul(a, weight, c.where);
  return bias.empty() ? product : at(c, product) + bias;
}

template <class T>
Outputs<T> recurrent(const Call<T>& c, const Cell<T>& cell) {
  const RecurrentExtents e = extents_of(c, cell);
  const std::vector<Activation<T>> activations = activations_of(c, cell, e.directions);
  WholeLayers<T>* const recorder = WholeLayers<T>::of(c.tape);
  if (recorder != nullptr && c.opset() >= 7)  // earlier ones have other attributes
    return record_whole(c, cell, e, *recorder);
  const Var<T> mask = mask_of(c, e);
  Var<T> x = c.x(0);
  if (e.batch_first) x = swapaxes(x, 0, 1, c.where);
  // Zeros in the padding keep NaN out of the gradients of the weights.
  if (!mask.empty()) x = wengert::where(at(c, swapaxes(mask, 0, 1, c.where)), x, 0);
  std::vector<Var<T>> outputs;
  std::vector<std::vector<Var<T>>> final_parts(cell.parts);
  for (std::size_t number = 0; number < e.directions; ++number) {
    std::vector<Var<T>> state;
    for (std::size_t part = 0; part < cell.parts; ++part) {
      if (c.has(5 + part))
        state.push_back(slice(c.x(5 + part), e.batch_first ? 1 : 0, number, c.where));
      else
        state.push_back(broadcast_to(c.constant(0), Shape{e.samples, e.hidden}, c.where));
    }
    outputs.push_back(run_direction(c, cell, e, direction_of(c, cell, e, number, activations), x, mask, state));
    for (std::size_t part = 0; part < cell.parts; ++part) final_parts[part].push_back(state[part]);
  }
  Var<T> y = stack(outputs, 1, c.where);
  if (e.batch_first) y = transpose(y, {2, 0, 1, 3}, c.where);
  std::vector<Value<T>> results{Value<T>(y, c.type(0))};
  for (const std::vector<Var<T>>& part : final_parts)
    results.emplace_back(stack(part, e.batch_first ? 1 : 0, c.where), c.type(0));
  return results;
}

template Var<float> gate_of(const Call<float>&, Var<float>, std::size_t, std::size_t);
template Var<double> gate_of(const Call<double>&, Var<double>, std::size_t, std::size_t);
template Var<float> affine_of(const Call<float>&, Var<float>, Var<float>, Var<float>);
template Var<double> affine_of(const Call<double>&, Var<double>, Var<double>, Var<double>);
template Outputs<float> recurrent(const Call<float>&, const Cell<float>&);
template Outputs<double> recurrent(const Call<double>&, const Cell<double>&);

}  // namespace wengert::onnx::detail
