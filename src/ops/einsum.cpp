// einsum: parses subscripts, resolves ellipses and extents, and contracts operands pairwise.
#include "ops/contraction.hpp"
#include "ops/matrices.hpp"
#include "tape/operands.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/tape/structural.hpp>

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace wengert {
namespace {

using namespace detail;

constexpr std::string_view einsum_name = "einsum";
constexpr std::uint8_t first_ellipsis = 52;  // labels: A…Z, a…z, then the axes of an ellipsis, in order

using Labels = std::vector<std::uint8_t>;

// One operand or the result as written: letters, and the position of the ellipsis among them.
struct Term {
  Labels letters;
  std::size_t ellipsis = none;
  static constexpr std::size_t none = ~std::size_t{0};
};

std::uint8_t label_of(char letter) {
  return static_cast<std::uint8_t>(letter >= 'a' ? 26 + (letter - 'a') : letter - 'A');
}
char letter_of(std::uint8_t label) { return static_cast<char>(label < 26 ? 'A' + label : 'a' + (label - 26)); }
std::string text_of(std::uint8_t label) {
  return label < first_ellipsis ? fmt::format("axis '{}'", letter_of(label)) : std::string("an axis of '...'");
}

struct Expression {
  std::string_view text;
  std::vector<Term> operands;
  Term result;
  bool has_result = false;

  [[noreturn]] void refuse(const std::string& reason) const {
    throw ValueError(einsum_name, fmt::format("subscripts '{}': {}", text, reason));
  }
};

Term read_term(const Expression& expression, std::string_view text) {
  Term term;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ') continue;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      term.letters.push_back(label_of(c));
    } else if (text.substr(i, 3) == "...") {
      if (term.ellipsis != Term::none) expression.refuse("'...' appears twice in a term");
      term.ellipsis = term.letters.size();
      i += 2;
    } else {
      expression.refuse(fmt::format("'{}' is not a letter, '...', ',' or '->'", c));
    }
  }
  return term;
}

Expression read(std::string_view text) {
  Expression expression;
  expression.text = text;
  const std::size_t arrow = text.find("->");
  expression.has_result = arrow != std::string_view::npos;
  std::string_view rest = text.substr(0, arrow);
  while (true) {
    const std::size_t comma = rest.find(',');
    expression.operands.push_back(read_term(expression, rest.substr(0, comma)));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (expression.has_result) expression.result = read_term(expression, text.substr(arrow + 2));
  return expression;
}

// The label of each axis of an operand of this shape.
Labels labels_of(const Expression& expression, std::size_t operand, const Shape& shape) {
  const Term& term = expression.operands[operand];
  const std::size_t letters = term.letters.size(), rank = shape.rank();
  if (term.ellipsis == Term::none ? rank != letters : rank < letters)
    throw ShapeError(einsum_name, fmt::format("subscripts '{}': operand {} has shape {}, but {} axes are named",
                                              expression.text, operand + 1, to_string(shape), letters));
  Labels labels = term.letters;
  if (term.ellipsis == Term::none) return labels;
  Labels further(rank - letters);  // aligned from the last one, as in broadcasting
  std::iota(further.begin(), further.end(), static_cast<std::uint8_t>(first_ellipsis + max_rank - further.size()));
  labels.insert(labels.begin() + static_cast<std::ptrdiff_t>(term.ellipsis), further.begin(), further.end());
  return labels;
}

// The extent of each label; an extent of 1 broadcasts.
LabelExtents extents_of(const std::vector<Labels>& labels, const std::vector<Shape>& shapes) {
  LabelExtents extents;
  extents.fill(1);
  std::array<std::size_t, label_count> set_by{};
  for (std::size_t i = 0; i < labels.size(); ++i)
    for (std::size_t axis = 0; axis < labels[i].size(); ++axis) {
      const std::uint8_t label = labels[i][axis];
      const std::size_t extent = shapes[i][axis];
      if (extent == 1) continue;
      if (extents[label] != 1 && extents[label] != extent)
        throw ShapeError(einsum_name,
                         fmt::format("{} has extent {} in operand {} and {} in operand {}: must be equal, or 1",
                                     text_of(label), extents[label], set_by[label] + 1, extent, i + 1));
      extents[label] = extent;
      set_by[label] = i;
    }
  return extents;
}

// The labels of the result in order.
Labels result_labels(const Expression& expression, const std::vector<Labels>& labels) {
  std::array<std::size_t, label_count> occurs{};
  for (const Labels& operand : labels)
    for (const std::uint8_t label : operand) ++occurs[label];
  Labels further, result;
  for (std::uint8_t label = first_ellipsis; label < first_ellipsis + max_rank; ++label)
    if (occurs[label] > 0) further.push_back(label);
  if (!expression.has_result) {
    result = further;
    for (std::uint8_t label = 0; label < first_ellipsis; ++label)
      if (occurs[label] == 1) result.push_back(label);
    return result;
  }
  for (const std::uint8_t label : expression.result.letters) {
    if (occurs[label] == 0)
      expression.refuse(fmt::format("the result names axis '{}', which no operand has", letter_of(label)));
    if (std::count(expression.result.letters.begin(), expression.result.letters.end(), label) > 1)
      expression.refuse(fmt::format("the result names axis '{}' twice", letter_of(label)));
  }
  result = expression.result.letters;
  if (expression.result.ellipsis != Term::none)
    result.insert(result.begin() + static_cast<std::ptrdiff_t>(expression.result.ellipsis), further.begin(),
                  further.end());
  return result;
}

// An operand with diagonals taken, broadcast axes dropped, and labels that nothing else needs summed over.
template <class T>
Labelled<T> prepared(Var<T> x, const Labels& labels, LabelSet needed, const LabelExtents& extents,
                     const Location& where) {
  const Shape shape = x.shape();
  Labels own;
  for (std::size_t axis = 0; axis < labels.size(); ++axis)
    if ((shape[axis] != 1 || extents[labels[axis]] == 1) &&
        std::find(own.begin(), own.end(), labels[axis]) == own.end())
      own.push_back(labels[axis]);
  Labelled<T> result{with_labels<T>(x, labels, own, where), {}};
  std::array<std::ptrdiff_t, max_rank> summed{};
  std::size_t count = 0;
  for (std::size_t axis = 0; axis < own.size(); ++axis) {
    if ((needed & set_of(own[axis])) != 0)
      result.labels.push_back(own[axis]);
    else
      summed[count++] = static_cast<std::ptrdiff_t>(axis);
  }
  if (count > 0)
    result.value = sum(result.value, Axes(std::span<const std::ptrdiff_t>(summed.data(), count)), {}, where);
  return result;
}

// Whether putting the second operand first gives a product whose axes are in the order of the result.
bool second_leads(LabelSet first, LabelSet second, const Labels& wanted) {
  for (const std::uint8_t label : wanted)
    if (((first ^ second) & set_of(label)) != 0) return (second & set_of(label)) != 0;
  return false;
}

template <class T>
Var<T> contract(const Expression& expression, std::span<const Var<T>> operands, const Location& where) {
  std::vector<Shape> shapes;
  std::vector<Labels> labels;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    shapes.push_back(operands[i].shape());
    labels.push_back(labels_of(expression, i, shapes.back()));
  }
  const LabelExtents extents = extents_of(labels, shapes);
  const Labels wanted = result_labels(expression, labels);
  if (wanted.size() > max_rank)
    throw ShapeError(einsum_name,
                     fmt::format("the result has {} axes: at most {} are possible", wanted.size(), max_rank));
  const LabelSet result = set_of(wanted);

  std::vector<Labelled<T>> values;
  std::vector<LabelSet> sets;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    LabelSet needed = result;
    for (std::size_t j = 0; j < operands.size(); ++j)
      if (j != i)
        for (std::size_t axis = 0; axis < labels[j].size(); ++axis)  // a broadcast axis of j does not need it
          if (shapes[j][axis] != 1 || extents[labels[j][axis]] == 1) needed |= set_of(labels[j][axis]);
    values.push_back(prepared(operands[i], labels[i], needed, extents, where));
    sets.push_back(set_of(values.back().labels));
  }
  const auto order = contraction_order(sets, result, extents);
  if (order.size() + 1 != operands.size())
    throw ShapeError(einsum_name,
                     fmt::format("subscripts '{}': every order tried needs an intermediate result of more than {} axes",
                                 expression.text, max_rank));
  std::vector<bool> used(values.size());
  for (const auto& [first, second] : order) {
    used[first] = used[second] = true;
    LabelSet kept = result;
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!used[i]) kept |= set_of(values[i].labels);
    const bool swap = second_leads(set_of(values[first].labels), set_of(values[second].labels), wanted);
    values.push_back(join(values[swap ? second : first], values[swap ? first : second], kept, where));
    used.push_back(false);
  }
  return with_labels<T>(values.back().value, values.back().labels, wanted, where);
}

// ---- examples for the registry -------------------------------------------------------------------------------------

OpExample example(const char* subscripts, std::vector<Shape> shapes) {
  std::vector<Domain> domains(shapes.size());
  return {fmt::format("einsum(\"{}\")", subscripts), std::move(shapes), std::move(domains),
          [subscripts](std::span<const Var<double>> x) { return einsum<double>(subscripts, x); }};
}
std::vector<OpExample> examples() {
  return {example("ij,jk->ik", {{2, 3}, {3, 2}}),
          example("ij,jk,kl->il", {{2, 3}, {3, 2}, {2, 2}}),
          example("bij,bjk", {{2, 2, 3}, {2, 3, 2}}),
          example("...i,...i->...", {{2, 1, 3}, {2, 3}}),
          example("ii->i", {{3, 3}}),
          example("ii", {{3, 3}}),
          example("iij,jk->k", {{2, 2, 3}, {3, 2}}),
          example("ijk->kj", {{2, 3, 2}}),
          example("i,j->ij", {{2}, {3}}),
          example("ij,ij->", {{2, 3}, {2, 3}}),
          example("abc,cd,bde,ae->", {{2, 2, 2}, {2, 2}, {2, 2, 2}, {2, 2}}),
          example(",i->i", {{}, {3}})};
}
const bool einsum_registered = register_op(
    {.name = einsum_name,
     .notation = "Σ Πᵢ xᵢ over the labels that the result does not name",
     .convention = "without '->' the result has '...' and the letters that occur once, in alphabetical order",
     .own_examples = examples});

}  // namespace

template <class T>
Var<T> einsum(const Subscripts& subscripts, std::span<const Var<T>> operands) {
  (void)einsum_registered;
  if (operands.empty()) throw ValueError(einsum_name, "no operands: at least one is needed", subscripts.where());
  Tape<T>& tape = tape_of(einsum_name, subscripts.where(), operands.front());
  for (std::size_t i = 1; i < operands.size(); ++i)
    check_operand(tape, operands[i], einsum_name, subscripts.where(), "operand {}", i + 1);
  return atomically(tape, subscripts.where(), [&] {
    const Expression expression = read(subscripts.text());
    if (expression.operands.size() != operands.size())
      expression.refuse(
          fmt::format("they name {} operands, but {} are given", expression.operands.size(), operands.size()));
    return contract(expression, operands, subscripts.where());
  });
}

template Var<float> einsum(const Subscripts&, std::span<const Var<float>>);
template Var<double> einsum(const Subscripts&, std::span<const Var<double>>);

}  // namespace wengert
