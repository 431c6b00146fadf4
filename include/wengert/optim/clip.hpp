// Gradients kept from becoming too large.
#pragma once

#include <wengert/tape.hpp>

#include <vector>

namespace wengert::optim {

/// Every element of every gradient limited to [−limit, limit]. Throws ValueError unless the limit is positive.
template <class T>
void clip_by_value(std::vector<Var<T>>& gradients, double limit, Location where = Location::current());

/// The Euclidean norm of all gradients taken as one vector, of shape (). Throws ValueError if there are none.
template <class T>
Var<T> global_norm(const std::vector<Var<T>>& gradients, Location where = Location::current());

/// All gradients multiplied by the one factor that keeps their global norm within `limit` (Pascanu et al. 2013);
/// as PyTorch, min(1, limit / (norm + 1e-6)). Returns the norm before. Throws ValueError unless the limit is positive,
/// or if there are no gradients.
template <class T>
Var<T> clip_by_global_norm(std::vector<Var<T>>& gradients, double limit, Location where = Location::current());

}  // namespace wengert::optim
