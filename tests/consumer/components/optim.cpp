// A consumer of the component optim alone: a global norm and a schedule.
#include <wengert/optim/clip.hpp>
#include <wengert/optim/schedule.hpp>

int main() {
  wengert::Tape<double> tape;
  const auto norm = wengert::optim::global_norm<double>({tape.constant(wengert::Tensor<double>{3, 4})});
  const wengert::optim::StepDecay rate{.rate = 1, .every = 10, .factor = 0.5};
  return norm.item() == 5 && rate(15) == 0.5 ? 0 : 1;
}
