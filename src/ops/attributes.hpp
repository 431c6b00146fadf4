// The attributes of the structural ops, for code that translates nodes. Each struct in namespace wengert::attributes
// names its ops, whose `Op::name` selects the type that a node's attributes point to. Ops that are not named have no
// attributes, or only check their inputs (`loss_check`, `total_weight_check`), or are the sum of other ops
// (`scatter_sum`).
#pragma once

#include "ops/attributes/axes.hpp"
#include "ops/attributes/indexing.hpp"
#include "ops/attributes/linalg.hpp"
#include "ops/attributes/random.hpp"
#include "ops/attributes/views.hpp"
#include "ops/attributes/windows.hpp"
