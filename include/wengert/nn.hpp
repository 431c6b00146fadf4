// Neural networks: all headers of nn/.
#pragma once

#include <wengert/nn/activations.hpp>
#include <wengert/nn/attention.hpp>
#include <wengert/nn/check.hpp>
#include <wengert/nn/conv.hpp>
#include <wengert/nn/dropout.hpp>
#include <wengert/nn/embedding.hpp>
#include <wengert/nn/gradients.hpp>
#include <wengert/nn/initialisers.hpp>
#include <wengert/nn/linear.hpp>
#include <wengert/nn/lora.hpp>
#include <wengert/nn/mode.hpp>
#include <wengert/nn/module.hpp>
#include <wengert/nn/normalise.hpp>
#include <wengert/nn/pooling.hpp>
#include <wengert/nn/recurrent.hpp>
#include <wengert/nn/scope.hpp>
#include <wengert/nn/sequential.hpp>
#include <wengert/nn/summary.hpp>
