// A CSV table with a rare class: categories, missing values, class weights.
//
// One customer in fifteen leaves. The schema says what becomes of each column; the encoder learns means and categories
// from the training rows alone. Class weights make both classes count equally in the loss. The figure is the recall,
// averaged over both classes, which a network that ignores the rare class cannot raise above 50 %.
#include <wengert/data.hpp>
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>
#include <wengert/wengert.hpp>

#include <cstddef>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <xtensor/xrandom.hpp>

namespace wg = wengert;
namespace data = wengert::data;
namespace nn = wengert::nn;
namespace optim = wengert::optim;
namespace train = wengert::train;

void write_customers(const std::filesystem::path& path) {
  xt::random::seed(1);
  const wg::Tensor<double> age = 40 + 10 * xt::random::randn<double>({2000}),
                           draw = xt::random::rand<double>({3, 2000});
  std::ofstream file(path);
  file << "id,age,plan,left\n";
  for (std::size_t i = 0; i < 2000; ++i) {
    const bool basic = draw(0, i) < 0.5, left = draw(1, i) < (basic && age(i) < 40 ? 0.25 : 0.01);
    const auto shown = draw(2, i) < 0.05 ? "" : fmt::format("{:.1f}", age(i));
    file << fmt::format("{},{},{},{}\n", i, shown, basic ? "basic" : "premium", left ? "yes" : "no");
  }
}

int main() {
  const auto path = std::filesystem::temp_directory_path() / "wengert_recipe_customers.csv";
  write_customers(path);
  const auto parts = data::stratified_split(data::read_frame(path), "left", 0.25, /*seed=*/1);
  std::filesystem::remove(path);
  auto schema = data::Schema::infer(parts.train, {.label = "left", .ignored = {"id"}});
  schema["age"].missing = data::Missing::mean;
  const auto encoder = data::TableEncoder::fit(parts.train, schema);
  const auto learning = encoder.encode<float>(parts.train).dataset(),
             test = encoder.encode<float>(parts.test).dataset();

  wg::Generator generator(1);
  const auto network = nn::sequential(nn::Linear<float>::make(encoder.feature_names().size(), 16, generator),
                                      nn::ReLU{}, nn::Linear<float>::make(16, 2, generator));
  optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 0.01});
  const auto loss = [](auto logits, auto labels) {
    return cross_entropy(logits, labels, {.reduction = wg::Reduction::none});
  };
  train::fit(network, optimizer, loss, learning,
             {.epochs = 20, .class_weights = train::balanced, .display = train::Display::quiet});

  const double recall = train::evaluate(network, loss, test, {.metrics = {train::recall()}}).metric("recall");
  fmt::print("mean recall on new customers: {:.1f}%\n", 100 * recall);
  return recall > 0.75 ? 0 : 1;
}
