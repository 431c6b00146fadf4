// Memory use of a training whose batches have ever new shapes.
#include "base/sanitizers.hpp"
#include "testing.hpp"
#include <wengert/nn.hpp>
#include <wengert/optim.hpp>

#include <algorithm>
#include <fstream>
#include <unistd.h>

using namespace wengert;
using namespace wengert::testing;

namespace {

// Returns the resident memory of this process in MiB.
double resident() {
  std::ifstream statistics("/proc/self/statm");
  double pages = 0, resident = 0;
  statistics >> pages >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

}  // namespace

TEST_CASE("training on sequences of ever new lengths takes bounded memory") {
  struct Counter {
    nn::GRU<float> recurrent;
    nn::Linear<float> head;
    Var<float> operator()(Var<float> x) const { return head(recurrent(x)); }
  };
  Generator g(1);
  const Counter net{nn::GRU<float>::make(8, 32, g), nn::Linear<float>::make(32, 1, g)};
  optim::Optimizer<float> optimizer(net, optim::Adam{});
  auto step = compiled<float>([&](auto&, auto x) {
    const auto loss = mean(square(net(x)));
    optimizer.update(loss);
    return loss;
  });
  const double before = resident();
  double most = 0;
  for (std::size_t length = 1; length <= 60; ++length) {
    step(random_tensor<float>({4, length, 8}, 1));
    most = std::max(most, resident() - before);
  }
  CHECK(step.size() == CompileOptions().max_programs);
  CHECK(step.compilations() == 60);
  // The last 16 Programs take 40 MiB; without a bound, all take 130. AddressSanitizer delays the release of memory.
  if (!WENGERT_ASAN) CHECK(most < 80);
}
