// Times an ONNX file in a Predictor on one thread: onnx_inference FILE BATCH [--seconds S] [--files PREFIX] [--profile]
//
// The model has one input, whose axes are fixed except the batch, and one output. Prints a line of JSON: the name and
// the shape of the input, the number of measured calls, and the median and the smallest time of a call. By default, the
// calls take one second.
//   --files PREFIX   also writes the elements of the input to PREFIX.input.bin and those of the output to
//                    PREFIX.output.bin, float in row-major order
//   --profile        prints the time of each op instead
#include "../common/inputs.hpp"
#include <wengert/base/threads.hpp>
#include <wengert/onnx.hpp>
#include <wengert/train/predictor.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <fstream>
#include <iostream>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

namespace wg = wengert;
using Model = wg::onnx::Model<float>;
using Tensor = wg::Tensor<float>;

struct Options {
  std::string file;
  std::size_t batch = 1;
  double seconds = 1;
  std::optional<std::string> files;
  bool profile = false;

  Options(int count, char** arguments) {
    const std::vector<std::string> given(arguments + 1, arguments + count);
    if (given.size() < 2) throw std::invalid_argument("expected FILE BATCH [--seconds S] [--files PREFIX] [--profile]");
    file = given[0];
    batch = std::stoul(given[1]);
    for (std::size_t i = 2; i < given.size(); ++i) {
      const bool has_value = i + 1 < given.size();
      if (given[i] == "--profile")
        profile = true;
      else if (given[i] == "--seconds" && has_value)
        seconds = std::stod(given[++i]);
      else if (given[i] == "--files" && has_value)
        files = given[++i];
      else
        throw std::invalid_argument("unknown option, or one without its value: " + given[i]);
    }
  }
};

// Random numbers in [-1, 1) in the shape of the only input.
Tensor input_of(const Model& model, std::size_t batch) {
  if (model.inputs().size() != 1 || !model.inputs()[0].shape)
    throw std::invalid_argument("the model does not have one input of a known shape");
  xt::dynamic_shape<std::size_t> shape;
  for (const wg::onnx::Dimension& axis : *model.inputs()[0].shape) {
    if (!axis.extent && !shape.empty()) throw std::invalid_argument("an axis other than the batch is not fixed");
    shape.push_back(axis.extent.value_or(batch));
  }
  if (shape.empty() || shape[0] != batch) throw std::invalid_argument("the model does not take this batch");
  auto x = Tensor::from_shape(shape);
  bench::fill(std::span<float>(x.data(), x.size()), 1, -1, 1);
  return x;
}

void write(const std::string& path, const Tensor& x) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(x.data()), static_cast<std::streamsize>(x.size() * sizeof(float)));
  if (!file.flush()) throw std::runtime_error(path + " cannot be written");
}

// The Program that a Predictor runs, which does not show it.
wg::Profile profile(const Model& model, const Tensor& x) {
  wg::Program<float> program = wg::compile_recorded<float>(
      [&](wg::Tape<float>& tape, std::vector<wg::ProgramVar<float>>& inputs) {
        const wg::Var<float> input = tape.borrow(x);
        inputs = {input};
        return std::vector<wg::ProgramVar<float>>{model(input)};
      },
      {.apply_updates = false, .frozen = wg::frozen_constants()});
  program(x);  // warms up
  return wg::profile(program, {x}, 20);
}

// The times of calls, sorted, after at least one that is not measured.
template <class Call>
std::vector<double> times(double seconds, const Call& call) {
  using Clock = std::chrono::steady_clock;
  const auto elapsed = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  const Clock::time_point warm_up = Clock::now();
  do call();
  while (elapsed(warm_up) < seconds / 10);
  std::vector<double> result;
  const Clock::time_point first = Clock::now();
  while (result.size() < 5 || elapsed(first) < seconds) {
    const Clock::time_point start = Clock::now();
    call();
    result.push_back(elapsed(start));
  }
  std::sort(result.begin(), result.end());
  return result;
}

void print_shape(const Tensor& x) {
  for (std::size_t axis = 0; axis < x.dimension(); ++axis) std::cout << (axis > 0 ? ", " : "") << x.shape()[axis];
}

void run(const Options& options) {
  wg::set_num_threads(1);
  const auto model = wg::onnx::load<float>(options.file);
  const Tensor x = input_of(model, options.batch);
  if (options.profile) {
    std::cout << profile(model, x);
    return;
  }
  const wg::train::Predictor<Tensor(Tensor)> predictor(model);
  Tensor y = predictor(x);
  if (options.files) {
    write(*options.files + ".input.bin", x);
    write(*options.files + ".output.bin", y);
  }
  const std::vector<double> seconds = times(options.seconds, [&] { predictor.run(x, y); });
  std::cout.precision(std::numeric_limits<double>::max_digits10);
  std::cout << R"({"input": ")" << model.inputs()[0].name << R"(", "shape": [)";
  print_shape(x);
  std::cout << R"(], "calls": )" << seconds.size() << R"(, "median_seconds": )" << seconds[seconds.size() / 2]
            << R"(, "least_seconds": )" << seconds[0] << "}\n";
}

}  // namespace

int main(int count, char** arguments) {
  try {
    run(Options(count, arguments));
  } catch (const std::invalid_argument& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
