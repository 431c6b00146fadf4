// How cumulative ops are exported: a Scan along the axis, or CumSum.
#include "onnx/export_parts.hpp"
#include "ops/attributes/axes.hpp"

#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>

namespace wengert::onnx::detail {

namespace {

// The body of a Scan: names of values, of which every one is new in the whole graph, and nodes.
template <class T>
class ScanBody {
 public:
  explicit ScanBody(GraphWriter<T>& writer) : writer_(writer) { graph_.name = writer.new_name("step"); }

  std::string input(std::string_view stem) {
    graph_.inputs.push_back({writer_.new_name(stem), element_type<T>, {}});
    return graph_.inputs.back().name;
  }
  void output(const std::string& x) {  // an Identity, so that no value is an output twice
    graph_.outputs.push_back({node("Identity", {x}), element_type<T>, {}});
  }
  std::string node(std::string op, std::vector<std::string> inputs) {
    Node node;
    node.op = std::move(op);
    node.opset = 17;
    node.name = writer_.new_name(node.op);
    node.inputs = std::move(inputs);
    node.outputs = {writer_.new_name(node.name + "_y")};
    graph_.nodes.push_back(node);
    return node.outputs.front();
  }
  std::string scalar(T value) {
    TensorData tensor;
    tensor.name = writer_.new_name("constant");
    tensor.type = element_type<T>;
    tensor.bytes.resize(sizeof(T));
    std::memcpy(tensor.bytes.data(), &value, sizeof(T));
    graph_.initialisers.push_back(tensor);
    return tensor.name;
  }
  std::shared_ptr<const Graph> graph() const { return std::make_shared<const Graph>(graph_); }

 private:
  GraphWriter<T>& writer_;
  Graph graph_;
};

// The axis of an op, and its direction.
struct ScanAxis {
  std::size_t axis = 0;
  bool reversed = false;
};
template <class A, class T>
ScanAxis scan_axis(const Emit<T>& e) {
  return {e.template fixed<A>([](const A& a) { return a.axis; }),
          e.template fixed<A>([](const A& a) { return a.reversed; })};
}

// The results of all steps, which `body` gives as its last output. `states` and `sequences` are its inputs.
template <class T>
std::string scan_along(const Emit<T>& e, const ScanBody<T>& body, ScanAxis along, std::vector<std::string> states,
                       const std::vector<std::string>& sequences) {
  const std::vector<std::int64_t> axes(sequences.size(), static_cast<std::int64_t>(along.axis));
  const std::vector<std::int64_t> directions(sequences.size(), along.reversed ? 1 : 0);
  const std::size_t outputs = states.size() + 1;
  std::vector<std::string> inputs = std::move(states);
  inputs.insert(inputs.end(), sequences.begin(), sequences.end());
  return e
      .nodes("Scan", std::move(inputs),
             {{"body", body.graph()},
              {"num_scan_inputs", static_cast<std::int64_t>(sequences.size())},
              {"scan_input_axes", axes},
              {"scan_input_directions", directions},
              {"scan_output_axes", std::vector<std::int64_t>{axes.front()}},
              {"scan_output_directions", std::vector<std::int64_t>{directions.front()}}},
             outputs)
      .back();
}

// The elements [first, last) along the axis of a value with the shape of the node.
template <class T>
std::string along_part(const Emit<T>& e, const std::string& x, std::size_t axis, const Extent& first,
                       const Extent& last) {
  return parts::slice(e, x, e.extents(), {{axis, first, last}});
}

// A scan whose first element is that of x: `body` gives the others by the preceding result and the sequences.
template <class T>
std::string scan_after_first(const Emit<T>& e, const ScanBody<T>& body, ScanAxis along, const std::string& x,
                             const std::vector<std::string>& sequences) {
  const Extent n = e.extents()[along.axis], one{1, {}}, zero;
  const Extent before_last = parts::combination(1, n, -1, one);
  const std::string first =
      along.reversed ? along_part(e, x, along.axis, before_last, n) : along_part(e, x, along.axis, zero, one);
  const std::string start = parts::squeeze(e, first, {static_cast<std::ptrdiff_t>(along.axis)});
  const std::string others = scan_along(e, body, along, {start}, sequences);
  std::vector<std::string> both{first, others};
  if (along.reversed) std::swap(both[0], both[1]);
  return e.node("Concat", std::move(both), {{"axis", static_cast<std::int64_t>(along.axis)}});
}

// Whether an axis has at most one element, which cumulative ops leave as it is.
template <class T>
bool is_short(const Emit<T>& e, std::size_t axis) {
  return e.rank() == 0 || (!e.dynamic(axis) && e.shape()[axis] <= 1);
}

template <class T>
std::string emit_cumsum(const Emit<T>& e) {
  if (e.rank() == 0) return e.x();
  const ScanAxis along = scan_axis<attributes::AlongAxis>(e);
  Attributes attributes;
  if (along.reversed) attributes["reverse"] = std::int64_t{1};
  return e.node("CumSum", {e.x(), e.graph.integer(static_cast<std::ptrdiff_t>(along.axis))}, std::move(attributes));
}

// The factor of the first element, in the direction of the recurrence, is not used: 0 times an infinity would be NaN.
template <class T>
std::string emit_linear_recurrence(const Emit<T>& e) {
  const ScanAxis along = scan_axis<attributes::AlongAxis>(e);
  if (is_short(e, along.axis)) return e.x(1);
  ScanBody<T> body(e.graph);
  const std::string before = body.input("before"), a = body.input("a"), b = body.input("b");
  const std::string y = body.node("Add", {b, body.node("Mul", {a, before})});
  body.output(y);
  body.output(y);
  const Extent n = e.extents()[along.axis], one{1, {}}, zero;
  const std::string factors = along_part(e, e.x(0), along.axis, one, n);
  const std::string added = along.reversed ? along_part(e, e.x(1), along.axis, zero, parts::combination(1, n, -1, one))
                                           : along_part(e, e.x(1), along.axis, one, n);
  return scan_after_first(e, body, along, e.x(1), {factors, added});
}

// max(a, b) + ln(1 + exp(min(a, b) − max(a, b))), and the larger one if it is infinite.
template <class T>
std::string emit_logcumsumexp(const Emit<T>& e) {
  const ScanAxis along = scan_axis<attributes::AlongAxis>(e);
  if (is_short(e, along.axis)) return e.x();
  ScanBody<T> body(e.graph);
  const std::string before = body.input("before"), x = body.input("x");
  const std::string high = body.node("Max", {before, x}), low = body.node("Min", {before, x});
  const std::string ratio = body.node("Exp", {body.node("Sub", {low, high})});
  const std::string sum = body.node("Add", {high, body.node("Log", {body.node("Add", {ratio, body.scalar(1)})})});
  const std::string y = body.node("Where", {body.node("IsInf", {high}), high, sum});
  body.output(y);
  body.output(y);
  const Extent n = e.extents()[along.axis], one{1, {}}, zero;
  const std::string others = along.reversed ? along_part(e, e.x(), along.axis, zero, parts::combination(1, n, -1, one))
                                            : along_part(e, e.x(), along.axis, one, n);
  return scan_after_first(e, body, along, e.x(), {others});
}

// The states are the largest element so far and the sum relative to it, as in the op itself.
template <class T>
std::string emit_cumulative_share(const Emit<T>& e) {
  using A = attributes::CumulativeShare;
  const ScanAxis along = scan_axis<A>(e);
  if (e.rank() == 0) e.fail("a scalar has no axis");
  const bool of_those_before = e.template fixed<A>([](const A& a) { return a.of_those_before; });
  ScanBody<T> body(e.graph);
  const std::string largest = body.input("largest"), sum = body.input("sum"), x = body.input("x");
  const std::string one = body.scalar(1), top = body.node("Max", {largest, x});
  const auto relative = [&](const std::string& a) {  // exp(a − top), 1 also where both are infinite
    return body.node("Where", {body.node("Equal", {a, top}), one, body.node("Exp", {body.node("Sub", {a, top})})});
  };
  const std::string before = body.node("Mul", {sum, relative(largest)}), own = relative(x);
  const std::string total = body.node("Add", {before, own});
  body.output(top);
  body.output(total);
  body.output(body.node("Div", {of_those_before ? before : own, total}));
  Extents step = e.extents();
  step.erase(step.begin() + static_cast<std::ptrdiff_t>(along.axis));
  const std::string lowest = e.scalar(-std::numeric_limits<double>::infinity());
  return scan_along(e, body, along, {parts::expand(e, lowest, step), parts::zeros(e, step)}, {e.x()});
}

}  // namespace

template <class T>
std::span<const Mapping<T>> cumulative_mappings() {
  static constexpr Mapping<T> all[] = {
      {"cumsum", "CumSum", emit_cumsum<T>},
      {"linear_recurrence", "Slice, Scan, Concat", emit_linear_recurrence<T>},
      {"logcumsumexp", "Slice, Scan, Concat", emit_logcumsumexp<T>},
      {"cumulative_share", "Scan", emit_cumulative_share<T>},
  };
  return all;
}

template std::span<const Mapping<float>> cumulative_mappings<float>();
template std::span<const Mapping<double>> cumulative_mappings<double>();

}  // namespace wengert::onnx::detail
