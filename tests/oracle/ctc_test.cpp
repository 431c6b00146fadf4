// ctc_loss against PyTorch, and its first two gradients against a sum over all paths.
#include "oracle.hpp"

using namespace wengert;
using namespace wengert::testing;

TEST_CASE("ctc_loss agrees with PyTorch, and with the sum over all paths to the second gradient") {
  Oracle oracle("ctc", {{"", "ctc_loss"}});
  const auto check = [&](const std::string& name, const CtcOptions& options) {
    const Indices targets = oracle.indices(name, "i0"), frames = oracle.indices(name, "i1"),
                  lengths = oracle.indices(name, "i2");
    oracle.check(name, [&](auto z) { return ctc_loss(log_softmax(z), targets, frames, lengths, options); });
  };
  check("loss.padded.none", {.reduction = Reduction::none});
  check("loss.padded.mean", {});
  check("loss.padded.sum", {.reduction = Reduction::sum});
  check("loss.joined", {});
  check("loss.blank", {.blank = 3});
  check("loss.long", {});
  check("loss.exact", {});
  check("impossible", {.reduction = Reduction::none});
  check("loss.zero_infinity", {.zero_infinity = true, .reduction = Reduction::none});

  const auto by_paths = [&](const std::string& name, const Indices& target) {
    const Indices length{static_cast<std::int64_t>(target.size())};
    oracle.check("paths." + name,
                 [&](auto a) { return ctc_loss(a, target, Indices{4}, length, {.reduction = Reduction::none}); });
  };
  by_paths("different", {1, 2});
  by_paths("equal", {1, 1});
  by_paths("empty", Indices::from_shape({0}));
  by_paths("one", Indices{2});
  oracle.check_all_were_checked();
}
