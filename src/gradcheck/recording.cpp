// Records a checked function, locates the leaf nodes of each input, and finds parameters that were not listed.
#include "gradcheck/recording.hpp"

#include <wengert/ops/elementwise.hpp>

#include <algorithm>

namespace wengert::detail {

template <class T>
Recording<T>::Recording(Tape<T>& tape, const CheckedFunction<T>& f, const std::vector<Tensor<double>>& inputs) {
  std::vector<Var<T>> variables;
  for (const Tensor<double>& input : inputs) variables.push_back(tape.variable(Tensor<T>(xt::cast<T>(input))));
  for (const Var<T>& variable : variables) sources_.push_back({variable});
  for (const WatchedParameter<T>& watched : f.watched) {
    Parameter<T> parameter = watched.parameter;
    parameter.assign(xt::cast<T>(inputs[watched.input]));
    sources_[watched.input].clear();
  }
  result_ = f.call(variables);
  tape.node(result_, "gradcheck");
  for (const WatchedParameter<T>& watched : f.watched)
    for (std::size_t k = inputs.size(); k < tape.size(); ++k)
      if (tape.node(k).op == nullptr && tape.address(k) == watched.parameter.value().data())
        sources_[watched.input].push_back(tape.at(k));
  for (std::size_t i = 0; i < inputs.size(); ++i)  // an input that is not used: its variable, whose gradient is zero
    if (sources_[i].empty()) sources_[i].push_back(variables[i]);
}

template <class T>
bool Recording<T>::is_input(std::size_t node) const {
  return std::any_of(sources_.begin(), sources_.end(), [&](const auto& source) {
    return std::any_of(source.begin(), source.end(), [&](const Var<T>& x) { return x.index() == node; });
  });
}

template <class T>
std::vector<std::string> Recording<T>::overlooked(const Tape<T>& tape, const CheckedFunction<T>& f) const {
  std::vector<std::string> names;
  for (std::size_t k = 0; k < tape.size(); ++k) {
    if (tape.node(k).op != nullptr) continue;
    const auto parameter = tape.parameter(k);
    if (!parameter || !parameter->trainable()) continue;
    const bool known = std::any_of(f.watched.begin(), f.watched.end(),
                                   [&](const WatchedParameter<T>& watched) { return watched.parameter == *parameter; });
    if (!known) names.push_back(parameter->name().empty() ? to_string(parameter->shape()) : parameter->name());
  }
  return names;
}

template <class T>
std::vector<Var<T>> Recording<T>::gradients(const Differentiated<T>& y) const {
  std::vector<Var<T>> all;
  for (const auto& source : sources_) all.insert(all.end(), source.begin(), source.end());
  const std::vector<Var<T>> found = grad<T>(y, all);
  std::vector<Var<T>> result;
  std::size_t k = 0;
  for (const auto& source : sources_) {
    Var<T> total = found[k++];
    for (std::size_t i = 1; i < source.size(); ++i) total = total + found[k++];
    result.push_back(total);
  }
  return result;
}

template class Recording<float>;
template class Recording<double>;

}  // namespace wengert::detail
