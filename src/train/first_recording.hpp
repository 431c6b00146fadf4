// What the first recording of a loss shows to be wrong, before anything is trained.
#pragma once

#include "train/step_programs.hpp"

#include <string_view>

namespace wengert::train {

/// Throws ShapeError as `subject` unless a loss is one number, and if it compares each output with every target because
/// their shapes broadcast both ways. `targets` is the leaf of the batch's targets.
template <class T>
void check_loss(const RecordedLoss<T>& recorded, const ProgramVar<T>& targets, std::string_view subject,
                const Location& where);

/// Throws ValueError if a training by this loss would train nothing, or leave out trainable parameters that are neither
/// of the network nor of an optimiser.
template <class T>
void check_trained(Var<T> loss, const Recipe<T>& recipe, const optim::Optimizer<T>& optimizer, const Location& where);

}  // namespace wengert::train
