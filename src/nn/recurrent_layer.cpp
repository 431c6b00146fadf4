// LayerRecorder: the recorder that is active in a thread.
#include "nn/recurrent_layer.hpp"

#include <utility>

namespace wengert::nn::detail {
namespace {

template <class T>
constinit thread_local LayerRecorder<T>* active_recorder = nullptr;

}  // namespace

template <class T>
LayerRecorder<T>::LayerRecorder(const Tape<T>& tape) : tape_(tape), before_(std::exchange(active_recorder<T>, this)) {}

template <class T>
LayerRecorder<T>::~LayerRecorder() {
  active_recorder<T> = before_;
}

template <class T>
LayerRecorder<T>* LayerRecorder<T>::of(const Tape<T>& tape) {
  LayerRecorder* const active = active_recorder<T>;
  return active != nullptr && &active->tape_ == &tape ? active : nullptr;
}

template class LayerRecorder<float>;
template class LayerRecorder<double>;

}  // namespace wengert::nn::detail
