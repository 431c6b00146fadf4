// AnyOptimizer: parameters, gradients and the learning rate.
#include "optim/checks.hpp"
#include "tape/recording_scope.hpp"
#include <wengert/optim/any_optimizer.hpp>
#include <wengert/tape/op.hpp>
#include <wengert/transform/transforms.hpp>

namespace wengert::optim {

template <class T>
AnyOptimizer<T>::AnyOptimizer(const char* subject, std::vector<NamedParameter<T>> parameters,
                              const std::vector<Parameter<T>>& buffers, double rate, const Location& where)
    : subject_(subject),
      parameters_(std::move(parameters)),
      trained_(wengert::detail::without(parameters_, buffers)),
      rate_(scalar_parameter<T>(rate, "rate")),
      step_(scalar_parameter<T>(0, "step")),
      rate_owner_(std::make_shared<std::string>()) {
  if (trained_.empty()) throw ValueError(subject, "no parameters: expected at least one to train", where);
  for (std::size_t i = 0; i < trained_.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (trained_[i].parameter == trained_[k].parameter || trained_[i].name == trained_[k].name)
        throw ValueError(subject,
                         fmt::format("'{}' and '{}': expected every parameter and every path once", trained_[k].name,
                                     trained_[i].name),
                         where);
  std::vector<Parameter<T>> claimed;
  for (const NamedParameter<T>& named : parameters_) claimed.push_back(named.parameter);
  claim_ = std::make_shared<const wengert::detail::OptimiserClaim<T>>(std::move(claimed));
}

template <class T>
std::vector<NamedParameter<T>> AnyOptimizer<T>::trainable() const {
  std::vector<NamedParameter<T>> result;
  for (const NamedParameter<T>& named : trained_)
    if (named.parameter.trainable()) result.push_back(named);
  return result;
}

template <class T>
std::vector<Var<T>> AnyOptimizer<T>::gradients(Var<T> loss, const Location& where) const {
  std::vector<Parameter<T>> wanted;
  for (const NamedParameter<T>& named : trainable()) wanted.push_back(named.parameter);
  return atomically(tape_of(loss, subject_, where), where, [&] { return grad<T>({loss, where}, wanted); });
}

template <class T>
void AnyOptimizer<T>::set_rate(double rate, const Location& where) {
  if (!rate_owner_->empty())
    throw ValueError(subject_,
                     fmt::format("set_rate({}) while {} sets the rate, which would replace it: let one of them set it",
                                 rate, *rate_owner_),
                     where);
  assign_rate(rate, where);
}

template <class T>
void AnyOptimizer<T>::assign_rate(double rate, const Location& where) {
  require_not_negative(subject_, "rate", rate, where);
  if (program::RecordingScope::under_way())
    throw HandleError(subject_,
                      "set_rate while a Program is recorded, which happens once for many replays: call it before each "
                      "replay, outside the compiled function",
                      where);
  const T next = static_cast<T>(rate);
  if (next == *rate_.value().data()) return;
  if (const std::string reason = why_rate_is_unused(); !reason.empty())
    throw ValueError(subject_, fmt::format("set_rate({}) would change nothing: {}", rate, reason), where);
  rate_.assign(Tensor<T>(next));
}

template <class T>
RateControl<T>::RateControl(AnyOptimizer<T>& optimizer, const std::string& owner, const Location& where)
    : optimizer_(optimizer), owner_(optimizer.rate_owner_) {
  if (owner.empty()) throw ValueError("RateControl", "the owner has no name: expected one for messages", where);
  if (!owner_->empty())
    throw ValueError("RateControl",
                     fmt::format("{} and {} would both set the rate: let one of them set it", *owner_, owner), where);
  *owner_ = owner;
}

template <class T>
RateControl<T>::~RateControl() {
  owner_->clear();
}

template class AnyOptimizer<float>;
template class AnyOptimizer<double>;
template class RateControl<float>;
template class RateControl<double>;

}  // namespace wengert::optim
