// The op `scatter_sum`, a sum of scatters into one buffer, and its recording during a sweep.
#include "tape/scatter_sum.hpp"

#include "base/reserve.hpp"

#include <algorithm>
#include <cstring>

namespace wengert {
namespace {

// The attributes of `scatter_sum` are their size, then its terms, each followed by the attributes of its op.
template <class T>
struct Term {
  const Op<T>* op;    // null: its input, as it is; only the first term
  std::size_t arity;  // its inputs follow those of the previous term
  std::size_t bytes;  // of the attributes that follow, rounded up
};

constexpr std::uint32_t no_scatter = SweepState::Adjoint::none;

std::size_t rounded_up(std::size_t bytes) {
  return (bytes + sizeof(std::size_t) - 1) / sizeof(std::size_t) * sizeof(std::size_t);
}

// Calls visit(term, its attributes, position of its first input) for each term.
template <class T, class Visit>
void each_term(const void* attributes, const Visit& visit) {
  const auto* at = static_cast<const std::byte*>(attributes);
  const auto* const end = at + *static_cast<const std::size_t*>(attributes);
  std::size_t first = 0;
  for (at += sizeof(std::size_t); at != end;) {
    const auto& term = *reinterpret_cast<const Term<T>*>(at);
    at += sizeof(Term<T>);
    visit(term, at, first);
    at += term.bytes;
    first += term.arity;
  }
}

template <class T>
Shape sum_shape(const void* attributes, std::span<const Shape* const> inputs) {
  const auto* const terms = static_cast<const std::byte*>(attributes) + sizeof(std::size_t);
  const auto& first = *reinterpret_cast<const Term<T>*>(terms);
  return first.op == nullptr ? *inputs[0] : first.op->shape(terms + sizeof(Term<T>), inputs.first(first.arity));
}

template <class T>
void add_terms(const void* attributes, std::span<const Value<const T>> inputs, Value<T> out) {
  each_term<T>(attributes, [&](const Term<T>& term, const void* own, std::size_t first) {
    if (term.op == nullptr) return copy_elements(inputs[0], out);
    if (first == 0) std::fill_n(out.data, out.size(), T(0));
    term.op->add_to(own, inputs.subspan(first, term.arity), out);
  });
}

template <class T>
void give_to_terms(Pullback<T>& pullback) {
  each_term<T>(pullback.node().attributes, [&](const Term<T>& term, const void* own, std::size_t first) {
    if (!pullback.needs(first)) return;
    if (term.op == nullptr) return pullback.give(first, pullback.cotangent());
    Pullback<T> part = pullback.part(own, first);
    term.op->vjp(part);
  });
}

template <class T>
Text sum_text(const void* attributes, std::span<const Text> inputs) {
  Text result = Text::of(0);
  each_term<T>(attributes, [&](const Term<T>& term, const void* own, std::size_t first) {
    result = result + (term.op == nullptr ? inputs[first] : term.op->text(own, inputs.subspan(first, term.arity)));
  });
  return result;
}

template <class T>
constexpr Op<T> scatter_sum_op{.name = "scatter_sum",
                               .shape = sum_shape<T>,
                               .forward = add_terms<T>,
                               .takes_strides = true,
                               .vjp = give_to_terms<T>,
                               .text = sum_text<T>,
                               .sized_attributes = true};

}  // namespace

template <class T>
std::vector<ScatterTerm<T>> scatter_terms(const void* attributes) {
  std::vector<ScatterTerm<T>> terms;
  each_term<T>(attributes, [&](const Term<T>& term, const void* own, std::size_t first) {
    const auto offset = static_cast<const std::byte*>(own) - static_cast<const std::byte*>(attributes);
    terms.push_back({term.op, static_cast<std::size_t>(offset), first, term.arity});
  });
  return terms;
}

template <class T>
std::size_t ScatterSum<T>::add(SweepState::Adjoint& adjoint, const Op<T>& scatter, const void* attributes,
                               std::span<const Var<T>> inputs) {
  SweepState& state = tape_.sweep_;
  SweepState::Scatter added{.op = &scatter, .where = *state.where, .previous = adjoint.scatter};
  if (const std::size_t bytes = scatter.attribute_size(attributes); bytes > 0)
    added.attributes = std::memcpy(tape_.arena_.allocate(bytes), attributes, bytes);
  added.elements = tape_.nodes_[inputs[0].index()].layout->size;
  if (added.previous != no_scatter) added.elements += state.scatters[added.previous].elements;
  if (state.scatters.size() == state.scatters.capacity()) detail::grow(state.scatters);
  for (const Var<T>& given : inputs) {
    const bool takes = scatter.takes_strides || tape_.nodes_[given.index()].layout->contiguous;
    const Var<T> input = takes ? given : EngineOps<T>::table.contiguous(given, added.where);
    added.inputs[added.arity++] = input.index();
  }
  for (std::size_t i = 0; i < added.arity && state.temporaries == Temporaries::recycle; ++i)
    tape_.pool_.retain(tape_.nodes_[added.inputs[i]].storage_);
  adjoint.scatter = static_cast<std::uint32_t>(state.scatters.size());
  state.scatters.push_back(added);
  return added.elements;
}

template <class T>
Var<T> ScatterSum<T>::record(SweepState::Adjoint& adjoint) {
  SweepState& state = tape_.sweep_;
  const auto each = [&](const auto& visit) {
    for (std::uint32_t s = adjoint.scatter; s != no_scatter; s = state.scatters[s].previous)
      visit(state.scatters[s], *static_cast<const Op<T>*>(state.scatters[s].op));
  };
  const SweepState::Scatter& last = state.scatters[adjoint.scatter];
  const bool has_sum = adjoint.node != SweepState::Adjoint::none, alone = !has_sum && last.previous == no_scatter;
  std::size_t count = has_sum ? 1 : 0, bytes = sizeof(std::size_t) + count * sizeof(Term<T>);
  each([&](const SweepState::Scatter& scatter, const Op<T>& op) {
    count += scatter.arity;
    bytes += sizeof(Term<T>) + rounded_up(op.attribute_size(scatter.attributes));
  });
  auto* const inputs = static_cast<Var<T>*>(tape_.arena_.allocate(count * sizeof(Var<T>)));
  std::byte* const attributes = alone ? nullptr : static_cast<std::byte*>(tape_.arena_.allocate(bytes));
  Var<T>* input = inputs;
  std::byte* at = attributes;
  const auto write = [&](const void* from, std::size_t size) {
    if (alone) return;  // its op keeps its own attributes
    if (size > 0) std::memcpy(at, from, size);
    std::memset(at + size, 0, rounded_up(size) - size);
    at += rounded_up(size);
  };
  write(&bytes, sizeof(bytes));
  if (has_sum) {
    const Term<T> term{nullptr, 1, 0};
    write(&term, sizeof(term));
    std::construct_at(input++, tape_.at(adjoint.node));
  }
  each([&](const SweepState::Scatter& scatter, const Op<T>& op) {
    const std::size_t size = op.attribute_size(scatter.attributes);
    const Term<T> term{&op, scatter.arity, rounded_up(size)};
    write(&term, sizeof(term));
    write(scatter.attributes, size);
    for (std::size_t i = 0; i < scatter.arity; ++i) std::construct_at(input++, tape_.at(scatter.inputs[i]));
  });
  const Location* const line = std::exchange(state.where, &last.where);
  // The attributes are in the tape's arena already: a size of 0 makes `record` use them in place.
  const Var<T> sum = tape_.record(alone ? *static_cast<const Op<T>*>(last.op) : scatter_sum_op<T>,
                                  alone ? last.attributes : attributes, 0, {inputs, count}, last.where);
  state.where = line;
  clear(adjoint);
  return sum;
}

template <class T>
void ScatterSum<T>::clear(SweepState::Adjoint& adjoint) {
  SweepState& state = tape_.sweep_;
  for (std::uint32_t s = std::exchange(adjoint.scatter, no_scatter); s != no_scatter;) {
    const SweepState::Scatter& scatter = state.scatters[s];
    for (std::size_t i = 0; i < scatter.arity && state.temporaries == Temporaries::recycle; ++i)
      tape_.pool_.release(tape_.nodes_[scatter.inputs[i]].storage_);
    s = scatter.previous;
  }
}

template std::vector<ScatterTerm<float>> scatter_terms(const void*);
template std::vector<ScatterTerm<double>> scatter_terms(const void*);
template class ScatterSum<float>;
template class ScatterSum<double>;

}  // namespace wengert
