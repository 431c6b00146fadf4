// A consumer of the component io alone: saves and loads an .npz file.
#include <wengert/io/npz.hpp>

int main(int, char** arguments) {
  wengert::io::save_npz<float>(arguments[1], {{"x", wengert::Tensor<float>{1, 2}}});
  return wengert::io::load_npz<float>(arguments[1])[0].value(1) == 2 ? 0 : 1;
}
