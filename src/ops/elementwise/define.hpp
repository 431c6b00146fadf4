// Macros that define the functions of the ops in this folder.
#pragma once

// Define the functions of the op object `name_op`.
#define WENGERT_DEFINE_1(name)                                      \
  Var<float> name(const Operand<float>& x) { return name##_op(x); } \
  Var<double> name(const Operand<double>& x) { return name##_op(x); }
#define WENGERT_DEFINE_2(name)                                                                  \
  Var<float> name(const Operand<float>& a, const Operand<float>& b) { return name##_op(a, b); } \
  Var<double> name(const Operand<double>& a, const Operand<double>& b) { return name##_op(a, b); }
#define WENGERT_DEFINE_PARAMETRIC(name)                                                          \
  Var<float> name(const Operand<float>& x, double parameter) { return name##_op(x, parameter); } \
  Var<double> name(const Operand<double>& x, double parameter) { return name##_op(x, parameter); }
