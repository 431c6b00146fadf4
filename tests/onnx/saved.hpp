// Networks saved as ONNX files and loaded again, compared with the networks themselves.
#pragma once

#include "../temporary_folder.hpp"
#include "../testing.hpp"
#include <wengert/nn.hpp>
#include <wengert/onnx.hpp>

#include <filesystem>
#include <initializer_list>
#include <string>
#include <type_traits>

namespace wengert::testing {

/// The largest difference that rounding may cause.
template <class T>
constexpr double saved_tolerance = std::is_same_v<T, double> ? 1e-12 : 1e-5;

/// Whether `check_saved` also saves what it loaded.
enum class Again : bool { no, yes };

/// Saves a network of one input and one output, loads the file again and compares the results for random inputs of
/// these shapes; also saves the loaded network, twice, and compares the files.
template <class T, class Network>
void check_saved(const Network& network, const Shape& sample, std::initializer_list<Shape> shapes,
                 const onnx::SaveOptions& options = {}, Again again = Again::yes) {
  const TemporaryFolder folder;
  onnx::save(network, sample, folder / "first.onnx", options);
  const auto model = onnx::load<T>(folder / "first.onnx");
  unsigned seed = 1;
  for (const Shape& shape : shapes) {
    CAPTURE(to_string(shape));
    const nn::EvaluationMode evaluation(network);
    const Tensor<T> x = random_tensor<T>(shape, ++seed);
    Tape<T> tape;
    const auto expected = network(tape.constant(x));
    CHECK(distance(model(tape.constant(x)).value(), expected.value()) <
          saved_tolerance<T> * std::max(1.0, distance(expected.value(), 0 * expected.value())));
  }
  if (again == Again::no) return;
  onnx::save(model, sample, folder / "second.onnx", options);
  onnx::save(onnx::load<T>(folder / "second.onnx"), sample, folder / "third.onnx", options);
  CHECK(bytes_of(folder / "third.onnx") == bytes_of(folder / "second.onnx"));
}

}  // namespace wengert::testing
