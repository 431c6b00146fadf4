// A table with text, gaps and rare classes: from a CSV file to a saved predictor that reads another CSV.
//
// Learns from 7,500 bird strikes (airport, operator, phase of flight, species, speed if it was noted) whether the
// aircraft was damaged, which about one in nine was. Prints the schema, and the quality on strikes that were held out,
// with and without class weights. Then writes a file of new strikes, and predicts from it as another program would:
//
//     18_tables                  # trains, saves build/18_tables/, reads build/18_tables/new.csv
//     18_tables STRIKES.csv      # predicts with what was saved
//
// Data: bash samples/fetch_data.sh tables
#include "../common/load.hpp"
#include <wengert/data.hpp>
#include <wengert/io.hpp>
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>
#include <wengert/wengert.hpp>

#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>

namespace wg = wengert;
namespace data = wengert::data;
namespace io = wengert::io;
namespace nn = wengert::nn;
namespace optim = wengert::optim;
namespace train = wengert::train;

namespace {

const std::filesystem::path folder = "build/18_tables";

auto make_network(const data::TableEncoder& encoder) {
  wg::Generator generator(1990);
  const std::size_t inputs = encoder.feature_names().size(), classes = encoder.class_names().size();
  return nn::sequential(nn::Linear<float>::make(inputs, 32, generator), nn::ReLU{}, nn::Dropout::make(0.3, generator),
                        nn::Linear<float>::make(32, classes, generator));
}

// The table with the damage as two classes.
data::Frame read_strikes() {
  const data::Frame raw = data::read_frame(sample::fetched("tables") / "birdstrikes.csv");
  std::vector<std::string> names{"damage"};
  for (const char* name : {"Airport Name", "Aircraft Airline Operator", "Phase of flight", "Wildlife Size",
                           "Wildlife Species", "Time of day", "Speed IAS in knots"})
    names.emplace_back(name);
  data::Frame strikes(names);
  for (std::size_t row = 0; row < raw.size(); ++row) {
    std::vector<std::string> cells{raw.cell(row, raw.find("Effect Amount of damage")) == "None" ? "no" : "yes"};
    for (std::size_t i = 1; i < names.size(); ++i) cells.emplace_back(raw.cell(row, raw.find(names[i])));
    strikes.add_row(cells);
  }
  return strikes;
}

data::Schema make_schema(const data::Frame& strikes) {
  data::Schema schema = data::Schema::infer(strikes, {.label = "damage"});
  schema["Speed IAS in knots"].missing = data::Missing::median;
  schema["Speed IAS in knots"].indicator = true;  // an input that says whether the speed was noted
  for (data::Column& column : schema.columns)
    if (column.kind == data::ColumnKind::category) {
      column.min_frequency = 20;  // rarer texts, and those that only new tables contain, are one category
      column.unknown = data::Unknown::other;
    }
  return schema;
}

void learn() {
  const data::Frame strikes = read_strikes();
  const auto [training, held_out] = data::stratified_split(strikes, "damage", 0.25, 1);
  const auto encoder = data::TableEncoder::fit(training, make_schema(training));
  fmt::print("{}", encoder.schema().to_string());
  const data::Dataset<float> samples = encoder.encode<float>(training).dataset(),
                             test = encoder.encode<float>(held_out).dataset();
  fmt::print("{} strikes, {} inputs\n", samples.size(), samples.features());

  const auto loss = [](auto logits, auto labels) {
    return cross_entropy(logits, labels, {.reduction = wg::Reduction::none});  // one value per strike
  };
  for (const bool weighted : {false, true}) {
    const auto network = make_network(encoder);
    optim::Optimizer<float> optimizer(network, optim::AdamW{.rate = 2e-3, .weight_decay = 0.05});
    train::fit(network, optimizer, loss, samples,
               {.epochs = 8,
                .batch_size = 64,
                .class_weights = weighted ? train::ClassWeights(train::balanced) : train::ClassWeights(),
                .display = train::Display::quiet});
    const auto scores = train::evaluate(network, loss, test,
                                        {.metrics = {train::accuracy(), train::balanced_accuracy(), train::roc_auc()}});
    fmt::print("{}: accuracy {:.1f}%, balanced accuracy {:.1f}%, area under the ROC curve {:.3f}\n",
               weighted ? "balanced class weights" : "without class weights ", 100 * scores.metric("accuracy"),
               100 * scores.metric("balanced_accuracy"), scores.metric("roc_auc"));
    if (!weighted) continue;
    std::filesystem::create_directories(folder);
    encoder.save(folder / "encoder.json");
    io::save_parameters(network, folder / "weights.npz");
  }

  std::ofstream file(folder / "new.csv");  // columns in another order, and no damage
  file << "Wildlife Species,Wildlife Size,Phase of flight,Speed IAS in knots,Airport Name,Aircraft Airline Operator,"
          "Time of day\n"
          "Canada goose,Large,Climb,200,DALLAS/FORT WORTH INTL ARPT,AMERICAN AIRLINES,Dusk\n"
          "Unknown bird - small,Small,Landing Roll,,SACRAMENTO INTL,SOUTHWEST AIRLINES,Day\n"
          "Dodo,Large,Approach,140,\"AERODROME, NEW\",MILITARY,Night\n";
}

void predict(const std::filesystem::path& path) {
  const auto encoder = data::TableEncoder::load(folder / "encoder.json");
  const auto network = make_network(encoder);
  io::load_parameters(network, folder / "weights.npz");
  const data::Frame strikes = data::read_frame(path);
  const auto p = train::predict_probabilities(network, encoder.encode_inputs<float>(strikes).inputs);
  for (std::size_t row = 0; row < strikes.size(); ++row)
    fmt::print("{}: probability of damage {:.2f} (with balanced class weights)\n",
               strikes.cell(row, strikes.find("Wildlife Species")), p(row, 1));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 1) learn();
    predict(argc > 1 ? std::filesystem::path(argv[1]) : folder / "new.csv");
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
