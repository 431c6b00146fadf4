// Gradient clipping by value and by global norm. All functions throw HandleError for gradients on different tapes.
#pragma once

#include <wengert/tape/tape.hpp>

#include <vector>

namespace wengert::optim {

/// Limits every element of every gradient to [−limit, limit]. Throws ValueError unless the limit is positive.
template <class T>
void clip_by_value(std::vector<Var<T>>& gradients, double limit, Location where = Location::current());

/// The Euclidean norm of all gradients concatenated into one vector, of shape (). Throws ValueError if there are none.
template <class T>
Var<T> global_norm(const std::vector<Var<T>>& gradients, Location where = Location::current());

/// Multiplies all gradients by one factor that keeps their global norm within `limit` (Pascanu et al. 2013), as in
/// PyTorch: min(1, limit / (norm + 1e-6)). Returns the norm before clipping. Throws ValueError unless the limit is
/// positive, or if there are no gradients.
template <class T>
Var<T> clip_by_global_norm(std::vector<Var<T>>& gradients, double limit, Location where = Location::current());

}  // namespace wengert::optim
