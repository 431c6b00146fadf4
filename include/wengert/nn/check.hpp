// check: looks for common mistakes in a network before it is trained.
#pragma once

#include <wengert/nn/module_trace.hpp>
#include <wengert/transform/transforms.hpp>

#include <cstdint>
#include <iosfwd>
#include <string>
#include <tuple>
#include <vector>

namespace wengert::nn {

/// The mistakes that `check` finds in a network and its loss.
enum class Flaw : std::uint8_t {
  no_gradient,  ///< a parameter that the loss does not depend on, whose gradient is 0 or not finite, or that is not
                ///< reachable through the network's members
  softmax_before_logits,  ///< a softmax or sigmoid whose result goes into a loss that takes logits
  log_of_softmax,         ///< the logarithm of a softmax or sigmoid, which is less accurate than log_softmax
  broadcast_loss,         ///< predictions and targets that broadcast against each other: (n,) against (n, 1)
  dead_relu,              ///< a relu most of whose units are 0 for every sample
  saturated,              ///< a sigmoid or tanh most of whose results are near its limits, where the gradient vanishes
  no_log_probability,     ///< an nll_loss of logits or probabilities instead of log probabilities
};

/// One mistake: its location and its remedy.
struct CheckFinding {
  Flaw flaw;          ///< the kind of mistake
  std::string layer;  ///< the path of the layer concerned, or of the last layer before the function concerned
  std::string text;   ///< a sentence or two: what was found, where, and the remedy
};

/// The result of `check`; converts to true if nothing was found.
struct CheckReport {
  std::vector<CheckFinding> findings;  ///< one for each mistake

  /// Whether nothing was found.
  ///@{
  bool ok() const { return findings.empty(); }
  explicit operator bool() const { return ok(); }
  ///@}
  /// One line per finding.
  std::string to_string() const;
  /// Writes `to_string()`.
  friend std::ostream& operator<<(std::ostream& out, const CheckReport& report);
};

namespace detail {
template <class T>
CheckReport inspect(Tape<T>& tape, std::size_t first, Var<T> loss, const ModuleTrace<T>& trace);
extern template CheckReport inspect(Tape<float>&, std::size_t, Var<float>, const ModuleTrace<float>&);
extern template CheckReport inspect(Tape<double>&, std::size_t, Var<double>, const ModuleTrace<double>&);
}  // namespace detail

/// Looks for common mistakes in a network before it is trained: `nn::check(network, loss_of, X, labels)`.
///
/// `loss_of(network, x, labels)` returns the loss of a batch; the inputs are tensors of the network's scalar type,
/// Indices, or tuples or structs of them, which the loss gets with Vars and IndexVars in their place. Use a real batch
/// of at least 16 samples, because dead units and saturation are judged by its values. The network, its running
/// statistics and its random generators stay unchanged. Throws whatever the loss throws, and GradientError unless the
/// loss is a scalar.
template <class Module, class Loss, class... Inputs>
CheckReport check(const Module& module, const Loss& loss_of, const Inputs&... inputs) {
  using T = detail::ScalarOf<Module>;
  Tape<T> tape;
  const auto leaves = std::make_tuple(detail::traced_input(tape, inputs)...);
  const std::size_t first = tape.size();
  Var<T> loss;
  const detail::ModuleTrace<T> trace = detail::trace_module(
      tape, module, [&] { loss = std::apply([&](const auto&... x) { return loss_of(module, x...); }, leaves); });
  return detail::inspect(tape, first, loss, trace);
}

}  // namespace wengert::nn
