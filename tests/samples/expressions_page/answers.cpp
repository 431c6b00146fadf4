// Prints what the C++ code computes for square pictures of faces, as JSON: expressions_answers FILE.png...
//
// For each file, `input`, the network's 64×64 inputs, and `probabilities`, those of the seven classes.
#include "common/expressions/face.hpp"
#include "common/expressions/mini_xception.hpp"
#include <wengert/wengert.hpp>

#include <cstdio>
#include <exception>

#include <fmt/format.h>

int main(int argc, char** argv) {
  try {
    const auto network = expressions::load_mini_xception();
    for (int i = 1; i < argc; ++i) {
      const auto input = expressions::network_input(expressions::read_grey(argv[i]));
      wengert::Tape<float> tape;
      const auto probabilities = softmax(network(tape.constant(input))).value();
      fmt::print("{}{{\"input\": [{}], \"probabilities\": [{}]}}", i == 1 ? "[" : ",\n", fmt::join(input, ", "),
                 fmt::join(probabilities, ", "));
    }
    fmt::print("]\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
