// Times kernels against a memory copy, a library or a plain loop, alternating in the same run, on one thread.
//
// Prints microseconds of processor time and the ratio to the peer. The peer "copy" is memcpy scaled to the bytes that
// the kernel must read and write.
//
//     kernels_benchmark [NAME]     runs only benchmarks whose name contains NAME
#include "base/parallel.hpp"
#include "kernel/fold.hpp"
#include "kernel/gemm.hpp"
#include "kernel/normalise.hpp"
#include "kernel/softmax.hpp"
#include <wengert/wengert.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#if defined(WENGERT_ONEDNN)
#include <dnnl.h>
#endif

namespace {

using namespace wengert;

std::string wanted;

// Returns the processor time of this thread in microseconds; other processes do not affect it.
double thread_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e6 * static_cast<double>(now.tv_sec) + 1e-3 * static_cast<double>(now.tv_nsec);
}

// Returns the median times over several rounds, in microseconds; ours and the peer alternate.
std::pair<double, double> medians(const std::function<void()>& ours, const std::function<void()>& peer) {
  const auto time = [](const std::function<void()>& f, int times) {
    const double start = thread_time();
    for (int i = 0; i < times; ++i) f();
    return (thread_time() - start) / times;
  };
  ours(), peer();
  const int times = std::max(1, static_cast<int>(2000 / std::max(time(ours, 1), 0.1)));
  std::vector<double> a, b;
  for (int round = 0; round < 15; ++round) a.push_back(time(ours, times)), b.push_back(time(peer, times));
  std::nth_element(a.begin(), a.begin() + 7, a.end());
  std::nth_element(b.begin(), b.begin() + 7, b.end());
  return {a[7], b[7]};
}

void compare(const std::string& name, const std::string& peer_name, const std::function<void()>& ours,
             const std::function<void()>& peer, double scale = 1) {
  if (name.find(wanted) == std::string::npos) return;
  const auto [a, b] = medians(ours, peer);
  std::printf("%-44s %10.2f us  %-6s %10.2f us  ratio %5.2f\n", name.c_str(), a, peer_name.c_str(), b * scale,
              a / (b * scale));
}

// Compares with a memcpy that moves `moved` bytes in total, half of them read and half written.
void against_copy(const std::string& name, std::size_t moved, const std::function<void()>& ours) {
  std::vector<char> from(moved / 2, 1), to(moved / 2);
  compare(name, "copy", ours, [&] { std::memcpy(to.data(), from.data(), from.size()); });
}

std::vector<float> numbers(std::size_t count) {
  std::vector<float> x(count);
  for (std::size_t i = 0; i < count; ++i) x[i] = static_cast<float>((i * 2654435761U) % 1000) / 500 - 1;
  return x;
}

std::string sizes(std::initializer_list<std::size_t> list) {
  std::string text;
  char separator = ' ';
  for (const std::size_t n : list) {
    text += separator;
    text += std::to_string(n);
    separator = 'x';
  }
  return text;
}

void reductions() {
  struct Case {
    std::size_t outer, count, inner;
  };
  for (const auto& [outer, count, inner] :
       {Case{1, 1 << 20, 1}, Case{1024, 1024, 1}, Case{1, 1024, 1024}, Case{64, 64, 256}, Case{10000, 10, 1},
        Case{1, 10000, 10}, Case{1, 10000, 128}, Case{100000, 3, 1}, Case{1, 100000, 3}, Case{1000, 32, 10}}) {
    const auto x = numbers(outer * count * inner);
    std::vector<float> y(outer * inner);
    const std::size_t bytes = (x.size() + y.size()) * sizeof(float);
    against_copy("sum over the middle of" + sizes({outer, count, inner}), bytes, [&, o = outer, c = count, i = inner] {
      kernel::fold_axis<kernel::Fold::sum>(x.data(), y.data(), o, c, i);
    });
    against_copy("amax over the middle of" + sizes({outer, count, inner}), bytes, [&, o = outer, c = count, i = inner] {
      kernel::fold_axis<kernel::Fold::maximum>(x.data(), y.data(), o, c, i);
    });
  }
}

void rows() {
  for (const auto& [n, count] : {std::pair<std::size_t, std::size_t>{1024, 1000}, {1024, 64}, {10000, 10}, {128, 10}}) {
    const auto x = numbers(n * count), target = numbers(n * count);
    std::vector<float> y(n * count), r(n, 1.0F);
    const std::size_t bytes = x.size() * sizeof(float), rows = n, columns = count;
    against_copy("softmax" + sizes({n, count}), 2 * bytes,
                 [&] { kernel::softmax_rows(x.data(), y.data(), rows, columns); });
    against_copy("log_softmax" + sizes({n, count}), 2 * bytes,
                 [&] { kernel::log_softmax_rows(x.data(), y.data(), rows, columns); });
    against_copy("cross entropy" + sizes({n, count}), 2 * bytes,
                 [&] { kernel::cross_entropy_rows(x.data(), target.data(), rows, columns); });
    against_copy("cross entropy's gradient" + sizes({n, count}), 3 * bytes,
                 [&] { kernel::cross_entropy_vjp_rows(x.data(), target.data(), y.data(), rows, columns, 1.0F); });
    const kernel::Groups by_row{1, n, count, true}, by_column{n, count, 1, true};
    against_copy("layer norm" + sizes({n, count}), 2 * bytes,
                 [&] { kernel::standardise(x.data(), y.data(), by_row, 1e-5); });
    against_copy("layer norm's gradient" + sizes({n, count}), 3 * bytes,
                 [&] { kernel::standardise_vjp(x.data(), target.data(), r.data(), y.data(), by_row); });
    std::vector<float> r_of_columns(count, 1.0F);
    against_copy("batch norm" + sizes({n, count}), 2 * bytes,
                 [&] { kernel::standardise(x.data(), y.data(), by_column, 1e-5); });
    against_copy("batch norm's gradient" + sizes({n, count}), 3 * bytes,
                 [&] { kernel::standardise_vjp(x.data(), target.data(), r_of_columns.data(), y.data(), by_column); });
  }
  const auto x = numbers(32 * 16 * 28 * 28);
  std::vector<float> y(x.size());
  against_copy("batch norm 32x16x28x28", 2 * x.size() * sizeof(float), [&] {
    kernel::standardise(x.data(), y.data(), kernel::Groups{32, 16, 784, true}, 1e-5);
  });
}

// Times ops as the tape runs them, without the cost of recording.
void ops_on_a_tape() {
  for (const auto& [n, m] : {std::pair<std::size_t, std::size_t>{1024, 512}, {10000, 10}, {1024, 128}}) {
    Tape<float> tape;
    const auto x = tape.constant(Tensor<float>(xt::ones<float>({n, m}) * 0.5F));
    const auto row = tape.constant(Tensor<float>(xt::ones<float>({m})));
    const auto column = tape.constant(Tensor<float>(xt::ones<float>({n, std::size_t{1}})));
    const auto mark = tape.mark();
    const std::size_t bytes = n * m * sizeof(float);
    const auto op = [&](const std::string& name, std::size_t moved, const std::function<void()>& f) {
      against_copy(name + sizes({n, m}), moved, [&] { f(), tape.rewind(mark); });
    };
    op("x + x", 2 * bytes, [&] { x + x; });
    op("x + row", 2 * bytes, [&] { x + row; });
    op("x + column", 2 * bytes, [&] { x + column; });
    op("exp", 2 * bytes, [&] { exp(x); });
    op("tanh", 2 * bytes, [&] { tanh(x); });
    op("sigmoid", 2 * bytes, [&] { sigmoid(x); });
    op("erf", 2 * bytes, [&] { erf(x); });
    op("log", 2 * bytes, [&] { log(x); });
    op("relu", 2 * bytes, [&] { relu(x); });
    op("gelu", 2 * bytes, [&] { gelu(x); });
    op("contiguous of transpose", 2 * bytes, [&] { contiguous(transpose(x)); });
  }
}

void plain_product(std::size_t m, std::size_t n, std::size_t k, const kernel::Matrix<float>& a,
                   const kernel::Matrix<float>& b, float* c) {
  for (std::size_t i = 0; i < m; ++i) {
    std::fill_n(c + i * n, n, 0.0F);
    for (std::size_t p = 0; p < k; ++p) {
      const float left = a.transposed ? a.data[p * a.stride + i] : a.data[i * a.stride + p];
      for (std::size_t j = 0; j < n; ++j)
        c[i * n + j] += left * (b.transposed ? b.data[j * b.stride + p] : b.data[p * b.stride + j]);
    }
  }
}

void products() {
  struct Case {
    const char* name;
    std::size_t m, n, k;
    bool left, right;  // transposed
  };
  std::vector<Case> cases;
  for (const std::size_t batch : {1UL, 4UL, 8UL, 16UL, 32UL, 128UL, 1024UL}) {
    cases.push_back({"x w1", batch, 128, 784, false, false});
    cases.push_back({"h w2", batch, 10, 128, false, false});
    cases.push_back({"hT g", 128, 10, batch, true, false});
    cases.push_back({"g w2T", batch, 128, 10, false, true});
    cases.push_back({"xT g", 784, 128, batch, true, false});
  }
  cases.push_back({"m w", 1024, 1, 512, false, false});
  cases.push_back({"mT w", 1024, 1, 512, true, false});
  for (const Case& of : cases) {
    const auto a = numbers(of.m * of.k), b = numbers(of.k * of.n);
    std::vector<float> c(of.m * of.n);
    const kernel::Matrix<float> left{a.data(), of.left ? of.m : of.k, of.left};
    const kernel::Matrix<float> right{b.data(), of.right ? of.k : of.n, of.right};
    std::string name = "product ";
    name += of.name;
    name += sizes({of.m, of.n, of.k});
    const auto ours = [&] { kernel::gemm<float>(of.m, of.n, of.k, left, right, c.data()); };
#if defined(WENGERT_ONEDNN)
    const auto size = [](std::size_t s) { return static_cast<dnnl_dim_t>(s); };
    compare(name, "oneDNN", ours, [&] {
      dnnl_sgemm(of.left ? 'T' : 'N', of.right ? 'T' : 'N', size(of.m), size(of.n), size(of.k), 1.0F, a.data(),
                 size(left.stride), b.data(), size(right.stride), 0.0F, c.data(), size(of.n));
    });
#endif
    if (of.m * of.n * of.k < 1 << 20)
      compare(name, "loop", ours, [&] { plain_product(of.m, of.n, of.k, left, right, c.data()); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) wanted = argv[1];
  set_num_threads(1);
  kernel::omp_set_num_threads(1);  // threads of the peer library
  reductions();
  rows();
  ops_on_a_tape();
  products();
}
