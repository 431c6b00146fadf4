// Parameter: shared ownership, assignment in place, stale nodes after a change, and use as an operand.
#include "testing.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("a parameter's memory is referred to, not copied, and outlives tapes") {
  Parameter<double> w(Tensor<double>{1, 2}, "w");
  {
    Tape<double> tape;
    const auto x = tape.variable(w);
    CHECK(x.view().data() == w.value().data());
    CHECK(tape.name(x.index()) == "w");
  }
  CHECK(w.value() == Tensor<double>{1, 2});
}

TEST_CASE("a tape keeps a parameter alive that nobody else holds") {
  Tape<double> tape;
  Var<double> x;
  {
    const Parameter<double> w(Tensor<double>{1, 2, 3});
    x = tape.variable(w);
  }
  CHECK(x.value() == Tensor<double>{1, 2, 3});
}

TEST_CASE("copies of a parameter are the same parameter") {
  Parameter<double> w(Tensor<double>{1, 2}, "w");
  Parameter<double> same = w;
  same -= Tensor<double>{1, 1};
  CHECK(w.value() == Tensor<double>{0, 1});
  CHECK(w == same);
  w += Tensor<double>{2, 2};
  w.assign(w.value() * 2.0);
  CHECK(same.value() == Tensor<double>{4, 6});
}

TEST_CASE("a parameter keeps its memory when it is assigned, so tapes that refer to it stay valid") {
  Parameter<double> w(Tensor<double>{{1, 2}, {3, 4}}, "w");
  Tape<double> tape;
  const auto recorded = tape.variable(w);
  const double* memory = w.value().data();
  w.assign(xt::transpose(w.value()) * 1.0);
  CHECK(w.value() == Tensor<double>{{1, 3}, {2, 4}});
  CHECK(w.value().data() == memory);
  CHECK(recorded.value() == w.value());
}

TEST_CASE("an update of another shape throws and changes nothing") {
  Parameter<double> w(Tensor<double>{1, 2}, "w");
  CHECK(contains(message_of<ShapeError>([&] {
                   w -= Tensor<double>{1, 2, 3};
                 }),
                 "[parameter] 'w' has shape (2,): cannot be assigned a tensor of shape (3,)"));
  CHECK(contains(message_of<ShapeError>([&] { w.assign(Tensor<double>{{1, 2}}); }), "(1, 2)"));
  CHECK(w.value() == Tensor<double>{1, 2});
}

TEST_CASE("a gradient that would mix a parameter's old and new value throws") {
  Tape<double> tape;
  Parameter<double> w(Tensor<double>{{1, 2}, {3, 4}}, "weights");
  const auto wv = tape.variable(w), x = tape.variable(random_tensor({2, 2}, 1));
  const auto loss = sum(matmul(x, wv));
  w -= 0.1 * w.value();
  CHECK_ERROR(HandleError, "[transpose] operand 1 is parameter 'weights', which was changed after it was recorded",
              transpose(wv));
  const auto size = tape.size();
  const std::string message = message_of<HandleError>([&] { grad(loss, x); });
  CHECK(contains(message, "is parameter 'weights', which was changed after it was recorded"));
  CHECK(tape.size() == size);
  CHECK_NOTHROW(grad(loss, wv));  // reads only x
}

TEST_CASE("a parameter that is recorded again is the same Var, whose gradient is that of all uses") {
  Tape<double> tape;
  Parameter<double> w(Tensor<double>{2, 3}), other(Tensor<double>{2, 3});
  const auto mark = tape.mark();
  const auto first = tape.variable(w);
  const auto loss = sum(first * tape.variable(w)) + sum(tape.variable(other));
  CHECK(tape.variable(w).index() == first.index());
  CHECK(tape.variable(other).index() != first.index());
  CHECK(grad(loss, tape.variable(w))[0].value() == Tensor<double>{4, 6});
  w.assign(Tensor<double>{5, 7});  // the recorded node is stale now
  const auto later = tape.variable(w);
  CHECK(later.index() != first.index());
  CHECK_ERROR(HandleError, "a parameter was changed and recorded again after the value was computed",
              grad(loss, later));  // zeros would mean that the loss does not depend on w
  CHECK(grad(sum(square(later)), later)[0].value() == Tensor<double>{10, 14});
  tape.rewind(mark);
  CHECK_ERROR(HandleError, "stale handle", later.value());
  tape.constant(1);
  tape.constant(2);
  CHECK(tape.variable(w).value() == Tensor<double>{5, 7});
}

TEST_CASE("a parameter that an old node of the tape holds has gradient zero for values that do not read it") {
  Tape<double> tape;
  Parameter<double> a(Tensor<double>{1, 2}, "a"), b(Tensor<double>{3, 4}, "b");
  const auto first = sum(tape.variable(a) * tape.variable(b));
  const auto mark = tape.mark();
  for (int step = 0; step < 4; ++step) {
    const auto loss = sum(square(tape.variable(b)));
    const auto gradients = grad<double>(loss, std::vector{a, b});
    CHECK(gradients[0].value() == Tensor<double>{0, 0});
    CHECK(gradients[1].value() == 2 * b.value());
    for (const Parameter<double>& parameter : {a, b}) tape.update(parameter, tape.variable(parameter) * 0.5);
    tape.commit();
    if (step % 2 == 1) tape.rewind(mark);
  }
  CHECK_ERROR(HandleError, "'a' was changed and recorded again", grad(first, tape.variable(a)));
}

TEST_CASE("parameters that come and go") {
  Tape<double> tape;
  for (int i = 0; i < 1000; ++i) {
    Parameter<double> w(Tensor<double>{static_cast<double>(i)});
    const auto recorded = tape.variable(w);
    REQUIRE(recorded.value()(0) == i);
    REQUIRE(tape.variable(w).index() == recorded.index());
    if (i % 7 == 0) tape.clear();
  }
}

TEST_CASE("a parameter is an operand like a tensor, recorded as a variable") {
  const Parameter<double> w(Tensor<double>{1, 2}, "w");
  Tape<double> tape;
  const auto x = tape.constant(Tensor<double>{3, 4});
  const auto y = w * x + x / w - w;
  CHECK(y.value() == Tensor<double>{5, 8});
  const auto [g] = grad(sum(y), tape.variable(w));
  CHECK(g.value() == Tensor<double>{3 - 3 - 1, 4 - 1 - 1});  // x − x/w² − 1
  CHECK((maximum(x, w) - x).value() == Tensor<double>{0, 0});
  CHECK(contains(message_of<HandleError>([&] { exp(w); }), "no operand is a Var recorded on a tape"));
}
