// Trains a network from nothing on the drawn faces, and measures it on heads and on faces that it has not seen.
#include "train.hpp"

#include "../common/expressions/drawing_network.hpp"
#include "drawings.hpp"
#include <wengert/data.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace expressions {

namespace wg = wengert;
namespace data = wengert::data;
namespace optim = wengert::optim;
namespace train = wengert::train;

namespace {

// The names of the faces that occur in pairs, in the order of the table.
std::vector<std::string> faces_of(const Drawings& drawings, const std::vector<std::size_t>& pairs) {
  std::vector<bool> occurs(drawings.faces.size());
  for (const std::size_t i : pairs) occurs[drawings.pairs[i].face] = true;
  std::vector<std::string> names;
  for (std::size_t face = 0; face < occurs.size(); ++face)
    if (occurs[face]) names.push_back(drawings.faces[face].name);
  return names;
}

}  // namespace

DrawingFigures train_on_drawings(const DrawingOptions& options) {
  const Drawings drawings = read_drawings(options.data_folder / "drawn_faces", options.faces);
  const SplitPairs split = split_pairs(drawings, options.seed);
  const std::size_t per_pair = options.brief ? 4 : 14;
  const auto training = make_pictures(drawings, split.train, per_pair, options.seed);
  const auto new_heads = make_pictures(drawings, split.new_heads, options.brief ? 2 : per_pair, options.seed + 1);
  const auto new_faces = make_pictures(drawings, split.new_faces, options.brief ? 1 : per_pair, options.seed + 2);

  std::vector<std::pair<std::string, std::string>> notes{{"pictures", "drawings, not photographs"}};
  const auto counts = drawings.faces_of_classes();
  fmt::print("drawn faces of each class:");
  for (std::size_t label = 0; label < class_count; ++label) {
    fmt::print("{} {} {}", label == 0 ? "" : ",", class_names[label], counts[label]);
    notes.emplace_back(fmt::format("drawn faces: {}", class_names[label]), std::to_string(counts[label]));
  }
  notes.emplace_back("faces not seen", fmt::format("{}", fmt::join(faces_of(drawings, split.new_faces), ", ")));
  fmt::print("\n{} pictures for training, {} of heads never seen, {} of drawings never seen ({})\n", training.size(),
             new_heads.size(), new_faces.size(), notes.back().second);

  wg::Generator generator(options.seed);
  const auto network = DrawingNetwork<float>::make(generator);
  const data::Augmentation changes{.shift = 2, .noise = 0.02, .cutout = 8};
  const data::Loader loader(
      training, {.batch_size = 32, .seed = options.seed, .transform = [&](auto& batch, wg::Generator& random) {
                   data::augment(batch.inputs, changes, random);
                 }});
  const std::size_t epochs = options.brief ? 6 : 8;
  optim::Optimizer<float> optimizer(network, optim::AdamW{.weight_decay = 0.01});
  const auto loss = [](auto logits, auto labels) {
    return cross_entropy(logits, labels, {.reduction = wg::Reduction::none});
  };
  const double steps = static_cast<double>(epochs * loader.count());
  const auto result = train::fit(network, optimizer, loss, loader, new_heads,
                                 {.epochs = epochs,
                                  .schedule = {.by_step = optim::OneCycle{.max_rate = 2e-3, .steps = steps}},
                                  .class_weights = train::balanced,
                                  .report = {.title = "Expressions of drawn faces",
                                             .class_names = {class_names.begin(), class_names.end()},
                                             .notes = std::move(notes)},
                                  .folder = options.out});

  const auto measure = [&](const char* what, const data::Dataset<float>& pictures) {
    const auto measured = train::evaluate(network, loss, pictures);
    fmt::print("{}:", what);
    for (std::size_t label = 0; label < class_count; ++label) {
      double occurs = 0;
      for (std::size_t other = 0; other < class_count; ++other) occurs += measured.confusion(label, other);
      if (occurs > 0) fmt::print(" {} {:.1f}%,", class_names[label], 100 * measured.confusion.recall(label));
    }
    fmt::print(" all {:.2f}%\n", 100 * measured.metric("accuracy"));
    return measured.metric("accuracy");
  };
  require_complete(result, options.out);
  fmt::print("on drawings, after {:.0f} s:\n", result.seconds);
  const DrawingFigures figures{measure("heads never seen", new_heads), measure("drawings never seen", new_faces)};
  fmt::print("report: {}\n", (options.out / "report.html").string());
  return figures;
}

void require_complete(const train::FitResult& result, const std::filesystem::path& run_folder) {
  if (result.reason == train::StopReason::interrupt)
    throw std::runtime_error(
        fmt::format("the training was interrupted after {} steps{}", result.steps,
                    run_folder.empty() ? "" : "; what there is of it is in " + run_folder.string()));
}

}  // namespace expressions
