// Reads the tensors of ONNX files.
#pragma once

#include "onnx/source.hpp"

#include <onnx/onnx_pb.h>
#include <string>

namespace wengert::onnx::detail {

namespace proto = ::onnx;

/// The tensor, checked: its elements are as many as its shape says. `what` names it in messages. Throws FileError.
TensorData read_tensor(proto::TensorProto tensor, const std::string& what, Source& source);
/// The same of a sparse tensor, made dense.
TensorData read_sparse_tensor(proto::SparseTensorProto tensor, const std::string& what, Source& source);

}  // namespace wengert::onnx::detail
