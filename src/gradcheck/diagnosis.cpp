#include "gradcheck/diagnosis.hpp"

#include "gradcheck/projection.hpp"
#include <wengert/index_var.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace wengert::detail {
namespace {

constexpr std::size_t elements_listed = 5;

// The columns of one input, and whether they are what a mistake would make of the right ones.
class Block {
 public:
  // Of the input whose elements are [first, first + elements) of all.
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
  // The element of the input that the k-th column is of, and the column of an element, if it was looked at.
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
        const double a = analytic(r, k);
        const double e = expected(r, k);
        if (!(std::abs(a - e) <= 1e-5 * (std::abs(a) + std::abs(e)) + 1e-6 * scale_)) return false;
      }
    return true;
  }
  // The factor that fits best.
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
  // The elements of the input, of those looked at, that are wrong in some row.
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

// Where a factor may come from: `, the number of elements of the input`.
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
                     fmt::format("is NaN at element {}", to_string(index_of(block.element(k), shape))));
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
      return found(Fault::swapped, fmt::format("is exchanged with that of input {}", other + 1));
    }
  const double factor = block.factor();
  if (block.is([&](std::size_t r, std::size_t k) { return factor * right(r, k); })) {
    finding.factor = factor;
    return found(Fault::constant_factor,
                 fmt::format("is {:.6g} times the right one{}", factor, origin_of(factor, shape, subject.results())));
  }
  const std::size_t rank = shape.rank();
  if (rank >= 2 && shape[rank - 1] == shape[rank - 2] && block.is([&](std::size_t r, std::size_t k) {
        const auto partner = block.column(transposed_element(block.element(k), shape[rank - 1]));
        return partner ? right(r, *partner) : block.analytic(r, k);
      }))
    return found(Fault::transposed, "is transposed");
  const std::vector<std::size_t> elements = block.wrong_elements();
  if (elements.size() < block.size()) {
    std::string list;
    for (std::size_t i = 0; i < std::min(elements.size(), elements_listed); ++i)
      list += (i == 0 ? "" : ", ") + to_string(index_of(elements[i], shape));
    if (elements.size() > elements_listed) list += fmt::format(" and {} more", elements.size() - elements_listed);
    return found(Fault::some_elements,
                 fmt::format("is right except at {} of its {} elements{}: {}", elements.size(), block.size(),
                             block.size() < shape.elements() ? " that were looked at" : "", list));
  }
  return found(Fault::unexplained, "is wrong, in no way known to the check");
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

// An op with its attributes and indices, which are copied: the tape it was found on changes meanwhile.
struct Application {
  const Op<double>* op;
  std::vector<std::byte> attributes;
  std::vector<std::optional<Indices>> indices;  // empty where a differentiated operand stands
  Location where;

  Var<double> operator()(std::span<const Var<double>> x) const {
    Tape<double>& tape = x.front().tape();
    std::vector<Var<double>> operands;
    std::size_t next = 0;
    for (const auto& index : indices) operands.push_back(index ? tape.indices(*index).handle() : x[next++]);
    return tape.record(*op, attributes.data(), attributes.size(), operands, where);
  }
};

IsolatedOp isolate(Tape<double>& tape, std::size_t k) {
  const Node<double>& node = tape.node(k);
  Application application{node.op, std::vector<std::byte>(node.op->attribute_size()), {}, node.where};
  if (node.attributes != nullptr && !application.attributes.empty())
    std::memcpy(application.attributes.data(), node.attributes, application.attributes.size());
  IsolatedOp result;
  result.name = node.op->name;
  const std::string_view file = node.where.file_name();
  result.where = fmt::format("{}:{}", file.substr(file.rfind('/') + 1), node.where.line());
  if (node.op->kernels[0] == nullptr && node.op->view == nullptr && node.op->shape == nullptr) return result;
  for (std::size_t i = 0; i < tape.inputs(k).size(); ++i) {
    const Var<double> operand = tape.at(tape.inputs(k)[i]);
    if (tape.node(operand.index()).holds_indices) {
      application.indices.emplace_back(IndexVar<double>(operand).value());
    } else {
      application.indices.emplace_back();
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
    if (k >= variables && depends[k] && node.op != nullptr && !node.holds_indices) result.push_back(isolate(tape, k));
  }
  return result;
}

}  // namespace wengert::detail
