// The attributes of ops that draw random numbers, whose last input is the generator.
#pragma once

#include <wengert/tape/op.hpp>

namespace wengert::attributes {

/// `uniform`, `normal`: the shape of the result.
struct DrawnTo {
  Shape to;
  Draw draw;
};

/// `bernoulli` (probabilities), `categorical` (logits along the last axis).
struct Drawn {
  Draw draw;
};

/// `dropout` (x): elements are 0 with this probability, and the others divided by 1 − probability.
struct Dropout {
  Draw draw;
  double probability = 0;
};

}  // namespace wengert::attributes
