// Compiles and runs the code of docs/data.md and compares it with the page. Images are in images_test.cpp.
#include "data/files.hpp"
#include "snippets.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/data.hpp>
#include <wengert/io.hpp>

#include <filesystem>
#include <iostream>
#include <sstream>

using namespace wengert::testing;
namespace wg = wengert;
namespace data = wengert::data;
namespace io = wengert::io;

namespace {

// Changes the current directory for the duration of a test.
class CurrentFolder {
 public:
  explicit CurrentFolder(const TemporaryFolder& folder) { std::filesystem::current_path(folder / "."); }
  ~CurrentFolder() { std::filesystem::current_path(before_); }
  CurrentFolder(const CurrentFolder&) = delete;
  CurrentFolder& operator=(const CurrentFolder&) = delete;

 private:
  std::filesystem::path before_ = std::filesystem::current_path();
};

// An IDX file of 100 images of 8×8 bytes; the positions of the bright pixels give the classes 0 … 4.
std::string image_file() {
  std::string bytes("\0\0\x08\x03\0\0\0\x64\0\0\0\x08\0\0\0\x08", 16);
  for (int i = 0; i < 100; ++i)
    for (int j = 0; j < 64; ++j) bytes += static_cast<char>((i + j) % 5 == 0 ? 200 : (7 * i + j * j) % 150);
  return bytes;
}
std::string label_file() {
  std::string bytes("\0\0\x08\x01\0\0\0\x64", 8);
  for (int i = 0; i < 100; ++i) bytes += static_cast<char>(i % 5);
  return bytes;
}

struct Layer {
  wg::Parameter<float> weight, bias;
};

}  // namespace

TEST_CASE("guide: read, split, normalise and load batches") {
  const TemporaryFolder folder;
  const CurrentFolder there(folder);
  write_gzip(folder / "images.idx.gz", image_file());
  write_gzip(folder / "labels.idx.gz", label_file());
  folder.write("images.idx", image_file());
  folder.write("labels.idx", label_file());
  folder.write("table.csv", "class,x,y\n0,1,2\n1,3,4\n");
  folder.write("houses.csv", "area,price\n80,250000\n40,100000.5\n");
  io::save_npy(folder / "array.npy", random_tensor<float>({3, 2}, 1));
  // clang-format off
  data::Dataset<float> digits = data::read_idx<float>("images.idx.gz", "labels.idx.gz");       // MNIST's format, plain or gzip
  data::Dataset<float> table = data::read_csv<float>("table.csv", {.label_column = "class"});  // or by index; a header is detected
  wg::Tensor<float> array = io::load_npy<float>("array.npy");                                  // NumPy's; also load_npz

  const data::Table<float> houses = data::read_table<float>("houses.csv", {.target_columns = {"price"}});  // targets: N×1

  auto [train, test] = data::stratified_split(digits, 0.2, 1);         // a fifth of every class is for testing; seed 1
  const auto normalisation = data::learn_normalisation(train.inputs);  // mean and standard deviation of each feature
  data::normalise(train.inputs, normalisation);
  data::normalise(test.inputs, normalisation);                         // with the statistics of the training part
  // clang-format on
  CHECK(table.inputs == wg::Tensor<float>{{1, 2}, {3, 4}});
  CHECK(array == random_tensor<float>({3, 2}, 1));
  CHECK(wg::Shape(houses.targets.shape()) == wg::Shape{2, 1});
  CHECK((train.size() == 80 && test.size() == 20));

  wg::Parameter<float> w(wg::Tensor<float>(xt::zeros<float>({64, 5})));
  auto compiled = wg::compiled<float>([&](auto& tape, auto x, auto y) {
    auto weights = tape.variable(w);
    auto loss = cross_entropy(matmul(x, weights), y);
    auto [dw] = grad(loss, weights);
    tape.update(w, weights - 0.1f * dw);
    return loss;
  });
  const auto step = [&](const auto& x, const auto& y) { return compiled(x, y).item(); };
  float last_loss = 0;
  // clang-format off
  const data::Loader loader(train, {.batch_size = 32, .seed = 7});
  for (std::size_t epoch = 0; epoch < 3; ++epoch)
    for (const auto& batch : loader.epoch(epoch)) last_loss = step(batch.inputs, batch.targets);
  // clang-format on
  CHECK(last_loss < 1);  // log 5 = 1.6 before training

  // clang-format off
  const data::Loader augmented(train, {.transform = [](auto& batch, wg::Generator& generator) {
    data::augment(batch.inputs, {.shift = 1, .rotate = 10, .noise = 0.05, .image = {8, 8}}, generator);
  }});
  const data::MappedDataset<float> mapped = data::map_idx<float>("images.idx", "labels.idx");
  const data::Loader from_file(mapped, {.batch_size = 32});  // reads the rows of a batch when it is made
  // clang-format on
  std::size_t samples = 0;
  for (const auto& batch : augmented.epoch(0)) samples += batch.inputs.shape()[0];
  for (const auto& batch : from_file.epoch(0)) samples += batch.inputs.shape()[0];
  CHECK(samples == 180);
}

TEST_CASE("guide: tables") {
  const TemporaryFolder folder;
  const CurrentFolder there(folder);
  folder.write("penguins.csv",
               "id,species,island,mass\nN1,Adelie,Dream,3.75\nN2,Adelie,Biscoe,3.8\nN3,Adelie,Dream,NA\n"
               "N4,Adelie,Dream,3.25\nN5,Gentoo,Biscoe,4.5\nN6,Gentoo,Biscoe,5.7\nN7,Gentoo,Biscoe,5.2\n"
               "N8,Gentoo,Biscoe,\nN9,Adelie,Dream,3.9\nN10,Adelie,Dream,3.3\nN11,Gentoo,Biscoe,5\n"
               "N12,Gentoo,Biscoe,4.9\n");
  const auto predict = [](const wg::Tensor<float>& x) { return x(0, 2) < 0 ? 0 : 1; };
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  // clang-format off
  const data::Frame frame = data::read_frame("penguins.csv");  // also .csv.gz; a header is detected
  const auto [train, test] = data::stratified_split(frame, "species", 0.25, 1);
  data::Schema schema = data::Schema::infer(train, {.label = "species", .ignored = {"id"}});
  schema["mass"].missing = data::Missing::median;     // the default, an error, names the cell
  schema["mass"].indicator = true;                    // adds an input: is the mass missing?
  schema["island"].unknown = data::Unknown::ignore;   // an island that occurs only later: all zeros
  std::cout << schema;

  const auto encoder = data::TableEncoder::fit(train, schema);
  const data::EncodedTable<float> samples = encoder.encode<float>(train);  // inputs N×D, labels N
  const data::Dataset<float> test_set = encoder.encode<float>(test).dataset();
  encoder.save("penguins.json");                      // beside the weights

  const auto loaded = data::TableEncoder::load("penguins.json");
  data::Frame bird({"mass", "island"});
  bird.add_row(std::vector<std::string>{"4.1", "Torgersen"});
  const wg::Tensor<float> x = loaded.encode_inputs<float>(bird).inputs;
  const std::string& species = loaded.decode(predict(x));

  const data::MappedFrame rows = data::map_frame("penguins.csv");
  const auto parts = data::split(rows, 0.25, 1);
  const auto learned = data::TableEncoder::fit(parts.train, schema);
  const data::FrameSource<float> source(parts.train, learned);  // for train::fit; FrameSource<float, Tensor<float>> has targets
  // clang-format on
  std::cout.rdbuf(before);
  std::istringstream lines(out.str());
  std::string indented, line;
  while (std::getline(lines, line)) indented += line + "\n";
  CAPTURE(out.str());
  CHECK(unindented("docs/data.md").find(indented) != std::string::npos);
  CHECK(samples.feature_names == std::vector<std::string>{"island_Biscoe", "island_Dream", "mass", "mass_missing"});
  CHECK((samples.size() == 8 && test_set.size() == 4 && source.size() == 9));
  CHECK((x(0, 0) == 0 && x(0, 1) == 0 && x(0, 3) == 0));
  CHECK(species == "Adelie");
}

TEST_CASE("guide: weights") {
  const TemporaryFolder folder;
  const CurrentFolder there(folder);
  struct Network {
    Layer body, head;
  };
  const Network network{
      {wg::Parameter<float>(random_tensor<float>({3, 2}, 1)), wg::Parameter<float>(random_tensor<float>({3}, 2))},
      {wg::Parameter<float>(random_tensor<float>({1, 3}, 3)), wg::Parameter<float>(random_tensor<float>({1}, 4))}};
  // Two entries: encoder.weight, (3, 2) in float32, and encoder.bias, three times 1 in float16.
  const std::string header = R"({"encoder.weight":{"dtype":"F32","shape":[3,2],"data_offsets":[0,24]},)"
                             R"("encoder.bias":{"dtype":"F16","shape":[3],"data_offsets":[24,30]}})";
  folder.write("pretrained.safetensors", static_cast<char>(header.size()) + std::string(7, '\0') + header +
                                             std::string(24, '\0') + std::string("\0\x3c\0\x3c\0\x3c", 6));
  io::save_npz<float>("older.npz", {{"head.bias", random_tensor<float>({1}, 5)}});
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  // clang-format off
  io::save_parameters(network, "weights.safetensors");            // or .npz, for numpy.load
  io::load_parameters(network, "weights.safetensors");            // changes nothing unless everything matches
  const io::LoadReport report = io::load_parameters(network, "pretrained.safetensors", {.rename = {{"encoder.*", "body.*"}}, .skip = {"head.*"}});
  std::cout << report << '\n';
  const io::LoadReport older = io::load_parameters(network, "older.npz", {.partial = true});
  if (!older.complete()) std::cout << older << '\n';              // 1 loaded, 3 missing …
  // clang-format on
  std::cout.rdbuf(before);
  const std::string table = out.str().substr(0, out.str().find("1 loaded"));
  CHECK(unindented("docs/data.md").find("\n" + table) != std::string::npos);
  CHECK(contains(table, "converted   body.bias from float16\n"));
  CHECK(contains(out.str(), "\n1 loaded, 3 missing\nmissing     body.weight\n"));
  CHECK(network.body.bias.value() == wg::Tensor<float>{1, 1, 1});
  CHECK(network.head.bias.value() == random_tensor<float>({1}, 5));
}

TEST_CASE("guide: every block of C++ stands in this file or among the tests of images") {
  CHECK(check_snippets("docs/data.md", "tests/data/guide_test.cpp", "tests/images/images_test.cpp") == 14);
}
