// Recurrent layers, attention and losses on padded sequences, compared with PyTorch's packed ones and masks.
#include "../testing.hpp"
#include <wengert/io/npz.hpp>
#include <wengert/nn.hpp>

#include <map>

using namespace wengert;
using namespace wengert::testing;

namespace {

// The cases of padded_reference.npz; padded_reference.py describes their contents.
class PaddedReference {
 public:
  PaddedReference() {
    for (auto& [name, value] : io::load_npz<double>(PROJECT_SOURCE_DIR "/tests/nn/padded_reference.npz"))
      arrays_.emplace(std::move(name), std::move(value));
  }
  const Tensor<double>& array(const std::string& name) const {
    CAPTURE(name);
    REQUIRE(arrays_.contains(name));
    return arrays_.at(name);
  }
  Indices lengths() const { return xt::cast<std::int64_t>(array("lengths")); }
  // The input of a case, with another value in the padding.
  Tensor<double> input(const std::string& name, double padding) const {
    Tensor<double> x = array(name + ".x");
    const Indices n = lengths();
    for (std::size_t i = 0; i < n.size(); ++i)
      for (auto k = static_cast<std::size_t>(n(i)); k < x.shape()[1]; ++k) xt::view(x, i, k) = padding;
    return x;
  }
  template <class Module>
  void load(const std::string& name, const Module& module) const {
    for_each_parameter(module, [&](const std::string& path, Parameter<double> parameter) {
      parameter.assign(array(name + ".p." + path));
    });
  }
  template <class Module>
  void check_gradients(const std::string& name, const Module& module, Var<double> loss, Var<double> x) const {
    CHECK(distance(wengert::grad(loss, x)[0].value(), array(name + ".dx")) < 1e-12);
    for (const auto& [path, parameter, gradient] : nn::grad(loss, module)) {
      CAPTURE(path);
      CHECK(distance(gradient.value(), array(name + ".d." + path)) < 1e-12);
    }
  }

  template <class Module>
  void check_recurrent(const std::string& name, const Module& module) const {
    load(name, module);
    for (const double padding : {0.0, 7.0, std::nan(""), infinity}) {
      CAPTURE(name);
      CAPTURE(padding);
      Tape<double> tape;
      const auto given = [&](const std::string& key) { return tape.constant(array(name + "." + key)); };
      const auto x = tape.variable(input(name, padding)), h0 = tape.variable(array(name + ".h0"));
      const auto n = tape.indices(lengths());
      std::vector<Var<double>> states{h0}, last;
      Var<double> y;
      if constexpr (requires { module.run(x).state; }) {
        states.push_back(tape.variable(array(name + ".c0")));
        const auto [output, state] = module.run(x, {h0, states[1]}, n);
        y = output;
        last = {state.hidden, state.cell};
      } else {
        const auto [output, state] = module.run(x, h0, n);
        y = output;
        last = {state};
      }
      CHECK(distance(y.value(), array(name + ".y")) < 1e-13);
      auto loss = sum(given("cy") * y);
      for (std::size_t i = 0; i < last.size(); ++i) {
        const std::string part(1, "hc"[i]);
        CHECK(distance(last[i].value(), array(name + "." + part)) < 1e-13);
        loss = loss + sum(given("c" + part) * last[i]);
      }
      check_gradients(name, module, loss, x);
      for (std::size_t i = 0; i < states.size(); ++i) {
        const std::string part(1, "hc"[i]);
        CHECK(distance(wengert::grad(loss, states[i])[0].value(), array(name + ".d" + part + "0")) < 1e-12);
      }
    }
    check_gradcheck_and_program(name, module, [](const auto& m, auto x, auto n) { return m(x, n); });
  }

  // Checks a module that maps Vars x and y to attention, with lengths in the options.
  template <class Module, class Apply>
  void check_attention(const std::string& name, const Module& module, const Apply& apply) const {
    load(name, module);
    const double paddings[] = {0.0, 7.0, std::nan("")};
    for (const double padding : paddings) {
      CAPTURE(name);
      CAPTURE(padding);
      Tape<double> tape;
      const auto x = tape.variable(input(name, padding));
      const auto n = tape.indices(lengths());
      // cy is 0 at the padding, where PyTorch's results have no meaning.
      const auto y = mask_steps(apply(module, x, n), n);
      CHECK(distance(y.value(), mask_steps(tape.constant(array(name + ".y")), n).value()) < 1e-13);
      check_gradients(name, module, sum(tape.constant(array(name + ".cy")) * y), x);
    }
    check_gradcheck_and_program(name, module,
                                [&](const auto& m, auto x, auto n) { return mask_steps(apply(m, x, n), n); });
  }

 private:
  template <class Module, class Apply>
  void check_gradcheck_and_program(const std::string& name, const Module& module, const Apply& apply) const {
    const Indices n = lengths();
    CHECK(gradcheck(apply, module, array(name + ".x"), n, GradcheckOptions{.mode = GradcheckMode::fast}));
    auto step = compiled<double>([&](auto&, auto x, auto k) {
      const auto y = apply(module, x, k);
      return std::tuple(y, wengert::grad(sum(y * y), x)[0]);
    });
    for (const Indices& each : {n, Indices{4, 1, 5, 3}, Indices{5, 0, 2, 1}}) {
      Tape<double> tape;
      const auto x = tape.variable(array(name + ".x"));
      const auto y = apply(module, x, tape.indices(each));
      auto& replay = step(x.value(), each);
      CHECK(distance(replay.value(0), y.value()) < 1e-13);
      CHECK(distance(replay.value(1), wengert::grad(sum(y * y), x)[0].value()) < 1e-12);
    }
    CHECK(step.size() == 1);
    const std::string message = message_of<ValueError>([&] { step(array(name + ".x"), Indices{5, 6, 2, 1}); });
    INFO(message);
    CHECK(contains(message, "length 6 at (1,): expected 0 to 5, the number of steps with padding"));
    CHECK(contains(message, fmt::format("({}:", __FILE__)));
    const auto narrow = converted<float>(module);
    Tape<double> tape;
    Tape<float> tape_in_float;
    const auto y = apply(module, tape.constant(array(name + ".x")), tape.indices(n));
    const auto z = apply(narrow, tape_in_float.constant(Tensor<float>(xt::cast<float>(array(name + ".x")))),
                         tape_in_float.indices(n));
    CHECK(distance(z.value(), y.value()) < 1e-5);
  }

  std::map<std::string, Tensor<double>> arrays_;
};

}  // namespace

TEST_CASE("recurrent layers read padded sequences as PyTorch reads packed ones, whatever the padding holds") {
  const PaddedReference r;
  const Generator g(1);
  const nn::RecurrentOptions both{.layers = 2, .bidirectional = true};
  r.check_recurrent("rnn", nn::RNN<double>::make(3, 4, g, both, nn::RecurrentActivation::relu));
  r.check_recurrent("gru", nn::GRU<double>::make(3, 4, g, {.bias = false, .layers = 2, .bidirectional = true}));
  r.check_recurrent("lstm", nn::LSTM<double>::make(3, 4, g, both));
  r.check_recurrent("rnn.one", nn::RNN<double>::make(3, 4, g));
  r.check_recurrent("gru.one", nn::GRU<double>::make(3, 4, g));
  r.check_recurrent("lstm.one", nn::LSTM<double>::make(3, 4, g, {.layers = 2}));
}

TEST_CASE("attention with lengths is PyTorch's with a padding mask") {
  const PaddedReference r;
  const Generator g(1);
  r.check_attention("attention", nn::MultiheadAttention<double>::make(4, 2, g),
                    [](const auto& m, auto x, auto n) { return m(x, x, x, {.lengths = n}); });
  r.check_attention("encoder", nn::TransformerEncoderLayer<double>::make(4, 2, g, {.feedforward = 6, .dropout = 0}),
                    [](const auto& m, auto x, auto n) { return m(x, {.lengths = n}); });
  r.check_attention(
      "encoder.first",
      nn::TransformerEncoderLayer<double>::make(4, 2, g, {.feedforward = 6, .dropout = 0, .norm_first = true}),
      [](const auto& m, auto x, auto n) { return m(x, {.lengths = n}); });
  const std::string name = "attention.cross";  // the queries hold the padding elsewhere, so it must be finite
  const auto cross = nn::MultiheadAttention<double>::make(4, 2, g);
  r.load(name, cross);
  Tape<double> tape;
  const auto x = tape.variable(r.array(name + ".x"));
  const auto y = cross(flip(x, 1), x, 2 * x, {.lengths = tape.indices(r.lengths())});
  CHECK(distance(y.value(), r.array(name + ".y")) < 1e-13);
  r.check_gradients(name, cross, sum(tape.constant(r.array(name + ".cy")) * y), x);
}

TEST_CASE("cross-attention with lengths ignores NaN in padded keys and values, on the tape and in a Program") {
  const auto cross = nn::MultiheadAttention<double>::make(4, 2, Generator(3));
  const auto query = random_tensor({2, 3, 4}, 1), keys = random_tensor({2, 5, 4}, 2),
             values = random_tensor({2, 5, 4}, 3);
  Tensor<double> padded_keys = keys, padded_values = values;
  xt::view(padded_keys, 1, xt::range(2, 5)) = std::numeric_limits<double>::quiet_NaN();
  xt::view(padded_values, 1, xt::range(2, 5)) = std::numeric_limits<double>::quiet_NaN();
  Tape<double> tape;
  const auto q = tape.variable(query), k = tape.variable(padded_keys), v = tape.variable(padded_values);
  const auto n = tape.indices(Indices{5, 2});
  const auto y = cross(q, k, v, {.lengths = n});
  // Each sample alone, without padding.
  for (const std::size_t i : {0U, 1U}) {
    const std::size_t length = i == 0 ? 5 : 2;
    const auto part = [&](const Tensor<double>& x, std::size_t steps) {
      return tape.constant(Tensor<double>(xt::view(x, xt::range(i, i + 1), xt::range(std::size_t{0}, steps))));
    };
    const auto alone = cross(part(query, 3), part(keys, length), part(values, length));
    CHECK(distance(Tensor<double>(xt::view(y.value(), xt::range(i, i + 1))), alone.value()) < 1e-13);
  }
  const auto [dq, dk, dv] = grad(sum(y * y), q, k, v);
  for (const auto& g : {dq, dk, dv}) CHECK(xt::all(xt::isfinite(g.value())));
  CHECK(xt::all(xt::equal(xt::view(dk.value(), 1, xt::range(2, 5)), 0.0)));
  CHECK(xt::all(xt::equal(xt::view(dv.value(), 1, xt::range(2, 5)), 0.0)));
  auto program = compile(tape, {q, k, v, n}, {y, dq, dk, dv}, {.fuse = false, .allow_value_dependence = true});
  program(query, padded_keys, padded_values, Indices{5, 2});
  CHECK(program.value(0) == y.value());
  CHECK(program.value(1) == dq.value());
  CHECK(program.value(2) == dk.value());
  CHECK(program.value(3) == dv.value());
}

TEST_CASE("a layer with lengths zeroes its padded outputs; an encoder layer, too") {
  const Generator g(2);
  Tape<double> tape;
  const auto x = tape.constant(random_tensor({2, 4, 4}, 1));
  const auto n = tape.indices(Indices{4, 2});
  const auto rest = [](Var<double> y) { return Tensor<double>(xt::view(y.value(), 1, xt::range(2, 4))); };
  const Tensor<double> none = xt::zeros<double>({2, 4});
  CHECK(rest(nn::GRU<double>::make(4, 4, g)(x, n)) == none);
  CHECK(rest(nn::TransformerEncoderLayer<double>::make(4, 2, g, {.feedforward = 8})(x, {.lengths = n})) == none);
}

TEST_CASE("each sequence of a padded batch is read as if it were alone") {
  const Generator g(5);
  const auto layer = nn::LSTM<double>::make(3, 4, g, {.layers = 2, .bidirectional = true});
  Tape<double> tape;
  const auto x = tape.constant(random_tensor({3, 6, 3}, 1));
  const auto batch = layer.run(x, {}, tape.indices(Indices{2, 6, 3}));
  for (const auto& [row, length] : {std::pair{0, 2}, std::pair{1, 6}, std::pair{2, 3}}) {
    const auto alone = layer.run(slice(x, {xt::range(row, row + 1), xt::range(0, length)}));
    const auto same = [&](Var<double> padded, Var<double> whole) {
      return distance(padded.value(), whole.value()) < 1e-14;
    };
    CHECK(same(slice(batch.output, {xt::range(row, row + 1), xt::range(0, length)}), alone.output));
    CHECK(same(slice(batch.state.hidden, 1, xt::range(row, row + 1)), alone.state.hidden));
    CHECK(same(slice(batch.state.cell, 1, xt::range(row, row + 1)), alone.state.cell));
  }
}

TEST_CASE("a sequence of length 0 keeps its initial state; attention to no keys gives zeros") {
  const Generator g(5);
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({2, 3, 4}, 1));
  const auto n = tape.indices(Indices{0, 3});
  const auto h = tape.variable(random_tensor({1, 2, 4}, 2));
  const auto [output, last] = nn::GRU<double>::make(4, 4, g).run(x, h, n);
  CHECK(xt::view(last.value(), 0, 0) == xt::view(h.value(), 0, 0));
  CHECK(xt::view(last.value(), 0, 1) != xt::view(h.value(), 0, 1));
  CHECK(xt::view(output.value(), 0) == xt::zeros<double>({3, 4}));
  const auto layer = nn::MultiheadAttention<double>::make(4, 2, g, {.bias = false});
  const auto y = layer(x, x, x, {.lengths = n});
  CHECK(xt::view(y.value(), 0) == xt::zeros<double>({3, 4}));
  CHECK(all(isfinite(wengert::grad(sum(y), x)[0])));
  // Beside a mask and causal attention, every restriction holds.
  const auto mask = tape.constant(Tensor<double>{{1, 1, 1}, {1, 1, 1}, {0, 1, 1}});
  const auto restricted = layer(x, x, x, {.mask = mask, .lengths = tape.indices(Indices{2, 2}), .causal = true});
  const auto same = layer(x, x, x, {.mask = tape.constant(Tensor<double>{{1, 0, 0}, {1, 1, 0}, {0, 1, 0}})});
  CHECK(distance(xt::view(restricted.value(), xt::all(), xt::range(0, 2)),
                 xt::view(same.value(), xt::all(), xt::range(0, 2))) < 1e-14);
}

TEST_CASE("dropout between layers applies to padded sequences") {
  Generator g(3);
  const auto both = nn::GRU<double>::make(3, 4, g, {.layers = 2, .dropout = 0.5});
  const nn::GRU<double> lower{{both.layers[0]}}, upper{{both.layers[1]}};
  Tape<double> tape;
  const auto x = tape.constant(random_tensor({2, 5, 3}, 1));
  const auto n = tape.indices(Indices{2, 5});
  const auto counter = g.counter();
  const Tensor<double> y = both(x, n).value();
  CHECK(y != both(x, n).value());
  g.seek(counter);
  CHECK(y == upper((*both.dropout)(lower(x, n)), n).value());
}

TEST_CASE("losses over the real steps are PyTorch's") {
  const PaddedReference r;
  Tape<double> tape;
  const auto p = tape.variable(r.array("mse.p"));
  const auto each = mse_loss(p, r.array("mse.t"), Reduction::none);
  const auto n = tape.indices(r.lengths());
  for (const auto& loss : {masked_mean(each, n), masked_mean(each, sequence_mask(n, 5))}) {
    CHECK(loss.item() == doctest::Approx(r.array("mse.loss")()).epsilon(1e-14));
    CHECK(distance(wengert::grad(loss, p)[0].value(), r.array("mse.dp")) < 1e-15);
  }
  const auto z = tape.variable(r.array("cross_entropy.z"));
  const Indices labels = xt::cast<std::int64_t>(r.array("cross_entropy.labels"));
  const auto loss = cross_entropy(z, labels, {.ignore_index = -100});
  CHECK(loss.item() == doctest::Approx(r.array("cross_entropy.loss")()).epsilon(1e-14));
  CHECK(distance(wengert::grad(loss, z)[0].value(), r.array("cross_entropy.dz")) < 1e-15);
  CHECK_ERROR(ValueError, "label -100", cross_entropy(z, labels));  // nothing is ignored by default
}

TEST_CASE("lengths that do not fit are refused, and nothing is recorded") {
  const Generator g(1);
  Tape<double> tape, other;
  const auto x = tape.constant(random_tensor({2, 3, 4}, 1));
  const auto long_one = tape.indices(Indices{3, 4}), negative = tape.indices(Indices{-1, 3});
  const auto three = tape.indices(Indices{1, 2, 3}), foreign = other.indices(Indices{1, 2});
  const auto lstm = nn::LSTM<double>::make(4, 4, g);
  const auto attention = nn::MultiheadAttention<double>::make(4, 2, g);
  const auto encoder = nn::TransformerEncoderLayer<double>::make(4, 2, g);
  const std::size_t size = tape.size();
  CHECK_ERROR(ValueError, "[sequence_mask] length 4 at (1,): expected 0 to 3", lstm(x, long_one));
  CHECK_ERROR(ValueError, "[sequence_mask] length -1 at (0,): expected 0 to 3", lstm.run(x, {}, negative));
  CHECK_ERROR(ShapeError, "[LSTM] lengths of shape (3,): expected (2,), one for each sample", lstm(x, three));
  CHECK_ERROR(HandleError, "[LSTM] the lengths belong to another tape", lstm(x, foreign));
  CHECK_ERROR(ValueError, "[mask_steps] length 4 at (1,): expected 0 to 3", attention(x, x, x, {.lengths = long_one}));
  CHECK_ERROR(ShapeError, "[mask_steps] lengths of shape (3,) for x of shape (2, 3, 4): expected one for each of the 2",
              attention(x, x, x, {.lengths = three}));
  CHECK_ERROR(HandleError, "[mask_steps]", encoder(x, {.lengths = foreign}));
  const std::string message = message_of<ValueError>([&] { lstm(x, long_one); });
  CHECK(contains(message, fmt::format("({}:", __FILE__)));
  CHECK(tape.size() == size);
}

TEST_CASE("batch normalisation of one sample names the remedy") {
  Tape<double> tape;
  const auto layer = nn::BatchNorm<double>::make(6);
  const auto x = tape.constant(random_tensor({1, 6}, 1));
  CHECK_ERROR(ShapeError,
              "[batch_norm] shape (1, 6) has 1 element per channel: training needs at least 2 for the variance; drop a "
              "last batch of one sample (drop_last), choose another batch size, or use evaluation mode",
              layer(x));
  CHECK_ERROR(ShapeError, "drop_last", layer(tape.constant(random_tensor({1, 6, 1}, 1))));
  CHECK(layer(tape.constant(random_tensor({1, 6, 2}, 1))).shape() == Shape{1, 6, 2});
  nn::eval_mode(layer);
  CHECK(layer(x).shape() == Shape{1, 6});
}
