// Allocations: after a warm-up step, a step and its gradient call operator new only inside oneDNN.
#include "testing.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <new>

namespace {
std::atomic<long> allocations{0};
std::atomic<std::size_t> aligned_bytes{0};  // in blocks aligned to a cache line, which hold the values

bool is_of_onednn(const void* address) {
  Dl_info info{};
  return dladdr(address, &info) != 0 && info.dli_fname != nullptr && std::strstr(info.dli_fname, "libdnnl") != nullptr;
}

void* counted(std::size_t bytes, std::size_t alignment, const void* caller) {
  if (!is_of_onednn(caller)) ++allocations;
  if (alignment == 64) aligned_bytes += bytes;
  void* p = alignment > alignof(std::max_align_t)
                ? std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment)
                : std::malloc(bytes == 0 ? 1 : bytes);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
}  // namespace

// g++ does not recognise that these operators match.
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif
void* operator new(std::size_t bytes) { return counted(bytes, 0, __builtin_return_address(0)); }
void* operator new[](std::size_t bytes) { return counted(bytes, 0, __builtin_return_address(0)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment), __builtin_return_address(0));
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  try {
    return counted(bytes, static_cast<std::size_t>(alignment), __builtin_return_address(0));
  } catch (...) {
    return nullptr;
  }
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { std::free(p); }

using namespace wengert;
using namespace wengert::testing;

namespace {

template <class F>
long allocations_of(const F& f) {
  const long before = allocations;
  f();
  return allocations - before;
}

template <class T>
struct TwoLayers {
  Tape<T> tape;
  Tensor<T> x = random_tensor<T>({17, 12}, 1), y = xt::zeros<T>({17, 5});
  Parameter<T> w1{random_tensor<T>({12, 8}, 2), "w1"}, b1{random_tensor<T>({8}, 3), "b1"};
  Parameter<T> w2{random_tensor<T>({8, 5}, 4), "w2"}, b2{random_tensor<T>({5}, 5), "b2"};
  std::array<Var<T>, 4> variables;
  std::array<Tensor<T>, 4> results;

  Var<T> record() {
    tape.clear();
    const auto input = tape.constant(x), target = tape.constant(y);
    variables = {tape.variable(w1), tape.variable(b1), tape.variable(w2), tape.variable(b2)};
    const auto hidden = sigmoid(matmul(input, variables[0]) + variables[1]);
    return cross_entropy_with_logits(matmul(hidden, variables[2]) + variables[3], target);
  }
};

}  // namespace

TEST_CASE("operator new is counted") {
  CHECK(allocations_of([] { delete new int(1); }) >= 0);
  CHECK(allocations_of([] { Tensor<double> t = Tensor<double>::from_shape({100}); }) > 0);
}

TEST_CASE_TEMPLATE("after a warm-up step, a step with its recorded gradient and update allocates nothing", T, float,
                   double) {
  TwoLayers<T> n;
  const auto step = [&] {
    const auto loss = n.record();
    const auto [d1, e1, d2, e2] = grad(loss, n.variables[0], n.variables[1], n.variables[2], n.variables[3]);
    n.w1 -= T(0.1) * d1.view();
    n.b1 -= T(0.1) * e1.view();
    n.w2 -= T(0.1) * d2.view();
    n.b2 -= T(0.1) * e2.view();
  };
  step();
  for (int repetition = 0; repetition < 3; ++repetition) CHECK(allocations_of(step) == 0);
}

TEST_CASE_TEMPLATE("gradients_into allocates nothing after a warm-up step", T, float, double) {
  TwoLayers<T> n;
  const auto step = [&] { gradients_into<T>(n.record(), n.variables, n.results); };
  step();
  for (int repetition = 0; repetition < 3; ++repetition) CHECK(allocations_of(step) == 0);
}

TEST_CASE("the gradient of a gradient allocates nothing after a warm-up step") {
  Tape<double> tape;
  const Tensor<double> value = random_tensor({50}, 6);
  const auto step = [&] {
    tape.clear();
    const auto x = tape.variable(value);
    const auto [first] = grad(sum(x * sin(x)), x);
    const auto [second] = grad(sum(first), x);
    CHECK(second.size() == 50);
  };
  step();
  CHECK(allocations_of([&] {
          tape.clear();
          const auto x = tape.variable(value);
          const auto [first] = grad(sum(x * sin(x)), x);
          grad(sum(first), x);
        }) == 0);
}

TEST_CASE_TEMPLATE("gradients of many slices allocate nothing after a warm-up step", T, float, double) {
  Tape<T> tape;
  const Tensor<T> value = random_tensor<T>({200, 3}, 1);
  std::array<Tensor<T>, 1> results;
  const auto step = [&] {
    tape.clear();
    const std::array<Var<T>, 1> x{tape.borrow(value)};
    auto total = square(slice(x[0], 0, 0));
    for (std::size_t i = 1; i < 200; ++i) total = total + square(slice(x[0], 0, i));
    const auto y = sum(total);
    gradients_into<T>(y, x, results);
    const auto [first] = grad(y, x[0]);
    grad(sum(square(first)), x[0]);
  };
  step();
  for (int repetition = 0; repetition < 3; ++repetition) CHECK(allocations_of(step) == 0);
}

TEST_CASE_TEMPLATE("a convolution and its gradients allocate nothing after a warm-up step", T, float, double) {
  Tape<T> tape;
  const Tensor<T> x = random_tensor<T>({4, 8, 16, 16}, 1), w = random_tensor<T>({8, 8, 3, 3}, 2);
  std::array<Tensor<T>, 2> results;
  const auto step = [&] {
    tape.clear();
    const std::array<Var<T>, 2> v{tape.borrow(x), tape.borrow(w)};
    gradients_into<T>(sum(square(conv2d(v[0], v[1]))), v, results);
  };
  step();
  for (int repetition = 0; repetition < 3; ++repetition) CHECK(allocations_of(step) == 0);
}

TEST_CASE("gradients() recycles its temporaries: a deep chain needs a handful of buffers beyond its values") {
  Tape<float> tape;
  const auto x = tape.variable(xt::ones<float>({1 << 16}));
  auto y = x;
  for (int i = 0; i < 100; ++i) y = tanh(y);
  const auto loss = sum(y);
  const auto values = tape.reserved_bytes();
  const auto size = tape.size();
  gradients(loss, x);
  CHECK(tape.size() == size);
  CHECK(tape.reserved_bytes() - values < 6 * (sizeof(float) << 16));
}

TEST_CASE_TEMPLATE("a replay allocates nothing, the first one neither", T, float, double) {
  TwoLayers<T> n;
  auto step = compiled<T>([&](Tape<T>& tape, Var<T> x, Var<T> y) {
    const std::vector<Parameter<T>> parameters{n.w1, n.b1, n.w2, n.b2};
    std::vector<Var<T>> p;
    for (const auto& parameter : parameters) p.push_back(tape.variable(parameter));
    const auto loss = cross_entropy_with_logits(matmul(sigmoid(matmul(x, p[0]) + p[1]), p[2]) + p[3], y);
    const std::vector<Var<T>> g = grad<T>(loss, p);
    for (std::size_t i = 0; i < p.size(); ++i) tape.update(parameters[i], p[i] - T(0.1) * g[i]);
    return loss;
  });
  step(n.x, n.y);
  for (int repetition = 0; repetition < 3; ++repetition) CHECK(allocations_of([&] { step(n.x, n.y); }) == 0);
  const auto x = n.tape.variable(n.x);
  auto program = compile(n.tape, {x}, {sum(softmax(x)), mean(transpose(x), 0)});
  CHECK(allocations_of([&] { program(n.x); }) == 0);
}

TEST_CASE("memory_plan foretells what a Program holds") {
  Tape<float> tape;
  const auto x = tape.variable(random_tensor<float>({500, 40}, 1)),
             w = tape.variable(random_tensor<float>({40, 40}, 2));
  auto y = x;
  for (int i = 0; i < 4; ++i) y = tanh(matmul(y, w)) * 2;
  const auto [g] = grad(sum(square(y)), w);
  const std::size_t before = aligned_bytes;
  auto program = compile(tape, {x, w}, {g});
  const ProgramMemory plan = memory_plan(program);
  CHECK(plan.arena_bytes >= 8 * 500 * 40 * sizeof(float));  // four activations and their doubles are kept
  CHECK(plan.arena_bytes <= 9 * 500 * 40 * sizeof(float));
  CHECK(aligned_bytes - before == plan.arena_bytes + plan.tile_bytes);
  const long allocated = allocations;
  const Tensor<float> a = random_tensor<float>({500, 40}, 1), b = random_tensor<float>({40, 40}, 2);
  const long now = allocations - allocated;
  program(a, b);
  CHECK(allocations - allocated == now);
}
