// Comparison of a function in float with the same function in double.
#pragma once

#include <wengert/gradcheck/gradcheck.hpp>

#include <vector>

namespace wengert::detail {

// Compares values and gradients at the inputs rounded to float.
std::vector<GradcheckFinding> compare_in_float(const CheckedFunction<double>& f, const CheckedFunction<float>& in_float,
                                               const std::vector<Tensor<double>>& inputs,
                                               const GradcheckOptions& options);

}  // namespace wengert::detail
