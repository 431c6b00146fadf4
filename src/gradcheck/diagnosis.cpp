// Diagnosis of a wrong gradient: recognises sign, factor and permutation errors, and isolates the ops on the tape.
#include "gradcheck/diagnosis.hpp"

#include "gradcheck/projection.hpp"
#include <wengert/tape/index_var.hpp>
#include <wengert/tape/registry.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace wengert::detail {
namespace {

constexpr std::size_t elements_listed = 5;

// The columns of the Jacobian that belong to one input, to be compared with what common mistakes would produce.
class Block {
 public:
  // For the input whose elements are [first, first + elements) among those of all inputs.
  Block(const Comparison& jacobian, std::size_t first, std::size_t elements) : jacobian_(jacobian), base_(first) {
    const auto& all = jacobian.elements;
    const auto begin = std::lower_bound(all.begin(), all.end(), first);
    first_ = static_cast<std::size_t>(begin - all.begin());
    size_ = static_cast<std::size_t>(std::lower_bound(begin, all.end(), first + elements) - begin);
    for (std::size_t r = 0; r < jacobian.rows; ++r)
      for (std::size_t k = 0; k < size_; ++k) scale_ = std::max(scale_, std::abs(numeric(r, k)));
  }
  double analytic(std::size_t r, std::size_t k) const { return jacobian_.analytic[at(r, k)]; }
  double numeric(std::size_t r, std::size_t k) const { return jacobian_.numeric[at(r, k)]; }
  bool wrong(std::size_t r, std::size_t k) const { return jacobian_.wrong[at(r, k)]; }
  std::size_t rows() const { return jacobian_.rows; }
  std::size_t size() const { return size_; }
  // The input element of the k-th column, and the column of an element, if it was checked.
  std::size_t element(std::size_t k) const { return jacobian_.elements[first_ + k] - base_; }
  std::optional<std::size_t> column(std::size_t element) const {
    const auto begin = jacobian_.elements.begin() + static_cast<std::ptrdiff_t>(first_);
    const auto end = begin + static_cast<std::ptrdiff_t>(size_);
    const auto found = std::lower_bound(begin, end, base_ + element);
    if (found == end || *found != base_ + element) return std::nullopt;
    return static_cast<std::size_t>(found - begin);
  }

  // Whether every analytic element is as expected.
  template <class Expected>
  bool is(const Expected& expected) const {
    for (std::size_t r = 0; r < rows(); ++r)
      for (std::size_t k = 0; k < size_; ++k) {
        if (!is_close(analytic(r, k), expected(r, k))) return false;
      }
    return true;
  }
  bool is_close(double a, double b) const {
    return std::abs(a - b) <= 1e-5 * (std::abs(a) + std::abs(b)) + 1e-6 * scale_;
  }
  // The least-squares factor of the analytic elements relative to the numeric ones.
  double factor() const {
    double products = 0;
    double squares = 0;
    for (std::size_t r = 0; r < rows(); ++r)
      for (std::size_t k = 0; k < size_; ++k) {
        products += analytic(r, k) * numeric(r, k);
        squares += numeric(r, k) * numeric(r, k);
      }
    return products / squares;
  }
  // The checked elements of the input that are wrong in some row.
  std::vector<std::size_t> wrong_elements() const {
    std::vector<std::size_t> result;
    for (std::size_t k = 0; k < size_; ++k) {
      bool any = false;
      for (std::size_t r = 0; r < rows(); ++r) any = any || wrong(r, k);
      if (any) result.push_back(element(k));
    }
    return result;
  }

 private:
  std::size_t at(std::size_t r, std::size_t k) const { return r * jacobian_.elements.size() + first_ + k; }

  const Comparison& jacobian_;
  std::size_t base_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  double scale_ = 0;
};

// The likely origin of a factor, as text: `, the number of elements of the input`.
std::string origin_of(double factor, const Shape& input, std::size_t results) {
  const double count = factor < 1 ? 1 / factor : factor;
  const auto is = [&](std::size_t n) { return n > 2 && std::abs(count - static_cast<double>(n)) < 1e-4 * count; };
  const char* one_over = factor < 1 ? "1 over " : "";
  if (is(input.elements())) return fmt::format(", {}the number of elements of the input", one_over);
  if (is(results)) return fmt::format(", {}the number of elements of the result", one_over);
  for (std::size_t axis = 0; axis < input.rank(); ++axis)
    if (is(input[axis])) return fmt::format(", {}the extent of its axis {}", one_over, axis);
  return "";
}

// ---- the right elements in another order ---------------------------------------------------------------------------

struct Order {
  Fault fault;
  std::string text;
};

// Whether each checked element has the right value of the position that `source` gives.
template <class Source>
bool is_taken_from(const Block& block, const Source& source) {
  std::size_t moved = 0;
  const bool equal = block.is([&](std::size_t r, std::size_t k) {
    const auto partner = block.column(source(block.element(k)));
    if (partner && *partner != k) ++moved;
    return partner ? block.numeric(r, *partner) : block.analytic(r, k);
  });
  return equal && moved >= 2 * block.rows();
}

// Whether axes are permuted and reversed: the element at `index` comes from the position whose index along axes[a] is
// index[a], counted from the end for the axes in `reversed`, one bit each.
bool is_reordered(const Block& block, const Shape& shape, const std::vector<std::size_t>& axes, unsigned reversed) {
  return is_taken_from(block, [&](std::size_t element) {
    const Shape index = unravel(element, shape);
    Shape source = index;
    for (std::size_t a = 0; a < axes.size(); ++a)
      source[axes[a]] = (reversed >> a & 1) != 0 ? shape[a] - 1 - index[a] : index[a];
    std::size_t result = 0;
    for (std::size_t a = 0; a < axes.size(); ++a) result = result * shape[a] + source[a];
    return result;
  });
}
std::string named(const std::vector<std::size_t>& axes) {
  std::vector<std::size_t> moved;
  for (std::size_t a = 0; a < axes.size(); ++a)
    if (axes[a] != a) moved.push_back(a);
  if (moved.empty()) return "the correct one";
  if (moved.size() > 2) return fmt::format("the correct one with its axes in the order {}", fmt::join(axes, ", "));
  if (moved[1] + 1 == axes.size() && moved[0] + 2 == axes.size()) return "transposed";
  return fmt::format("the correct one with its axes {} swapped", fmt::join(moved, " and "));
}
// `reversed along axes 0 and 2`.
std::string along(unsigned reversed) {
  std::vector<unsigned> axes;
  for (unsigned a = 0; reversed >> a != 0; ++a)
    if ((reversed >> a & 1) != 0) axes.push_back(a);
  return fmt::format("reversed along {} {}", axes.size() == 1 ? "axis" : "axes", fmt::join(axes, " and "));
}

std::optional<Order> find_axes(const Block& block, const Shape& shape, bool both) {
  std::vector<std::size_t> axes(shape.rank());
  for (std::size_t a = 0; a < axes.size(); ++a) axes[a] = a;
  const std::vector<std::size_t> identity = axes;
  do {
    bool fits = true;
    for (std::size_t a = 0; a < axes.size(); ++a) fits = fits && shape[axes[a]] == shape[a];
    if (!fits) continue;
    for (unsigned reversed = axes == identity ? 1 : 0; reversed < 1U << axes.size(); ++reversed) {
      if ((reversed != 0 && axes != identity) != both || !is_reordered(block, shape, axes, reversed)) continue;
      if (reversed == 0) return Order{Fault::transposed, "is " + named(axes)};
      return Order{Fault::permuted,
                   fmt::format("is {}{} {}", named(axes), axes == identity ? "" : " and", along(reversed))};
    }
  } while (std::next_permutation(axes.begin(), axes.end()));
  return std::nullopt;
}

// Rolled as by NumPy's roll: along an axis, or over all elements in row-major order.
std::optional<Order> find_roll(const Block& block, std::size_t extent, std::size_t inner, const std::string& where) {
  for (std::size_t step = 1; step < extent; ++step) {
    const std::size_t distance = step % 2 == 1 ? step / 2 + 1 : extent - step / 2;  // 1, −1, 2, −2, …
    const auto source = [&](std::size_t element) {
      const std::size_t i = element / inner % extent, from = (i + extent - distance) % extent;
      return element - i * inner + from * inner;
    };
    if (is_taken_from(block, source))
      return Order{Fault::permuted, fmt::format("is the correct one rolled by {}{} {}", step % 2 == 1 ? "" : "-",
                                                (step + 1) / 2, where)};
  }
  return std::nullopt;
}

// The order of the right elements, if it is one that a mistake would produce.
std::optional<Order> find_order(const Block& block, const Shape& shape) {
  constexpr std::size_t most_axes = 4;  // up to this rank, all orders are tried
  const bool few = shape.rank() <= most_axes;
  if (few)
    if (auto order = find_axes(block, shape, false)) return order;
  std::size_t inner = shape.elements();
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    inner /= shape[axis];
    if (auto order = find_roll(block, shape[axis], inner, fmt::format("along axis {}", axis))) return order;
  }
  if (auto order = find_roll(block, shape.elements(), 1, "in row-major order")) return order;
  return few ? find_axes(block, shape, true) : std::nullopt;
}

// Whether the columns are the right ones in any other order.
bool has_right_elements(const Block& block) {
  std::vector<bool> used(block.size());
  for (std::size_t k = 0; k < block.size(); ++k) {
    std::size_t from = 0;
    const auto equal = [&] {
      for (std::size_t r = 0; r < block.rows(); ++r)
        if (!block.is_close(block.analytic(r, k), block.numeric(r, from))) return false;
      return true;
    };
    while (from < block.size() && (used[from] || !equal())) ++from;
    if (from == block.size()) return false;
    used[from] = true;
  }
  return block.size() > 2;
}

// --------------------------------------------------------------------------------------------------------------------

GradcheckFinding diagnose_input(std::size_t input, const std::vector<Block>& blocks, const Comparison& jacobian,
                                const Subject& subject) {
  const Block& block = blocks[input];
  const Shape shape(subject.inputs()[input].shape());
  const auto right = [&](std::size_t r, std::size_t k) { return block.numeric(r, k); };
  GradcheckFinding finding{.input = input};
  const auto found = [&](Fault fault, std::string text) {
    finding.fault = fault;
    finding.text = std::move(text);
    return finding;
  };

  for (std::size_t r = 0; r < block.rows(); ++r)
    for (std::size_t k = 0; k < block.size(); ++k)
      if (std::isnan(block.analytic(r, k)))
        return found(Fault::not_a_number,
                     fmt::format("is NaN at element {}", to_string(unravel(block.element(k), shape))));
  if (jacobian.upstream_ignored[input])
    return found(Fault::upstream_ignored, "ignores the upstream gradient: it is the same for twice the cotangent");
  if (block.is([](std::size_t, std::size_t) { return 0.0; }))
    return found(Fault::missing, "is missing: it is zero everywhere, although the result depends on this input");
  if (block.is([&](std::size_t r, std::size_t k) { return -right(r, k); }))
    return found(Fault::opposite_sign, "has the opposite sign");
  for (std::size_t other = 0; other < blocks.size(); ++other)
    if (other != input && Shape(subject.inputs()[other].shape()) == shape && blocks[other].size() == block.size() &&
        block.is([&](std::size_t r, std::size_t k) { return blocks[other].numeric(r, k); }) &&
        blocks[other].is(right)) {
      finding.factor = static_cast<double>(other);
      return found(Fault::swapped, fmt::format("is swapped with that of input {}", other + 1));
    }
  const double factor = block.factor();
  if (block.is([&](std::size_t r, std::size_t k) { return factor * right(r, k); })) {
    finding.factor = factor;
    return found(Fault::constant_factor,
                 fmt::format("is {:.6g} times the correct one{}", factor, origin_of(factor, shape, subject.results())));
  }
  if (auto order = find_order(block, shape)) return found(order->fault, std::move(order->text));
  const std::vector<std::size_t> elements = block.wrong_elements();
  if (elements.size() < block.size()) {
    std::string list;
    for (std::size_t i = 0; i < std::min(elements.size(), elements_listed); ++i)
      list += (i == 0 ? "" : ", ") + to_string(unravel(elements[i], shape));
    if (elements.size() > elements_listed) list += fmt::format(" and {} more", elements.size() - elements_listed);
    return found(Fault::some_elements,
                 fmt::format("is correct except at {} of its {} elements{}: {}", elements.size(), block.size(),
                             block.size() < shape.elements() ? " that were checked" : "", list));
  }
  if (has_right_elements(block)) return found(Fault::permuted, "has the correct elements in another order");
  return found(Fault::unexplained, "is wrong, but matches no known mistake");
}

}  // namespace

std::vector<GradcheckFinding> diagnose(const Comparison& jacobian, const Subject& subject) {
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < subject.inputs().size(); ++i)
    blocks.emplace_back(jacobian, subject.first_element(i), subject.inputs()[i].size());
  std::vector<GradcheckFinding> result;
  for (std::size_t i = 0; i < blocks.size(); ++i)
    if (!blocks[i].wrong_elements().empty()) result.push_back(diagnose_input(i, blocks, jacobian, subject));
  return result;
}

// ---- isolated ops --------------------------------------------------------------------------------------------------

namespace {

// An op with copies of its attributes and indices, because its tape is recorded again.
struct Application {
  const Op<double>* op;
  std::vector<std::byte> attributes;
  std::vector<std::optional<Indices>> indices;       // empty for other operands
  std::vector<std::optional<Tensor<double>>> steps;  // likewise for masks and other operands without a gradient
  Location where;

  Var<double> operator()(std::span<const Var<double>> x) const {
    Tape<double>& tape = x.front().tape();
    std::vector<Var<double>> operands;
    std::size_t next = 0;
    for (std::size_t i = 0; i < indices.size(); ++i)
      operands.push_back(indices[i] ? tape.indices(*indices[i]).handle()
                         : steps[i] ? tape.constant(*steps[i])
                                    : x[next++]);
    return tape.record(*op, attributes.data(), attributes.size(), operands, where);
  }
};

// Whether a node's value is piecewise constant, like a mask: under small changes it would jump.
bool is_step(const Tape<double>& tape, std::size_t k) {
  while (tape.node(k).op != nullptr && tape.node(k).op->view != nullptr) k = tape.inputs(k).front();
  const Node<double>& node = tape.node(k);
  if (node.op == nullptr) return false;
  const auto& rows = op_registry();
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const OpRow& r) { return r.name == node.op->name; });
  return row != rows.end() && !row->differentiable;
}

IsolatedOp isolate(Tape<double>& tape, std::size_t k) {
  const Node<double>& node = tape.node(k);
  Application application{
      node.op, std::vector<std::byte>(node.op->attribute_size(node.attributes)), {}, {}, node.where};
  if (node.attributes != nullptr && !application.attributes.empty())
    std::memcpy(application.attributes.data(), node.attributes, application.attributes.size());
  IsolatedOp result;
  result.name = node.op->name;
  const std::string_view file = node.where.file_name();
  result.where = fmt::format("{}:{}", file.substr(file.rfind('/') + 1), node.where.line());
  if (node.op->kernels[0] == nullptr && node.op->view == nullptr && node.op->shape == nullptr) return result;
  for (std::size_t i = 0; i < tape.inputs(k).size(); ++i) {
    const Var<double> operand = tape.at(tape.inputs(k)[i]);
    const Node<double>& n = tape.node(operand.index());
    application.indices.emplace_back();
    application.steps.emplace_back();
    if (n.holds_indices) {
      application.indices.back() = IndexVar<double>(operand).value();
    } else if (is_step(tape, operand.index())) {
      application.steps.back() = operand.value();
    } else {
      result.operands.push_back(operand.value());
      result.positions.push_back(i);
    }
  }
  result.function = std::move(application);
  return result;
}

}  // namespace

std::vector<IsolatedOp> isolate_ops(Subject& subject) {
  Tape<double>& tape = subject.tape();
  const std::size_t variables = subject.inputs().size();
  std::vector<bool> depends(subject.recorded());
  std::vector<IsolatedOp> result;
  for (std::size_t k = 0; k < subject.recorded(); ++k) {
    depends[k] = subject.is_input(k);
    for (const std::uint32_t input : tape.inputs(k)) depends[k] = depends[k] || depends[input];
    const Node<double>& node = tape.node(k);
    if (k < variables || !depends[k] || node.op == nullptr || node.holds_indices) continue;
    // Nodes recorded inside a custom_vjp or checkpoint no longer have values.
    const auto inputs = tape.inputs(k);
    if (std::none_of(inputs.begin(), inputs.end(), [&](std::uint32_t input) { return tape.node(input).released; }))
      result.push_back(isolate(tape, k));
    if (!result.empty() && result.back().function != nullptr && result.back().operands.empty()) result.pop_back();
  }
  return result;
}

}  // namespace wengert::detail
