// Scaling of long chains and shared expressions: linear time and memory, and no recursion.
#include "testing.hpp"

#include <algorithm>
#include <ctime>
#include <functional>
#include <malloc.h>
#include <pthread.h>

using namespace wengert;
using namespace wengert::testing;

namespace {

// Runs `f` on a thread whose stack is too small for a recursion over many nodes.
void on_small_stack(const std::function<void()>& f) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  REQUIRE(pthread_attr_setstacksize(&attributes, std::size_t{512} << 10) == 0);
  pthread_t thread{};
  const auto call = [](void* function) -> void* {
    (*static_cast<const std::function<void()>*>(function))();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, call, const_cast<std::function<void()>*>(&f)) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

// Records, differentiates and destroys a chain of `length` nodes, and measures it.
struct Chain {
  double gradient = 0;
  std::size_t nodes = 0, bytes = 0;
  double seconds = 0;

  // Returns the processor time of this thread, which excludes other threads.
  static double now() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }

  explicit Chain(std::size_t length) {
    malloc_trim(0);  // chains of every length start with fresh pages
    const double begin = now();
    {
      Tape<double> tape;
      const auto x = tape.variable(Tensor<double>(1.0));
      const auto c = tape.constant(1 - 1e-6);
      Var<double> y = x;
      for (std::size_t i = 0; i < length; ++i) y = y * c;
      gradient = grad(y, x)[0].item();
      nodes = tape.size();
      bytes = tape.reserved_bytes();
    }
    seconds = now() - begin;
  }
};

}  // namespace

TEST_CASE("a chain of a million nodes: constant stack, linear memory, linear time") {
  on_small_stack([] {
    const Chain chain(1'000'000);
    CHECK(chain.gradient == doctest::Approx(std::pow(1 - 1e-6, 1e6)).epsilon(1e-9));
    const Chain tenth(100'000);
    CHECK(chain.nodes < 11 * tenth.nodes);
    CHECK(chain.bytes < 11 * tenth.bytes);
    double longer = chain.seconds, shorter = tenth.seconds;
    for (int attempt = 0; attempt < 5; ++attempt) {  // repeated because other processes may share the caches
      longer = std::min(longer, Chain(1'000'000).seconds);
      shorter = std::min(shorter, Chain(100'000).seconds);
    }
    CHECK(longer / shorter < 25);  // quadratic time would give 100; the benchmarks require at most 12
  });
}

TEST_CASE("an expression shared a thousand times over is differentiated once") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>(1.0));
  Var<double> y = x;
  for (int i = 0; i < 1000; ++i) y = y + y;
  CHECK(tape.size() == 1001);
  CHECK(grad(y, x)[0].item() == std::ldexp(1.0, 1000));
  CHECK(tape.size() < 4000);
}
