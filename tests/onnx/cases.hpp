// The conformance cases of ONNX: a model, inputs and expected outputs for each.
#pragma once

#include <wengert/base/tensor.hpp>
#include <wengert/onnx/element_type.hpp>

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace wengert::testing {

/// A tensor of a case: integers and truth values as Indices, numbers of any width in double.
struct CaseTensor {
  onnx::ElementType type = onnx::ElementType::undefined;
  std::variant<Tensor<double>, Indices> elements;

  Shape shape() const;
};

/// One case, which consists of a folder with a model and its data.
struct ConformanceCase {
  std::string name;             ///< folder and case: `node/test_abs`
  std::filesystem::path model;  ///< the ONNX file
  std::string out_of_scope;     ///< why the case is out of scope; empty if it is not
  bool readable = true;         ///< whether all inputs and outputs are tensors of numbers, integers or truth values
  std::vector<CaseTensor> inputs, outputs;  ///< inputs without those that are initialisers of the model

  /// Whether some input or output has elements of this type.
  bool uses(onnx::ElementType type) const;
};

/// Reads a case. Throws std::runtime_error if a file is missing or damaged.
ConformanceCase read_case(const std::filesystem::path& folder);

}  // namespace wengert::testing
