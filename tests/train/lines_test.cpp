// Errors of public functions are wengert::Errors and name the caller's line: tapes, Programs, networks, optimisers.
#include "train/lines.hpp"

#include <wengert/io/named_tensor.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

constexpr std::size_t huge = std::size_t{1} << 40;

}  // namespace

TEST_CASE("errors of tapes, Vars and Programs name the caller's line") {
  Tape<double> tape, other;
  const Parameter<double> w(Tensor<double>{1, 2}, "w");
  const auto x = tape.variable(Tensor<double>{1, 2});
  auto gone = std::make_unique<Tape<double>>();
  const auto dead = gone->variable(Tensor<double>{1, 2});
  const auto dead_index = gone->indices(Indices{1, 0});
  gone.reset();
  const auto mark = tape.mark();
  const auto stale = x * 2;
  const auto late = tape.mark();
  tape.rewind(mark);
  auto program = compile(tape, {x}, {x * 2});
  auto moved = compile(tape, {x}, {x * 3});
  const auto taken = std::move(moved);
  auto step = compiled<double>([](auto&, auto a) { return a; });
  step(Tensor<double>{1});
  Mistakes mistakes;
  for (const auto& v : {dead, stale, Var<double>()}) {
    mistakes.insert(mistakes.end(), {{"shape", [=] { v.shape(); }},
                                     {"size", [=] { v.size(); }},
                                     {"rank", [=] { v.rank(); }},
                                     {"item", [=] { v.item(); }},
                                     {"value", [=] { v.value(); }},
                                     {"view", [=] { v.view(); }},
                                     {"add", [=] { v + 1; }},
                                     {"matmul", [=] { matmul(v, v); }},
                                     {"sum", [=] { sum(v); }},
                                     {"stop_gradient", [=] { stop_gradient(v); }},
                                     {"masked_select", [=] { masked_select(v, v); }},
                                     {"grad", [=] { grad(v, v); }},
                                     {"gradients", [=] { gradients(v, v); }},
                                     {"jvp", [=] { jvp(v, {v}, {v}); }},
                                     {"hvp", [=] { hvp(v, {v}, {v}); }},
                                     {"jacobian", [=] { jacobian(v, {v}); }},
                                     {"hessian", [=] { hessian(v, {v}); }},
                                     {"to_dot", [=] { to_dot(v); }},
                                     {"explain", [=] { explain(v, {v}); }},
                                     {"seed", [=] { grad(seed(v, v), v); }}});
    if (!(v.index() == stale.index() && !v.empty())) mistakes.push_back({"tape", [=] { v.tape(); }});
    mistakes.push_back({"update", [=, &tape] { tape.update(w, v); }});
  }
  mistakes.insert(mistakes.end(),
                  {{"index shape", [=] { dead_index.shape(); }},
                   {"index item", [=] { dead_index.item(); }},
                   {"index value", [=] { dead_index.value(); }},
                   {"rewind", [&, late] { tape.rewind(late); }},
                   {"rewind of another", [&, mark] { other.rewind(mark); }},
                   {"update shape", [&] { tape.update(w, tape.constant(Tensor<double>{1})); }},
                   {"assign", [&] { Parameter<double>(w).assign(Tensor<double>{1}); }},
                   {"grad of a vector", [=] { grad(x, x); }},
                   {"cotangent", [&] { grad(seed(x, tape.constant(Tensor<double>{1})), x); }},
                   {"jvp of others",
                    [=] {
                      jvp(x, {x}, {x, x});
                    }},
                   {"hvp of others", [&] { hvp(sum(x * x), {x}, {tape.constant(Tensor<double>{1})}); }},
                   {"broadcast",
                    [&] {
                      x + Tensor<double>{1, 2, 3};
                    }},
                   {"axis", [=] { sum(x, 5); }},
                   {"reshape", [=] { reshape(x, {3}); }},
                   {"too large",
                    [=] {
                      broadcast_to(reshape(x, {2, 1}), {2, std::size_t{1} << 53}) * 2.0;
                    }},
                   {"too large for memory",
                    [=] {
                      broadcast_to(reshape(x, {2, 1}), {2, std::size_t{1} << 62});
                    }},
                   {"einsum", [=] { einsum("ij->i", x); }},
                   {"masked_select",
                    [&] {
                      masked_select(x, tape.constant(Tensor<double>{1, 2, 3}));
                    }},
                   {"checkpoint", [=] { checkpoint([](auto a) {
                                          return a + Tensor<double>{1, 2, 3};
                                        })(x); }},
                   {"compile", [&] { compile(tape, {x * 2}, {x}); }},
                   {"program inputs",
                    [&] {
                      program(Tensor<double>{1, 2, 3});
                    }},
                   {"program number", [&] { program(); }},
                   {"program kind",
                    [&] {
                      program(Indices{1, 2});
                    }},
                   {"program output", [&] { program.value(3); }},
                   {"program indices", [&] { program.indices(); }},
                   {"program item", [&] { program.item(); }},
                   {"program in place", [&] { program.output(3); }},
                   {"program input", [&] { program.input_shape(3); }},
                   {"moved Program", [&] { moved.value(); }},
                   {"compiled", [&] { compiled<double>([](auto&, auto a) { return a; }, {.max_programs = 0}); }},
                   {"of values", [] { compiled<double>([](auto&, auto a) { return a.item() > 0 ? a : -a; })(1.0); }},
                   {"shapes within",
                    [] {
                      compiled<double>([](auto&, auto a) { return a + Tensor<double>{1, 2, 3}; })(Tensor<double>{1, 2});
                    }},
                   {"DataParallel", [&] { DataParallel<double>({w}, 0); }}});
  check_lines(mistakes);
}

TEST_CASE("errors of networks name the caller's line") {
  Generator g(1);
  const auto linear = nn::Linear<double>::make(2, 2, g);
  const auto chain = nn::sequential(linear, nn::ReLU{}, linear);
  const auto conv = nn::Conv2d<double>::make(3, 4, 3, g);
  const auto lstm = nn::LSTM<double>::make(2, 4, g);
  const auto attention = nn::MultiheadAttention<double>::make(4, 2, g);
  const auto encoder = nn::TransformerEncoderLayer<double>::make(4, 2, g);
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>{{1, 2, 3}});
  auto gone = std::make_unique<Tape<double>>();
  const auto dead = gone->variable(Tensor<double>{{1, 2}});
  gone.reset();
  check_lines({
      {"Linear::make", [&] { nn::Linear<double>::make(0, 2, g); }},
      {"Linear of memory", [&] { nn::Linear<double>::make(huge, huge, g); }},
      {"Conv2d::make", [&] { nn::Conv2d<double>::make(3, 4, 0, g); }},
      {"Dropout::make", [&] { nn::Dropout::make(2, g); }},
      {"BatchNorm::make", [&] { nn::BatchNorm<double>::make(0); }},
      {"LayerNorm::make", [&] { nn::LayerNorm<double>::make({}); }},
      {"GroupNorm::make", [&] { nn::GroupNorm<double>::make(3, 4); }},
      {"Embedding::make", [&] { nn::Embedding<double>::make(0, 4, g); }},
      {"GRU::make", [&] { nn::GRU<double>::make(0, 4, g); }},
      {"MultiheadAttention::make", [&] { nn::MultiheadAttention<double>::make(4, 3, g); }},
      {"TransformerEncoderLayer::make", [&] { nn::TransformerEncoderLayer<double>::make(4, 3, g); }},
      {"Linear", [&] { linear(x); }},
      {"Linear of a scalar", [&] { linear(tape.constant(1.0)); }},
      {"a Sequential", [&] { chain(x); }},
      {"a Sequential of nothing", [&] { chain(Var<double>()); }},
      {"a Sequential of what is gone", [&] { chain(dead); }},
      {"Linear of what is gone", [&] { linear(dead); }},
      {"ReLU of what is gone", [&] { nn::ReLU{}(dead); }},
      {"PReLU of what is gone", [&] { nn::PReLU<double>::make()(dead); }},
      {"PReLU", [&] { nn::PReLU<double>::make(7)(x); }},
      {"Conv2d", [&] { conv(x); }},
      {"MaxPool2d", [&] { nn::MaxPool2d{2}(x); }},
      {"AdaptiveAvgPool2d", [&] { nn::AdaptiveAvgPool2d{2}(x); }},
      {"BatchNorm", [&] { nn::BatchNorm<double>::make(5)(x); }},
      {"LayerNorm", [&] { nn::LayerNorm<double>::make({5})(x); }},
      {"RMSNorm", [&] { nn::RMSNorm<double>::make({5})(x); }},
      {"GroupNorm", [&] { nn::GroupNorm<double>::make(2, 4)(x); }},
      {"Embedding", [&] { nn::Embedding<double>::make(3, 2, g)(tape.indices(Indices{7})); }},
      {"LSTM", [&] { lstm(x); }},
      {"LSTM's state",
       [&] {
         lstm.run(tape.constant(random_tensor({1, 2, 2}, 1)), {x, x});
       }},
      {"attention", [&] { attention(x); }},
      {"attention's keys",
       [&] {
         const auto q = tape.constant(random_tensor({1, 2, 4}, 1)), k = tape.constant(random_tensor({2, 2, 4}, 1));
         attention(q, k, k);
       }},
      {"attention's mask",
       [&] {
         const auto q = tape.constant(random_tensor({1, 2, 4}, 1));
         attention(q, q, q, {.mask = tape.constant(random_tensor({5, 5}, 1))});
       }},
      {"an encoder", [&] { encoder(x); }},
      {"an encoder's mask",
       [&] {
         encoder(tape.constant(random_tensor({1, 2, 4}, 1)), {.mask = tape.constant(random_tensor({5, 5}, 1))});
       }},
      {"residual", [&] { nn::residual(nn::sequential(nn::Linear<double>::make(3, 2, g)))(x); }},
      {"Flatten", [&] { nn::Flatten{}(tape.constant(1.0)); }},
      {"Softmax", [&] { nn::Softmax{5}(x); }},
      {"summary",
       [&] {
         nn::summary(chain, {1, 3});
       }},
      {"summary of a layer",
       [&] {
         nn::summary(linear, {1, 3});
       }},
      {"summary of a tensor",
       [&] {
         nn::summary(linear, Tensor<double>{{1, 2, 3}});
       }},
      {"summary of an own layer",
       [&] {
         nn::summary(nn::sequential([](auto a) { return a + Tensor<float>{1, 2}; }), {1, 3});
       }},
      {"check",
       [&] {
         nn::check(
             linear, [](const auto& n, auto a) { return sum(n(a)); }, Tensor<double>{{1, 2, 3}});
       }},
      {"parameter", [&] { nn::parameter(chain, "7.weight"); }},
      {"freeze", [&] { nn::freeze(chain, "nothing"); }},
      {"unfreeze", [&] { nn::unfreeze(chain, "nothing"); }},
      {"grad",
       [&] {
         nn::grad(linear(tape.constant(Tensor<double>{{1, 2}})), linear);
       }},
      {"uniform", [&] { nn::uniform(linear.weight, g, 1, 0); }},
      {"normal", [&] { nn::normal(linear.weight, g, 0, -1); }},
      {"truncated_normal", [&] { nn::truncated_normal(linear.weight, g, 0, 1, 3, 2); }},
      {"fan_of", [&] { nn::fan_of(Shape{3}); }},
      {"xavier_uniform", [&] { nn::xavier_uniform(*linear.bias, g); }},
      {"he_normal", [&] { nn::he_normal(*linear.bias, g); }},
      {"xavier_uniform's gain", [&] { nn::xavier_uniform(linear.weight, g, not_a_number); }},
      {"he_uniform's slope",
       [&] {
         nn::he_uniform(linear.weight, g, {.nonlinearity = nn::Nonlinearity::leaky_relu, .slope = not_a_number});
       }},
      {"orthogonal's gain", [&] { nn::orthogonal(linear.weight, g, not_a_number); }},
      {"LSTM's state of another tape",
       [&] {
         Tape<double> other;
         const auto state = other.constant(random_tensor({1, 1, 4}, 1));
         lstm.run(tape.constant(random_tensor({1, 2, 2}, 1)), {state, state});
       }},
      {"orthogonal", [&] { nn::orthogonal(*linear.bias, g); }},
  });
}

TEST_CASE("errors of optimisers name the caller's line") {
  const auto network = nn::Linear<double>::make(2, 2, Generator(1));
  optim::Optimizer<double> optimizer(network, optim::SGD{});
  optim::LBFGS<double> lbfgs(network);
  Tape<double> tape;
  const auto x = tape.constant(Tensor<double>{{1, 2}});
  check_lines({
      {"nothing to train", [&] { optim::Optimizer<double>(std::vector<NamedParameter<double>>{}, optim::SGD{}); }},
      {"a negative rate", [&] { optim::Optimizer<double>(network, optim::SGD{.rate = -1}); }},
      {"a rate that is NaN", [&] { optim::Optimizer<double>(network, optim::Adam{.rate = not_a_number}); }},
      {"a beta", [&] { optim::Optimizer<double>(network, optim::Adam{.beta1 = 1}); }},
      {"a limit", [&] { optim::Optimizer<double>(network, optim::SGD{}, {.clip_norm = -1}); }},
      {"a group",
       [&] {
         optim::Optimizer<double>(network, optim::SGD{}, {.groups = {{"x", optim::SGD{}}}});
       }},
      {"set_rate", [&] { optimizer.set_rate(not_a_number); }},
      {"a negative set_rate", [&] { optimizer.set_rate(-1); }},
      {"update of a vector", [&] { optimizer.update(network(x)); }},
      {"update of nothing", [&] { optimizer.update(Var<double>()); }},
      {"update of another's loss", [&] { optimizer.update(sum(x)); }},
      {"gradients of nothing", [&] { optimizer.gradients(Var<double>()); }},
      {"gradients too few", [&] { optimizer.update(std::vector<Var<double>>{x}); }},
      {"gradients of no tape", [&] { optimizer.update(std::vector<Var<double>>(2)); }},
      {"gradients of other shapes",
       [&] {
         optimizer.update(std::vector<Var<double>>{x, x});
       }},
      {"load_state", [&] { optimizer.load_state(std::vector<io::NamedTensor<double>>{}); }},
      {"set_rate in a Program",
       [&] {
         compiled<double>([&](auto&, auto a) {
           optimizer.set_rate(0.1);
           return a;
         })(1.0);
       }},
      {"LBFGS of nothing", [&] { optim::LBFGS<double>(std::vector<NamedParameter<double>>{}); }},
      {"LBFGS's iterations", [&] { optim::LBFGS<double>(network, {.max_iterations = 0}); }},
      {"LBFGS's history", [&] { optim::LBFGS<double>(network, {.history_size = 0}); }},
      {"LBFGS's loss", [&] { lbfgs.step([&](auto& t) {
                               return network(t.constant(Tensor<double>{{1, 2}}));
                             }); }},
      {"LBFGS's loss is NaN",
       [&] { lbfgs.step([&](auto& t) {
               return sum(network(t.constant(Tensor<double>{{not_a_number, 2}})));
             }); }},
      {"LBFGS's gradient is NaN",
       [&] { lbfgs.step([&](auto& t) {
               return sum(sqrt(0 * network(t.constant(Tensor<double>{{1, 2}}))));
             }); }},
      {"LBFGS's state",
       [&] {
         lbfgs.load_state(std::vector<io::NamedTensor<double>>{{"change", Tensor<double>{1}}});
       }},
      {"clip_by_value",
       [&] {
         std::vector<Var<double>> all{x};
         optim::clip_by_value(all, -1);
       }},
      {"clip_by_global_norm",
       [&] {
         std::vector<Var<double>> all{x};
         optim::clip_by_global_norm(all, not_a_number);
       }},
      {"global_norm of nothing", [&] { optim::global_norm(std::vector<Var<double>>{Var<double>()}); }},
  });
}
