// Updates of parameters that read one another, against the tape, and the parameters after a failed replay.
#include "testing.hpp"

#include <functional>
#include <random>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

using Parameters = std::vector<Parameter<double>>;
using Vars = std::vector<Var<double>>;

Parameters parameters(const std::vector<Shape>& shapes) {
  Parameters result;
  for (std::size_t i = 0; i < shapes.size(); ++i)
    result.emplace_back(random_tensor(shapes[i], static_cast<unsigned>(i) + 1), "p" + std::to_string(i));
  return result;
}

// Replays a step that queues updates, and compares the parameters with those after the same steps recorded anew.
void compare(const std::vector<Shape>& shapes, const Tensor<double>& input,
             const std::function<Var<double>(Tape<double>&, const Parameters&, const Vars&, Var<double>)>& step) {
  for (const bool fuse : {false, true}) {
    CAPTURE(fuse);
    const Parameters replayed = parameters(shapes), eager = parameters(shapes);
    const auto record = [&](Tape<double>& tape, const Parameters& p, Var<double> x) {
      Vars v;
      for (const Parameter<double>& parameter : p) v.push_back(tape.variable(parameter));
      return step(tape, p, v, x);
    };
    Tape<double> source, tape;
    const auto x = source.constant(input);
    auto program = compile(source, {x}, {record(source, replayed, x)}, {.fuse = fuse});
    for (int i = 0; i < 3; ++i) {
      tape.clear();
      const double expected = record(tape, eager, tape.constant(input)).item();
      CHECK(program(input).item() == doctest::Approx(expected).epsilon(1e-12));
      tape.commit();
      for (std::size_t k = 0; k < eager.size(); ++k) {
        CAPTURE(k);
        CHECK(distance(replayed[k].value(), eager[k].value()) < 1e-12);
      }
    }
  }
}

}  // namespace

TEST_CASE("a product of matrices that are all trained: each gradient reads what another update writes") {
  compare({{4, 2}, {2, 3}, {3, 4}}, random_tensor({4, 4}, 9), [](auto& tape, auto& p, auto& v, auto x) {
    const auto loss = mean(square(matmul(matmul(v[0], v[1]), v[2]) - x));
    const Vars g = grad<double>(loss, v);
    for (std::size_t i = 0; i < p.size(); ++i) tape.update(p[i], v[i] - 0.5 * g[i]);
    return loss;
  });
}

TEST_CASE("an update that cannot be in place does not join one that it reads the old value of") {
  compare({{8}, {8}, {8}}, random_tensor({8}, 9), [](auto& tape, auto& p, auto& v, auto x) {
    const auto m = 0.9 * v[1] + x;
    tape.update(p[1], m);
    tape.update(p[0], v[0] - 0.1 * v[1]);
    tape.update(p[2], 0.5 * v[2] + v[0]);
    return sum(square(m));
  });
}

TEST_CASE("updates at random") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    compare({{4, 4}, {4, 4}, {4, 4}, {4}}, random_tensor({4, 4}, 9), [&](auto& tape, auto& p, auto& v, auto x) {
      std::mt19937 random(seed);
      const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
      Vars values{x, v[0], v[1], v[2], x + v[3]};
      const auto any = [&] { return values[below(values.size())]; };
      for (int i = 0; i < 8; ++i) {
        const auto a = any(), b = any();
        switch (below(6)) {
          case 0:
            values.push_back(0.25 * matmul(a, b));
            break;
          case 1:
            values.push_back(transpose(a) - 0.5 * b);
            break;
          case 2:
            values.push_back(tanh(a));
            break;
          case 3:
            values.push_back(a * b);
            break;
          case 4:
            values.push_back(0.5 * a + softmax(b));
            break;
          default:
            values.push_back(a - 0.1 * b);
            break;
        }
      }
      for (std::size_t k = 0; k < 3; ++k) switch (below(3)) {
          case 0:
            tape.update(p[k], tanh(any()));
            break;
          case 1:
            tape.update(p[k], v[k] - 0.1 * matmul(any(), any()));
            break;
          default:
            tape.update(p[k], 0.5 * v[k] + 0.1 * any());
            break;
        }
      tape.update(p[3], 0.5 * v[3] + 0.1 * sum(any(), 0));
      return sum(any()) + mean(any());
    });
  }
}

TEST_CASE("a replay that throws leaves all parameters as they were") {
  const auto check = [](const Tensor<double>& value, const auto& step) {
    for (const bool fuse : {false, true}) {
      CAPTURE(fuse);
      Parameter<double> w(value, "w");
      Tape<double> tape;
      const auto x = tape.constant(Tensor<double>{{5, 0}, {0, 5}});
      const auto output = step(tape, w, tape.variable(w), x);
      auto program = compile(tape, {x}, {output}, {.fuse = fuse});
      const Tensor<double> before = w.value();
      CHECK_THROWS_AS(program(value), Error);  // x − w is singular then, and so is x
      CHECK(w.value() == before);
      program(Tensor<double>{{3, 0}, {0, 4}});
      CHECK(w.value() != before);
    }
  };
  const Tensor<double> singular{{1, 1}, {1, 1}};
  check(singular, [](auto& tape, auto& w, auto v, auto x) {  // inside the update itself
    tape.update(w, inv(x));
    return sum(v);
  });
  check(singular, [](auto& tape, auto& w, auto v, auto x) {  // in a reader of the new value
    const auto next = x - v;
    tape.update(w, next);
    return sum(inv(next));
  });
  check(singular, [](auto& tape, auto& w, auto v, auto x) {  // in a reader of a value computed beside the new one
    const auto next = x + v, other = x - v;
    tape.update(w, next);
    return sum(next) + sum(inv(other));
  });
}

TEST_CASE("updates that were neither committed nor compiled are not dropped by clear") {
  const Parameter<double> w(Tensor<double>{1, 2}, "w"), b(Tensor<double>(3.0), "b");
  Tape<double> tape;
  const auto record = [&] {
    const auto v = tape.variable(w), y = sum(v);
    tape.update(w, v * 2);
    tape.update(b, y);
    return y;
  };
  record();
  const std::size_t size = tape.size();
  CHECK_ERROR(ValueError,
              "[clear] 2 queued update(s) would be lost, the first for parameter 'w': apply them with commit()",
              (tape.clear(), 0));
  CHECK(contains(message_of<ValueError>([&] { tape.clear(); }), "drop them with discard_updates()"));
  CHECK(tape.size() == size);
  CHECK(tape.updates().size() == 2);
  tape.commit();
  CHECK(b.value()() == 3);
  CHECK(w.value() == Tensor<double>{2, 4});
  tape.clear();

  record();
  tape.discard_updates();
  tape.clear();
  CHECK(w.value() == Tensor<double>{2, 4});

  const auto mark = tape.mark();  // rewind drops newer updates, as documented
  record();
  tape.rewind(mark);
  CHECK(tape.updates().empty());
  tape.clear();

  try {  // an error in the middle of a step
    record();
    matmul(tape.constant(1.0), tape.constant(2.0));
  } catch (const Error&) {
    CHECK_THROWS_AS(tape.clear(), ValueError);
    tape.discard_updates();
    tape.clear();
  }

  {  // a Program includes the updates unless its options exclude them
    const auto y = record();
    auto evaluation = compile(tape, {}, {y}, {.apply_updates = false});
    CHECK_THROWS_AS(tape.clear(), ValueError);
    auto program = compile(tape, {}, {y});
    CHECK(program().item() == 6);
    CHECK(w.value() == Tensor<double>{4, 8});
    CHECK_NOTHROW(tape.clear());
  }
  record();
  CHECK_NOTHROW(Tape<double>().clear());
}  // destroying a tape with queued updates is no error

TEST_CASE("a second update of a parameter must build on the first") {
  Parameter<double> w(Tensor<double>{1, 2}, "w"), other(Tensor<double>{5, 6}, "other");
  const auto twice = [&](auto& tape, auto x) {
    tape.update(w, tape.variable(w) + x);
    tape.update(other, tape.variable(other) * 2);
    const auto f = custom_vjp([&](auto a) { return a * tape.updated(w); }, [](auto g, auto, auto) { return g; });
    tape.update(w, f(x) + 1);  // (w + x) x + 1
    return sum(tape.updated(w));
  };
  Tape<double> tape;
  const auto x = tape.constant(Tensor<double>{1, 2});
  twice(tape, x);
  CHECK(tape.updates().size() == 3);
  CHECK_ERROR(ValueError, "[update] parameter 'w' already has a queued update", (tape.update(w, x), 0));
  CHECK_ERROR(ValueError, "[update] parameter 'w' already has a queued update",
              (tape.update(w, tape.variable(w) - x), 0));
  CHECK(tape.updates().size() == 3);
  tape.commit();
  CHECK(w.value() == Tensor<double>{3, 9});
  CHECK_NOTHROW(tape.update(w, tape.variable(w) - x));
  tape.discard_updates();

  w.assign(Tensor<double>{1, 2});
  auto step = compiled<double>(twice);
  CHECK(step(Tensor<double>{1, 2}).item() == 12);
  CHECK(w.value() == Tensor<double>{3, 9});
  auto wrong = compiled<double>([&](auto& t, auto a) {
    t.update(w, a + 1);
    t.update(w, t.variable(w) * 2);
    return a;
  });
  CHECK(contains(message_of<ValueError>([&] { wrong(Tensor<double>{1, 2}); }), "updates_test.cpp:"));
  CHECK(w.value() == Tensor<double>{3, 9});
}

TEST_CASE("that a second update builds on the first is told by updated(), not by what both read") {
  const auto run = [](const auto& step) {  // on a tape, and as a Program
    for (const bool as_program : {false, true}) {
      CAPTURE(as_program);
      Parameter<double> w(Tensor<double>{1, 2}, "w"), other(Tensor<double>{1, 2}, "other");
      const Tensor<double> x{3, 5};
      const auto apply = [&] {
        if (as_program) {
          compiled<double>([&](auto& tape, auto a) {
            step(tape, w, other, a);
            return a;
          })(x);
          return;
        }
        Tape<double> tape;
        step(tape, w, other, Var<double>(tape.constant(x)));
        tape.commit();
      };
      const std::string message = message_of<ValueError>(apply);
      CHECK(step.expected.size() == (message == "no error" ? 2 : 0));
      if (step.expected.size() != 0)
        CHECK(w.value() == step.expected);
      else
        CHECK((contains(message, "[update] parameter 'w' already has a queued update") &&
               contains(message, "updates_test.cpp:") && w.value() == Tensor<double>{1, 2}));
    }
  };
  using P = const Parameter<double>&;
  using V = Var<double>;
  using Steps = std::function<void(Tape<double>&, P, P, V)>;
  struct Step {
    Tensor<double> expected;  // empty: the step is rejected
    Steps record;
    void operator()(Tape<double>& tape, P w, P other, V x) const { record(tape, w, other, x); }
  };
  const Tensor<double> refused = Tensor<double>::from_shape({0});
  run(Step{refused, [](auto& t, P w, P, V x) {  // the value of the first update has other uses
             t.update(w, x);
             t.update(w, t.variable(w) + x);
           }});
  run(Step{refused, [](auto& t, P w, P, V x) {
             const V ahead = t.variable(w) + x;
             t.update(w, ahead);
             t.update(w, t.variable(w) - square(ahead));
           }});
  run(Step{refused, [](auto& t, P w, P other, V x) {  // another parameter is updated with the same value
             t.update(w, x);
             t.update(other, x);
             t.update(w, t.updated(other) * 2);
           }});
  run(Step{refused, [](auto& t, P w, P, V x) {  // builds on the update before the last
             t.update(w, t.variable(w) + x);
             const V first = t.updated(w);
             t.update(w, first * 2);
             t.update(w, first * 3);
           }});
  run(Step{{3 * 8 + 3, 3 * 14 + 5}, [](auto& t, P w, P, V x) {  // a chain
             t.update(w, t.variable(w) + x);
             t.update(w, t.updated(w) * 2);
             t.update(w, t.updated(w) * 1.5);
             t.update(w, 2 * t.updated(w) + x);
           }});
  run(Step{{8, 14}, [](auto& t, P w, P other, V x) {  // through another parameter
             t.update(w, t.variable(w) + x);
             t.update(other, t.updated(w) * 2);
             t.update(w, t.updated(other) + 0);
           }});
  run(Step{{3, 5}, [](auto& t, P w, P, V x) {
             t.update(w, x);
             t.update(w, t.updated(w));
           }});
  run(Step{{16, 49}, [](auto& t, P w, P, V x) {  // inside a checkpoint, and read before it
             t.update(w, t.variable(w) + x);
             const V seen = t.updated(w);
             const auto f = checkpoint([&](auto a) { return a * t.updated(w); });
             t.update(w, f(seen));
           }});
}

TEST_CASE("a gradient through what updated() gives is that of the update's value") {
  Parameter<double> w(Tensor<double>{1, 2}, "w");
  Tape<double> tape;
  const auto v = tape.variable(w), x = tape.variable(Tensor<double>{3, 5});
  tape.update(w, v * x);
  auto [g] = grad(sum(square(tape.updated(w))), x);
  CHECK(g.value() == Tensor<double>{2 * 3, 2 * 4 * 5});
  const auto mark = tape.mark();
  const auto twice = tape.updated(w) * 2;
  tape.rewind(mark);
  CHECK_THROWS_AS(tape.update(w, twice), HandleError);
  CHECK_ERROR(ValueError, "[update] parameter 'w' already has a queued update", (tape.update(w, v * 2), 0));
  tape.discard_updates();
}

TEST_CASE("a Program's recording commits nothing, whether or not it may read values") {
  for (const CompileOptions& options :
       {CompileOptions{}, CompileOptions{.allow_value_dependence = true}, CompileOptions{.checked = true}}) {
    Parameter<double> w(Tensor<double>{1, 2}, "w");
    bool commits = true;
    auto step = compiled<double>(
        [&](auto& tape, auto x) {
          tape.update(w, tape.variable(w) + x);
          if (commits) tape.commit();
          return x;
        },
        options);
    const std::string message = message_of<HandleError>([&] { step(Tensor<double>{1, 1}); });
    CHECK(contains(message,
                   "[commit] the tape is recorded for a Program, which applies the queued updates at each replay: "
                   "queue them with update() and omit commit()"));
    CHECK(contains(message, "updates_test.cpp:"));
    CHECK(w.value() == Tensor<double>{1, 2});
    commits = false;
    step(Tensor<double>{1, 1});
    CHECK(w.value() == Tensor<double>{2, 3});
    commits = true;
    if (options.checked) CHECK_THROWS_AS(step(Tensor<double>{1, 1}), HandleError);  // records anew
    if (options.checked) CHECK(w.value() == Tensor<double>{2, 3});
  }
}
