// The network for photographs as an ONNX file.
#include "save_onnx.hpp"

#include "../common/expressions/mini_xception.hpp"
#include "../common/probabilities.hpp"
#include <wengert/base/error.hpp>
#ifdef WENGERT_EXPRESSIONS_ONNX
#include <wengert/onnx/save.hpp>
#endif

#include <fmt/format.h>

namespace expressions {

void save_onnx([[maybe_unused]] const std::filesystem::path& data_folder,
               [[maybe_unused]] const std::filesystem::path& file) {
#ifdef WENGERT_EXPRESSIONS_ONNX
  const auto network = load_mini_xception(fetched_weights(data_folder));
  wengert::onnx::save(sample::Probabilities<MiniXception<float>>{network}, wengert::Shape{1, 1, face_side, face_side},
                      file,
                      {.inputs = {"faces"},
                       .outputs = {"probabilities"},
                       .doc = "Facial expressions in photographs: faces of 64×64 from −1, black, to 1, white.",
                       .metadata = {{"classes", fmt::format("{}", fmt::join(class_names, ","))},
                                    {"source",
                                     "npm package @vladmandic/human 3.3.6, MIT licence, from O. Arriaga, "
                                     "face_classification, MIT licence; trained on FER2013"}}});
  fmt::print("written: {}\n", file.string());
#else
  throw wengert::ValueError("onnx",
                            "this program was built without the component onnx: configure with "
                            "-DWENGERT_COMPONENTS=\"nn;optim;io;data;images;report;train;onnx\"");
#endif
}

}  // namespace expressions
