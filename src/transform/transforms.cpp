// grad, jvp, hvp, jacobian and hessian, all by reverse sweeps: a jvp differentiates the linear pullback.
#include "tape/ancestors.hpp"
#include "tape/operands.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/reduce.hpp>
#include <wengert/ops/shape.hpp>
#include <wengert/tape/op.hpp>
#include <wengert/transform/transforms.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xbuilder.hpp>

namespace wengert {
namespace {

// Rejects parameters that were recorded again after a commit changed them: a value computed from the first node does
// not depend on the second, whose gradient would be zeros.
template <class T>
void require_not_recorded_anew(const Tape<T>& tape, Var<T> y, std::span<const Var<T>> wrt) {
  const auto is_later = [&](const Var<T>& w) {
    return w.index() > y.index() && tape.node(std::size_t{w.index()}).versioned;
  };
  if (std::none_of(wrt.begin(), wrt.end(), is_later)) return;
  const std::vector<bool> read = ancestors(y);
  for (std::size_t k = 0; k < read.size(); ++k) {
    if (!read[k] || tape.node(k).op != nullptr || !tape.node(k).versioned) continue;
    const auto parameter = tape.parameter(k);
    const auto is_again = [&](const Var<T>& w) { return is_later(w) && tape.parameter(w.index()) == parameter; };
    if (!parameter || std::none_of(wrt.begin(), wrt.end(), is_again)) continue;
    const std::string name = parameter->name().empty() ? "a parameter" : fmt::format("'{}'", parameter->name());
    throw HandleError("grad", fmt::format("{} was changed and recorded again after the value was computed, so the "
                                          "value does not depend on the new node: take gradients before commit()",
                                          name));
  }
}

template <class T>
void require_shape(Var<T> value, Var<T> cotangent, const Tape<T>& tape) {
  const Shape shape = tape.node(value, "grad").layout->shape, got = tape.node(cotangent, "grad").layout->shape;
  if (got != shape)
    throw ShapeError("grad", fmt::format("a cotangent of shape {} for a value of shape {}: expected equal shapes",
                                         to_string(got), to_string(shape)));
}

// The cotangent of the only value, which is 1 for a scalar unless one is given.
template <class T>
Var<T> cotangent_of(const Differentiated<T>& y, Tape<T>& tape) {
  if (!y.cotangent.empty()) return y.cotangent;
  const Shape shape = tape.node(y.value, "grad").layout->shape;
  if (shape.elements() != 1)
    throw GradientError(
        "grad",
        fmt::format(
            "a value of shape {}: expected a scalar; reduce it, or pass a cotangent, grad(seed(y, cotangent), …)",
            to_string(shape)));
  return broadcast_to(tape.constant(T(1), y.where), shape, y.where);
}

// Sweeps back from `y`.
template <class T>
void sweep(const Differentiated<T>& y, std::span<const Var<T>> wrt, std::span<Var<T>> results,
           Temporaries temporaries) {
  Tape<T>& tape = y.value.tape("grad", y.where);
  atomically(tape, y.where, [&] {
    tape.node(y.value, "grad");
    for (const Var<T>& w : wrt) tape.node(w, "grad");
    require_not_recorded_anew(tape, y.value, wrt);
    const Var<T> cotangent = cotangent_of(y, tape);
    if (y.others.empty()) {
      require_shape(y.value, cotangent, tape);
      Sweep<T>(tape, temporaries).run({&y.value, 1}, {&cotangent, 1}, wrt, results);
      return 0;
    }
    std::vector<Var<T>> values{y.value}, cotangents{cotangent};
    for (const Seeded<T>& other : y.others) {
      values.push_back(other.value);
      cotangents.push_back(other.cotangent);
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      check_operand(tape, values[i], "grad", y.where, "value {}", i + 1);
      check_operand(tape, cotangents[i], "grad", y.where, "cotangent {}", i + 1);
      require_shape(values[i], cotangents[i], tape);
      require_not_recorded_anew(tape, values[i], wrt);
    }
    Sweep<T>(tape, temporaries).run(values, cotangents, wrt, results);
    return 0;
  });
}

}  // namespace

template <class T>
Differentiated<T>::Differentiated(const Seeded<T>& seeded, Location line)
    : value(seeded.value), cotangent(seeded.cotangent), where(line) {
  if (cotangent.empty()) detail::throw_empty_handle("seed", "the cotangent", line);
}

template <class T>
Differentiated<T>::Differentiated(std::initializer_list<Seeded<T>> several, Location line)
    : Differentiated(std::vector<Seeded<T>>(several), line) {}

template <class T>
Differentiated<T>::Differentiated(const std::vector<Seeded<T>>& several, Location line) : where(line) {
  if (several.empty()) throw GradientError("grad", "no values to differentiate: expected at least one", line);
  for (const Seeded<T>& seeded : several)
    if (seeded.cotangent.empty()) detail::throw_empty_handle("seed", "the cotangent", line);
  value = several.front().value;
  cotangent = several.front().cotangent;
  others.assign(several.begin() + 1, several.end());
}

template <class T>
void detail::grad_into(const Differentiated<T>& y, std::span<const Var<T>> wrt, std::span<Var<T>> results) {
  sweep(y, wrt, results, Temporaries::keep);
}

template <class T>
void gradients_into(const std::type_identity_t<Differentiated<T>>& y, std::span<const Var<T>> wrt,
                    std::span<Tensor<T>> results) {
  if (results.size() != wrt.size())
    throw ShapeError("gradients", fmt::format("{} results for {} variables", results.size(), wrt.size()), y.where);
  Tape<T>& tape = y.value.tape("grad", y.where);
  tape.require_values("gradients", "use grad(...), which records the gradients, and tape.update(...)", y.where);
  constexpr std::size_t few = 32;
  std::array<Var<T>, few> small;
  std::vector<Var<T>> large(wrt.size() > few ? wrt.size() : 0);
  const std::span<Var<T>> swept =
      wrt.size() > few ? std::span<Var<T>>(large) : std::span<Var<T>>(small.data(), wrt.size());
  const auto mark = tape.mark();
  sweep(y, wrt, swept, Temporaries::recycle);
  for (std::size_t i = 0; i < wrt.size(); ++i) {
    const Value<const T> gradient = tape.value_of(swept[i].index());
    if (Shape(results[i].shape()) != gradient.shape())
      results[i] = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(gradient.shape()));
    copy_elements<T>(gradient, results[i].data());
  }
  tape.rewind(mark);
  tape.note_read(y.where);
}

// ---- directional derivatives, Jacobians and Hessians ---------------------------------------------------------------

// Σᵢ sum(aᵢ · bᵢ) of pairs of the same shape.
template <class T>
static Var<T> inner_product(std::string_view subject, const std::vector<Var<T>>& a, const std::vector<Var<T>>& b) {
  if (a.empty() || a.size() != b.size())
    throw ShapeError(subject,
                     fmt::format("{} variables and {} vectors: expected one vector for each", a.size(), b.size()));
  Var<T> total;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].shape() != b[i].shape())
      throw ShapeError(subject, fmt::format("variable {} has shape {}, its vector {}: expected equal shapes", i + 1,
                                            to_string(a[i].shape()), to_string(b[i].shape())));
    const Var<T> part = sum(a[i] * b[i]);
    total = total.empty() ? part : total + part;
  }
  return total;
}

// A cotangent of y, recorded as a variable, and the gradients with respect to x, which are linear in it.
template <class T>
static std::pair<Var<T>, std::vector<Var<T>>> linear_pullback(Var<T> y, const std::vector<Var<T>>& x) {
  const Var<T> cotangent = y.tape().variable(Tensor<T>(xt::ones<T>(xt::dynamic_shape<std::size_t>(y.shape()))));
  return {cotangent, grad<T>(seed(y, cotangent), x)};
}

template <class T>
Var<T> jvp(Var<T> y, const std::vector<Var<T>>& x, const std::vector<Var<T>>& tangents, Location where) {
  Tape<T>& tape = tape_of(y, "jvp", where);
  return atomically(tape, tape.node(y, "jvp").where, [&] {
    const auto [cotangent, gradients] = linear_pullback(y, x);
    return grad<T>(inner_product("jvp", gradients, tangents), {cotangent}).front();
  });
}

template <class T>
std::vector<Var<T>> hvp(Var<T> y, const std::vector<Var<T>>& x, const std::vector<Var<T>>& v, Location where) {
  Tape<T>& tape = tape_of(y, "hvp", where);
  where = tape.node(y, "hvp").where;
  return atomically(tape, where, [&] { return grad<T>(inner_product("hvp", grad<T>({y, where}, x), v), x); });
}

// The shape of the derivatives of a value of shape `of` with respect to one of shape `by`.
static xt::dynamic_shape<std::size_t> joined(const Shape& of, const Shape& by) {
  if (of.rank() + by.rank() > max_rank)
    throw ShapeError(
        "jacobian",
        fmt::format("derivatives of shape {} with respect to shape {} have more than {} axes: reshape one first",
                    to_string(of), to_string(by), max_rank));
  xt::dynamic_shape<std::size_t> shape(of.begin(), of.end());
  shape.insert(shape.end(), by.begin(), by.end());
  return shape;
}

// One sweep for each element of y.
template <class T>
static std::vector<Tensor<T>> reverse_jacobian(Var<T> y, const std::vector<Var<T>>& x) {
  std::vector<Tensor<T>> result, row(x.size());
  for (const Var<T>& v : x) result.push_back(Tensor<T>::from_shape(joined(y.shape(), v.shape())));
  Tensor<T> basis = xt::zeros<T>(xt::dynamic_shape<std::size_t>(y.shape()));
  const auto mark = y.tape().mark();
  for (std::size_t k = 0; k < basis.size(); ++k) {
    basis.data()[k] = 1;
    gradients_into<T>(seed(y, y.tape().constant(basis)), x, row);
    y.tape().rewind(mark);
    basis.data()[k] = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      std::copy_n(row[i].data(), row[i].size(), result[i].data() + k * row[i].size());
  }
  return result;
}

// One sweep for each element of x: the Jacobian of the pullback, which is linear, is the transposed Jacobian.
template <class T>
static std::vector<Tensor<T>> forward_jacobian(Var<T> y, const std::vector<Var<T>>& x) {
  const auto [cotangent, gradients] = linear_pullback(y, x);
  std::vector<Tensor<T>> result;
  for (const Var<T>& g : gradients) {
    const Tensor<T> transposed = reverse_jacobian(g, {cotangent}).front();
    auto jacobian = Tensor<T>::from_shape(joined(y.shape(), g.shape()));
    const std::size_t rows = y.size(), columns = g.size();
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j) jacobian.data()[i * columns + j] = transposed.data()[j * rows + i];
    result.push_back(std::move(jacobian));
  }
  return result;
}

template <class T>
std::vector<Tensor<T>> jacobian(Var<T> y, const std::vector<Var<T>>& x, JacobianMode mode, Location where) {
  Tape<T>& tape = tape_of(y, "jacobian", where);
  std::size_t columns = 0;
  for (const Var<T>& v : x) columns += v.size(where);
  if (mode == JacobianMode::automatic)
    mode = 2 * columns < y.size() ? JacobianMode::forward : JacobianMode::reverse;  // forward sweeps cost twice as much
  where = tape.node(y, "jacobian").where;
  tape.require_values("jacobian", "use grad(...) or jvp(...), which record derivatives", where);
  const auto mark = tape.mark();
  return atomically(tape, where, [&] {
    auto result = mode == JacobianMode::forward ? forward_jacobian(y, x) : reverse_jacobian(y, x);
    tape.rewind(mark);
    tape.note_read(where);
    return result;
  });
}

template <class T>
std::vector<std::vector<Tensor<T>>> hessian(Var<T> y, const std::vector<Var<T>>& x, Location where) {
  Tape<T>& tape = tape_of(y, "hessian", where);
  const auto mark = tape.mark();
  where = tape.node(y, "hessian").where;
  tape.require_values("hessian", "use hvp(...), which records derivatives", where);
  return atomically(tape, where, [&] {
    std::vector<std::vector<Tensor<T>>> blocks;
    for (const Var<T>& g : grad<T>({y, where}, x)) blocks.push_back(reverse_jacobian(g, x));
    tape.rewind(mark);
    tape.note_read(where);
    return blocks;
  });
}

#define WENGERT_INSTANTIATE(T)                                                                                \
  template struct Differentiated<T>;                                                                          \
  template void detail::grad_into(const Differentiated<T>&, std::span<const Var<T>>, std::span<Var<T>>);      \
  template void gradients_into<T>(const Differentiated<T>&, std::span<const Var<T>>, std::span<Tensor<T>>);   \
  template Var<T> jvp(Var<T>, const std::vector<Var<T>>&, const std::vector<Var<T>>&, Location);              \
  template std::vector<Var<T>> hvp(Var<T>, const std::vector<Var<T>>&, const std::vector<Var<T>>&, Location); \
  template std::vector<Tensor<T>> jacobian(Var<T>, const std::vector<Var<T>>&, JacobianMode, Location);       \
  template std::vector<std::vector<Tensor<T>>> hessian(Var<T>, const std::vector<Var<T>>&, Location);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert
