// A one-parameter model and quiet options for the tests of train::fit.
#pragma once

#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>
#include <wengert/train.hpp>

namespace wengert::testing {

/// The model ŷ = x w, whose single weight allows descents to be computed by hand.
struct Line {
  Parameter<double> weight;
  Var<double> operator()(Var<double> x) const { return x * x.tape().variable(weight); }
};
inline Line line(double start) { return {Parameter<double>(Tensor<double>{start}, "weight")}; }
inline double weight_of(const Line& network) { return network.weight.value()(0); }

inline constexpr auto squares = [](auto outputs, auto targets) { return mean(square(outputs - targets)); };

inline train::FitOptions quiet(train::FitOptions options) {
  options.display = train::Display::quiet;
  return options;
}

}  // namespace wengert::testing
