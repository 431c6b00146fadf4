// Computation in children of fork(): every function works there, on one thread.
#include "base/parallel.hpp"
#include "testing.hpp"

#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace wengert;
using namespace wengert::testing;

namespace {

// Runs `f` in a child process and returns whether it returned true. An alarm ends a child that hangs.
bool in_child(const std::function<bool()>& f) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    bool good = false;
    try {
      good = f();
    } catch (...) {
    }
    _exit(good ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Runs each kind of work that uses several threads: own kernels, products in oneDNN and OpenBLAS, a convolution.
template <class T>
std::array<double, 4> shared_out() {
  Tape<T> tape;
  const auto x = tape.constant(random_tensor<T>({600, 600}, 1));
  const auto image = tape.constant(random_tensor<T>({8, 4, 64, 64}, 2)),
             kernels = tape.constant(random_tensor<T>({8, 4, 3, 3}, 3));
  const auto loss = sum(square(conv2d(image, kernels)));
  return {static_cast<double>(sum(exp(x)).item()), static_cast<double>(sum(square(matmul(x, x))).item()),
          static_cast<double>(loss.item()), static_cast<double>(gradients(loss, kernels)[0](0, 0, 0, 0))};
}

template <class T>
bool as_in_parent(const std::array<double, 4>& expected) {
  const auto got = shared_out<T>();
  for (std::size_t i = 0; i < got.size(); ++i)
    if (!(std::abs(got[i] - expected[i]) <= std::abs(expected[i]) * (sizeof(T) == 4 ? 1e-5 : 1e-12))) return false;
  return true;
}

}  // namespace

TEST_CASE("a child of fork() computes what its parent computes, and so does its own child") {
  const int before = num_threads();
  set_num_threads(2);
  const auto floats = shared_out<float>(), doubles = shared_out<double>();
  const Tensor<double> x = random_tensor({400, 400}, 1);
  auto step = compiled<double>([](auto&, auto in) { return sum(tanh(in) * in, 1); });
  const Tensor<double> rows = step(x).value();
  Parameter<double> w(random_tensor({3}, 2), "w");
  std::optional<DataParallel<double>> parallel(std::in_place, std::vector{w}, std::size_t{4});
  std::vector<Tensor<double>> results(1);
  const auto loss = [&] {
    return parallel->gradients_into(
        8, [](Tape<double>&, std::span<const Var<double>> v, const Shard&) { return sum(square(v[0])); }, results);
  };
  const double expected = loss();
  // A thread that is starting may hold a lock of AddressSanitizer, which its child would find locked for ever.
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const auto all = [&] {
    if (num_threads() != 1 || !as_in_parent<float>(floats) || !as_in_parent<double>(doubles)) return false;
    set_num_threads(2);
    if (num_threads() != 1 || step(x).value() != rows || loss() != expected) return false;
    return loss() == expected;
  };
  CHECK(in_child(all));
  CHECK(in_child([&] { return all() && in_child(all); }));
  CHECK(in_child([&] {
    parallel.reset();  // its threads belong to the parent
    return as_in_parent<float>(floats);
  }));
  CHECK(num_threads() == 2);  // the parent is unaffected
  CHECK(as_in_parent<float>(floats));
  CHECK(loss() == expected);
  set_num_threads(before);
}
