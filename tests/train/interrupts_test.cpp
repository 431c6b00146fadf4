// Signals that arrive while kernels run change neither their results nor the heap.
#include "train/interrupts.hpp"

#include "testing.hpp"

#include <chrono>
#include <csignal>
#include <pthread.h>
#include <thread>

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("Ctrl-C in the midst of products damages nothing") {
  // Large enough for oneDNN, whose kernels keep values below the stack pointer.
  const Tensor<float> a = random_tensor<float>({360, 200}, 1), b = random_tensor<float>({200, 300}, 2);
  const auto product = [&] {
    Tape<float> tape;
    return matmul(tape.borrow(a), tape.borrow(b)).value();
  };
  const Tensor<float> expected = product();
  const pthread_t computing = pthread_self();
  bool same = true;
  for (int i = 0; i < 400; ++i) {
    const train::Interrupts interrupts(true);
    std::thread sender([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(100 + 7 * i));
      pthread_kill(computing, SIGINT);
    });
    while (!interrupts.asked()) same = same && product() == expected;
    sender.join();
  }
  CHECK(same);
}
