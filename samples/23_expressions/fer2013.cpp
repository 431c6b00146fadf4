// FER2013: the reader of Kaggle's file.
#include "fer2013.hpp"

#include "../common/expressions/classes.hpp"
#include <wengert/base/error.hpp>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

namespace expressions {

namespace {

constexpr std::size_t picture_side = 48;

// A line of the file, and where it is.
struct Line {
  const std::filesystem::path& path;
  std::size_t number = 0;
  std::string text{};

  [[noreturn]] void fail(const std::string& what) const {
    throw wengert::FileError("read_fer2013", fmt::format("{}, line {}: {}", path.string(), number, what));
  }
  // Reads the next line; false at the end.
  bool next(std::ifstream& in) {
    if (!std::getline(in, text)) return false;
    ++number;
    if (text.ends_with('\r')) text.pop_back();
    return true;
  }
};

std::int64_t label_of(std::string_view text, const Line& line) {
  std::int64_t label = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), label);
  if (error != std::errc() || end != text.end() || label < 0 || label >= static_cast<std::int64_t>(class_count))
    line.fail(fmt::format("the emotion '{}': expected an integer from 0, {}, to {}, {}", text, class_names.front(),
                          class_count - 1, class_names.back()));
  return label;
}

Grey face_of(std::string_view text, const Line& line) {
  Grey face{picture_side, picture_side};
  const char* at = text.begin();
  while (true) {
    while (at != text.end() && *at == ' ') ++at;
    if (at == text.end()) break;
    std::uint8_t value = 0;
    const auto [end, error] = std::from_chars(at, text.end(), value);
    if (error != std::errc() || (end != text.end() && *end != ' '))
      line.fail(fmt::format("pixel {} is '{}': expected an integer from 0 to 255", face.pixels.size() + 1,
                            std::string_view(at, std::find(at, text.end(), ' '))));
    face.pixels.push_back(value);
    at = end;
  }
  if (face.pixels.size() != picture_side * picture_side)
    line.fail(fmt::format("{} pixels: expected {}, those of {}×{}", face.pixels.size(), picture_side * picture_side,
                          picture_side, picture_side));
  return face;
}

}  // namespace

void SmallFaces::gather(std::span<const std::size_t> rows, Inputs& x, Targets& y) const {
  x.resize({rows.size(), std::size_t{1}, face_side, face_side});
  y.resize({rows.size()});
  auto to = x.begin();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Inputs input = network_input(faces.at(rows[i]));
    to = std::copy(input.begin(), input.end(), to);
    y(i) = labels.at(rows[i]);
  }
}

Fer2013 read_fer2013(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path))
    throw wengert::FileError("read_fer2013", path.string() + " cannot be read: expected Kaggle's fer2013.csv");
  Line line{path};
  if (!line.next(in) || line.text != "emotion,pixels,Usage") {
    line.number = 1;
    line.fail(fmt::format("'{}': expected the header emotion,pixels,Usage", line.text.substr(0, 60)));
  }
  Fer2013 all;
  while (line.next(in)) {
    const std::string_view text = line.text;
    const std::size_t first = text.find(','), last = text.rfind(',');
    if (std::count(text.begin(), text.end(), ',') != 2)
      line.fail(
          fmt::format("{} fields: expected emotion, pixels and Usage", std::count(text.begin(), text.end(), ',') + 1));
    const std::string_view usage = text.substr(last + 1);
    SmallFaces* part = usage == "Training"      ? &all.train
                       : usage == "PublicTest"  ? &all.validation
                       : usage == "PrivateTest" ? &all.test
                                                : nullptr;
    if (part == nullptr) line.fail(fmt::format("the usage '{}': expected Training, PublicTest or PrivateTest", usage));
    part->labels.push_back(label_of(text.substr(0, first), line));
    part->faces.push_back(face_of(text.substr(first + 1, last - first - 1), line));
  }
  if (in.bad()) throw wengert::FileError("read_fer2013", path.string() + " cannot be read to its end");
  return all;
}

}  // namespace expressions
