// Checks a first recording for a loss that broadcasts, and for parameters that nothing trains.
#include "train/first_recording.hpp"

#include "optim/untracked_parameters.hpp"
#include <wengert/tape/op.hpp>

#include <algorithm>
#include <span>
#include <vector>

#include <fmt/format.h>

namespace wengert::train {
namespace {

// For each node before `end`, whether it is or depends on a root.
template <class T, class IsRoot>
std::vector<bool> dependents(const Tape<T>& tape, std::size_t end, const IsRoot& is_root) {
  std::vector<bool> depends(end);
  for (std::size_t k = 0; k < end; ++k) {
    const auto inputs = tape.inputs(k);
    depends[k] = is_root(k) || std::any_of(inputs.begin(), inputs.end(), [&](auto i) { return depends[i]; });
  }
  return depends;
}

// The node that an operand is a broadcast copy of.
template <class T>
std::size_t repeated(const Tape<T>& tape, std::size_t k) {
  while (tape.node(k).op != nullptr &&
         (tape.node(k).op->name == "broadcast_to" || tape.node(k).op->name == "contiguous"))
    k = tape.inputs(k)[0];
  return k;
}

// Rejects outputs (N, 1) and targets (N,), which broadcast to (N, N). A caller who compares all with all on purpose
// inserts axes, so both sides have the same rank; this is accepted.
template <class T>
void require_same_samples(Tape<T>& tape, Var<T> loss, std::size_t targets, std::string_view subject) {
  const std::size_t end = loss.index() + std::size_t{1};
  const std::vector<bool> predicted =
                              dependents(tape, end, [&](std::size_t k) { return tape.parameter(k).has_value(); }),
                          given = dependents(tape, end, [&](std::size_t k) { return k == targets; });
  for (std::size_t k = 0; k < end; ++k) {
    const Node<T>& n = tape.node(k);
    if (n.op == nullptr || n.op->kernels[0] == nullptr) continue;
    const auto shape_of = [&](std::size_t i) { return tape.node(repeated(tape, i)).layout->shape; };
    const Shape all = n.layout->shape;
    const auto is_part = [&](const Shape& shape) { return shape.elements() > 1 && shape.elements() < all.elements(); };
    for (const std::size_t a : tape.inputs(k))
      for (const std::size_t b : tape.inputs(k)) {
        if (!predicted[a] || predicted[b] || !given[b]) continue;
        const Shape p = shape_of(a), y = shape_of(b);
        if (!is_part(p) || !is_part(y) || p.rank() == y.rank()) continue;
        throw ShapeError(subject,
                         fmt::format("outputs of shape {} and targets of shape {} broadcast to {} in {}, so each "
                                     "output is compared with every target: reshape one to the shape of the other, or "
                                     "use a loss of the library, which requires equal shapes",
                                     to_string(p), to_string(y), to_string(all), n.op->subject()),
                         n.where);
      }
  }
}

}  // namespace

template <class T>
void check_broadcasts(Var<T> loss, const std::vector<ProgramVar<T>>& targets, std::string_view subject,
                      const Location& where) {
  Tape<T>& tape = tape_of(loss, subject, where);
  for (const ProgramVar<T>& target : targets) require_same_samples(tape, loss, target.handle().index(), subject);
}

template <class T>
void check_trained(Var<T> loss, const ErasedModel<T>& model, const optim::AnyOptimizer<T>& optimizer,
                   const Location& where) {
  std::vector<Parameter<T>> wanted;
  for (const auto& named : optimizer.trainable()) wanted.push_back(named.parameter);
  optim::require_all_trained("fit", loss, wanted, optimizer.parameters(), where, [&](const Parameter<T>& parameter) {
    return std::ranges::any_of(model.parameters, [&](const auto& known) { return known.second == parameter; });
  });
}

#define INSTANTIATE(T)                                                                                          \
  template void check_broadcasts(Var<T>, const std::vector<ProgramVar<T>>&, std::string_view, const Location&); \
  template void check_trained(Var<T>, const ErasedModel<T>&, const optim::AnyOptimizer<T>&, const Location&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace wengert::train
