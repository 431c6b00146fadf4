// Failed allocations in calls of a Predictor: each call is given memory for some allocations, and fails at the next.
#include "train/line.hpp"
#include <wengert/train/predictor.hpp>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

thread_local long allocations_left = -1;  // before one fails; negative: none fails

void* allocated_or_refused(std::size_t bytes, std::size_t alignment) {
  if (allocations_left >= 0 && allocations_left-- == 0) throw std::bad_alloc();
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
void* operator new(std::size_t bytes) { return allocated_or_refused(bytes, 0); }
void* operator new[](std::size_t bytes) { return allocated_or_refused(bytes, 0); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocated_or_refused(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  try {
    return allocated_or_refused(bytes, static_cast<std::size_t>(alignment));
  } catch (...) {
    return nullptr;
  }
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {  // std::stable_sort calls it
  try {
    return allocated_or_refused(bytes, 0);
  } catch (...) {
    return nullptr;
  }
}
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
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

// Calls `f`, whose allocation after `granted` others fails. Returns whether one failed, and whether `f` threw for it.
template <class F>
std::pair<bool, bool> with_allocations(long granted, const F& f) {
  bool threw = false;
  allocations_left = granted;
  try {
    f();
  } catch (const MemoryError&) {
    threw = true;
  } catch (const std::bad_alloc&) {
    threw = true;
  }
  const bool failed = allocations_left < 0;
  allocations_left = -1;
  return {failed, threw};
}

}  // namespace

TEST_CASE("a failed allocation in a call leaves a Predictor usable by other calls") {
  Generator generator(1);
  const auto network = nn::sequential(nn::Linear<double>::make(6, 8, generator), nn::BatchNorm<double>::make(8),
                                      nn::ReLU{}, nn::Linear<double>::make(8, 3, generator));
  // With one thread, a call that kept its place would let the next one wait forever.
  const train::Predictor<Tensor<double>(Tensor<double>)> predictor(network, {.max_threads = 1, .max_programs = 2});
  const Tensor<double> x = random_tensor({5, 6}, 3), expected = predictor(x);
  std::size_t failures = 0, rows = 6;
  for (long granted = 0;; granted += 1 + granted / 16) {
    CAPTURE(granted);
    const Tensor<double> of_new_shape = random_tensor({rows++, 6}, 4);  // which is compiled
    const auto [failed, threw] = with_allocations(granted, [&] { predictor(of_new_shape); });
    failures += threw ? 1 : 0;
    CHECK(distance(predictor(x), expected) < 1e-14);
    CHECK(distance(predictor(of_new_shape), train::predict(network, of_new_shape)) < 1e-14);
    CHECK(predictor.memory().programs == 2);
    if (!failed) break;
  }
  CHECK(failures > 20);
  // Of a compiled shape, only the outputs are allocated.
  const std::size_t compilations = predictor.compilations();
  std::size_t failures_of_outputs = 0;
  for (long granted = 0;; ++granted) {
    const auto [failed, threw] = with_allocations(granted, [&] { predictor(x); });
    failures_of_outputs += threw ? 1 : 0;
    CHECK(distance(predictor(x), expected) < 1e-14);
    if (!failed) break;
  }
  CHECK(failures_of_outputs > 0);
  CHECK(predictor.compilations() == compilations);
}
