// A consumer of the component images alone: rejects a file that is not an image, and resizes a tensor.
#include <wengert/images/image.hpp>

#include <fstream>

int main(int, char** arguments) {
  std::ofstream(arguments[1]) << "no picture";
  try {
    wengert::images::read<float>(arguments[1]);
  } catch (const wengert::FileError&) {
    const wengert::Tensor<float> grey(wengert::Shape{1, 2, 2}, 0.5F);
    return wengert::images::resize(grey, 1, 1)(0, 0, 0) == 0.5F ? 0 : 1;
  }
  return 1;
}
