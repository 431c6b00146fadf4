// From what a loss function returns to the number that a step minimises: weighted means, the sum of terms, and the
// guard against values that are not finite.
#pragma once

#include <wengert/train/erased_model.hpp>

#include <cstddef>
#include <string_view>

namespace wengert::train {

/// Throws as `subject` unless the loss and each of its terms are one number, or have one value per sample, or per
/// weight if there are weights: ShapeError, and ValueError for one number with weights. Throws ValueError for no terms,
/// and for names of terms that are empty or occur twice.
template <class T>
void check_reducible(const RecordedLoss<T>& recorded, std::size_t samples, const Var<T>& weights,
                     std::string_view subject, const Location& where);

/// Replaces the loss and its terms by their means, weighted if `weights` is not empty, and the loss by the sum of the
/// terms, if there are any.
template <class T>
void reduce_loss(RecordedLoss<T>& recorded, const Var<T>& weights);

/// Returns the loss. Throws ValueError, also in a Program, if it is NaN or infinite.
template <class T>
Var<T> finite_loss(Var<T> loss, Location where = Location::current());

}  // namespace wengert::train
