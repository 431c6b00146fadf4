// Compiles and runs the code of docs/training.md and compares it with the page.
#include "snippets.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>

#include <iostream>
#include <sstream>

namespace wg = wengert;
namespace data = wg::data;
namespace nn = wg::nn;
namespace optim = wg::optim;
namespace train = wg::train;
using namespace wengert::testing;

namespace {

// Makes samples of 64 numbers in ten classes; in each class, another number is large.
data::Dataset<float> tens(std::size_t n, unsigned seed) {
  data::Dataset<float> data{random_tensor<float>({n, 64}, seed), wg::Indices::from_shape({n}), 10};
  for (std::size_t i = 0; i < n; ++i) {
    data.labels(i) = static_cast<std::int64_t>(i % 10);
    data.inputs(i, 5 * (i % 10)) += 3;
  }
  return data;
}

}  // namespace

TEST_CASE("the guide to training works as it is written") {
  const TemporaryFolder temporary;
  const std::filesystem::path folder = temporary / "run";
  const data::Split<float> data{tens(600, 1), tens(200, 2)};
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  // clang-format off
  // [first]
  wg::Generator generator(1);
  auto network = nn::sequential(nn::Linear<float>::make(64, 32, generator), nn::ReLU{},
                                nn::Linear<float>::make(32, 10, generator));
  optim::Optimizer<float> optimizer(network, optim::Adam{});
  auto loss = [](auto logits, auto labels) { return cross_entropy(logits, labels); };

  auto result = train::fit(network, optimizer, loss, data.train, data.test, {.epochs = 20, .folder = folder});
  std::cout << result.last("validation_accuracy") << '\n';
  // [measure]
  auto scores = train::evaluate(network, loss, data.test, {.metrics = {train::accuracy(), train::f1()}});
  std::cout << scores.loss << ' ' << scores.metric("f1") << ' ' << scores.confusion(3, 8) << '\n';  // 3s taken for 8s
  // [descents]
  train::FitOptions full{.batch_size = train::all_samples};    // full-batch: smooth, one step per epoch
  train::FitOptions stochastic{.batch_size = 1};               // one step per sample: fast at first, noisy
  train::FitOptions mini_batch{.batch_size = 32};              // between the two, and the fastest
  // [stop]
  train::FitOptions options{.epochs = 100,
                            .batch_size = 64,
                            .schedule = {.by_step = optim::LinearWarmup{
                                             .steps = 100, .then = optim::CosineDecay{.rate = 1e-3, .steps = 2000}}},
                            .metrics = {train::accuracy(), train::top_k_accuracy(3)},
                            .stopping = {.seconds = 600,                    // when the time is up
                                         .monitor = "validation_accuracy",  // tells which epoch is best
                                         .patience = 5,                     // after five epochs without a better one
                                         .best_weights = true}};            // restored at the end
  // [observers]
  train::FitOptions observed{.observers = {train::after_epoch([](train::FitStatus& status) {
                                             status.stop = status.loss < 0.01;
                                           }),
                                           train::CsvLog(folder / "losses.csv"),
                                           train::BestCheckpoint(folder / "best.npz")}};
  // [own observer]
  class HalveRate : public train::Observer {  // whenever the training loss rises
   public:
    void after_epoch(train::FitStatus& status) override {
      if (status.loss > last_) status.set_rate(status.rate() / 2);
      last_ = status.loss;
    }
    std::vector<double> state() const override { return {last_}; }             // what a checkpoint holds of it
    void set_state(const std::vector<double>& saved) override { last_ = saved.at(0); }
    std::string name() const override { return "HalveRate"; }

   private:
    double last_ = std::numeric_limits<double>::infinity();
  };
  observed.observers.push_back(HalveRate());
  // [freeze]
  nn::freeze(network, "0");
  train::FitOptions fine{.epochs = 3, .observers = {train::before_epoch([&](train::FitStatus& status) {
                           if (status.epoch == 2) nn::unfreeze(network, "0");
                         })}};
  // [thaw]
  nn::unfreeze(network, "0");
  // [metrics]
  train::Metrics metrics = train::per_class(train::recall, 10);         // recall_0 to recall_9
  metrics.push_back(train::f1({.average = train::Average::weighted}));
  metrics.push_back(train::roc_auc());
  auto measured = train::evaluate(network, loss, data.test, {.metrics = metrics});
  std::cout << measured.metric("recall_3") << ' ' << measured.metric("roc_auc") << '\n';
  // [measure]
  const wg::Tensor<double> logits{0.3, -1.2, 2.5, 0.3};
  const wg::Indices answers{1, 0, 1, 0};
  const std::vector<double> weights{1, 1, 1, 2};
  double auc = train::measure(train::roc_auc(), logits, answers);             // 0.875: ties count as one half
  double weighted = train::measure(train::roc_auc(), logits, answers, weights);
  // [metric]
  auto far_off = train::metric("far_off", [](const auto& outputs, const train::Targets& targets) {
    return xt::mean(xt::abs(outputs - std::get<wg::Tensor<double>>(targets)) > 1.0)();
  }, /*larger_is_better=*/false);
  // [resume]
  train::fit(network, optimizer, loss, data.train, data.test, {.epochs = 40, .checkpoint = {.resume = true, .seconds = 10}, .folder = folder});
  // [l-bfgs]
  optim::LBFGS<float> quasi_newton(network);
  auto refined = train::fit(network, quasi_newton, loss, data.train, data.test, {.epochs = 3, .batch_size = train::all_samples});
  // [end]
  // clang-format on
  std::cout.rdbuf(before);
  CHECK(result.last("validation_accuracy") > 0.9);
  CHECK(scores.metric("accuracy") == doctest::Approx(result.last("validation_accuracy")));
  CHECK(out.str().size() > 10);
  CHECK(measured.metric("roc_auc") > 0.9);
  CHECK(refined.steps == 3);
  CHECK(auc == 0.875);
  CHECK(weighted == doctest::Approx(5.0 / 6));
  CHECK(train::evaluate(network, loss, data.train).loss < 1e-3);  // 0.02 before L-BFGS
  for (train::FitOptions* o : {&full, &stochastic, &mini_batch, &options, &observed, &fine}) {
    o->epochs = 3;
    o->display = train::Display::quiet;
    CHECK(std::isfinite(train::fit(network, optimizer, loss, data.train, data.test, *o).last("loss")));
  }
  far_off->add({1, 2, 5, 6}, wg::Tensor<double>{1, 4, 5, 7.5});
  CHECK(far_off->value() == 0.5);
}

template <class Optimizer>
concept Fits = requires(const nn::Linear<float>& network, Optimizer& optimizer, const data::Dataset<float>& data) {
  train::fit(network, optimizer, [](auto logits, auto labels) { return cross_entropy(logits, labels); }, data,
             {.epochs = 1});
};
static_assert(Fits<optim::Optimizer<float>> && Fits<optim::LBFGS<float>> && !Fits<optim::Adam>);

TEST_CASE("every block of C++ in docs/training.md stands in this file") {
  CHECK(check_snippets("docs/training.md", "tests/train/guide_test.cpp") == 12);
}
