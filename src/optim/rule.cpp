// Helpers of the update rules: zeros_like, and the name of a rule from its type as compilers spell it.
#include <wengert/ops/shape.hpp>
#include <wengert/optim/rule.hpp>

#include <algorithm>

namespace wengert::optim {

template <class T>
Var<T> zeros_like(Var<T> x, Location where) {
  return broadcast_to(x.tape().constant(T(0), where), x.shape(), where);
}
template Var<float> zeros_like(Var<float>, Location);
template Var<double> zeros_like(Var<double>, Location);

std::string detail::rule_name(std::string_view spelled) {
  // g++: … [with R = wengert::optim::Adam; std::string = …]; clang: … [R = wengert::optim::Adam]
  std::string_view name = spelled.substr(spelled.find("R = ") + 4);
  name = name.substr(0, std::min({name.find(';'), name.rfind(']'), name.find('<')}));
  return std::string(name.substr(name.find_last_of(":)") + 1));
}

}  // namespace wengert::optim
