// The reader of FER2013, on files of made-up rows.
#include "23_expressions/fer2013.hpp"

#include "../../temporary_folder.hpp"
#include "../../testing.hpp"

#include <array>
#include <string>

using expressions::Fer2013;
using expressions::read_fer2013;
using wengert::testing::contains;
using wengert::testing::file_complaint;
using wengert::testing::TemporaryFolder;

namespace {

const std::string header = "emotion,pixels,Usage\n";

// A row whose pixels are all `value`, but for the first, which is 255.
std::string row(const std::string& label, int value, const std::string& usage, std::size_t pixels = 2304) {
  std::string text = label + ",255";
  for (std::size_t i = 1; i < pixels; ++i) text += " " + std::to_string(value);
  return text + "," + usage + "\n";
}

}  // namespace

TEST_CASE("three rows of FER2013 are the parts for training, validation and test") {
  const TemporaryFolder folder;
  const auto path = folder.write(
      "fer2013.csv", header + row("3", 0, "Training") + row("6", 127, "PublicTest") + row("0", 51, "PrivateTest"));
  const Fer2013 all = read_fer2013(path);
  REQUIRE(all.train.size() == 1);
  REQUIRE(all.validation.size() == 1);
  REQUIRE(all.test.size() == 1);
  CHECK(all.train.labels[0] == 3);
  CHECK(all.validation.labels[0] == 6);
  CHECK(all.test.labels[0] == 0);
  CHECK(all.test.faces[0].width == 48);
  CHECK(all.test.faces[0].pixels[0] == 255);
  CHECK(all.test.faces[0].pixels[2303] == 51);

  wengert::Tensor<float> x;
  wengert::Indices y;
  const std::array<std::size_t, 2> rows{0, 0};
  all.test.gather(rows, x, y);
  CHECK(wengert::Shape(x.shape()) == wengert::Shape{2, 1, 64, 64});
  CHECK(y == wengert::Indices{0, 0});
  CHECK(x(1, 0, 0, 0) > x(1, 0, 1, 1));
  CHECK(std::abs(x(1, 0, 40, 40) - (51 / 255.0 - 0.5) * 2) < 1e-6);
}

TEST_CASE("malformed rows of FER2013 are named by their lines") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& rows, const char* message) {
    const auto path = folder.write("fer2013.csv", rows);
    CHECK(contains(file_complaint([&] { read_fer2013(path); }), message));
  };
  const std::string good = row("3", 7, "Training");
  refused("pixels,emotion\n" + good, "line 1: 'pixels,emotion': expected the header emotion,pixels,Usage");
  refused("", "line 1: '': expected the header");
  refused(header + good + row("3", 7, "Training", 2303), "line 3: 2303 pixels: expected 2304, those of 48×48");
  refused(header + row("3", 7, "Training", 2305), "line 2: 2305 pixels: expected 2304");
  refused(header + good + good + row("7", 7, "Training"),
          "line 4: the emotion '7': expected an integer from 0, angry, to 6, neutral");
  refused(header + row("-1", 7, "Training"), "the emotion '-1'");
  refused(header + row("happy", 7, "Training"), "the emotion 'happy'");
  refused(header + row("3", 7, "Test"), "line 2: the usage 'Test': expected Training, PublicTest or PrivateTest");
  refused(header + row("3", 256, "Training"), "line 2: pixel 2 is '256': expected an integer from 0 to 255");
  refused(header + row("3", -1, "Training"), "pixel 2 is '-1'");
  refused(header + "3,Training\n", "line 2: 2 fields: expected emotion, pixels and Usage");
  for (const char* name : {"none.csv", "."})
    CHECK(contains(file_complaint([&] { read_fer2013(folder / name); }), "cannot be read"));
}
