// Finds the trainable parameters that a loss depends on but that no optimiser trains.
#pragma once

#include "base/join.hpp"
#include "base/line_of.hpp"
#include "tape/ancestors.hpp"
#include <wengert/reflect/parameters.hpp>
#include <wengert/tape/op.hpp>
#include <wengert/transform/transforms.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace wengert::optim {

/// A parameter and its leaf node on a tape.
template <class T>
struct RecordedParameter {
  Parameter<T> parameter;
  Var<T> leaf;
};

/// Whether a gradient is the zeros that a sweep returns for nodes that the loss does not depend on.
template <class T>
bool is_no_gradient(Tape<T>& tape, Var<T> gradient) {
  std::size_t k = gradient.index();
  while (tape.node(k).op != nullptr && tape.node(k).op->name == "broadcast_to") k = tape.inputs(k)[0];
  const Node<T>& n = tape.node(k);
  return n.op == nullptr && n.layout->size == 1 && *tape.value_of(k).data == T(0);
}

/// The trainable parameters that a loss depends on and `is_known` does not accept. Leaves the tape unchanged.
template <class T, class Known>
std::vector<RecordedParameter<T>> untracked_parameters(Var<T> loss, const Known& is_known) {
  Tape<T>& tape = loss.tape();
  std::vector<RecordedParameter<T>> found;
  for (std::size_t k = 0; k <= loss.index(); ++k) {
    if (tape.node(k).op != nullptr || !tape.node(k).versioned) continue;
    const auto parameter = tape.parameter(k);
    if (!parameter || !parameter->trainable() || is_known(*parameter)) continue;
    found.push_back({*parameter, tape.at(k)});
  }
  if (found.empty()) return found;
  const auto start = tape.mark();
  std::vector<Var<T>> leaves;
  for (const RecordedParameter<T>& each : found) leaves.push_back(each.leaf);
  const std::vector<Var<T>> gradients = grad<T>({loss, tape.node(std::size_t{loss.index()}).where}, leaves);
  std::vector<RecordedParameter<T>> reached;
  for (std::size_t i = 0; i < found.size(); ++i)
    if (!is_no_gradient(tape, gradients[i])) reached.push_back(found[i]);
  tape.rewind(start);
  return reached;
}

/// The list of such parameters in a message: `weight (3, 8) at net.hpp:12`.
template <class T>
std::string listed(const std::vector<RecordedParameter<T>>& parameters) {
  return first_few(parameters, [](const RecordedParameter<T>& each) {
    const std::string& name = each.parameter.name();
    return fmt::format("{} {} at {}", name.empty() ? "one" : name, to_string(each.parameter.shape()),
                       line_of(each.leaf.tape().node(std::size_t{each.leaf.index()}).where));
  });
}

/// The advice of messages about such parameters.
inline constexpr std::string_view advice_on_untracked =
    "members that have a constructor, private members or virtual functions are skipped, as are maps, pairs, variants "
    "and lambdas: use aggregates, vectors, tuples, optionals or pointers, pass the parameters to an optimiser, or "
    "freeze those not to be trained";

/// An optimiser's parameters as a message lists them: `'weight', 'bias'`.
template <class T>
std::string listed(const std::vector<NamedParameter<T>>& named) {
  return first_few(named, [](const NamedParameter<T>& each) { return fmt::format("'{}'", each.name); });
}

/// Throws ValueError as `subject` if none of an optimiser's parameters is trained: `wanted` are those of `named` that
/// are not frozen.
template <class T, class Wanted>
void require_any_trained(std::string_view subject, const Wanted& wanted, const std::vector<NamedParameter<T>>& named,
                         const Location& where) {
  if (!wanted.empty()) return;
  throw ValueError(subject,
                   fmt::format("all parameters of the optimiser are frozen ({}), so nothing is trained: unfreeze some",
                               listed(named)),
                   where);
}

/// Throws ValueError as `subject` if a step on a loss would train nothing, or if the loss depends on trainable
/// parameters that no optimiser trains, unless a queued update writes them or `is_known` accepts them. `named` are the
/// optimiser's parameters, `wanted` those of them that are not frozen.
template <class T, class Known>
void require_all_trained(std::string_view subject, Var<T> loss, const std::vector<Parameter<T>>& wanted,
                         const std::vector<NamedParameter<T>>& named, const Location& where, const Known& is_known) {
  Tape<T>& tape = loss.tape();
  require_any_trained(subject, wanted, named, where);
  const std::vector<bool> read = ancestors(loss);
  const auto is_read = [&](const Parameter<T>& parameter) {
    const std::size_t k = tape.recorded(parameter, where).index();
    return k < read.size() && read[k];
  };
  if (std::none_of(wanted.begin(), wanted.end(), is_read))
    throw ValueError(subject,
                     fmt::format("the loss reads none of the optimiser's parameters ({}), so nothing is trained: was "
                                 "it created for another network, or a copy of this one?",
                                 listed(named)),
                     where);
  const auto is_written = [&](const Parameter<T>& parameter) {
    const auto updates = tape.updates();
    return std::any_of(updates.begin(), updates.end(),
                       [&](const auto& queued) { return queued.parameter == parameter; });
  };
  const std::vector<RecordedParameter<T>> others = untracked_parameters(loss, [&](const Parameter<T>& parameter) {
    return parameter.optimised() || is_written(parameter) || is_known(parameter);
  });
  if (others.empty()) return;
  throw ValueError(
      subject,
      fmt::format(
          "the loss depends on trainable parameters that belong to no optimiser ({}), so they would not be trained; {}",
          listed(others), advice_on_untracked),
      where);
}

template <class T>
void require_all_trained(std::string_view subject, Var<T> loss, const std::vector<Parameter<T>>& wanted,
                         const std::vector<NamedParameter<T>>& named, const Location& where) {
  require_all_trained(subject, loss, wanted, named, where, [](const Parameter<T>&) { return false; });
}

}  // namespace wengert::optim
