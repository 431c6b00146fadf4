// BatchNorm, LayerNorm, RMSNorm and GroupNorm: initialisation, input checks and forward pass.
#include "nn/construction.hpp"
#include <wengert/nn/normalise.hpp>
#include <wengert/nn/scope.hpp>
#include <wengert/tape/op.hpp>

namespace wengert::nn {
namespace {

template <class T>
Var<T> recorded(Tape<T>& tape, const std::optional<Parameter<T>>& parameter, const Location& where) {
  return parameter ? tape.variable(*parameter, where) : Var<T>();
}

// Sets a layer's weight to ones and its bias, if it has one, to zeros.
template <class T, class Layer>
void make_affine(const Construction& construction, Layer& layer, const Shape& shape) {
  layer.weight = filled<T>(construction, shape, 1, "weight");
  if constexpr (requires { layer.bias; }) layer.bias = filled<T>(construction, shape, 0, "bias");
}

template <class T>
void require_channels(std::string_view module, Var<T> x, std::size_t channels, const Location& where) {
  const Shape shape = x.shape();
  if (shape.rank() >= 2 && shape[1] == channels) return;
  throw ShapeError(module,
                   fmt::format("an input of shape {}: this layer expects {} channels, (N, {}) or (N, {}, …)",
                               to_string(shape), channels, channels, channels),
                   where);
}

template <class T>
void require_trailing(std::string_view module, Var<T> x, const Shape& normalised, const Location& where) {
  const Shape shape = x.shape();
  if (shape.rank() >= normalised.rank() &&
      std::equal(normalised.begin(), normalised.end(), shape.end() - normalised.rank()))
    return;
  throw ShapeError(module,
                   fmt::format("an input of shape {}: this layer expects {} as its last extents", to_string(shape),
                               to_string(normalised)),
                   where);
}

void require_extents(const Construction& construction, const Shape& normalised) {
  if (normalised.empty())
    throw ValueError(construction.module,
                     "no extents to normalise over: expected those of the trailing axes, as in make({128})",
                     construction.where);
  for (const std::size_t extent : normalised) require_positive(construction, "elements along an axis", extent);
}

}  // namespace

template <class T>
BatchNorm<T> BatchNorm<T>::make(std::size_t channels, const BatchNormOptions& options, Location where) {
  const Construction construction{"BatchNorm", where};
  require_positive(construction, "channels", channels);
  BatchNorm layer{{},
                  {},
                  {filled<T>(construction, {channels}, 0, "running_mean", false)},
                  {filled<T>(construction, {channels}, 1, "running_var", false)},
                  options};
  if (options.affine) make_affine<T>(construction, layer, {channels});
  return layer;
}
template <class T>
Var<T> BatchNorm<T>::operator()(Var<T> x, Location where) const {
  const Scope scope(*this, x);
  Tape<T>& tape = tape_of(x, "BatchNorm", where);
  require_channels("BatchNorm", x, running_mean.parameter.value().size(), where);
  BatchNormState<T> state(1, options.momentum);
  state.running_mean = running_mean.parameter;
  state.running_variance = running_var.parameter;
  return atomically(tape, where, [&] {
    return batch_norm(x, state, mode.training() ? Training::yes : Training::no, recorded(tape, weight, where),
                      recorded(tape, bias, where), options.epsilon, where);
  });
}

template <class T>
LayerNorm<T> LayerNorm<T>::make(const Shape& normalised, const NormOptions& options, Location where) {
  const Construction construction{"LayerNorm", where};
  require_extents(construction, normalised);
  LayerNorm layer{{}, {}, normalised, options.epsilon};
  if (options.affine) make_affine<T>(construction, layer, normalised);
  return layer;
}
template <class T>
Var<T> LayerNorm<T>::operator()(Var<T> x, Location where) const {
  const Scope scope(*this, x);
  Tape<T>& tape = tape_of(x, "LayerNorm", where);
  require_trailing("LayerNorm", x, normalised, where);
  return layer_norm(x, normalised, recorded(tape, weight, where), recorded(tape, bias, where), epsilon, where);
}

template <class T>
RMSNorm<T> RMSNorm<T>::make(const Shape& normalised, const NormOptions& options, Location where) {
  const Construction construction{"RMSNorm", where};
  require_extents(construction, normalised);
  RMSNorm layer{{}, normalised, options.epsilon};
  if (options.affine) make_affine<T>(construction, layer, normalised);
  return layer;
}
template <class T>
Var<T> RMSNorm<T>::operator()(Var<T> x, Location where) const {
  const Scope scope(*this, x);
  Tape<T>& tape = tape_of(x, "RMSNorm", where);
  require_trailing("RMSNorm", x, normalised, where);
  return rms_norm(x, normalised, recorded(tape, weight, where), epsilon, where);
}

template <class T>
GroupNorm<T> GroupNorm<T>::make(std::size_t groups, std::size_t channels, const NormOptions& options, Location where) {
  const Construction construction{"GroupNorm", where};
  require_positive(construction, "channels", channels);
  if (groups == 0 || channels % groups != 0)
    throw ValueError("GroupNorm",
                     fmt::format("{} groups for {} channels: expected a divisor of the channels", groups, channels),
                     where);
  GroupNorm layer{{}, {}, groups, channels, options.epsilon};
  if (options.affine) make_affine<T>(construction, layer, {channels});
  return layer;
}
template <class T>
Var<T> GroupNorm<T>::operator()(Var<T> x, Location where) const {
  const Scope scope(*this, x);
  Tape<T>& tape = tape_of(x, "GroupNorm", where);
  require_channels("GroupNorm", x, channels, where);
  return group_norm(x, groups, recorded(tape, weight, where), recorded(tape, bias, where), epsilon, where);
}

#define WENGERT_INSTANTIATE(T)  \
  template struct BatchNorm<T>; \
  template struct LayerNorm<T>; \
  template struct RMSNorm<T>;   \
  template struct GroupNorm<T>;
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::nn
