// Diagnosis of wrong gradients: the kind of error, and the op that causes it.
#pragma once

#include "gradcheck/subject.hpp"
#include <wengert/gradcheck/gradcheck.hpp>
#include <wengert/tape/op.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace wengert::detail {

// A Jacobian computed both ways: a row for each element of the result (or weighted sum of them), a column for each
// element of the inputs that is checked.
struct Comparison {
  std::size_t rows = 0;
  std::vector<std::size_t> elements{};  // positions among the elements of all inputs, ascending: one per column
  std::vector<double> analytic{};
  std::vector<double> numeric{};
  std::vector<bool> wrong{};
  std::vector<bool> upstream_ignored{};  // by input: whether its gradient is the same for twice the cotangent
};

// Describes what is wrong with each input's gradient. The texts continue "the gradient of <input> ".
std::vector<GradcheckFinding> diagnose(const Comparison& jacobian, const Subject& subject);

// One recorded op, extracted from its tape with its operands' values.
struct IsolatedOp {
  std::string name;
  std::string where;
  GradcheckFunction function;
  std::vector<Tensor<double>> operands;  // those that are differentiated
  std::vector<std::size_t> positions;    // their positions among the op's operands
};

// The recorded ops that depend on a subject's variables. A node with its own vjp rule (custom_vjp, checkpoint) cannot
// be recorded separately, so its function is empty.
std::vector<IsolatedOp> isolate_ops(Subject& subject);

}  // namespace wengert::detail
