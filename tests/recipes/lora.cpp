// Fine-tuning with LoRA, from a file that matches only in part.
//
// A network learns one function and is saved. Another network for a related function, whose body has another name and
// whose head has another size, loads the body by a renaming rule and skips what the file lacks. Then it trains its head
// and updates of rank 2 of the frozen body.
#include <wengert/io.hpp>
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>
#include <wengert/wengert.hpp>

#include <filesystem>

#include <fmt/format.h>
#include <xtensor/xrandom.hpp>
#include <xtensor/xview.hpp>

namespace wg = wengert;
namespace io = wengert::io;
namespace nn = wengert::nn;
namespace optim = wengert::optim;
namespace train = wengert::train;
using Linear = nn::Linear<float>;

struct Pretrained {
  Linear encoder, head;

  wg::Var<float> operator()(wg::Var<float> x) const { return head(tanh(encoder(x))); }
};

struct Adapted {
  nn::LoRALinear<float> body;
  Linear head;

  wg::Var<float> operator()(wg::Var<float> x) const { return head(tanh(body(x))); }
};

template <class Network>
void fit(const Network& network, const wg::Tensor<float>& x, const wg::Tensor<float>& y) {
  optim::Optimizer<float> optimizer(network, optim::Adam{.rate = 0.01});
  const auto loss = [](auto outputs, auto targets) { return mse_loss(outputs, targets); };
  train::fit(network, optimizer, loss, train::Samples{x, y}, {.epochs = 40, .display = train::Display::quiet});
}

int main() {
  xt::random::seed(1);
  const wg::Tensor<float> x = xt::random::randn<float>({1000, 8}), direction = xt::random::randn<float>({8});
  const auto along = xt::sum(x * direction, {1});
  wg::Tensor<float> old_y = xt::ones<float>({1000, 1}), new_y = xt::ones<float>({1000, 2});
  xt::view(old_y, xt::all(), 0) = xt::sin(along);
  xt::view(new_y, xt::all(), 0) = xt::sin(along + 0.5F);
  xt::view(new_y, xt::all(), 1) = xt::cos(along);

  wg::Generator generator(1);
  const Pretrained pretrained{Linear::make(8, 64, generator), Linear::make(64, 1, generator)};
  fit(pretrained, x, old_y);
  const auto file = std::filesystem::temp_directory_path() / "wengert_recipe_lora.safetensors";
  io::save_parameters(pretrained, file);

  const Adapted adapted{nn::with_lora(Linear::make(8, 64, generator), 2, generator), Linear::make(64, 2, generator)};
  const auto report =
      io::load_parameters(adapted, file, {.rename = {{"encoder.*", "body.*"}}, .skip = {"head.*", "*.lora_*"}});
  std::filesystem::remove(file);
  fit(adapted, x, new_y);

  const double r_squared = train::r_squared(train::predict(adapted, x), new_y);
  fmt::print("{} of {} parameters loaded, {} numbers trained, R² {:.3f}\n", report.loaded.size(),
             nn::named_parameters(adapted).size(), nn::parameter_count(adapted, nn::Counted::trainable), r_squared);
  return r_squared > 0.8 ? 0 : 1;
}
