// Elementwise ops of broadcast operands: the results and gradients of operands without gaps.
#include "testing.hpp"

#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

// An operand of a given shape: `broadcast` to it, and its elements in memory of its own.
template <class T>
struct OperandOfBoth {
  Tensor<T> from;
  Tensor<T> whole;
};
template <class T>
OperandOfBoth<T> broadcast_operand(const Tensor<T>& from, const Shape& to) {
  Tape<T> tape;
  return {from, contiguous(broadcast_to(tape.constant(from), to)).value()};
}

// Compares f(a, b, c) of broadcast operands with that of whole ones, and the gradients, to the last bit.
template <class T, class F>
void check_broadcast(const F& f, const Shape& shape, const std::vector<OperandOfBoth<T>>& operands) {
  Tape<T> tape;
  std::vector<Var<T>> broadcast, whole;
  for (const auto& operand : operands) {
    broadcast.push_back(broadcast_to(tape.variable(operand.from), shape));
    whole.push_back(tape.variable(operand.whole));
  }
  const Var<T> got = f(broadcast), expected = f(whole);
  CHECK(got.shape() == shape);
  CHECK(got.value() == expected.value());
  const auto weights = tape.constant(random_tensor<T>(shape, 7));
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const auto [of_broadcast] = grad(sum(got * weights), broadcast[i]);
    const auto [of_whole] = grad(sum(expected * weights), whole[i]);
    CHECK(of_broadcast.value() == of_whole.value());
  }
}

}  // namespace

TEST_CASE_TEMPLATE("broadcast operands of elementwise ops give what whole ones give", T, float, double) {
  const int before = num_threads();
  set_num_threads(4);  // the last shape is large enough for several
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{3, 0}, Shape{7}, Shape{2, 3, 5}, Shape{3, 50'001}}) {
    CAPTURE(to_string(shape));
    const auto random = [&](unsigned seed) {
      const auto x = random_tensor<T>(shape, seed, 0.5, 2);
      return OperandOfBoth<T>{x, x};
    };
    const auto x = random(1), y = random(2);
    const auto s = broadcast_operand(Tensor<T>(T(1.25)), shape);
    const auto divide = [](const std::vector<Var<T>>& v) { return v[0] / v[1]; };
    check_broadcast<T>(divide, shape, {s, x});
    check_broadcast<T>(divide, shape, {x, s});
    check_broadcast<T>(divide, shape, {s, s});
    check_broadcast<T>([](const std::vector<Var<T>>& v) { return exp(v[0]); }, shape, {s});
    const auto between = [](const std::vector<Var<T>>& v) { return lerp(v[0], v[1], v[2]); };
    check_broadcast<T>(between, shape, {s, x, y});
    check_broadcast<T>(between, shape, {x, s, y});
    check_broadcast<T>(between, shape, {x, y, s});
    if (shape.rank() < 2) continue;
    // An operand that repeats along the first axis alone.
    const auto row = broadcast_operand(random_tensor<T>({shape.back()}, 3, 0.5, 2), shape);
    check_broadcast<T>(divide, shape, {row, x});
    check_broadcast<T>(divide, shape, {x, row});
    check_broadcast<T>(divide, shape, {row, row});
    check_broadcast<T>(divide, shape, {row, s});
    check_broadcast<T>(divide, shape, {s, row});
  }
  set_num_threads(before);
}
