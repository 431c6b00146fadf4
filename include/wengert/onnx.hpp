// Umbrella header of the component onnx: networks from and to ONNX files.
#pragma once

#include <wengert/onnx/model.hpp>
#include <wengert/onnx/save.hpp>
