// Checks of the first recording of a loss, before anything is trained.
#pragma once

#include "train/step_programs.hpp"

#include <string_view>
#include <vector>

namespace wengert::train {

/// Throws ShapeError as `subject` if a loss compares each output with every target because their shapes broadcast both
/// ways. `targets` are the leaf nodes of the batch's targets.
template <class T>
void check_broadcasts(Var<T> loss, const std::vector<ProgramVar<T>>& targets, std::string_view subject,
                      const Location& where);

/// Throws ValueError if training with this loss would train nothing, or if the loss depends on trainable parameters
/// that belong neither to the network nor to an optimiser.
template <class T>
void check_trained(Var<T> loss, const ErasedModel<T>& model, const optim::AnyOptimizer<T>& optimizer,
                   const Location& where);

}  // namespace wengert::train
