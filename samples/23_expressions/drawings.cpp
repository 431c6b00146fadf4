// Reads the drawn faces, divides them for training and tests, and makes pictures of them at random.
#include "drawings.hpp"

#include <wengert/base/error.hpp>
#include <wengert/data/frame.hpp>
#include <wengert/ops/random.hpp>
#include <wengert/wengert.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string_view>

#include <fmt/format.h>

namespace expressions {

namespace wg = wengert;
namespace data = wengert::data;

namespace {

constexpr std::size_t drawing_side = 192, sheet_columns = 8;  // of a drawing, and of the sheet of a face

// The index of the element with this name; their number if there is none.
template <class Names>
std::size_t index_of(const Names& names, std::string_view name) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

// Draws from [0, 1) that determine a picture.
enum Draw { place_x, place_y, turn, zoom, mirror, contrast, brightness, slope, direction, blur, draws };

using Picture = std::array<float, face_side * face_side>;  // from 0, black, to 1, white

// The grey between four pixels of a drawing; beyond its edge, that of the edge.
double grey_at(const Grey& drawing, double x, double y) {
  const double last = static_cast<double>(drawing_side) - 1;
  x = std::clamp(x - 0.5, 0.0, last);
  y = std::clamp(y - 0.5, 0.0, last);
  const auto column = std::min(static_cast<std::size_t>(x), drawing_side - 2),
             row = std::min(static_cast<std::size_t>(y), drawing_side - 2);
  const double right = x - static_cast<double>(column), below = y - static_cast<double>(row);
  const std::uint8_t* const p = &drawing.pixels[row * drawing_side + column];
  return ((1 - below) * ((1 - right) * p[0] + right * p[1]) +
          below * ((1 - right) * p[drawing_side] + right * p[drawing_side + 1])) /
         255;
}

// The drawing in a square window that is shifted from its centre, turned, scaled and mirrored.
Picture take(const Grey& drawing, const float* u) {
  const double window = 112 + 32 * u[zoom];  // in pixels of the drawing
  const double angle = (2 * u[turn] - 1) * std::numbers::pi / 18;
  const double centre = static_cast<double>(drawing_side) / 2, shift = 16;
  const double x0 = centre + shift * (u[place_x] - 0.5), y0 = centre + shift * (u[place_y] - 0.5);
  const double step = window / face_side, flip = u[mirror] < 0.5f ? -1 : 1;
  const double cx = std::cos(angle) * step, sx = std::sin(angle) * step;
  Picture picture;
  for (std::size_t row = 0; row < face_side; ++row)
    for (std::size_t column = 0; column < face_side; ++column) {
      double sum = 0;
      for (const double below : {0.25, 0.75})
        for (const double right : {0.25, 0.75}) {
          const double x = flip * (static_cast<double>(column) + right - face_side / 2.0);
          const double y = static_cast<double>(row) + below - face_side / 2.0;
          sum += grey_at(drawing, x0 + cx * x - sx * y, y0 + sx * x + cx * y);
        }
      picture[row * face_side + column] = static_cast<float>(sum / 4);
    }
  return picture;
}

// Convolves rows and columns with a normal distribution of this standard deviation, in pixels.
void blur_picture(Picture& picture, double deviation) {
  constexpr int reach = 3;
  std::array<float, 2 * reach + 1> weights{};
  for (int i = -reach; i <= reach; ++i)
    weights[static_cast<std::size_t>(i + reach)] = static_cast<float>(std::exp(-i * i / (2 * deviation * deviation)));
  const float sum = std::accumulate(weights.begin(), weights.end(), 0.0f);
  constexpr int last = face_side - 1;
  for (const int step : {1, static_cast<int>(face_side)}) {
    const Picture before = picture;
    const int across = step == 1 ? static_cast<int>(face_side) : 1;
    for (int line = 0; line <= last; ++line)
      for (int at = 0; at <= last; ++at) {
        float value = 0;
        for (int i = -reach; i <= reach; ++i)
          value += weights[static_cast<std::size_t>(i + reach)] *
                   before[static_cast<std::size_t>(line * across + std::clamp(at + i, 0, last) * step)];
        picture[static_cast<std::size_t>(line * across + at * step)] = value / sum;
      }
  }
}

// Less contrast, another brightness, and light that falls off in one direction.
void light_picture(Picture& picture, const float* u) {
  const float range = 0.5f + 0.6f * u[contrast], middle = 0.5f + 0.3f * (u[brightness] - 0.5f);
  const float angle = 2 * std::numbers::pi_v<float> * u[direction], fall = 0.5f * u[slope] / face_side;
  const float right = fall * std::cos(angle), below = fall * std::sin(angle);
  for (std::size_t i = 0; i < picture.size(); ++i) {
    const float x = static_cast<float>(i % face_side) - face_side / 2,
                y = static_cast<float>(i / face_side) - face_side / 2;
    picture[i] = middle + range * (picture[i] - 0.5f) + right * x + below * y;
  }
}

}  // namespace

std::vector<Face> read_faces(const std::filesystem::path& table) {
  const data::Frame frame = data::read_frame(table);
  for (const char* name : {"face", "class", "reason"})
    if (index_of(frame.names(), name) == frame.columns())
      throw wg::FileError("faces", fmt::format("{}: there is no column '{}'", table.string(), name));
  const std::size_t face = frame.find("face"), label = frame.find("class"), reason = frame.find("reason");
  std::vector<Face> faces;
  std::vector<std::string> names;
  for (std::size_t row = 0; row < frame.size(); ++row) {
    const std::size_t index = index_of(class_names, frame.cell(row, label));
    if (index == class_count)
      throw wg::FileError("faces", fmt::format("{}: '{}' is no class: expected one of {}", frame.position(row, label),
                                               frame.cell(row, label), fmt::join(class_names, ", ")));
    names.emplace_back(frame.cell(row, face));
    if (index_of(names, names.back()) != row)
      throw wg::FileError("faces", fmt::format("{}: '{}' is listed twice", frame.position(row, face), names.back()));
    faces.push_back({names.back(), index, std::string(frame.cell(row, reason))});
  }
  return faces;
}

std::vector<std::size_t> Drawings::faces_of_classes() const {
  std::vector<std::size_t> counts(class_count);
  for (const Face& face : faces) ++counts[face.label];
  return counts;
}

Drawings read_drawings(const std::filesystem::path& folder, const std::filesystem::path& table) {
  if (!std::filesystem::is_directory(folder))
    throw wg::FileError("data", folder.string() + " does not exist: run bash samples/fetch_data.sh drawn_faces");
  Drawings drawings{read_faces(table), {}, {}};
  std::vector<std::string> names;
  for (const Face& face : drawings.faces) names.push_back(face.name);

  const std::filesystem::path list = folder / "pairs.csv";
  const data::Frame frame = data::read_frame(list, {.missing_values = {}});
  const std::size_t face_column = frame.find("face"), head_column = frame.find("head");
  const std::size_t beard = frame.find("beard"), glasses = frame.find("glasses");
  std::vector<std::size_t> cells(names.size());  // that were read of each sheet
  std::vector<Grey> sheets(names.size());
  for (std::size_t row = 0; row < frame.size(); ++row) {
    const std::size_t face = index_of(names, frame.cell(row, face_column));
    if (face == names.size())
      throw wg::FileError("drawings", fmt::format("{}: {} has no face '{}'", frame.position(row, face_column),
                                                  table.string(), frame.cell(row, face_column)));
    const std::string head(frame.cell(row, head_column));
    const std::size_t cell = cells[face]++;
    if (face == index_of(names, frame.cell(0, face_column))) drawings.heads.push_back(head);
    if (cell >= drawings.heads.size() || drawings.heads[cell] != head)
      throw wg::FileError("drawings",
                          fmt::format("{}: the heads of every face must be those of the first, in its order",
                                      frame.position(row, head_column)));
    Grey& sheet = sheets[face];
    if (cell == 0) sheet = read_grey(folder / (names[face] + ".png"));
    const std::size_t x = cell % sheet_columns * drawing_side, y = cell / sheet_columns * drawing_side;
    if (sheet.width < x + drawing_side || sheet.height < y + drawing_side)
      throw wg::FileError(
          "drawings", fmt::format("{}.png has {}×{} pixels: too few for {} pictures of {}×{}", names[face], sheet.width,
                                  sheet.height, cell + 1, drawing_side, drawing_side));
    const Box box{static_cast<int>(x), static_cast<int>(y), static_cast<int>(drawing_side),
                  static_cast<int>(drawing_side)};
    drawings.pairs.push_back(
        {face, cell, std::string(frame.cell(row, beard)), std::string(frame.cell(row, glasses)), crop(sheet, box)});
  }
  for (std::size_t face = 0; face < names.size(); ++face)
    if (cells[face] != drawings.heads.size())
      throw wg::FileError("drawings", fmt::format("{} has {} drawings of the face '{}': expected {}, one for each head",
                                                  list.string(), cells[face], names[face], drawings.heads.size()));
  return drawings;
}

SplitPairs split_pairs(const Drawings& drawings, std::uint64_t seed) {
  std::vector<bool> new_head(drawings.heads.size()), new_face(drawings.faces.size());
  for (const std::size_t head : data::split_rows(drawings.heads.size(), 0.2, seed).test) new_head[head] = true;
  for (std::size_t label = 0; label < class_count; ++label) {
    std::vector<std::size_t> faces;
    for (std::size_t face = 0; face < drawings.faces.size(); ++face)
      if (drawings.faces[face].label == label) faces.push_back(face);
    if (faces.size() < 3) continue;
    for (const std::size_t i : data::split_rows(faces.size(), 1.0 / 3, seed + 1 + label).test)
      new_face[faces[i]] = true;
  }
  SplitPairs split;
  for (std::size_t i = 0; i < drawings.pairs.size(); ++i) {
    const Pair& pair = drawings.pairs[i];
    (new_face[pair.face] ? split.new_faces : new_head[pair.head] ? split.new_heads : split.train).push_back(i);
  }
  return split;
}

data::Dataset<float> make_pictures(const Drawings& drawings, std::span<const std::size_t> pairs, std::size_t per_pair,
                                   std::uint64_t seed) {
  const std::size_t count = pairs.size() * per_pair;
  if (count == 0)
    throw wg::ValueError("make_pictures",
                         fmt::format("{} pairs, {} pictures of each: expected at least one", pairs.size(), per_pair));
  wg::Tape<float> tape;
  wg::Generator generator(seed);
  const wg::Tensor<float> random = uniform(tape, {count, std::size_t{draws}}, generator).value();
  data::Dataset<float> pictures{xt::empty<float>({count, std::size_t{1}, face_side, face_side}),
                                wg::Indices::from_shape({count}), class_count};
  auto to = pictures.inputs.begin();
  for (std::size_t i = 0; i < count; ++i) {
    const Pair& pair = drawings.pairs.at(pairs[i / per_pair]);
    const float* const u = random.data() + i * draws;
    Picture picture = take(pair.picture, u);
    if (u[blur] > 0.2f) blur_picture(picture, 1.2 * u[blur]);
    light_picture(picture, u);
    to = std::transform(picture.begin(), picture.end(), to,
                        [](float v) { return std::round(255 * std::clamp(v, 0.0f, 1.0f)) / 255 * 2 - 1; });
    pictures.labels(i) = static_cast<std::int64_t>(drawings.faces[pair.face].label);
  }
  return pictures;
}

}  // namespace expressions
