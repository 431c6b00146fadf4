// Products by einsum, dot, outer and tensordot: edge cases, errors, and contraction orders.
// tests/oracle/products_test.cpp compares values and gradients with PyTorch.
#include "ops/contraction.hpp"
#include "testing.hpp"

#include <limits>

using namespace wengert;
using namespace wengert::testing;
using wengert::detail::contraction_order;
using wengert::detail::LabelExtents;
using wengert::detail::LabelSet;

namespace {

// Returns a chain of matrices: operand i has the labels i and i + 1.
std::vector<LabelSet> chain(std::size_t count) {
  std::vector<LabelSet> operands;
  for (std::size_t i = 0; i < count; ++i) operands.push_back(LabelSet{3} << i);
  return operands;
}
LabelExtents extents(std::initializer_list<std::size_t> first) {
  LabelExtents result;
  result.fill(1);
  std::copy(first.begin(), first.end(), result.begin());
  return result;
}
// Returns the number of multiplications of an order, which sums each label as soon as nothing else needs it.
double cost_of(const std::vector<std::pair<std::size_t, std::size_t>>& order, std::vector<LabelSet> values,
               LabelSet result, const LabelExtents& sizes) {
  double total = 0;
  std::vector<bool> used(values.size());
  for (const auto& [a, b] : order) {
    used[a] = used[b] = true;
    LabelSet others = result;
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!used[i]) others |= values[i];
    double product = 1;
    for (std::size_t label = 0; label < 64; ++label)
      if (((values[a] | values[b]) >> label & 1) != 0) product *= static_cast<double>(sizes[label]);
    total += product;
    values.push_back((values[a] | values[b]) & others);
    used.push_back(false);
  }
  return total;
}
// Returns the cost of the cheapest order, found by trying every one.
double cheapest(std::vector<LabelSet> live, LabelSet result, const LabelExtents& sizes) {
  if (live.size() == 1) return 0;
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < live.size(); ++i)
    for (std::size_t j = i + 1; j < live.size(); ++j) {
      std::vector<LabelSet> next;
      LabelSet others = result;
      for (std::size_t k = 0; k < live.size(); ++k)
        if (k != i && k != j) next.push_back(live[k]), others |= live[k];
      next.push_back((live[i] | live[j]) & others);
      const double cost = cost_of({{0, 1}}, {live[i], live[j]}, result, sizes);
      best = std::min(best, cost + cheapest(next, result, sizes));
    }
  return best;
}
std::size_t count_nodes(const Tape<double>& tape, std::string_view name) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < tape.size(); ++i)
    if (tape.node(i).op != nullptr && tape.node(i).op->name == name) ++count;
  return count;
}

}  // namespace

TEST_CASE("up to six operands are joined in the cheapest of all orders") {
  std::mt19937_64 generator(1);
  for (int round = 0; round < 40; ++round) {
    const std::size_t count = 2 + static_cast<std::size_t>(round) % 5;
    LabelExtents sizes = extents({});
    for (std::size_t label = 0; label < 7; ++label) sizes[label] = 2 + generator() % 9;
    std::vector<LabelSet> operands;
    LabelSet all = 0;
    for (std::size_t i = 0; i < count; ++i) {
      operands.push_back(LabelSet{1} << generator() % 7 | LabelSet{1} << generator() % 7);
      all |= operands.back();
    }
    const LabelSet result = all & generator() & generator();
    for (std::size_t i = 0; i < count; ++i) {  // like einsum, first sum labels of a single operand
      LabelSet others = result;
      for (std::size_t j = 0; j < count; ++j)
        if (j != i) others |= operands[j];
      operands[i] &= others;
    }
    const auto order = contraction_order(operands, result, sizes);
    REQUIRE(order.size() + 1 == count);
    CHECK(cost_of(order, operands, result, sizes) == cheapest(operands, result, sizes));
  }
}

TEST_CASE("more operands are joined greedily: a chain that narrows starts at its narrow end") {
  const auto sizes = extents({40, 30, 20, 10, 8, 6, 4, 2, 1});
  const auto operands = chain(8);
  const LabelSet result = LabelSet{1} | LabelSet{1} << 8;
  const auto order = contraction_order(operands, result, sizes);
  REQUIRE(order.size() == 7);
  double in_writing_order = 0, best = 0;
  for (std::size_t i = 1; i < 8; ++i) in_writing_order += 40.0 * static_cast<double>(sizes[i] * sizes[i + 1]);
  for (std::size_t i = 0; i < 7; ++i) best += static_cast<double>(sizes[i] * sizes[i + 1]);
  CHECK(cost_of(order, operands, result, sizes) == best);
  CHECK(best < in_writing_order / 5);
}

TEST_CASE("many operands") {
  Tape<double> tape;
  std::vector<Var<double>> x;
  std::string subscripts;
  Tensor<double> expected = random_tensor({3, 3}, 0);
  for (unsigned i = 0; i < 20; ++i) {
    x.push_back(tape.variable(random_tensor({3, 3}, i)));
    subscripts += fmt::format("{}{}{}", i == 0 ? "" : ",", static_cast<char>('a' + i), static_cast<char>('b' + i));
  }
  auto product = x[0];
  for (std::size_t i = 1; i < x.size(); ++i) product = matmul(product, x[i]);
  CHECK(distance(einsum(subscripts, x).value(), product.value()) < 1e-12);
  const auto dx = grad(sum(einsum(subscripts, x)), x), expected_dx = grad(sum(product), x);
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(distance(dx[i].value(), expected_dx[i].value()) < 1e-11);
}

TEST_CASE("the order decides the cost of what is recorded, and attention is two products without a copy") {
  Tape<double> tape;
  const auto a = tape.variable(random_tensor({2, 50}, 1)), b = tape.variable(random_tensor({50, 60}, 2)),
             v = tape.variable(random_tensor({60}, 3));
  einsum("ij,jk,k->i", a, b, v);
  for (std::size_t i = 3; i < tape.size(); ++i) CHECK(tape.node(i).layout->size <= 50 * 60);
  for (const auto& [text, count] : std::initializer_list<std::pair<const char*, std::size_t>>{
           {"ij,jk->ik", 1}, {"jk,ij->ik", 1}, {"ij,jk->ki", 3}, {"jk,ij->ki", 3}}) {  // views and one product
    CAPTURE(text);
    const auto nodes = tape.size();
    CHECK(einsum(text, text[0] == 'i' ? a : b, text[0] == 'i' ? b : a).shape() ==
          (text[7] == 'i' ? Shape{2, 60} : Shape{60, 2}));
    CHECK(tape.size() - nodes == count);
  }
  const auto q = tape.variable(random_tensor({2, 5, 3, 4}, 4)), k = tape.variable(random_tensor({2, 6, 3, 4}, 5));
  const auto scores = einsum("bqhd,bkhd->bhqk", q, k);
  const auto mixed = einsum("bhqk,bkhd->bqhd", scores, k);
  CHECK(mixed.shape() == Shape{2, 5, 3, 4});
  CHECK(count_nodes(tape, "contiguous") == 0);
}

TEST_CASE("products of nothing, of scalars, over empty axes") {
  Tape<double> tape;
  const auto none = tape.variable(Tensor<double>::from_shape({0, 2})), two = tape.constant(2.0);
  CHECK(einsum("ij,ij->j", none, none).value() == xt::zeros<double>({2}));
  CHECK(einsum("ij->i", none).shape() == Shape{0});
  CHECK(einsum(",", two, two).item() == 4);
  CHECK(einsum("", two).item() == 2);
  CHECK(einsum(" i j , j k -> i k ", none, tape.constant(random_tensor({2, 3}, 1))).shape() == Shape{0, 3});
  CHECK(dot(none, tape.constant(random_tensor({2, 3}, 1))).shape() == Shape{0, 3});
  CHECK(tensordot(none, none, {0}, {0}).value() == xt::zeros<double>({2, 2}));
  CHECK(outer(none, two).shape() == Shape{0, 1});
  CHECK(grad(sum(tensordot(none, none, {0}, {0})), none)[0].shape() == Shape{0, 2});
}

TEST_CASE("subscripts that cannot be read, operands that do not fit them") {
  Tape<double> tape;
  const auto a = tape.variable(random_tensor({2, 3}, 1)), b = tape.variable(random_tensor({4, 2}, 2));
  const auto before = tape.size();
  CHECK_ERROR(ValueError, "[einsum] subscripts 'ij,jk': they name 2 operands, but 1 are given", einsum("ij,jk", a));
  CHECK_ERROR(ValueError, "[einsum] subscripts 'i1': '1' is not a letter, '...', ',' or '->'", einsum("i1", a));
  CHECK_ERROR(ValueError, "'.' is not a letter", einsum("i..", a));
  CHECK_ERROR(ValueError, "'>' is not a letter", einsum("ij>i", a));
  CHECK_ERROR(ValueError, "'-' is not a letter", einsum("ij->i->j", a));
  CHECK_ERROR(ValueError, "'...' appears twice in a term", einsum("...i...", a));
  CHECK_ERROR(ValueError, "the result names axis 'k', which no operand has", einsum("ij->k", a));
  CHECK_ERROR(ValueError, "the result names axis 'i' twice", einsum("ij->ii", a));
  CHECK_ERROR(ShapeError, "[einsum] subscripts 'ijk': operand 1 has shape (2, 3), but 3 axes are named",
              einsum("ijk", a));
  CHECK_ERROR(ShapeError, "operand 2 has shape (4, 2), but 1 axes are named", einsum("ij,j", a, b));
  CHECK_ERROR(ShapeError, "operand 1 has shape (2, 3), but 3 axes are named", einsum("...ijk", a));
  CHECK_ERROR(ShapeError, "[einsum] axis 'j' has extent 3 in operand 1 and 4 in operand 2", einsum("ij,jk", a, b));
  CHECK_ERROR(ShapeError, "axis 'i' has extent 2 in operand 1 and 3 in operand 1", einsum("ii", a));
  CHECK_ERROR(ShapeError, "an axis of '...' has extent 2 in operand 1 and 4 in operand 2", einsum("...,...", a, b));
  CHECK_ERROR(ValueError, "[einsum] no operands", einsum<double>("", std::vector<Var<double>>{}));
  CHECK_ERROR(HandleError, "[einsum] operand 1 is an empty handle", einsum("i", Var<double>()));
  CHECK_ERROR(HandleError, "[einsum] operand 2 is an empty handle", einsum("ij,i", a, Var<double>()));
  CHECK_ERROR(ShapeError, "[einsum] the result has 10 axes: at most 8 are possible",
              einsum("ab,cd,ef,gh,ij->abcdefghij", a, a, a, a, a));
  CHECK(tape.size() == before);
  const auto ones = tape.constant(Tensor<double>(xt::ones<double>({1, 1, 1, 1, 1, 1, 1, 1})));
  CHECK_ERROR(ShapeError,
              "[einsum] subscripts 'abcdefgh,abijklmn,cdijopqr,efklopst,ghmnqrst->': every order tried needs",
              einsum("abcdefgh,abijklmn,cdijopqr,efklopst,ghmnqrst->", ones, ones, ones, ones, ones));
  CHECK(einsum("ab,cd,ef,gh,ij->acegi", a, a, a, a, a).shape() == Shape{2, 2, 2, 2, 2});
}

TEST_CASE("dot, outer and tensordot say which axes do not fit") {
  Tape<double> tape;
  const auto a = tape.variable(random_tensor({2, 3}, 1)), b = tape.variable(random_tensor({4, 2}, 2)),
             deep = tape.variable(random_tensor({1, 1, 1, 1, 2}, 3));
  CHECK_ERROR(ShapeError, "[dot] shapes (2, 3) and (4, 2): axis 1 of the first has 3 elements, axis 0 of the second 4",
              dot(a, b));
  CHECK_ERROR(ShapeError,
              "[tensordot] shapes (2, 3) and (4, 2): axis 0 of the first has 2 elements, axis 0 of the second 4",
              tensordot(a, b));
  CHECK_ERROR(AxisError, "[tensordot] shapes (2, 3) and (4, 2): 3 axes to sum over, but one operand has only 2",
              tensordot(a, b, 3));
  CHECK_ERROR(AxisError, "[tensordot] axis -2 is repeated", tensordot(a, b, {0, -2}, {0, 1}));
  CHECK_ERROR(AxisError, "[tensordot] 1 axes of the first operand and 2 of the second: expected equal numbers",
              tensordot(a, b, {0}, {0, 1}));
  CHECK_ERROR(AxisError, "[tensordot] axis 2", tensordot(a, b, {2}, {0}));
  CHECK_ERROR(ShapeError, "[tensordot] shapes (1, 1, 1, 1, 2) and (1, 1, 1, 1, 2): the result has 10 axes",
              tensordot(deep, deep, 0));
  CHECK_ERROR(HandleError, "[dot] operand 1 is an empty handle", dot(Var<double>(), a));
  CHECK_ERROR(HandleError, "[outer] operand 1 is an empty handle", outer(Var<double>(), a));
  CHECK_ERROR(HandleError, "[tensordot] operand 1 is an empty handle", tensordot(Var<double>(), a));
  CHECK_ERROR(HandleError, "[dot] operand 2 is an empty handle", dot(a, Var<double>()));
}

TEST_CASE("an operand of another tape is refused before anything is recorded on either") {
  Tape<double> tape, other;
  const auto a = tape.variable(random_tensor({2, 2}, 1)), b = other.variable(random_tensor({2, 2}, 2)),
             v = other.variable(random_tensor({2}, 3));
  CHECK_ERROR(HandleError, "[matmul] operand 2 belongs to another tape", matmul(a, v));
  CHECK_ERROR(HandleError, "[dot] operand 2 belongs to another tape", dot(a, b));
  CHECK_ERROR(HandleError, "[outer] operand 2 belongs to another tape", outer(a, v));
  CHECK_ERROR(HandleError, "[tensordot] operand 2 belongs to another tape", tensordot(a, b, {1}, {1}));
  CHECK_ERROR(HandleError, "[einsum] operand 2 belongs to another tape", einsum("ij,kj", a, b));
  CHECK_ERROR(HandleError, "[solve] operand 2 belongs to another tape", solve(a, v));
  CHECK_ERROR(HandleError, "[triangular_solve] operand 2 belongs to another tape", triangular_solve(a, v));
  CHECK(tape.size() == 1);
  CHECK(other.size() == 2);
}
