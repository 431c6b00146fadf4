// Optimizer: rates, groups, clipping, state, and rejected arguments.
#include "optim/problem.hpp"
#include "temporary_folder.hpp"

using namespace wengert;
using namespace wengert::testing;
using optim::Optimizer;

namespace {

// Takes an eager step, without a Program.
template <class Loss>
void step(Optimizer<double>& optimizer, const Loss& loss) {
  Tape<double> tape;
  optimizer.update(loss(tape));
  tape.commit();
}

struct SignRule {
  double rate = 0.01;
  auto operator()(auto w, auto g, const auto& at) const { return w - at.rate * sign(g); }
};

struct HeavyRule {
  double rate = 0.01, friction = 0.1;
  template <class V>
  struct State {
    V velocity;
  };
  template <class T>
  State<Var<T>> start(Var<T> w) const {
    return {optim::zeros_like(w)};
  }
  template <class T>
  Var<T> operator()(Var<T> w, Var<T> g, State<Var<T>>& state, const optim::Progress<T>& at) const {
    state.velocity = (1 - friction) * state.velocity - at.rate * g;
    return w + state.velocity;
  }
};

}  // namespace

TEST_CASE("a Program sees every change of the rate, and counts its steps") {
  Parameter<double> w(Tensor<double>{1, 2}, "w");
  Optimizer<double> optimizer(w, optim::SGD{.rate = 0.5});
  auto program = compiled<double>([&](Tape<double>& tape) {
    const auto loss = sum(square(tape.variable(w)));
    optimizer.update(loss);
    return loss;
  });
  CHECK(program().item() == 5);
  CHECK(w.value() == Tensor<double>{0, 0});
  w.assign(Tensor<double>{1, 2});
  optimizer.set_rate(0.25);
  program();
  CHECK(w.value() == Tensor<double>{0.5, 1});
  optimizer.set_rate(0);
  program();
  CHECK(w.value() == Tensor<double>{0.5, 1});
  CHECK(optimizer.steps() == 3);
  CHECK(optimizer.rate() == 0);
  CHECK(program.size() == 1);
}

TEST_CASE("a parameter has one gradient, however often it was recorded, and zero if it was not") {
  Parameter<double> twice(Tensor<double>{3}, "twice"), never(Tensor<double>{2}, "never");
  Optimizer<double> optimizer(std::vector{twice, never}, optim::SGD{.rate = 0.1, .weight_decay = 0.5});
  const auto loss = [&](Tape<double>& tape) { return sum(tape.variable(twice) * tape.variable(twice)); };
  Tape<double> tape;
  const auto gradients = optimizer.gradients(loss(tape));
  REQUIRE(gradients.size() == 2);
  CHECK(gradients[0].value() == Tensor<double>{6});
  CHECK(gradients[1].value() == Tensor<double>{0});
  step(optimizer, loss);
  CHECK(twice.value()(0) == doctest::Approx(3 - 0.1 * (6 + 0.5 * 3)));
  CHECK(never.value()(0) == doctest::Approx(2 - 0.1 * 0.5 * 2));
}

TEST_CASE("frozen parameters are left alone, with their state") {
  Problem<double> problem;
  Optimizer<double> optimizer(problem, optim::Adam{});
  problem.first.w.set_trainable(false);
  const Tensor<double> frozen = problem.first.w.value(), before = problem.first.b.value();
  const auto loss = [&](Tape<double>& tape) {
    return problem.loss(tape.constant(reference("x")), tape.constant(reference("y")));
  };
  CHECK(optimizer.trainable().size() == 3);
  step(optimizer, loss);
  CHECK(problem.first.w.value() == frozen);
  CHECK(problem.first.b.value() != before);
  for (const auto& part : optimizer.state())
    if (part.name == "first.w.exp_avg") CHECK(part.parameter.value() == Tensor<double>(xt::zeros<double>({4, 3})));
  problem.first.w.set_trainable(true);
  step(optimizer, loss);
  CHECK(problem.first.w.value() != frozen);
}

TEST_CASE("a Buffer is listed, but never trained, and no state is kept of it") {
  struct Normed {
    Parameter<double> weight;
    Buffer<double> mean;
    Parameter<double> gain;
  };
  Normed net{Parameter<double>(Tensor<double>{1, 2}), Buffer<double>::make(Tensor<double>{3, 4}),
             Parameter<double>(Tensor<double>{5, 6})};
  net.mean.parameter.set_trainable(true);
  Optimizer<double> optimizer(net, optim::Adam{.rate = 0.1, .weight_decay = 0.1});
  const auto loss = [&](Tape<double>& tape) {
    return sum(square(tape.variable(net.weight) - tape.variable(net.mean.parameter)) * tape.variable(net.gain));
  };
  step(optimizer, loss);
  CHECK(net.mean.parameter.value() == Tensor<double>{3, 4});
  CHECK(distance(net.weight.value(), Tensor<double>{1.1, 2.1}) < 1e-6);  // the size of Adam's first step is the rate
  std::string names;
  for (const auto& part : optimizer.state()) names += part.name + " ";
  CHECK(names == "rate step weight.exp_avg weight.exp_avg_sq weight.step gain.exp_avg gain.exp_avg_sq gain.step ");
  CHECK(optimizer.trainable().size() == 2);
  REQUIRE(optimizer.parameters().size() == 3);
  CHECK(optimizer.parameters()[1].name == "mean");
  CHECK_ERROR(ValueError, "group 'mean' matches no parameter: the parameters are 'weight', 'gain'",
              Optimizer<double>(net, optim::Adam{}, {.groups = {{"mean", optim::Adam{}}}}));
  CHECK_ERROR(ValueError, "[Optimizer] no parameters", Optimizer<double>(net.mean, optim::Adam{}));
  optim::LBFGS<double> newton(net);
  newton.step(loss);
  CHECK(net.mean.parameter.value() == Tensor<double>{3, 4});
}

TEST_CASE("a parameter unfrozen late takes the steps of a new optimiser") {
  const auto check = [](const optim::Rule<double>& rule) {
    Parameter<double> early(Tensor<double>{1, -2}, "early"), late(Tensor<double>{0.5, 3}, "late");
    late.set_trainable(false);
    Optimizer<double> whole(std::vector{early, late}, rule);
    auto loss = [&](Tape<double>& tape) {
      return sum(square(square(tape.variable(early)))) + sum(exp(tape.variable(late)));
    };
    for (int i = 0; i < 50; ++i) step(whole, loss);
    late.set_trainable(true);
    Parameter<double> alone(late.value(), "late");
    Optimizer<double> fresh(alone, rule);
    for (int i = 0; i < 3; ++i) {
      step(whole, loss);
      step(fresh, [&](Tape<double>& tape) { return sum(exp(tape.variable(alone))); });
      CHECK(late.value() == alone.value());
    }
    CHECK(whole.steps() == 53);
    for (const auto& part : whole.state())
      if (part.name.ends_with(".step")) CHECK(part.parameter.value()() == (part.name == "1.step" ? 3 : 53));
  };
  check(optim::Adam{.rate = 0.01});
  check(optim::SGD{.rate = 0.01, .momentum = 0.9, .dampening = 0.5});
  check(optim::RAdam{.rate = 0.01});
}

TEST_CASE("a group names a shared parameter by any of its paths") {
  struct Tied {
    Parameter<double> encoder, decoder;
  };
  const Parameter<double> w(Tensor<double>{1}, "w");
  const Tied tied{w, w};
  Optimizer<double> optimizer(tied, optim::SGD{.rate = 1}, {.groups = {{"decoder", optim::SGD{.rate = 0.25}}}});
  Tape<double> tape;
  optimizer.update(std::vector{tape.constant(Tensor<double>{1})});
  tape.commit();
  CHECK(w.value() == Tensor<double>{0.75});
  CHECK(optimizer.parameters().size() == 1);
}

TEST_CASE("groups keep their ratio to the optimiser's rate") {
  using optim::SGD;
  Problem<double> problem;
  Optimizer<double> optimizer(problem, SGD{.rate = 1},
                              {.groups = {{"second", SGD{.rate = 0.5}}, {"*.b", SGD{.rate = 0.125}}}});
  optimizer.set_rate(0.1);
  std::vector<Tensor<double>> before;
  for (const auto& named : optimizer.parameters()) before.push_back(named.parameter.value());
  Tape<double> tape;
  std::vector<Var<double>> ones;
  for (const auto& old : before) ones.push_back(tape.constant(xt::ones_like(old)));
  optimizer.update(ones);
  tape.commit();
  const double moved[] = {0.1, 0.0125, 0.05, 0.05};  // first.w, first.b, second.w, second.b: the first group wins
  for (std::size_t i = 0; i < before.size(); ++i)
    CHECK(distance(optimizer.parameters()[i].parameter.value(), before[i] - moved[i]) < 1e-15);
}

TEST_CASE("gradients are clipped to a value, and to a norm of all of them together") {
  Tape<double> tape;
  std::vector<Var<double>> gradients{tape.constant(Tensor<double>{3, -0.5}), tape.constant(Tensor<double>{-4})};
  auto clipped = gradients;
  optim::clip_by_value(clipped, 1);
  CHECK(clipped[0].value() == Tensor<double>{1, -0.5});
  CHECK(clipped[1].value() == Tensor<double>{-1});
  CHECK(optim::global_norm(gradients).item() == doctest::Approx(std::sqrt(9 + 0.25 + 16)));
  clipped = gradients;
  CHECK(optim::clip_by_global_norm(clipped, 2).item() == doctest::Approx(std::sqrt(25.25)));
  CHECK(optim::global_norm(clipped).item() == doctest::Approx(2).epsilon(1e-6));
  optim::clip_by_global_norm(gradients, 6);
  CHECK(gradients[0].value() == Tensor<double>{3, -0.5});
}

TEST_CASE("a rule of one's own is a struct with a function") {
  Parameter<double> w(Tensor<double>{1, -2}, "w");
  Optimizer<double> optimizer(w, SignRule{.rate = 0.5});
  const auto loss = [&](Tape<double>& tape) { return sum(square(tape.variable(w))); };
  step(optimizer, loss);
  CHECK(w.value() == Tensor<double>{0.5, -1.5});
  Optimizer<double> heavy(w, HeavyRule{.rate = 0.25, .friction = 0.5});
  step(heavy, loss);  // velocity −¼·(1, −3)
  CHECK(w.value() == Tensor<double>{0.25, -0.75});
  step(heavy, loss);  // velocity ½·(−¼, ¾) − ¼·(½, −1½)
  CHECK(w.value() == Tensor<double>{0, 0});
  CHECK(heavy.state()[2].name == "w.velocity");
}

TEST_CASE("training goes on from a saved state as if it had not been interrupted") {
  const TemporaryFolder folder;
  const auto rule = optim::AdamW{.rate = 0.01, .amsgrad = true};
  const Problem<double> whole, first, second;
  Optimizer<double> uninterrupted(whole, rule), one(first, rule), other(second, rule);
  train(whole, uninterrupted, 12, [](int) {});
  one.set_rate(0.01);
  train(first, one, 8, [](int) {});
  std::vector<io::NamedTensor<double>> saved;
  for (const auto& part : one.state()) saved.push_back({part.name, part.parameter.value()});
  CHECK(saved.size() == 2 + (3 + 1) * 4);
  io::save_npz(folder / "state.npz", saved);
  other.set_rate(1);
  other.load_state(io::load_npz<double>(folder / "state.npz"));
  CHECK(other.rate() == 0.01);
  CHECK(other.steps() == 8);
  std::vector<Parameter<double>> from, to;
  for_each_parameter(first, [&](const std::string&, const auto& parameter) { from.push_back(parameter); });
  for_each_parameter(second, [&](const std::string&, const auto& parameter) { to.push_back(parameter); });
  for (std::size_t i = 0; i < from.size(); ++i) to[i].assign(from[i].value());
  train(second, other, 4, [](int) {});
  CHECK(second.flat() == whole.flat());
}

TEST_CASE("rules work in float, near double") {
  const auto run = []<class T>(const optim::Rule<T>& rule, T) {
    const Problem<T> problem;
    Optimizer<T> optimizer(problem, rule);
    train(problem, optimizer, 300, [](int) {});
    return problem.flat();
  };
  const auto compare = [&](const auto& rule) {
    const auto in_float = run(optim::Rule<float>(rule), 0.0F), in_double = run(optim::Rule<double>(rule), 0.0);
    for (std::size_t i = 0; i < in_float.size(); ++i) CHECK(std::abs(in_float[i] - in_double[i]) < 2e-5);
  };
  using namespace optim;
  compare(SGD{.rate = 0.02, .momentum = 0.9});
  compare(Adam{.rate = 0.01});
  compare(Adadelta{});
  compare(RMSprop{.rate = 0.001, .momentum = 0.5, .centered = true});
  compare(Adamax{.rate = 0.01});
  compare(NAdam{.rate = 0.01});
  compare(RAdam{.rate = 0.01});
}

TEST_CASE("mistakes are errors that change nothing") {
  using namespace optim;
  const Problem<double> problem;
  CHECK_ERROR(ValueError, "[SGD] rate -1: expected a finite number of at least 0",
              Optimizer<double>(problem, SGD{.rate = -1}));
  CHECK_ERROR(ValueError, "[SGD] nesterov with momentum 0", Optimizer<double>(problem, SGD{.nesterov = true}));
  CHECK_ERROR(ValueError, "[AdamW] beta2 1", Optimizer<double>(problem, AdamW{.beta2 = 1}));
  CHECK_ERROR(ValueError, "[Lion] weight_decay nan", Optimizer<double>(problem, Lion{.weight_decay = std::nan("")}));
  CHECK_ERROR(ValueError, "group 'fir' matches no parameter: the parameters are 'first.w', 'first.b'",
              Optimizer<double>(problem, SGD{}, {.groups = {{"fir", SGD{}}}}));
  CHECK_ERROR(
      ValueError,
      "group 'first.b' has no parameters left: 'first.b' belongs to the earlier group 'first'; put the narrower group",
      Optimizer<double>(problem, SGD{}, {.groups = {{"second", SGD{}}, {"first", SGD{}}, {"first.b", SGD{}}}}));
  CHECK_ERROR(ValueError, "group 'first' has rate 0.1 and the optimiser 0",
              Optimizer<double>(problem, SGD{.rate = 0}, {.groups = {{"first", SGD{.rate = 0.1}}}}));
  CHECK_ERROR(ValueError, "clip_norm -1: expected a positive limit",
              Optimizer<double>(problem, SGD{}, {.clip_norm = -1}));
  Tape<double> scratch;
  std::vector<Var<double>> gradients{scratch.constant(Tensor<double>{3, -4})};
  for (const double limit : {0.0, -1.0, std::nan("")}) {
    CHECK_ERROR(ValueError, "[clip_by_value] a limit of ", clip_by_value(gradients, limit));
    CHECK_ERROR(ValueError, "[clip_by_global_norm] a limit of ", clip_by_global_norm(gradients, limit));
  }
  CHECK(gradients[0].value() == Tensor<double>{3, -4});
  CHECK_ERROR(ValueError, "no parameters", Optimizer<double>(std::vector<Parameter<double>>{}, SGD{}));
  CHECK_ERROR(
      ValueError, "'w' and 'v': expected every parameter and every path once",
      Optimizer<double>(std::vector<NamedParameter<double>>{{"w", problem.first.w}, {"v", problem.first.w}}, SGD{}));

  Optimizer<double> optimizer(problem, Adam{.rate = 0.1});
  CHECK_ERROR(ValueError, "rate inf", optimizer.set_rate(std::numeric_limits<double>::infinity()));
  CHECK(optimizer.rate() == 0.1);
  Tape<double> tape;
  const auto loss = problem.loss(tape.constant(reference("x")), tape.constant(reference("y")));
  const auto nodes = tape.size();
  CHECK_ERROR(GradientError, "a value of shape (2,): expected a scalar",
              optimizer.update(Var<double>(tape.variable(problem.second.b))));
  CHECK_ERROR(ShapeError, "1 gradients: expected one for each of 4", optimizer.update(std::vector{loss}));
  CHECK_ERROR(ShapeError, "a gradient of shape () for 'first.w' of shape (4, 3)",
              optimizer.update(std::vector{loss, loss, loss, loss}));
  CHECK(tape.size() == nodes);  // the bias was on the tape already
  CHECK(tape.updates().empty());
  optimizer.update(loss);
  const auto queued = tape.updates().size(), recorded = tape.size();
  CHECK_ERROR(ValueError, "a step is already queued", optimizer.update(loss));
  CHECK(tape.updates().size() == queued);
  CHECK(tape.size() == recorded);
  // A loop without commit() fails at its second step.
  CHECK_ERROR(ValueError, "[clear] ", (tape.clear(), 0));

  auto state = optimizer.state();
  state.push_back({"other", state[0].parameter});
  CHECK_ERROR(ValueError, "unexpected state 'other'", optimizer.load_state(state));
  state.back().name = "rate";
  CHECK_ERROR(ValueError, "state 'rate' is given twice", optimizer.load_state(state));
  state.pop_back();
  std::swap(state[2].parameter, state.front().parameter);
  CHECK_ERROR(ShapeError, "state 'rate' of shape (4, 3): expected ()", optimizer.load_state(state));
  state = optimizer.state();
  state.pop_back();
  CHECK_ERROR(ValueError, "state 'second.b.step' is missing", optimizer.load_state(state));
  CHECK(optimizer.rate() == 0.1);
}

TEST_CASE("a step that would train nothing, or leave something out, is refused") {
  Parameter<double> w(Tensor<double>{1, 2}, "w"), stray(Tensor<double>{3, 4}, "stray");
  Optimizer<double> optimizer(w, optim::SGD{.rate = 0.5});
  const auto both = [&](Tape<double>& tape) { return sum(tape.variable(w) * tape.variable(stray)); };
  Tape<double> tape;
  const std::string left_out =
      "[Optimizer] the loss depends on trainable parameters that belong to no optimiser (stray (2,) at "
      "optimizer_test.cpp:";
  CHECK_ERROR(ValueError, left_out, optimizer.update(both(tape)));
  CHECK(tape.updates().empty());
  // The same in a Program.
  auto program = compiled<double>([&](Tape<double>& t) {
    const auto loss = both(t);
    optimizer.update(loss);
    return loss;
  });
  CHECK(contains(message_of<ValueError>([&] { program(); }), left_out));
  // Accepted: parameters without gradient, frozen, written by a queued update, or with gradients computed explicitly.
  step(optimizer, [&](Tape<double>& t) { return sum(t.variable(w) * stop_gradient(t.variable(stray))); });
  step(optimizer, [&](Tape<double>& t) { return sum(t.variable(w) * (t.variable(stray) > 0)); });
  step(optimizer, [&](Tape<double>& t) {
    const auto loss = both(t);
    t.update(stray, t.variable(stray) - grad(loss, t.variable(stray))[0]);
    return loss;
  });
  tape.clear();
  optimizer.update(optimizer.gradients(both(tape)));
  tape.commit();
  stray.set_trainable(false);
  step(optimizer, both);
  stray.set_trainable(true);
  CHECK(optimizer.steps() == 5);
  {  // Adversarial networks have one optimiser each.
    const Optimizer<double> other(stray, optim::SGD{});
    const Optimizer<double> copy = other;  // NOLINT: a copy counts as the same optimiser
    step(optimizer, both);
  }
  tape.clear();
  CHECK_ERROR(ValueError, left_out, optimizer.update(both(tape)));

  Parameter<double> twin(Tensor<double>{1, 2}, "twin");
  Optimizer<double> of_twin(twin, optim::SGD{});
  CHECK_ERROR(ValueError,
              "[Optimizer] the loss reads none of the optimiser's parameters ('twin'), so nothing is trained",
              of_twin.update(sum(tape.variable(w))));
  w.set_trainable(false);
  CHECK_ERROR(ValueError, "[Optimizer] all parameters of the optimiser are frozen ('w'), so nothing is trained",
              optimizer.update(sum(tape.variable(w))));
  CHECK_ERROR(ValueError, "[Optimizer] all parameters of the optimiser are frozen ('w'), so nothing is trained",
              optimizer.update(std::vector<Var<double>>{}));
  CHECK_ERROR(HandleError, "[Optimizer] the operand is an empty handle", optimizer.update(Var<double>()));
}

TEST_CASE("a loss that reads none of the parameters is refused, also where they are on its tape") {
  const Parameter<double> w(Tensor<double>{1, 2}, "w");
  Optimizer<double> optimizer(w, optim::SGD{.rate = 0.1});
  Tape<double> tape;
  const auto x = tape.constant(Tensor<double>{1, 2});
  const auto y = tape.variable(w) * x;
  CHECK_ERROR(ValueError, "[Optimizer] the loss reads none of the optimiser's parameters ('w')",
              (optimizer.update(sum(square(x))), 0));
  CHECK(tape.updates().empty());
  optimizer.update(sum(square(y)));
  CHECK(!tape.updates().empty());
}
