// In what way a wrong gradient is wrong, and which op is to blame.
#pragma once

#include "gradcheck/subject.hpp"
#include <wengert/gradcheck.hpp>
#include <wengert/op.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace wengert::detail {

// A Jacobian taken both ways: a row for each number of the result (or weighting of them), a column for each element
// that was looked at.
struct Comparison {
  std::size_t rows = 0;
  std::vector<std::size_t> elements{};  // of all inputs in a row, ascending: one for each column
  std::vector<double> analytic{};
  std::vector<double> numeric{};
  std::vector<bool> wrong{};
  std::vector<bool> upstream_ignored{};  // for each input: its gradient is the same for twice the cotangent
};

// What is wrong with each input's gradient. The texts read on from "the gradient of <input> ".
std::vector<GradcheckFinding> diagnose(const Comparison& jacobian, const Subject& subject);

// One recorded op, taken out of its tape with its operands' values.
struct IsolatedOp {
  std::string name;
  std::string where;
  GradcheckFunction function;
  std::vector<Tensor<double>> operands;  // those that are differentiated
  std::vector<std::size_t> positions;    // their positions among the op's operands
};

// The recorded ops that depend on a subject's variables. A node that carries its own rule (custom_vjp, checkpoint)
// cannot be recorded on its own: its function is empty.
std::vector<IsolatedOp> isolate_ops(Subject& subject);

}  // namespace wengert::detail
