// A program outside of Wengert's build: a custom op, a compiled training step, a gradient check, saved weights.
//
// Writes weights to a file and reads them back. Argument: the file. Returns the number of failed expectations.
#include <wengert/io/npz.hpp>
#include <wengert/wengert.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>

namespace wg = wengert;
namespace io = wengert::io;

namespace {
std::atomic<long> allocations{0};
int failures = 0;

void expect(bool holds, const char* what) {
  std::printf("%-6s %s\n", holds ? "ok" : "FAILED", what);
  failures += holds ? 0 : 1;
}

constexpr auto softsign_squared = wg::elementwise<"softsign_squared">([](auto x) { return x * x / (1 + abs(x)); });
}  // namespace

#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif
void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* p = std::malloc(bytes)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

int main(int, char** arguments) {
  const std::string version = std::to_string(WENGERT_VERSION_MAJOR) + "." + std::to_string(WENGERT_VERSION_MINOR) +
                              "." + std::to_string(WENGERT_VERSION_PATCH);
  expect(version == EXPECTED_VERSION && version == WENGERT_VERSION, "the headers' version is the package's");

  // Each op, of the library or of this program, is registered once, with static and with shared libraries.
  const auto registered = [](std::string_view name) {
    return std::ranges::count_if(wg::op_registry(), [&](const wg::OpRow& row) { return row.name == name; });
  };
  expect(registered("matmul") == 1 && registered("tanh") == 1 && registered("add") == 1, "ops are registered once");
  expect(registered("softsign_squared") == 1, "an op of one's own is registered");
  for (const wg::OpRow& row : wg::op_registry())
    if (registered(row.name) != 1) expect(false, row.name.data());

  const wg::Tensor<float> x{{0, 1}, {1, 0}, {1, 1}};
  const wg::Tensor<float> y{{0, 1}, {0, 1}, {1, 0}};
  wg::Parameter<float> w1(wg::Tensor<float>{{1.0F, -0.7F, 0.4F}, {-0.8F, 0.9F, 0.5F}}, "w1");
  wg::Parameter<float> w2(wg::Tensor<float>{{0.9F, -0.4F}, {0.8F, 0.1F}, {-0.3F, 0.6F}}, "w2");
  const auto loss_of = [](auto in, auto hidden, auto out, auto target) {
    return cross_entropy_with_logits(matmul(softsign_squared(matmul(in, hidden)), out), target);
  };
  expect(wg::gradcheck(loss_of, x, w1, w2, y).ok(), "the gradient is right");
  auto step = wg::compiled<float>([&](auto& tape, auto in, auto target) {
    auto hidden = tape.variable(w1), out = tape.variable(w2);
    auto loss = loss_of(in, hidden, out, target);
    auto [d_hidden, d_out] = grad(loss, hidden, out);
    tape.update(w1, hidden - 0.2F * d_hidden);
    tape.update(w2, out - 0.2F * d_out);
    return loss;
  });
  const float before = step(x, y).item();
  const long warm = allocations;
  for (int i = 0; i < 2000; ++i) step(x, y);
  expect(allocations == warm, "a compiled step allocates nothing");
  const float after = step(x, y).item();
  expect(after < 0.01F && after < before, "the network learns");

  io::save_npz<float>(arguments[1], {{"w1", w1.value()}, {"w2", w2.value()}});
  const auto loaded = io::load_npz<float>(arguments[1]);
  expect(loaded.size() == 2 && loaded[0].value == w1.value() && loaded[1].value == w2.value(),
         "weights are read back as they were written");

  try {
    wg::Tape<float> tape;
    (void)matmul(tape.constant(x), tape.constant(x));
    expect(false, "a mistake throws");
  } catch (const wg::ShapeError& error) {  // thrown by the library, caught in the program
    expect(std::string_view(error.what()).find("[matmul]") != std::string_view::npos, "a mistake throws");
  }
  return failures;
}
