// L-BFGS: its settings and its saved state.
#include "optim/lbfgs_memory.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace wengert::optim {
namespace {

// The part of a vector over all trained parameters that belongs to the one at `begin`, copied to `to`.
template <class T, class To>
To copy_part(const std::vector<T>& vector, std::size_t begin, std::size_t size, To to) {
  const auto from = vector.begin() + static_cast<std::ptrdiff_t>(begin);
  return std::copy(from, from + static_cast<std::ptrdiff_t>(size), to);
}

Shape stacked(std::size_t count, const Shape& shape) {
  std::vector<std::size_t> extents{count};
  extents.insert(extents.end(), shape.begin(), shape.end());
  return Shape(extents);
}

}  // namespace

template <class T>
std::vector<std::pair<std::string, std::string>> LBFGS<T>::settings() const {
  return {{"optimizer", "LBFGS"},
          {"optimizer.max_iterations", fmt::format("{}", options_.max_iterations)},
          {"optimizer.max_evaluations", fmt::format("{}", options_.max_evaluations)},
          {"optimizer.gradient_tolerance", fmt::format("{:.9g}", options_.gradient_tolerance)},
          {"optimizer.change_tolerance", fmt::format("{:.9g}", options_.change_tolerance)},
          {"optimizer.history_size", fmt::format("{}", options_.history_size)}};
}

template <class T>
std::vector<NamedParameter<T>> LBFGS<T>::state() const {
  std::vector<NamedParameter<T>> result;
  const auto add = [&](const std::string& name, Tensor<T> value) {
    result.push_back({name, Parameter<T>(std::move(value), name, false)});
  };
  add("rate", this->rate_.value());
  add("step", this->step_.value());
  const Memory& memory = *memory_;
  if (memory.last_gradient.empty()) return result;
  std::size_t begin = 0;
  for (const NamedParameter<T>& named : this->trained_) {
    if (std::find(memory.trained.begin(), memory.trained.end(), named.parameter) == memory.trained.end()) continue;
    const Shape shape = named.parameter.shape();
    const std::size_t size = shape.elements();
    const auto add_part = [&](const char* name, const std::vector<T>& vector) {
      Tensor<T> value = Tensor<T>::from_shape(shape);
      copy_part(vector, begin, size, value.begin());
      add(named.name + name, std::move(value));
    };
    add_part(".change", memory.last_change);
    add_part(".gradient", memory.last_gradient);
    if (!memory.history.empty()) {
      Tensor<T> changes = Tensor<T>::from_shape(stacked(memory.history.size(), shape)), of_gradient = changes;
      auto to = changes.begin(), to_gradient = of_gradient.begin();
      for (const auto& change : memory.history) {
        to = copy_part(change.parameters, begin, size, to);
        to_gradient = copy_part(change.gradient, begin, size, to_gradient);
      }
      add(named.name + ".changes", std::move(changes));
      add(named.name + ".gradient_changes", std::move(of_gradient));
    }
    begin += size;
  }
  return result;
}

template <class T>
void LBFGS<T>::assign_state(const detail::NamedValues<T>& parts, const Location& where) {
  std::map<std::string, const Tensor<T>*> given;
  for (const auto& [name, value] : parts)
    if (!given.emplace(name, &value).second)
      throw ValueError("LBFGS", fmt::format("state '{}' is given twice: expected once", name), where);
  const auto take = [&](const std::string& name, const Shape& shape) -> const Tensor<T>& {
    const auto part = given.extract(name);
    if (part.empty())
      throw ValueError("LBFGS", fmt::format("state '{}' is missing: expected each part of state()", name), where);
    if (const Shape got(part.mapped()->shape()); got != shape)
      throw ShapeError(
          "LBFGS", fmt::format("state '{}' of shape {}: expected {}", name, to_string(got), to_string(shape)), where);
    return *part.mapped();
  };
  const Tensor<T>&rate = take("rate", {}), &step = take("step", {});
  Memory loaded;
  std::size_t count = 0;  // of the history
  const auto append = [](std::vector<T>& vector, const auto& from, const auto& to) {
    vector.insert(vector.end(), from, to);
  };
  for (const NamedParameter<T>& named : this->trained_) {
    if (!given.contains(named.name + ".gradient")) continue;
    const Shape shape = named.parameter.shape();
    const auto size = static_cast<std::ptrdiff_t>(shape.elements());
    const Tensor<T>&change = take(named.name + ".change", shape), &gradient = take(named.name + ".gradient", shape);
    append(loaded.last_change, change.begin(), change.end());
    append(loaded.last_gradient, gradient.begin(), gradient.end());
    if (loaded.trained.empty())
      if (const auto first = given.find(named.name + ".changes");
          first != given.end() && first->second->dimension() > 0)
        count = first->second->shape(0);
    loaded.trained.push_back(named.parameter);
    if (count == 0) continue;
    const Tensor<T>&changes = take(named.name + ".changes", stacked(count, shape)),
          &of_gradient = take(named.name + ".gradient_changes", stacked(count, shape));
    if (size == 0) continue;  // an array without elements can have any length
    loaded.history.resize(count);
    auto from = changes.begin(), from_gradient = of_gradient.begin();
    for (auto& each : loaded.history) {
      append(each.parameters, from, from + size);
      append(each.gradient, from_gradient, from_gradient + size);
      from += size;
      from_gradient += size;
    }
  }
  if (!given.empty())
    throw ValueError(
        "LBFGS", fmt::format("unexpected state '{}': was it saved for other parameters?", given.begin()->first), where);
  for (auto& each : loaded.history) each.rho = 1 / dot(each.gradient, each.parameters);
  while (loaded.history.size() > options_.history_size) loaded.history.pop_front();
  this->rate_.assign(rate);
  this->step_.assign(step);
  *memory_ = std::move(loaded);
}

#define WENGERT_INSTANTIATE(T)                                                          \
  template std::vector<std::pair<std::string, std::string>> LBFGS<T>::settings() const; \
  template std::vector<NamedParameter<T>> LBFGS<T>::state() const;                      \
  template void LBFGS<T>::assign_state(const detail::NamedValues<T>&, const Location&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::optim
