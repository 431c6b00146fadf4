// All of Wengert's engine.
#pragma once

#include <wengert/elementwise.hpp>
#include <wengert/error.hpp>
#include <wengert/fwd.hpp>
#include <wengert/gradcheck.hpp>
#include <wengert/gradcheck_op.hpp>
#include <wengert/index_var.hpp>
#include <wengert/op.hpp>
#include <wengert/ops/control.hpp>
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/linalg.hpp>
#include <wengert/ops/loss.hpp>
#include <wengert/ops/normalise.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/parameter.hpp>
#include <wengert/structural.hpp>
#include <wengert/tape.hpp>
#include <wengert/tensor.hpp>
#include <wengert/threads.hpp>
#include <wengert/transforms.hpp>
#include <wengert/tree.hpp>
#include <wengert/version.hpp>
