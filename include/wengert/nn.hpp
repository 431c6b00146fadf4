// Networks: everything under nn/.
#pragma once

#include <wengert/nn/activations.hpp>
#include <wengert/nn/dropout.hpp>
#include <wengert/nn/initialisers.hpp>
#include <wengert/nn/linear.hpp>
#include <wengert/nn/mode.hpp>
#include <wengert/nn/module.hpp>
#include <wengert/nn/sequential.hpp>
