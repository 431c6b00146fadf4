// The drawn faces: their table, the splits, and the pictures made of them at random.
#include "23_expressions/drawings.hpp"

#include "../../snippets.hpp"
#include "../../temporary_folder.hpp"
#include "../../testing.hpp"
#include "pictures.hpp"
#include <wengert/data/frame.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <numeric>
#include <set>
#include <string>
#include <vector>

using namespace expressions;
using namespace expressions::testing;
using wengert::testing::contains;
using wengert::testing::file_complaint;
using wengert::testing::message_of;

namespace {

const std::filesystem::path faces_table = PROJECT_SOURCE_DIR "/samples/23_expressions/faces.csv";

// One head, and a face for each picture; face i belongs to class i.
Drawings drawings_of(const std::vector<Grey>& pictures) {
  Drawings drawings{{}, {"head"}, {}};
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    drawings.faces.push_back({"face" + std::to_string(i), i, "test"});
    drawings.pairs.push_back({i, 0, "none", "none", pictures[i]});
  }
  return drawings;
}

// A white disc with this radius, in the middle of a black drawing.
Grey disc(double radius) {
  Grey picture{192, 192};
  for (int y = 0; y < 192; ++y)
    for (int x = 0; x < 192; ++x) picture.pixels.push_back(std::hypot(x + 0.5 - 96, y + 0.5 - 96) <= radius ? 255 : 0);
  return picture;
}

}  // namespace

TEST_CASE("the table of faces lists exactly the thirty faces of the package, each with a class and a reason") {
  const auto folder = data_or_skip("drawn_faces");
  if (folder.empty()) return;
  const auto names = wengert::data::read_frame(folder / "pairs.csv", {.missing_values = {}}).column("face");
  const std::set<std::string> drawn(names.begin(), names.end());
  std::set<std::string> listed;
  for (const Face& face : read_faces(faces_table)) {
    CHECK(listed.insert(face.name).second);
    CHECK(face.label < class_count);
    CHECK(face.reason.size() > 10);
  }
  CHECK(listed.size() == 30);
  CHECK(listed == drawn);
}

TEST_CASE("the documentation counts and names the faces of every class") {
  const std::string page = wengert::testing::unindented("docs/expressions.md");
  for (std::size_t label = 0; label < class_count; ++label) {
    std::vector<std::string> names;
    for (const Face& face : read_faces(faces_table))
      if (face.label == label) names.push_back(face.name);
    const std::string row = fmt::format("| {} | {} | {} |", class_names[label], names.size(), fmt::join(names, ", "));
    CHECK_MESSAGE(contains(page, row), row);
  }
}

TEST_CASE("every face is drawn once on every head, and the splits share neither heads nor faces") {
  const auto folder = data_or_skip("drawn_faces");
  if (folder.empty()) return;
  const Drawings drawings = read_drawings(folder, faces_table);
  REQUIRE(drawings.heads.size() == 48);
  REQUIRE(drawings.pairs.size() == 30 * 48);
  const auto counts = drawings.faces_of_classes();
  CHECK(std::accumulate(counts.begin(), counts.end(), std::size_t{0}) == 30);
  CHECK(*std::min_element(counts.begin(), counts.end()) > 0);
  for (const Pair& pair : drawings.pairs) {
    REQUIRE(pair.picture.pixels.size() == 192 * 192);
    const auto [low, high] = std::minmax_element(pair.picture.pixels.begin(), pair.picture.pixels.end());
    CHECK(*high - *low > 50);
  }

  const SplitPairs split = split_pairs(drawings, 1);
  const auto heads_and_faces = [&](const std::vector<std::size_t>& pairs) {
    std::pair<std::set<std::size_t>, std::set<std::size_t>> both;
    for (const std::size_t i : pairs) {
      both.first.insert(drawings.pairs[i].head);
      both.second.insert(drawings.pairs[i].face);
    }
    return both;
  };
  const auto [train_heads, train_faces] = heads_and_faces(split.train);
  const auto [test_heads, test_faces] = heads_and_faces(split.new_heads);
  const auto [all_heads, new_faces] = heads_and_faces(split.new_faces);
  CHECK(test_heads.size() == 10);
  CHECK(train_heads.size() == 38);
  CHECK(all_heads.size() == 48);
  CHECK(
      std::none_of(test_heads.begin(), test_heads.end(), [&](std::size_t head) { return train_heads.contains(head); }));
  CHECK(test_faces == train_faces);
  CHECK(std::none_of(new_faces.begin(), new_faces.end(), [&](std::size_t face) { return train_faces.contains(face); }));
  CHECK(train_faces.size() + new_faces.size() == 30);
  std::set<std::size_t> all(split.train.begin(), split.train.end());
  all.insert(split.new_heads.begin(), split.new_heads.end());
  all.insert(split.new_faces.begin(), split.new_faces.end());
  CHECK(all.size() == 30 * 48);
  CHECK(split.train.size() + split.new_heads.size() + split.new_faces.size() == 30 * 48);

  std::vector<std::size_t> withheld(class_count);
  for (const std::size_t face : new_faces) ++withheld[drawings.faces[face].label];
  for (std::size_t label = 0; label < class_count; ++label)
    CHECK(withheld[label] == (counts[label] < 3 ? 0 : (counts[label] + 1) / 3));

  CHECK(split_pairs(drawings, 1).train == split.train);
  CHECK(split_pairs(drawings, 2).train != split.train);
}

TEST_CASE("pictures of drawings depend on their seed alone, and have a class and values from black to white") {
  const Drawings drawings = drawings_of({disc(20), disc(60)});
  const std::vector<std::size_t> pairs{1, 0};
  const auto pictures = make_pictures(drawings, pairs, 50, 7);
  CHECK(pictures.inputs.shape() == wengert::Shape{100, 1, 64, 64});
  CHECK(pictures.classes == class_count);
  for (std::size_t i = 0; i < 100; ++i) CHECK(pictures.labels(i) == (i < 50 ? 1 : 0));
  float largest = 0, remainder = 0;
  for (const float v : pictures.inputs) {
    const float byte = (v + 1) / 2 * 255;
    largest = std::max(largest, std::abs(v));
    remainder = std::max(remainder, std::abs(byte - std::round(byte)));
  }
  CHECK(largest <= 1);
  CHECK(remainder < 1e-3);
  CHECK(make_pictures(drawings, pairs, 50, 7).inputs == pictures.inputs);
  CHECK(make_pictures(drawings, pairs, 50, 8).inputs != pictures.inputs);
  for (std::size_t i = 1; i < 50; ++i) CHECK(xt::view(pictures.inputs, i) != xt::view(pictures.inputs, 0));

  const auto complaint = [&](const std::vector<std::size_t>& some, std::size_t per_pair) {
    return message_of<wengert::ValueError>([&] { make_pictures(drawings, some, per_pair, 1); });
  };
  CHECK(contains(complaint({}, 1), "0 pairs"));
  CHECK(contains(complaint(pairs, 0), "0 pictures of each"));
}

TEST_CASE("drawings are placed, scaled and lit within their limits") {
  const auto plain = [](std::uint8_t grey) { return Grey{192, 192, std::vector<std::uint8_t>(192 * 192, grey)}; };
  const Drawings drawings = drawings_of({disc(20), plain(0), plain(255), plain(128)});
  const auto pictures_of = [&](std::size_t pair, std::size_t number) {
    return make_pictures(drawings, std::vector{pair}, number, 1).inputs;
  };
  const std::size_t count = 120;
  const auto discs = pictures_of(0, count), black = pictures_of(1, count), white = pictures_of(2, count);
  double smallest = 1e9, largest = 0, furthest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    double area = 0, x = 0, y = 0;
    for (std::size_t row = 0; row < 64; ++row)
      for (std::size_t column = 0; column < 64; ++column)
        if (discs(i, 0, row, column) > (black(i, 0, row, column) + white(i, 0, row, column)) / 2) {
          area += 1;
          x += static_cast<double>(column) - 31.5;
          y += static_cast<double>(row) - 31.5;
        }
    smallest = std::min(smallest, area);
    largest = std::max(largest, area);
    furthest = std::max({furthest, std::abs(x / area), std::abs(y / area)});
  }
  // A window of 112 to 144 pixels becomes 64, and its centre is up to 8 pixels off on each axis, before it is turned.
  const auto area_in = [](double window) { return std::numbers::pi * std::pow(20 * 64 / window, 2); };
  CHECK(smallest > 0.9 * area_in(144));
  CHECK(smallest < 1.1 * area_in(144));
  CHECK(largest > 0.9 * area_in(112));
  CHECK(largest < 1.1 * area_in(112));
  const double limit = 8 * (std::cos(std::numbers::pi / 18) + std::sin(std::numbers::pi / 18)) * 64 / 112;
  CHECK(furthest > 0.6 * limit);
  CHECK(furthest < limit + 0.5);

  // Without a drawing, only the light is left: a plane, but for rounding to 1/255.
  const auto light = pictures_of(3, 50);
  double slope = 0, bend = 0;
  for (std::size_t i = 0; i < 50; ++i) {
    const auto picture = xt::view(light, i, 0);
    for (std::size_t k = 1; k < 63; ++k) {
      bend = std::max<double>(bend, std::abs(picture(k - 1, 5) - 2 * picture(k, 5) + picture(k + 1, 5)));
      bend = std::max<double>(bend, std::abs(picture(5, k - 1) - 2 * picture(5, k) + picture(5, k + 1)));
    }
    slope = std::max<double>(slope, std::abs(picture(63, 0) - picture(0, 0)));
  }
  CHECK(bend < 2.1 * 2 / 255);
  CHECK(slope > 0.2);
}

TEST_CASE("tables and drawings that do not fit are named") {
  const wengert::testing::TemporaryFolder folder;
  const auto own = folder / "faces.csv";
  const auto refused = [&](const std::string& text, const std::string& message) {
    folder.write("faces.csv", text);
    CHECK(contains(file_complaint([&] { read_faces(own); }), message));
  };
  refused("face,label\nsmile,happy\n", "there is no column 'class'");
  refused("face,class,reason\nsmile,glad,a smile\n", "'glad' is no class: expected one of angry, disgust");
  refused("face,class,reason\nsmile,happy,a smile\nsmile,sad,a smile\n", "'smile' is listed twice");

  CHECK(contains(file_complaint([&] { read_drawings(folder / "none", faces_table); }),
                 "run bash samples/fetch_data.sh drawn_faces"));
  const std::string header = "face,head,beard,glasses,svg_sha256\n";
  const auto misfit = [&](const std::string& faces, const std::string& rows, const std::string& message) {
    folder.write("faces.csv", "face,class,reason\n" + faces);
    folder.write("pairs.csv", header + rows);
    CHECK(contains(file_complaint([&] { read_drawings(folder / "", own); }), message));
  };
  misfit("smile,happy,a smile\n", "frown,afro,none,none,0\n", "has no face 'frown'");
  misfit("smile,happy,a smile\n", "smile,afro,none,none,0\n", "smile.png");  // there is none

  const auto photograph = data_or_skip("astronaut");
  if (photograph.empty()) return;
  for (const char* name : {"smile.png", "frown.png"})  // 512×512 pixels: two pictures in a row
    std::filesystem::copy_file(photograph / "astronaut.png", folder / name);
  const std::string two = "smile,happy,a smile\nfrown,sad,a frown\n", row = ",none,none,0\n";
  misfit(two, "smile,afro" + row + "smile,bun" + row + "smile,bob" + row, "too few for 3 pictures");
  misfit(two, "smile,afro" + row + "smile,bun" + row + "frown,bun" + row, "the heads of every face must be those");
  misfit(two, "smile,afro" + row + "smile,bun" + row + "frown,afro" + row,
         "1 drawings of the face 'frown': expected 2");
  misfit(two, "smile,afro" + row + "smile,bun" + row, "0 drawings of the face 'frown': expected 2");
  folder.write("pairs.csv", header + "smile,afro" + row + "frown,afro" + row);
  CHECK(read_drawings(folder / "", own).pairs.size() == 2);
}
