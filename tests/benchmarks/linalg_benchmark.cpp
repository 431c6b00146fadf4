// Times matrix products against their peers in the same run.
//
// Compares stacks of small matrices with one library call per matrix, and einsum in its own contraction order with the
// order as written. Prints nanoseconds and the ratio (above 1: ours is faster).
#include <wengert/wengert.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include <cblas.h>

#if defined(WENGERT_ONEDNN)
#include <dnnl.h>
#endif

namespace {

using namespace wengert;

// Returns the shortest time of several runs, in nanoseconds.
template <class F>
double best(const F& run) {
  double least = std::numeric_limits<double>::infinity();
  for (int repetition = 0; repetition < 15; ++repetition) {
    const auto start = std::chrono::steady_clock::now();
    run();
    least = std::min(least, std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count());
  }
  return least;
}

template <class T>
Tensor<T> random(const Shape& shape) {
  static std::mt19937 generator(1);
  std::uniform_real_distribution<T> even(-1, 1);
  auto result = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
  for (T& element : result) element = even(generator);
  return result;
}

void library_product([[maybe_unused]] std::size_t n, [[maybe_unused]] const float* a, [[maybe_unused]] const float* b,
                     [[maybe_unused]] float* c) {
#if defined(WENGERT_ONEDNN)
  const auto size = static_cast<dnnl_dim_t>(n);
  dnnl_sgemm('N', 'N', size, size, size, 1.0F, a, size, b, size, 0.0F, c, size);
#else
  const int size = static_cast<int>(n);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, size, size, size, 1, a, size, b, size, 0, c, size);
#endif
}
void library_product(std::size_t n, const double* a, const double* b, double* c) {
  const int size = static_cast<int>(n);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, size, size, size, 1, a, size, b, size, 0, c, size);
}

template <class T>
void stacks() {
  constexpr std::size_t count = 1000;
  for (const std::size_t n : {std::size_t{2}, std::size_t{4}, std::size_t{8}, std::size_t{16}, std::size_t{32}}) {
    Tape<T> tape;
    const Tensor<T> a = random<T>({count, n, n}), b = random<T>({count, n, n});
    Tensor<T> c = Tensor<T>::from_shape({count, n, n});
    const auto av = tape.variable(a), bv = tape.variable(b);
    const auto mark = tape.mark();
    const double ours = best([&] {
      matmul(av, bv);
      tape.rewind(mark);
    });
    const double theirs = best([&] {
      for (std::size_t e = 0; e < count; ++e)
        library_product(n, a.data() + e * n * n, b.data() + e * n * n, c.data() + e * n * n);
    });
    std::printf("matmul of %zu stacked %2zu x %2zu %-6s %9.1f ns an entry, a library call each %9.1f: %5.2f\n", count,
                n, n, sizeof(T) == 4 ? "float" : "double", ours / count, theirs / count, theirs / ours);
  }
}

// Compares einsum with contraction of the operands as written, from left to right.
template <class F>
void orders(const char* subscripts, const std::vector<Shape>& shapes, const F& as_written) {
  Tape<float> tape;
  std::vector<Var<float>> x;
  for (const Shape& shape : shapes) x.push_back(tape.variable(random<float>(shape)));
  const auto mark = tape.mark();
  const auto time = [&](const auto& f) {
    return best([&] {
      gradients(sum(f()), x[0], x[1]);
      tape.rewind(mark);
    });
  };
  const double ours = time([&] { return einsum(subscripts, x); }), theirs = time([&] { return as_written(x); });
  std::printf("einsum %-28s and its gradient %9.0f ns, as written %9.0f: %5.2f\n", subscripts, ours, theirs,
              theirs / ours);
}

}  // namespace

int main() {
  set_num_threads(1);
  stacks<float>();
  stacks<double>();
  orders("ij,jk,k->i", {{200, 200}, {200, 200}, {200}}, [](const auto& x) { return matmul(matmul(x[0], x[1]), x[2]); });
  orders("ij,jk,kl,l->i", {{100, 200}, {200, 300}, {300, 100}, {100}},
         [](const auto& x) { return matmul(matmul(matmul(x[0], x[1]), x[2]), x[3]); });
  orders("bi,ijk,bj->bk", {{32, 20}, {20, 24, 16}, {32, 24}},
         [](const auto& x) { return einsum("bjk,bj->bk", einsum("bi,ijk->bjk", x[0], x[1]), x[2]); });
  orders("ij,jk->ik", {{64, 64}, {64, 64}}, [](const auto& x) { return matmul(x[0], x[1]); });
}
