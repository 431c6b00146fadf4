// Facial expressions in pictures: angry, disgust, fear, happy, sad, surprise or neutral.
//
//   23_expressions PICTURE... [--json] [--out FOLDER [--explain]]   the faces in photographs, and their expressions
//   23_expressions PICTURE... --drawings ...                        the same for drawn faces, one in each picture
//   23_expressions --train | --finetune | --data fer2013.csv        trainings
//   23_expressions --onnx FILE                                      the network for photographs as an ONNX file
//
// Data: bash samples/fetch_data.sh expression_weights drawn_faces. Exit status: 0; 1 an
// error, also of one picture among others; 2 wrong arguments; 3 no face was found in a picture.
#include "fer2013.hpp"
#include "finetune.hpp"
#include "pictures.hpp"
#include "save_onnx.hpp"
#include "train.hpp"

#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace {

struct Arguments {
  std::vector<std::string> pictures;
  std::string data_folder = "build/data", out, fer2013, onnx;
  bool json = false, explain = false, drawings = false, train = false, finetune = false, brief = false;
  double smallest = 0.1;
  std::string run_folder = "build/expressions/drawings";
};

int run(const Arguments& a) {
  if (a.train) {
    expressions::train_on_drawings({.brief = a.brief, .data_folder = a.data_folder, .out = a.run_folder});
  } else if (a.finetune) {
    expressions::finetune_on_drawings({.data_folder = a.data_folder, .brief = a.brief});
  } else if (!a.fer2013.empty()) {
    expressions::train_on_fer2013({.file = a.fer2013, .data_folder = a.data_folder, .run_folder = a.out});
  } else if (!a.onnx.empty()) {
    expressions::save_onnx(a.data_folder, a.onnx);
  } else {
    const auto result = expressions::judge_pictures({.files = {a.pictures.begin(), a.pictures.end()},
                                                     .data_folder = a.data_folder,
                                                     .drawing_weights = a.drawings ? a.run_folder + "/weights.npz" : "",
                                                     .json = a.json,
                                                     .out = a.out,
                                                     .explain = a.explain,
                                                     .smallest = a.smallest});
    return result.failed > 0 ? 1 : result.without_face > 0 ? 3 : 0;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments a;
  CLI::App app{
      "Facial expressions in pictures. Photographs are judged by weights that others trained on photographs, "
      "drawings by a network trained here on drawings."};
  app.option_defaults()->always_capture_default();
  auto* pictures =
      app.add_option("pictures", a.pictures, "PNG or JPEG files, upright: an orientation in EXIF is ignored");
  app.add_flag("--json", a.json, "print JSON; in names of files, bytes that are not UTF-8 become U+FFFD")
      ->needs(pictures);
  auto* out = app.add_option("--out", a.out, "a folder for annotated pictures, or for the run of --data");
  app.add_flag("--explain", a.explain, "write to the folder where the network looks")->needs(pictures, out);
  app.add_flag("--drawings", a.drawings, "the pictures are drawings of one face each")->needs(pictures);
  app.add_option("--smallest", a.smallest, "the smallest face, as a fraction of a picture's height")
      ->check(CLI::Range(0.01, 1.0));
  auto* train = app.add_flag("--train", a.train, "train on drawings, from nothing");
  auto* finetune = app.add_flag("--finetune", a.finetune, "train the weights of others on drawings");
  auto* fer2013 = app.add_option("--data", a.fer2013, "train on the photographs of Kaggle's fer2013.csv");
  auto* onnx = app.add_option("--onnx", a.onnx, "write the network for photographs to an ONNX file");
  app.add_flag("--brief", a.brief, "short trainings");
  app.add_option("--data-folder", a.data_folder, "the folder of the fetched data");
  app.add_option("--run", a.run_folder, "the folder of the training on drawings, and of the weights for --drawings");
  std::vector<CLI::Option*> modes{pictures, train, finetune, fer2013, onnx};
  try {
    app.parse(argc, argv);
    std::size_t chosen = 0;
    for (const CLI::Option* mode : modes) chosen += mode->count() > 0 ? 1 : 0;
    if (chosen != 1) throw CLI::ValidationError("expected pictures, or one of --train, --finetune, --data and --onnx");
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << "error: " << error.what() << " (--help lists the arguments)\n";
    return 2;
  }
  try {
    const int status = run(a);
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
    fmt::print(stderr, "error: the standard output could not be written\n");
    return 1;
  } catch (const std::exception& error) {
    std::fflush(stdout);
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
