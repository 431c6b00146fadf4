// ONNX's control flow: If, Loop and Scan, which run graphs of their own.
#include "onnx/call.hpp"
#include "onnx/known.hpp"
#include <wengert/ops/join.hpp>
#include <wengert/ops/slice.hpp>

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

namespace wengert::onnx::detail {

namespace {

template <class T>
using Values = std::vector<Value<T>>;

template <class T>
bool holds_true(const Call<T>& c, const Value<T>& condition) {
  const Indices elements = condition.integers(c.where);
  if (elements.size() != 1)
    c.fail(fmt::format("a condition of shape {}: expected one element", to_string(condition.shape())));
  return *elements.begin() != 0;
}

template <class T>
Outputs<T> if_of(const Call<T>& c) {
  return c.run(c.graph(holds_true(c, c.readable(0)) ? "then_branch" : "else_branch"), {});
}

// What no iterations give along a new axis: the declared extents of one element, 0 where they are not declared.
template <class T>
Value<T> no_elements(const Call<T>& c, const Port& declared, std::ptrdiff_t axis) {
  std::vector<std::size_t> extents;
  if (declared.shape)
    for (const Dimension& dimension : *declared.shape) extents.push_back(dimension.extent.value_or(0));
  const std::size_t place = c.axis(axis, extents.size() + 1);
  extents.insert(extents.begin() + static_cast<std::ptrdiff_t>(place), 0);
  if (is_integral(declared.type)) return Value<T>(known_integers({}, extents), declared.type);
  return Value<T>(Tensor<double>(Tensor<double>::from_shape(extents)), declared.type);
}

// The elements of all iterations along a new axis. Integers that are known remain known.
template <class T>
Value<T> stacked(const Call<T>& c, const Values<T>& elements, const Port& declared, std::ptrdiff_t axis) {
  if (elements.empty()) return no_elements(c, declared, axis);
  const Shape shape = elements.front().shape();
  const ElementType type = elements.front().type();
  if (axis == 0 && std::all_of(elements.begin(), elements.end(), [&](const Value<T>& element) {
        return element.template holds<Indices>() && element.shape() == shape;
      })) {
    std::vector<std::int64_t> numbers;
    for (const Value<T>& element : elements) {
      const Indices& part = element.template get<Indices>();
      numbers.insert(numbers.end(), part.begin(), part.end());
    }
    Shape whole{elements.size()};
    for (const std::size_t extent : shape) whole.push_back(extent);
    return Value<T>(known_integers(numbers, whole), type);
  }
  std::vector<Var<T>> parts;
  for (const Value<T>& element : elements) parts.push_back(element.var(c.tape, c.where));
  return Value<T>(stack(parts, axis, c.where), type);
}

// The states that iterations of a body hand on, and what each of them appends to the outputs.
template <class T>
struct Iterations {
  Values<T> states;
  std::vector<Values<T>> appended;  // by output, then by iteration

  // Takes over what one iteration gave: `first` outputs that are neither, the states, and one element of each output.
  void take(const Values<T>& outputs, std::size_t first) {
    std::copy_n(outputs.begin() + static_cast<std::ptrdiff_t>(first), states.size(), states.begin());
    for (std::size_t i = 0; i < appended.size(); ++i) appended[i].push_back(outputs[first + states.size() + i]);
  }
};

// The iterations of a body with `first` outputs before the states, before any ran.
template <class T>
Iterations<T> iterations_of(const Call<T>& c, const Graph& body, Values<T> states, std::size_t first) {
  const std::size_t least = first + states.size();
  if (body.outputs.size() < least)
    c.fail(fmt::format("its body '{}' has {} outputs: expected at least {}", body.name, body.outputs.size(), least));
  return {std::move(states), std::vector<Values<T>>(body.outputs.size() - least)};
}

template <class T>
Outputs<T> loop_of(const Call<T>& c) {
  const Graph& body = c.graph("body");
  const bool counted = c.has(0), conditional = c.has(1);
  const std::ptrdiff_t trips = counted ? c.integer(0) : 0;
  if (!counted && !conditional) c.fail("neither a trip count nor a condition is given, so the loop would not end");
  Values<T> states;
  for (std::size_t i = 2; i < c.size(); ++i) states.push_back(c.value(i));
  Iterations<T> iterations = iterations_of(c, body, std::move(states), 1);

  Value<T> condition = conditional ? c.readable(1) : Value<T>(known_integer(1), ElementType::boolean);
  for (std::ptrdiff_t i = 0; (!counted || i < trips) && (!conditional || holds_true(c, condition)); ++i) {
    Values<T> inputs{Value<T>(known_integer(i)), condition};
    inputs.insert(inputs.end(), iterations.states.begin(), iterations.states.end());
    const Values<T> outputs = c.run(body, inputs);
    condition = outputs.front();
    iterations.take(outputs, 1);
  }
  Values<T> results = iterations.states;
  for (std::size_t i = 0; i < iterations.appended.size(); ++i)
    results.push_back(stacked(c, iterations.appended[i], body.outputs[1 + iterations.states.size() + i], 0));
  return results;
}

// An input whose slices along an axis are given to the iterations, one to each.
template <class T>
struct Scanned {
  Value<T> x;
  std::size_t axis;
  bool backwards;

  std::size_t length() const { return x.shape()[axis]; }
};

// Elements of known values at a position of an axis.
template <class E>
E known_slice(const E& x, std::size_t axis, std::size_t position) {
  const Shape shape(x.shape());
  Shape rest;
  std::size_t after = 1;
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    if (i != axis) rest.push_back(shape[i]);
    if (i > axis) after *= shape[i];
  }
  E result = E::from_shape(xt::dynamic_shape<std::size_t>(rest));
  for (std::size_t k = 0; k < result.size(); ++k)
    result.data()[k] = x.data()[(k / after * shape[axis] + position) * after + k % after];
  return result;
}

// The slice of a value at a position of an axis. Known values remain known.
template <class T>
Value<T> slice_of_value(const Call<T>& c, const Value<T>& x, std::size_t axis, std::size_t position) {
  if (x.template holds<Indices>()) return Value<T>(known_slice(x.template get<Indices>(), axis, position), x.type());
  if (x.template holds<Tensor<double>>())
    return Value<T>(known_slice(x.template get<Tensor<double>>(), axis, position), x.type());
  return Value<T>(slice(x.var(c.tape, c.where), static_cast<std::ptrdiff_t>(axis), Slice(position), c.where), x.type());
}

// Number i of a list of flags or axes, which is empty or has one for each of `count`.
template <class T>
std::ptrdiff_t entry_of_list(const Call<T>& c, std::string_view attribute, std::size_t i, std::size_t count) {
  const auto list = c.integers(attribute);
  if (list.empty()) return 0;
  if (list.size() != count)
    c.fail(fmt::format("the attribute '{}' has {} elements: expected {}", attribute, list.size(), count));
  return list[i];
}

template <class T>
std::size_t scan_length(const Call<T>& c, const std::vector<Scanned<T>>& scans) {
  for (const Scanned<T>& scan : scans)
    if (scan.length() != scans.front().length())
      c.fail(fmt::format("inputs of {} and {} steps: expected equal numbers", scans.front().length(), scan.length()));
  return scans.front().length();
}

template <class T>
Iterations<T> scan_steps(const Call<T>& c, Values<T> states, const std::vector<Scanned<T>>& scans, std::size_t length) {
  const Graph& body = c.graph("body");
  Iterations<T> iterations = iterations_of(c, body, std::move(states), 0);
  for (std::size_t step = 0; step < length; ++step) {
    Values<T> inputs = iterations.states;
    for (const Scanned<T>& scan : scans) {
      const std::size_t position = scan.backwards ? length - 1 - step : step;
      inputs.push_back(slice_of_value(c, scan.x, scan.axis, position));
    }
    iterations.take(c.run(body, inputs), 0);
  }
  return iterations;
}

// The inputs of a Scan from `first` on: states, then scans.
template <class T>
struct ScanInputs {
  Values<T> states;
  std::vector<Scanned<T>> scans;
};

template <class T>
ScanInputs<T> scan_inputs(const Call<T>& c, std::size_t first, std::string_view directions, std::string_view axes) {
  const std::int64_t given = c.integer("num_scan_inputs", 0);
  const auto count = static_cast<std::size_t>(given);
  if (given < 1 || first + count > c.size())
    c.fail(fmt::format("num_scan_inputs {}: expected 1 to the number of inputs", given));
  ScanInputs<T> inputs;
  const std::size_t begin = c.size() - count;
  for (std::size_t i = first; i < begin; ++i) inputs.states.push_back(c.value(i));
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t axis = c.axis(entry_of_list(c, axes, i, count), c.rank(begin + i));
    const Value<T>& x = c.value(begin + i);
    inputs.scans.push_back(
        {x.constant() ? x : Value<T>(c.x(begin + i), x.type()), axis, entry_of_list(c, directions, i, count) != 0});
  }
  return inputs;
}

template <class T>
Outputs<T> scan_of(const Call<T>& c) {
  const ScanInputs<T> inputs = scan_inputs(c, 0, "scan_input_directions", "scan_input_axes");
  Iterations<T> iterations = scan_steps(c, inputs.states, inputs.scans, scan_length(c, inputs.scans));
  const std::size_t count = iterations.appended.size();
  Values<T> results = iterations.states;
  for (std::size_t i = 0; i < count; ++i) {
    Values<T>& elements = iterations.appended[i];
    if (entry_of_list(c, "scan_output_directions", i, count) != 0) std::reverse(elements.begin(), elements.end());
    results.push_back(stacked(c, elements, c.graph("body").outputs[iterations.states.size() + i],
                              entry_of_list(c, "scan_output_axes", i, count)));
  }
  return results;
}

// Outputs that are shorter than the longest sequence are padded with zeros.
template <class T>
Value<T> padded(const Call<T>& c, const Value<T>& output, std::size_t length) {
  const Shape shape = output.shape();
  if (shape[0] == length) return output;
  std::vector<PadWidth> widths(shape.rank());
  widths[0].after = length - shape[0];
  return Value<T>(pad(output.var(c.tape, c.where), widths, PadMode::constant, 0, c.where), output.type());
}

// Scan of opset 8: a batch of sequences along axis 0, whose steps lie along axis 1.
template <class T>
Outputs<T> batched_scan_of(const Call<T>& c) {
  const ScanInputs<T> inputs = scan_inputs(c, 1, "directions", "");
  const std::vector<Port>& declared = c.graph("body").outputs;
  const std::size_t batch = scan_length(c, inputs.scans);
  const auto lengths = c.has(0) ? c.integers(0) : std::vector<std::ptrdiff_t>{};
  if (c.has(0) && lengths.size() != batch)
    c.fail(fmt::format("{} sequence lengths for {} sequences: expected one for each", lengths.size(), batch));

  std::vector<Values<T>> results(declared.size());
  for (std::size_t b = 0; b < batch; ++b) {
    Values<T> states;
    for (const Value<T>& state : inputs.states) states.push_back(slice_of_value(c, state, 0, b));
    std::vector<Scanned<T>> scans;
    for (const Scanned<T>& scan : inputs.scans) scans.push_back({slice_of_value(c, scan.x, 0, b), 0, scan.backwards});
    const std::size_t longest = scan_length(c, scans);
    std::size_t length = longest;
    if (!lengths.empty()) {
      if (lengths[b] < 0 || static_cast<std::size_t>(lengths[b]) > longest)
        c.fail(fmt::format("sequence length {}: expected 0 to {}", lengths[b], longest));
      length = static_cast<std::size_t>(lengths[b]);
    }
    const Iterations<T> iterations = scan_steps(c, std::move(states), scans, length);
    for (std::size_t i = 0; i < declared.size(); ++i) {
      const std::size_t state_count = iterations.states.size();
      results[i].push_back(i < state_count
                               ? iterations.states[i]
                               : padded(c, stacked(c, iterations.appended[i - state_count], declared[i], 0), longest));
    }
  }
  Values<T> outputs;
  for (std::size_t i = 0; i < declared.size(); ++i) outputs.push_back(stacked(c, results[i], declared[i], 0));
  return outputs;
}

}  // namespace

template <class T>
std::span<const Entry<T>> control_entries() {
  static constexpr Entry<T> entries[] = {
      {"If", if_of<T>, true},
      {"Loop", loop_of<T>, true},
      {"Scan", [](const Call<T>& c) { return c.opset() == 8 ? batched_scan_of(c) : scan_of(c); }, true},
  };
  return entries;
}

template std::span<const Entry<float>> control_entries<float>();
template std::span<const Entry<double>> control_entries<double>();

}  // namespace wengert::onnx::detail
