#include <wengert/nn/gradients.hpp>
#include <wengert/op.hpp>
#include <wengert/transforms.hpp>

#include <map>

namespace wengert::nn::detail {

template <class T>
std::vector<ParameterGradient<T>> gradients_of(Var<T> loss, const std::vector<NamedParameter<T>>& parameters,
                                               const Location& where) {
  Tape<T>& tape = tape_of(loss, "grad", where);
  std::map<const T*, std::size_t> number;  // of a parameter, by where its value lies
  for (std::size_t i = 0; i < parameters.size(); ++i) number.emplace(parameters[i].parameter.value().data(), i);
  // Each time a network reads a parameter, it records a leaf.
  std::vector<Var<T>> leaves;
  std::vector<std::size_t> owners;
  for (std::size_t k = 0; k <= loss.index(); ++k) {
    if (tape.node(k).op != nullptr || tape.node(k).holds_indices) continue;
    const auto found = number.find(tape.node(k).data);
    if (found == number.end()) continue;
    leaves.push_back(tape.at(k));
    owners.push_back(found->second);
  }
  return atomically(tape, where, [&] {
    const std::vector<Var<T>> gradients = wengert::grad<T>(Differentiated<T>(loss, where), leaves);
    std::vector<ParameterGradient<T>> result;
    for (const auto& [path, parameter] : parameters) result.push_back({path, parameter, {}});
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      Var<T>& sum = result[owners[i]].gradient;
      sum = sum.empty() ? gradients[i] : add(Operand<T>(sum, where), Operand<T>(gradients[i], where));
    }
    for (auto& [path, parameter, gradient] : result)
      if (gradient.empty()) gradient = tape.constant(Tensor<T>(xt::zeros_like(parameter.value())), where);
    return result;
  });
}

template std::vector<ParameterGradient<float>> gradients_of(Var<float>, const std::vector<NamedParameter<float>>&,
                                                            const Location&);
template std::vector<ParameterGradient<double>> gradients_of(Var<double>, const std::vector<NamedParameter<double>>&,
                                                             const Location&);

}  // namespace wengert::nn::detail
