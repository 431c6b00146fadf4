// A consumer of the component onnx alone: rejects a file that is not a model.
#include <wengert/onnx/model.hpp>

#include <fstream>

int main(int, char** arguments) {
  std::ofstream(arguments[1]) << "no model";
  try {
    wengert::onnx::load<float>(arguments[1]);
  } catch (const wengert::FileError&) {
    return 0;
  }
  return 1;
}
