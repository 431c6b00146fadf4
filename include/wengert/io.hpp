// Tensor files: .npy, .npz, .safetensors, and the parameters of a network.
#pragma once

#include <wengert/io/npy.hpp>
#include <wengert/io/npz.hpp>
#include <wengert/io/parameters.hpp>
#include <wengert/io/safetensors.hpp>
