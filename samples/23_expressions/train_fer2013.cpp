// Training on FER2013, for those who have its file.
#include "../common/expressions/drawing_network.hpp"
#include "../common/expressions/mini_xception.hpp"
#include "fer2013.hpp"
#include "train.hpp"
#include <wengert/base/error.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>

#include <fmt/format.h>

namespace expressions {

namespace train = wengert::train;

namespace {

void require_faces(const SmallFaces& part, const char* usage) {
  if (part.size() == 0)
    throw wengert::ValueError("fer2013", fmt::format("no row has the usage {}: expected at least one", usage));
}

}  // namespace

void train_on_fer2013(const Fer2013Options& options) {
  const Fer2013 all = read_fer2013(options.file);
  require_faces(all.train, "Training");
  require_faces(all.validation, "PublicTest");
  require_faces(all.test, "PrivateTest");
  fmt::print("{} photographs for training, {} for validation, {} for the test\n", all.train.size(),
             all.validation.size(), all.test.size());
  const auto loss = [](auto logits, auto labels) {
    return cross_entropy(logits, labels, {.reduction = wengert::Reduction::none});
  };
  const auto measure = [&](const char* what, const auto& network) {
    fmt::print("{}: {:.2f}% of the test\n", what,
               100 * train::evaluate(network, loss, all.test, {.batch_size = 64}).metric("accuracy"));
  };
  measure("weights of others", load_mini_xception(fetched_weights(options.data_folder)));

  const auto network = DrawingNetwork<float>::make(wengert::Generator(1));
  wengert::optim::Optimizer<float> optimizer(network, wengert::optim::AdamW{.rate = 1e-3, .weight_decay = 0.01});
  const auto result = train::fit(
      network, optimizer, loss, all.train, all.validation,
      {.epochs = options.epochs,
       .batch_size = 64,
       .batches = {.drop_last = all.train.size() > 64},
       .class_weights = train::balanced,
       .stopping = {.patience = 5, .best_weights = true},
       .report = {.title = "Expressions of FER2013", .class_names = {class_names.begin(), class_names.end()}},
       .folder = options.run_folder});
  require_complete(result, options.run_folder);
  measure("trained here", network);
}

}  // namespace expressions
