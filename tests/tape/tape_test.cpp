// The tape: recorded values, handles, marks, and errors that name the op and the line.
#include "testing.hpp"

#include <memory>
#include <sstream>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

TEST_CASE_TEMPLATE("a tape records values and gives them back", T, float, double) {
  Tape<T> tape;
  const Tensor<T> value{{1, 2, 3}, {4, 5, 6}};
  const Var<T> x = tape.variable(value, "x");
  CHECK(x.shape() == Shape{2, 3});
  CHECK(x.rank() == 2);
  CHECK(x.size() == 6);
  CHECK(x.value() == value);
  CHECK(Tensor<T>(x.view()) == value);
  CHECK(tape.name(x.index()) == "x");
  CHECK(&x.tape() == &tape);
  CHECK(tape.constant(T(2.5)).item() == T(2.5));
  CHECK(tape.constant(value).value() == value);
  CHECK(tape.constant(Tensor<T>(value)).value() == value);
  CHECK(tape.constant(value * T(2)).value() == value * T(2));
  CHECK(tape.constant(xt::view(value, 1)).value() == Tensor<T>{4, 5, 6});
}

TEST_CASE("an lvalue is copied, an rvalue taken over, a borrowed tensor referred to") {
  Tape<double> tape;
  Tensor<double> copied{1, 2}, moved{3, 4}, borrowed{5, 6};
  const double* memory = moved.data();
  const auto a = tape.variable(copied), b = tape.variable(std::move(moved)), c = tape.borrow(borrowed);
  copied(0) = 10;
  borrowed(0) = 50;
  CHECK(a.value() == Tensor<double>{1, 2});
  CHECK(b.view().data() == memory);
  CHECK(c.value() == Tensor<double>{50, 6});
  CHECK_ERROR(ShapeError, "2 elements for shape (3,)",
              tape.borrow(std::span<const double>(borrowed.data(), 2), Shape{3}));
}

TEST_CASE("arithmetic mixes Vars, scalars and tensors on both sides") {
  Tape<double> tape;
  const Tensor<double> v{1, 2, 4}, w{3, 5, 7};
  const auto x = tape.variable(v);
  CHECK((x + x).value() == v + v);
  CHECK((x + 1).value() == v + 1);
  CHECK((1 + x).value() == v + 1);
  CHECK((x + w).value() == v + w);
  CHECK((w + x).value() == v + w);
  CHECK((x - x).value() == v - v);
  CHECK((x - 1.5).value() == v - 1.5);
  CHECK((1.5 - x).value() == 1.5 - v);
  CHECK((w - x).value() == w - v);
  CHECK((x * x).value() == v * v);
  CHECK((x * 3).value() == v * 3);
  CHECK((3 * x).value() == v * 3);
  CHECK((w * x).value() == v * w);
  CHECK((x / x).value() == v / v);
  CHECK((x / 3).value() == v / 3);
  CHECK((3 / x).value() == 3 / v);
  CHECK((w / x).value() == w / v);
  CHECK((-x).value() == -v);
  CHECK((+x).value() == v);
  auto y = x;
  y += 1;
  y *= x;
  y -= w;
  y /= 2;
  CHECK(y.value() == ((v + 1) * v - w) / 2);
}

TEST_CASE("rewind gives nodes back and their handles throw from then on") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{1, 2});
  const auto mark = tape.mark();
  const auto y = x * x;
  CHECK(tape.size() == 2);
  tape.rewind(mark);
  CHECK(tape.size() == 1);
  CHECK(x.value() == Tensor<double>{1, 2});
  CHECK(contains(message_of<HandleError>([&] { (void)y.value(); }), "stale handle: node 1 was released by rewind()"));
  const auto z = x + x;  // reuses the node of y
  CHECK(z.index() == y.index());
  CHECK(contains(message_of<HandleError>([&] { (void)y.value(); }), "stale handle"));
  CHECK_ERROR(HandleError, "[multiply] operand 2 is a stale handle: its node 1 was released by rewind()", x * y);
  CHECK_ERROR(HandleError, "[sigmoid] operand 1 is a stale handle", sigmoid(y));
  tape.clear();
  CHECK(contains(message_of<HandleError>([&] { (void)x.value(); }), "stale handle"));
  CHECK(tape.size() == 0);
}

TEST_CASE("a stale mark throws") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{1.0});
  const auto before = tape.mark();
  auto y = x + 1;
  const auto after = tape.mark();
  tape.rewind(before);
  CHECK(contains(message_of<HandleError>([&] { tape.rewind(after); }), "[rewind] stale mark"));
  y = x * 2;  // another node at the position of the mark
  CHECK(contains(message_of<HandleError>([&] { tape.rewind(after); }), "[rewind] stale mark"));
  CHECK(y.item() == 2);
}

TEST_CASE("an empty handle is refused everywhere, by name") {
  Tape<double> tape;
  const Var<double> empty;
  const auto x = tape.variable(Tensor<double>{1, 2});
  CHECK(empty.empty());
  CHECK_ERROR(HandleError, "[value] the operand is an empty handle: it was never recorded on a tape", empty.value());
  CHECK_ERROR(HandleError, "[exp] no operand is a Var recorded", exp(empty));
  CHECK_ERROR(HandleError, "[add] operand 2 is an empty handle", x + empty);
  CHECK_ERROR(HandleError, "[grad] the operand is an empty handle", grad(empty, x));
  CHECK_ERROR(HandleError, "the prediction is an empty handle", squared_error(empty, x));
  CHECK(tape.size() == 1);
}

TEST_CASE("Vars of two tapes do not meet in one op") {
  Tape<double> a, b;
  const auto x = a.variable(Tensor<double>{1.0}), y = b.variable(Tensor<double>{2.0});
  CHECK_ERROR(HandleError, "[add] operand 2 belongs to another tape", x + y);
  CHECK_ERROR(HandleError, "[matmul] operand 2 belongs to another tape",
              matmul(reshape(x, {1, 1}), reshape(y, {1, 1})));
  CHECK_ERROR(HandleError, "[grad] the handle belongs to another tape", grad(x * x, y));
  CHECK(b.size() == 2);
}

TEST_CASE("a failed call records nothing and leaves its operands usable") {
  Tape<double> tape;
  const auto a = tape.variable(random_tensor({2, 3}, 1)), b = tape.variable(random_tensor({3, 2}, 2));
  const auto size = tape.size();
  CHECK_ERROR(ShapeError, "[add] shapes (2, 3) and (3, 2) do not broadcast", a + b);
  CHECK_ERROR(ShapeError, "[multiply] shapes (2, 3) and (4,) do not broadcast", a * Tensor<double>{1, 2, 3, 4});
  CHECK_ERROR(ShapeError, "[matmul] shapes (2, 3) and (2, 3): inner sizes 3 and 2 differ; did you mean transpose(b)?",
              matmul(a, a));
  CHECK_ERROR(AxisError, "[sum] axis 2: a tensor of rank 2 has axes -2 to 1", sum(a, 2));
  CHECK_ERROR(ShapeError, "[squared_error] prediction (2, 3) and target (3, 2)", squared_error(a, b));
  CHECK_ERROR(GradientError, "[grad] a value of shape (2, 3): expected a scalar", grad(a * a, a));
  CHECK(tape.size() == size + 1);  // the node of a * a above
  CHECK((a + a).value() == a.value() * 2);
}

TEST_CASE("item() is for values of size 1") {
  Tape<double> tape;
  CHECK(tape.variable(Tensor<double>(xt::ones<double>({1, 1}) * 7.0)).item() == 7);
  CHECK(contains(message_of<ShapeError>([&] {
                   (void)tape.variable(Tensor<double>{1, 2}).item();
                 }),
                 "[item] shape (2,)"));
}

namespace {
// An op whose vjp returns a cotangent of the wrong shape.
struct WrongShape {
  static constexpr std::string_view name = "wrong_shape";
  static constexpr std::string_view notation = "x";
  static constexpr std::size_t arity = 1;
  Shape shape(const Shape& x) const { return x; }
  void forward(Value<const double> x, Value<double> y) const { copy_elements(x, y.data); }
  Var<double> vjp(Var<double> g, Var<double>, Var<double>) const { return sum(g); }
  static std::vector<StructuralExample<WrongShape>> examples() { return {}; }
};
}  // namespace

TEST_CASE("an error inside a sweep names the line of the node that is differentiated") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({2, 3}, 3));
  const Location here = Location::current();
  const WrongShape op;
  const auto y = tape.record(StructuralTable<double, WrongShape>::table, &op, sizeof(op), std::span(&x, 1), here);
  const auto loss = sum(y);
  const auto size = tape.size();
  const std::string message = message_of<ShapeError>([&] { grad(loss, x); });
  INFO(message);
  CHECK(contains(message, "[wrong_shape] vjp: the cotangent of input 1 has shape (), but the input has shape (2, 3)"));
  CHECK(contains(message, fmt::format("tape_test.cpp:{}", here.line())));
  CHECK(tape.size() == size);
}

TEST_CASE("a chain of a million nodes needs no deep stack and time linear in its length") {
  Tape<float> tape;
  const auto x = tape.variable(Tensor<float>{1.0F});
  auto y = x;
  for (int i = 0; i < 1'000'000; ++i) y = y + x;
  const auto [dx] = gradients(sum(y), x);
  CHECK(dx(0) == 1'000'001.0F);
}

TEST_CASE("a thousand times shared subexpression is swept once a node") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{1.0});
  auto y = x;
  for (int i = 0; i < 1000; ++i) y = y + y;
  const auto before = tape.size();
  const auto [dx] = grad(sum(y), x);
  CHECK(dx.value()(0) == std::ldexp(1.0, 1000));
  CHECK(tape.size() - before < 3000);
}

TEST_CASE("a mark of another tape is refused") {
  Tape<double> p, q;
  q.constant(1.0);
  const auto x = p.constant(2.0);
  CHECK(contains(message_of<HandleError>([&] { p.rewind(q.mark()); }), "the mark belongs to another tape"));
  CHECK(x.item() == 2);
}

TEST_CASE("a handle of a tape that is gone is stale on a tape at the same address") {
  Var<double> kept;
  for (int i = 0; i < 2; ++i) {
    Tape<double> tape;
    const auto x = tape.variable(Tensor<double>{1, 2});
    if (i == 1 && &kept.tape() == &tape) CHECK_ERROR(HandleError, "stale handle", kept.item());
    kept = sum(x);
  }
}

TEST_CASE("a shape of more bytes than memory can hold is refused before anything is written") {
  Tape<double> tape;
  const auto x = tape.constant(1.0);
  const auto size = tape.size();
  CHECK(contains(message_of<ShapeError>([&] { broadcast_to(x, {(std::size_t{1} << 61) + 4096}); }),
                 "more elements than memory can hold"));
  CHECK(contains(message_of<MemoryError>([&] { exp(broadcast_to(x, {std::size_t{1} << 58})); }), "bytes for a value"));
  CHECK(tape.size() == size + 1);  // the view, which needs no memory
}

TEST_CASE("what can dangle is not borrowed") {
  Tape<double> tape;
  const auto borrows = [](const auto& t, auto&& value) {
    return requires { t->borrow(std::forward<decltype(value)>(value)); };
  };
  Tensor<double> x = random_tensor({4, 3}, 1);
  CHECK(borrows(&tape, x));
  CHECK(!borrows(&tape, Tensor<double>(x)));
  CHECK(!borrows(&tape, x * 2.0));
  CHECK(!borrows(&tape, xt::view(x, xt::range(0, 2))));
}

TEST_CASE("views and expressions of xtensor are operands") {
  Tape<double> tape;
  const Tensor<double> m{{1, 2}, {3, 4}};
  const auto z = tape.variable(Tensor<double>{10, 20});
  CHECK((z + xt::view(m, 1)).value() == Tensor<double>{13, 24});
  CHECK((xt::row(m, 0) * z).value() == Tensor<double>{10, 40});
  CHECK(squared_error(z, xt::view(m, 1)).item() == doctest::Approx((49 + 256) / 4.0));
}

TEST_CASE("handles that cannot be used are named with the op and the line") {
  Tape<double> tape;
  const auto mark = tape.mark();
  const Var<double> empty, stale = tape.variable(random_tensor({2, 2}, 1));
  tape.rewind(mark);
  CHECK_ERROR(HandleError, "[item] the operand is an empty handle", empty.item());
  CHECK_ERROR(HandleError, "[value] stale handle", stale.value());
  CHECK_ERROR(HandleError, "[sum] the operand is an empty handle", sum(empty));
  CHECK_ERROR(HandleError, "[mean] stale handle", mean(stale));
  CHECK_ERROR(HandleError, "[softmax] the operand is an empty handle", softmax(empty));
  CHECK_ERROR(HandleError, "[transpose] stale handle", transpose(stale));
  CHECK_ERROR(AxisError, "[repeat] axis -1: a scalar has no axes", repeat(tape.variable(Tensor<double>(1.0)), 2, -1));
}

TEST_CASE("a handle whose tape is gone throws at every use, and is not taken for one of a later tape") {
  auto gone = std::make_unique<Tape<double>>();
  const Var<double> x = gone->variable(random_tensor({2, 2}, 1));
  const IndexVar<double> k = gone->indices({1, 0});
  gone.reset();
  const std::string destroyed = "the handle's tape was destroyed: keep the tape alive as long as its Vars are used";
  CHECK_ERROR(HandleError, "[item] " + destroyed, x.item());
  CHECK_ERROR(HandleError, "[value] " + destroyed, x.value());
  CHECK_ERROR(HandleError, "[value] " + destroyed, k.value());
  CHECK_ERROR(HandleError, "[add] " + destroyed, x + 1.0);
  CHECK_ERROR(HandleError, "[exp] " + destroyed, exp(x));
  CHECK_ERROR(HandleError, "[matmul] " + destroyed, matmul(x, x));
  CHECK_ERROR(HandleError, "[sum] " + destroyed, sum(x));
  CHECK_ERROR(HandleError, "[grad] " + destroyed, grad(x, x));
  CHECK(contains(message_of<HandleError>([&] { x.view(); }), destroyed));
  CHECK(contains(message_of<HandleError>([&] { x.shape(); }), destroyed));
  CHECK(contains(message_of<HandleError>([&] { softmax(x); }), destroyed));
  CHECK(contains(message_of<HandleError>([&] { cross_entropy(x, k); }), destroyed));
  CHECK(contains(message_of<HandleError>([&] { std::vector<Var<double>>{x, x}.front().size(); }), destroyed));
  Tape<double> other;
  const auto y = other.variable(random_tensor({2, 2}, 2));
  CHECK_ERROR(HandleError, "[add] operand 2 belongs to another tape", y + x);
  CHECK_THROWS_AS(x + y, HandleError);
  CHECK_THROWS_AS(compile(other, {}, {x}), HandleError);
  CHECK(other.size() == 1);
  for (int i = 0; i < 100; ++i) {  // some of these tapes reuse the address
    const auto later = std::make_unique<Tape<double>>();
    later->variable(random_tensor({2, 2}, 1));
    CHECK_THROWS_AS(x + 1.0, HandleError);
  }
}

TEST_CASE("of thousands of tapes each is known to live or not") {
  std::vector<std::unique_ptr<Tape<float>>> tapes;
  std::vector<Var<float>> vars;
  for (int i = 0; i < 3000; ++i) {
    tapes.push_back(std::make_unique<Tape<float>>());
    vars.push_back(tapes.back()->constant(static_cast<float>(i)));
  }
  for (std::size_t i = 0; i < tapes.size(); i += 2) tapes[i].reset();
  std::size_t right = 0, refused = 0;
  for (std::size_t i = 0; i < vars.size(); ++i) try {
      right += vars[i].item() == static_cast<float>(i) && i % 2 == 1;
    } catch (const HandleError&) {
      refused += i % 2 == 0;
    }
  CHECK(right == 1500);
  CHECK(refused == 1500);
}

TEST_CASE("a handle is printed with its shape and elements") {
  const auto printed = [](const auto& var) {
    std::ostringstream out;
    out << var;
    return out.str();
  };
  Tape<double> tape;
  CHECK(printed(tape.variable(Tensor<double>(2.5))) == "shape (): 2.5");
  const auto x = tape.variable(Tensor<double>{{1, 2}, {3, 4.5}});
  CHECK(printed(transpose(x)) == "shape (2, 2):\n{{ 1. ,  3. },\n { 2. ,  4.5}}");
  CHECK(printed(tape.indices({7, -1})) == "shape (2,):\n{ 7, -1}");
  CHECK(printed(tape.constant(Tensor<double>(xt::zeros<double>({0, 3})))).starts_with("shape (0, 3)"));
  CHECK(printed(tape.constant(Tensor<double>(xt::zeros<double>({2000})))).size() < 200);
  CHECK(printed(Var<double>()) == "an empty handle");
  CHECK(tape.value_dependence() == nullptr);  // printing is no value dependence
  tape.compute_values(false);
  CHECK(printed(2 * x) == "shape (2, 2), not computed");
}
