// Expressions of the faces in picture files: as text, as JSON, and drawn on the pictures.
#include "pictures.hpp"

#include "../common/expressions/detector.hpp"
#include "../common/expressions/drawing_network.hpp"
#include "../common/expressions/mini_xception.hpp"
#include "../common/expressions/overlay.hpp"
#include "../common/probabilities.hpp"
#include "explain.hpp"
#include <wengert/base/error.hpp>
#include <wengert/images/image.hpp>
#include <wengert/io/parameters.hpp>
#include <wengert/train/predictor.hpp>

#include <cmath>
#include <cstdio>
#include <exception>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <optional>
#include <regex>
#include <span>
#include <string>

#include <fmt/format.h>
#include <xtensor/xview.hpp>

namespace expressions {

namespace {

using wengert::Tensor;

// What judges faces: inputs to probabilities, and the explanation of a class of one input.
struct Judge {
  std::function<Tensor<float>(const Tensor<float>&)> probabilities;
  std::function<Explanation(const Tensor<float>&, std::size_t)> explanation;
};

template <class Network>
Judge judge_of(const Network& network) {
  const wengert::train::Predictor<Tensor<float>(Tensor<float>)> predictor(sample::Probabilities<Network>{network});
  return {[predictor](const Tensor<float>& faces) { return predictor(faces); },
          [network](const Tensor<float>& face, std::size_t label) { return explain(network, face, label); }};
}

Judge judge_for(const PicturesOptions& options) {
  if (options.drawing_weights.empty()) return judge_of(load_mini_xception(fetched_weights(options.data_folder)));
  if (!std::filesystem::exists(options.drawing_weights))
    throw wengert::FileError("drawings",
                             options.drawing_weights.string() + " does not exist: train with --train first");
  const auto network = DrawingNetwork<float>::make(wengert::Generator(0));
  wengert::io::load_parameters(network, options.drawing_weights);
  return judge_of(network);
}

// The faces in a picture: their boxes, inputs n×1×64×64, and probabilities n×7.
struct Judged {
  std::vector<Box> boxes;
  Tensor<float> inputs, probabilities;

  std::span<const float> of(std::size_t face) const { return {probabilities.data() + face * class_count, class_count}; }
  std::size_t best(std::size_t face) const { return best_class(of(face)); }
};

Judged judged(const Grey& picture, std::vector<Box> boxes, const Judge& judge) {
  Judged result{std::move(boxes), {}, {}};
  result.inputs = network_inputs(picture, result.boxes);
  if (!result.boxes.empty()) result.probabilities = judge.probabilities(result.inputs);
  for (const float p : result.probabilities)
    if (!std::isfinite(p))
      throw wengert::ValueError("pictures", "a probability is not a finite number: the network's weights are damaged");
  return result;
}

void print(const std::filesystem::path& file, const Judged& faces) {
  fmt::print("{}: {} face{}\n", file.string(), faces.boxes.size(), faces.boxes.size() == 1 ? "" : "s");
  for (std::size_t i = 0; i < faces.boxes.size(); ++i) {
    const Box& box = faces.boxes[i];
    fmt::print("  {}: {} ({}×{} at {}, {}):", i + 1, class_names[faces.best(i)], box.width, box.height, box.x, box.y);
    for (std::size_t k = 0; k < class_count; ++k) fmt::print("  {} {:.1f}%", class_names[k], 100 * faces.of(i)[k]);
    fmt::print("\n");
  }
}

nlohmann::ordered_json as_json(const Judged& faces) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < faces.boxes.size(); ++i) {
    const Box& box = faces.boxes[i];
    nlohmann::ordered_json probabilities;
    for (std::size_t k = 0; k < class_count; ++k) probabilities[std::string(class_names[k])] = faces.of(i)[k];
    list.push_back({{"box", {{"x", box.x}, {"y", box.y}, {"width", box.width}, {"height", box.height}}},
                    {"expression", class_names[faces.best(i)]},
                    {"probabilities", probabilities}});
  }
  return list;
}

// Writes the picture with its faces marked.
void annotate(const std::filesystem::path& file, const Judged& faces, const std::filesystem::path& to) {
  Tensor<float> picture = wengert::images::read<float>(file);
  const std::size_t height = picture.shape()[1], width = picture.shape()[2];
  cv::Mat drawn(static_cast<int>(height), static_cast<int>(width), CV_8UC3);
  const auto pixel = [&](std::size_t i) -> cv::Vec3b& {
    return drawn.at<cv::Vec3b>(static_cast<int>(i / width), static_cast<int>(i % width));
  };
  const std::size_t plane = height * width;
  for (std::size_t i = 0; i < plane; ++i)  // OpenCV's order is blue, green, red
    for (std::size_t c = 0; c < 3; ++c)
      pixel(i)[2 - static_cast<int>(c)] = cv::saturate_cast<std::uint8_t>(255 * picture.data()[c * plane + i]);
  for (std::size_t i = 0; i < faces.boxes.size(); ++i)
    draw_face(drawn, faces.boxes[i], faces.of(i), faces.boxes.size() > 1 ? fmt::format("{}", i + 1) : "");
  for (std::size_t i = 0; i < plane; ++i)
    for (std::size_t c = 0; c < 3; ++c) picture.data()[c * plane + i] = pixel(i)[2 - static_cast<int>(c)] / 255.0f;
  wengert::images::write(to, picture);
}

std::string annotated_name(const std::filesystem::path& file) { return file.stem().string() + "_annotated.png"; }

std::string explained_name(const std::filesystem::path& file, std::size_t face) {
  return fmt::format("{}_face{}_explained.png", file.stem().string(), face + 1);
}

// The stem of the picture for which a file of this name is written, or nothing.
std::string stem_of_written(const std::string& name) {
  static const std::regex written("([^/]*)(_annotated|_face[1-9][0-9]*_explained)\\.png");
  std::smatch parts;
  return std::regex_match(name, parts, written) ? parts[1].str() : "";
}

// Creates the folder. Throws if two files would be written under one name there, or in the place of a picture.
void prepare_folder(const PicturesOptions& options) {
  std::map<std::string, std::filesystem::path> of_stem;
  for (const std::filesystem::path& file : options.files) {
    const auto [first, is_new] = of_stem.try_emplace(file.stem().string(), file);
    if (!is_new)
      throw wengert::ValueError(
          "pictures",
          fmt::format("{} and {} would both be written to {}: give one another name, or "
                      "run the program for each with a folder of its own",
                      first->second.string(), file.string(), (options.out / annotated_name(file)).string()));
  }
  std::filesystem::create_directories(options.out);
  for (const std::filesystem::path& file : options.files) {
    std::error_code unreadable;  // which is said when the file is judged
    if (!std::filesystem::exists(file, unreadable)) continue;
    const auto keep = [&](const std::filesystem::path& written) {
      const auto other = of_stem.find(stem_of_written(written.filename().string()));
      if (other != of_stem.end() && std::filesystem::equivalent(written.parent_path(), options.out, unreadable))
        throw wengert::ValueError("pictures", fmt::format("{} would be replaced by what is written for {}: choose "
                                                          "another folder for --out",
                                                          file.string(), other->second.string()));
    };
    keep(std::filesystem::absolute(file));
    if (const auto target = std::filesystem::canonical(file, unreadable); !unreadable) keep(target);  // a pipe has none
    // Writing replaces what a link leads to.
    for (const auto& entry : std::filesystem::directory_iterator(options.out))
      if (entry.is_symlink() && std::filesystem::equivalent(entry.path(), file, unreadable)) keep(entry.path());
  }
}

// Writes the pictures of a file to the folder, and appends their names.
void write_pictures(const std::filesystem::path& file, const Judged& faces, const Judge& judge,
                    const PicturesOptions& options, std::vector<std::string>& written) {
  const std::string annotated = (options.out / annotated_name(file)).string();
  annotate(file, faces, annotated);
  written.push_back(annotated);
  for (std::size_t i = 0; options.explain && i < faces.boxes.size(); ++i) {
    const Tensor<float> face = xt::view(faces.inputs, xt::range(i, i + 1));
    const std::string explained = (options.out / explained_name(file, i)).string();
    write_explanation(explained, face, judge.explanation(face, faces.best(i)));
    written.push_back(explained);
  }
}

// What became of a file: its faces, the pictures written for it, and why there is no more.
struct Outcome {
  std::optional<Judged> faces;
  std::vector<std::string> written;
  std::string error;
};

nlohmann::ordered_json as_json(const std::filesystem::path& file, const Outcome& outcome) {
  nlohmann::ordered_json entry{{"file", file.string()}};
  if (outcome.faces) entry["faces"] = as_json(*outcome.faces);
  if (!outcome.error.empty()) entry["error"] = outcome.error;
  entry["written"] = outcome.written;
  return entry;
}

void print(const std::filesystem::path& file, const Outcome& outcome) {
  if (outcome.faces) print(file, *outcome.faces);
  for (const std::string& name : outcome.written) fmt::print("  written: {}\n", name);
}

}  // namespace

PicturesResult judge_pictures(const PicturesOptions& options) {
  const bool drawings = !options.drawing_weights.empty();
  const std::string judges =
      drawings ? "Drawings are judged by the network trained on drawings: its figures say nothing about photographs."
               : "Photographs are judged by weights that others trained on photographs (FER2013).";
  const Judge judge = judge_for(options);
  const Detector detector({.smallest = options.smallest, .height = 0});
  if (!options.out.empty()) prepare_folder(options);
  if (!options.json) fmt::print("{}\n", judges);
  nlohmann::ordered_json pictures = nlohmann::ordered_json::array();
  PicturesResult result;
  for (const std::filesystem::path& file : options.files) {
    Outcome outcome;
    try {
      const Grey picture = read_grey(file);
      const Box whole{0, 0, static_cast<int>(picture.width), static_cast<int>(picture.height)};
      outcome.faces = judged(picture, drawings ? std::vector{whole} : detector.faces(picture), judge);
      if (!options.out.empty()) write_pictures(file, *outcome.faces, judge, options, outcome.written);
    } catch (const std::exception& error) {  // the other pictures are judged nevertheless
      outcome.error = error.what();
    }
    if (options.json)
      pictures.push_back(as_json(file, outcome));
    else
      print(file, outcome);
    std::fflush(stdout);
    if (!outcome.error.empty()) {
      ++result.failed;
      fmt::print(stderr, "error: {}: {}\n", file.string(), outcome.error);
    } else if (outcome.faces->boxes.empty()) {
      ++result.without_face;
      fmt::print(stderr, "{}: no face was found\n", file.string());
    }
  }
  if (options.json)  // names that are not UTF-8, which JSON must be, get U+FFFD in place of their bad bytes
    fmt::print("{}\n", nlohmann::ordered_json{{"judge", judges}, {"pictures", pictures}}.dump(
                           2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  return result;
}

}  // namespace expressions
