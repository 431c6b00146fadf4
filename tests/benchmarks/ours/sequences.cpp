// One epoch of gradients of a GRU classifier on sequences of 5 to 200 steps, padded to the longest of all or bucketed
// by length. Both compute the same sums.
#include "tensors.hpp"
#include <wengert/data.hpp>
#include <wengert/nn.hpp>

namespace {

using namespace bench;
namespace data = wengert::data;
namespace nn = wengert::nn;

struct Classifier {
  nn::GRU<float> gru;
  nn::Linear<float> head;

  wg::Var<float> operator()(wg::Var<float> x, wg::IndexVar<float> lengths) const {
    return head(slice(gru.run(x, {}, lengths).hidden, 0, 0));
  }
};

// The summed loss of a batch, followed by its gradients.
auto loss_and_gradients() {
  const wg::Generator generator(1);
  const Classifier net{nn::GRU<float>::make(sequences::inputs, sequences::hidden, generator),
                       nn::Linear<float>::make(sequences::hidden, sequences::classes, generator)};
  return wg::compiled<float>([net](auto&, auto x, auto lengths, auto labels) {
    std::vector<wg::Var<float>> results{cross_entropy(net(x, lengths), labels, {.reduction = wg::Reduction::sum})};
    for (const auto& [path, parameter, gradient] : nn::grad(results[0], net)) results.push_back(gradient);
    return results;
  });
}

data::Sequences<float, std::int64_t> samples(std::size_t buckets) {
  std::vector<wg::Tensor<float>> inputs;
  auto labels = empty<std::int64_t>({sequences::samples});
  for (std::size_t i = 0; i < sequences::samples; ++i) {
    inputs.push_back(tensor<float>({sequences::steps(i), sequences::inputs}, 2 + i, -1, 1));
    labels(i) = static_cast<std::int64_t>(uniform(1, i) * static_cast<double>(sequences::classes));
  }
  return {inputs, labels, {.batch_size = sequences::batch, .buckets = buckets}};
}

class Epoch : public Work {
 public:
  explicit Epoch(std::size_t buckets) : samples_(samples(buckets)) {}

  void step() override {
    sums_.clear();
    for (const auto& rows : samples_.batches(1, 0)) {
      samples_.gather(rows, x_, y_);
      auto& results = batch_(x_.values, x_.lengths, y_);
      for (std::size_t i = 0; i < results.output_count(); ++i)
        if (sums_.size() == i)
          sums_.push_back(results.value(i));
        else
          sums_[i] += results.value(i);
    }
  }
  double value() override { return static_cast<double>(sums_[0]()) / static_cast<double>(samples_.size()); }
  std::vector<Array> arrays() override {
    std::vector<Array> result;
    for (std::size_t i = 1; i < sums_.size(); ++i) result.push_back(array("gradient" + std::to_string(i), sums_[i]));
    return result;
  }

 private:
  data::Sequences<float, std::int64_t> samples_;
  decltype(loss_and_gradients()) batch_ = loss_and_gradients();
  data::Padded<wengert::Tensor<float>> x_;
  wg::Indices y_;
  std::vector<wg::Tensor<float>> sums_;
};

const bool offered =
    offer<Epoch>("sequences/padded", std::size_t{1}) && offer<Epoch>("sequences/bucketed", sequences::buckets);

}  // namespace
