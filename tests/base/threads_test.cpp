// Multithreading: reproducible results, nested parallelism, and concurrent calls.
#include "base/parallel.hpp"
#include "kernel/fold.hpp"
#include "kernel/gemm.hpp"
#include "kernel/normalise.hpp"
#include "kernel/softmax.hpp"
#include "testing.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <functional>
#include <future>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

#if WENGERT_TSAN
// Third-party libraries are not instrumented, so races among them are ignored.
extern "C" const char* __tsan_default_options() { return "ignore_noninstrumented_modules=1"; }
#endif

namespace {

// Sets the number of threads for the lifetime of the object.
class Threads {
 public:
  explicit Threads(int count) : before_(num_threads()) { set_num_threads(count); }
  ~Threads() { set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

// Returns the number of threads on which a parallel loop over large work runs in the calling context.
std::size_t threads_of_a_loop() {
  std::atomic<std::size_t> parts{0};
  kernel::parallel_for(1000, 1, kernel::large_work, [&](std::size_t, std::size_t) { ++parts; });
  return parts;
}

// Runs a training step in which every kernel has large work.
template <class T>
std::vector<T> step() {
  Tape<T> tape;
  const std::size_t n = 700, d = 200, m = 260;
  const auto x = tape.constant(random_tensor<T>({n, d}, 1));
  const auto w1 = tape.variable(random_tensor<T>({d, m}, 2)), w2 = tape.variable(random_tensor<T>({m, d}, 3));
  const auto b = tape.variable(random_tensor<T>({m}, 4));
  const auto y = tape.constant(random_tensor<T>({n, d}, 5, 0, 1));
  const auto h = layer_norm(tanh(matmul(x, w1) + b), {m}) * exp(-square(matmul(x, w1)));
  const auto z = matmul(softmax(h), w2);
  const auto loss = cross_entropy_with_logits(z, y) + sum(amax(h, 0)) + mean(log_softmax(z)) + sum(sum(h, 1));
  const auto gradients_of = gradients(loss, w1, w2, b);
  std::vector<T> all{loss.item()};
  for (const auto& gradient : gradients_of) all.insert(all.end(), gradient.begin(), gradient.end());
  return all;
}

}  // namespace

TEST_CASE("a parallel loop covers its range once, in parts that begin at multiples of the grain") {
  for (const int threads : {1, 2, 3, 7})
    for (const std::size_t count : Sizes{0, 1, 5, 63, 64, 65, 1000})
      for (const std::size_t grain : Sizes{1, 8, 64}) {
        const Threads with(threads);
        std::vector<std::atomic<int>> visited(count);
        std::atomic<bool> aligned{true};
        kernel::parallel_for(count, grain, kernel::large_work, [&](std::size_t first, std::size_t last) {
          if (first % grain != 0) aligned = false;
          for (std::size_t i = first; i < last; ++i) ++visited[i];
        });
        CHECK(aligned);
        CHECK(std::all_of(visited.begin(), visited.end(), [](const auto& v) { return v == 1; }));
      }
}

TEST_CASE("only large work is shared out, and not where threads are taken already") {
  const Threads with(3);
  CHECK(threads_of_a_loop() == 3);
  CHECK(kernel::threads_for(false) == 1);
  {
    const kernel::SerialScope serial;
    CHECK(threads_of_a_loop() == 1);
    { const kernel::SerialScope inner; }
    CHECK(threads_of_a_loop() == 1);
  }
  CHECK(threads_of_a_loop() == 3);
  std::atomic<std::size_t> inside{0};
  kernel::parallel_for(3, 1, kernel::large_work,
                       [&](std::size_t, std::size_t) { inside = std::max<std::size_t>(inside, threads_of_a_loop()); });
  CHECK(inside == 1);  // serial, as inside any OpenMP region
}

TEST_CASE_TEMPLATE("a step is bit-identical from run to run", T, float, double) {
  for (const int threads : {1, 2, 3}) {
    const Threads with(threads);
    const std::vector<T> first = step<T>();
    for (int run = 0; run < 3; ++run) CHECK(same_bits(step<T>(), first));
  }
}

TEST_CASE_TEMPLATE("a step on several threads is that on one up to rounding", T, float, double) {
  const auto on = [](int threads) {
    const Threads with(threads);
    return step<T>();
  };
  const std::vector<T> one = on(1);
  double largest = 0;
  for (const T e : one) largest = std::max(largest, std::abs(static_cast<double>(e)));
  for (const int threads : {2, 3, 5}) {
    const std::vector<T> several = on(threads);
    double worst = 0;
    for (std::size_t i = 0; i < one.size(); ++i)
      worst = larger_error(worst, std::abs(static_cast<double>(one[i]) - static_cast<double>(several[i])));
    CHECK(worst < largest * (sizeof(T) == 4 ? 1e-5 : 1e-13));
  }
}

TEST_CASE_TEMPLATE("our own kernels give the same bits for every number of threads", T, float, double) {
  const std::size_t rows = 1111, columns = 300;
  const auto tensor = random_tensor<T>({rows, columns}, 1), other = random_tensor<T>({rows, columns}, 2);
  const T *x = tensor.data(), *y = other.data();
  const auto on = [&](int threads) {
    const Threads with(threads);
    std::vector<T> all(6 * rows * columns);
    T* to = all.data();
    const auto next = [&](std::size_t count) { return std::exchange(to, to + count); };
    const std::size_t size = rows * columns;
    kernel::fold_axis<kernel::Fold::sum>(x, next(1), 1, size, 1);
    kernel::fold_axis<kernel::Fold::sum>(x, next(rows), rows, columns, 1);
    kernel::fold_axis<kernel::Fold::maximum>(x, next(columns), 1, rows, columns);
    kernel::softmax_rows(x, next(size), rows, columns);
    kernel::log_softmax_rows(x, next(size), rows, columns);
    kernel::cross_entropy_vjp_rows(x, y, next(size), rows, columns, T(1));
    *next(1) = static_cast<T>(kernel::cross_entropy_rows(x, y, rows, columns));
    kernel::standardise(x, next(size), kernel::Groups{1, rows, columns, true}, 1e-5);
    kernel::standardise(x, next(size), kernel::Groups{rows, columns, 1, true}, 1e-5);
    return all;
  };
  const std::vector<T> one = on(1);
  for (const int threads : {2, 3, 8}) CHECK(same_bits(on(threads), one));
}

TEST_CASE("tapes of several threads work side by side") {
  const Threads with(2);
  const std::vector<float> expected = [] {
    const kernel::SerialScope serial;
    return step<float>();
  }();
  std::vector<std::vector<float>> results(3);
  std::vector<std::thread> threads;
  for (auto& result : results)
    threads.emplace_back([&result] {
      const kernel::SerialScope serial;
      result = step<float>();
    });
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) CHECK(same_bits(result, expected));
}

TEST_CASE("one OpenMP runtime is loaded, that of oneDNN") {
  std::ifstream maps("/proc/self/maps");
  std::set<std::string> runtimes;
  for (std::string line; std::getline(maps, line);)
    for (const char* name : {"libgomp", "libomp", "libiomp"})
      if (line.find(std::string("/") + name) != std::string::npos) runtimes.insert(name);
  if (maps.eof()) CHECK(runtimes == std::set<std::string>{"libgomp"});
}

namespace {

// A function whose recording blocks until the test releases it.
struct Slow {
  std::promise<void> inside, go_on;
  std::future<void> may_go_on = go_on.get_future();
  Var<double> operator()(Tape<double>&, Var<double> x) {
    inside.set_value();
    may_go_on.wait();
    return square(x);
  }
};

template <class F>
void on_another_thread(const F& f) {
  std::thread(f).join();
}

}  // namespace

TEST_CASE("a call while another thread's is under way is refused, and harms neither") {
  Slow slow;
  auto f = compiled<double>([&](auto& tape, auto x) { return slow(tape, x); });
  const Tensor<double> x{1, 2, 3};
  std::thread first([&] {
    CHECK(f(x).value() == Tensor<double>{1, 4, 9});
    CHECK(f(x).value() == Tensor<double>{1, 4, 9});
  });
  slow.inside.get_future().wait();
  const std::string message = message_of<HandleError>([&] { f(x); });
  slow.go_on.set_value();
  first.join();
  CHECK(contains(message, "[compiled] another thread is using it"));
  CHECK(contains(message, "make one for each thread, or hold a lock from the call until its results are read"));
  CHECK(f(x).value() == Tensor<double>{1, 4, 9});
}

TEST_CASE("a Program is refused while another thread runs it, for its results as well") {
  Tape<double> tape;
  const auto in = tape.constant(Tensor<double>{1, 2});
  auto program = compile(tape, {in}, {square(in)});
  const Tensor<double> x{3, 4};
  const ProgramInput<double> inputs[] = {x};
  Slow slow;
  std::thread first([&] {
    program.run_checked(inputs, [&](Tape<double>& again, std::vector<ProgramVar<double>>& leaves) {
      const auto v = again.borrow(x);
      leaves = {v};
      return std::vector<ProgramVar<double>>{slow(again, v)};
    });
  });
  slow.inside.get_future().wait();
  CHECK(contains(message_of<HandleError>([&] { program(x); }), "[program] another thread is using it"));
  CHECK(contains(message_of<HandleError>([&] { program.item(); }), "[program] another thread is using it"));
  slow.go_on.set_value();
  first.join();
  CHECK(program(x).value() == Tensor<double>{9, 16});
}

TEST_CASE("results that another thread's call replaced are refused, those it made for others are not") {
  auto f = compiled<double>([](auto&, auto x) { return square(x); });
  const Tensor<double> one{1}, two{2}, pair{1, 2};
  auto& program = f(one);
  CHECK(program.item() == 1);
  on_another_thread([&] { CHECK(f(two).item() == 4); });
  CHECK(contains(message_of<HandleError>([&] { program.item(); }),
                 "[program] another thread called it after this one did, so these are not the results of this thread's "
                 "call"));
  CHECK(f(two).item() == 4);
  auto g = compiled<double>([](auto&, auto x) { return square(x); });
  on_another_thread([&] { g(pair); });
  CHECK(g.size() == 1);
  on_another_thread([&] { CHECK(g(pair).value() == Tensor<double>{1, 4}); });  // passed on from one thread to the next
  auto moved = std::move(f(one));  // outside the function it belongs to its own thread
  std::thread other([&] {
    for (int i = 0; i < 200; ++i) CHECK(moved(two).item() == 4);
  });
  for (int i = 0; i < 200; ++i) CHECK(f(one).item() == 1);
  other.join();
}

TEST_CASE("a compiled function that several threads share gives right results or refuses; behind a lock it serves") {
  auto f = compiled<float>([](auto&, auto x) { return tanh(matmul(x, transpose(x))) + sum(x); });
  std::vector<Tensor<float>> inputs, expected;
  for (unsigned i = 0; i < 4; ++i) {
    inputs.push_back(random_tensor<float>({i < 2 ? 20U : 30U, 8}, i));
    expected.push_back(f(inputs[i]).value());
  }
  for (const bool locked : {false, true}) {
    std::mutex mutex;
    std::atomic<int> wrong{0}, refused{0};
    std::vector<std::thread> threads;
    for (std::size_t k = 0; k < inputs.size(); ++k)
      threads.emplace_back([&, k] {
        for (int i = 0; i < 500; ++i) try {
            std::unique_lock lock(mutex, std::defer_lock);
            if (locked) lock.lock();
            if (f(inputs[k]).value() != expected[k]) ++wrong;
          } catch (const HandleError&) {
            ++refused;
          }
      });
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
    if (locked) CHECK(refused == 0);
  }
}
