// The calls of docs/guide/first-network.md that a reader may copy, outside the library's namespace.
#include "snippets.hpp"
#include "testing.hpp"

#include <array>

namespace wg = wengert;

// Compiles a statement and checks that the page contains it.
#define ON_THE_PAGE(...)                                                     \
  CHECK_MESSAGE(page.find(#__VA_ARGS__) != std::string::npos, #__VA_ARGS__); \
  __VA_ARGS__

TEST_CASE("first-network.md: functions of lists of Vars outside their namespace") {
  const std::string page = wg::testing::unindented("docs/guide/first-network.md");
  wg::Tape<double> tape;
  const auto a = tape.constant(wg::Tensor<double>{{1, 2}}), b = tape.constant(wg::Tensor<double>{{3, 4}});
  const wg::Tensor<double> joined{{1, 2, 3, 4}};
  {
    ON_THE_PAGE(auto c = wg::concatenate({a, b}, 1);)
    CHECK(c.value() == joined);
  }
  {
    ON_THE_PAGE(auto c = concatenate(std::array{a, b}, 1);)
    CHECK(c.value() == joined);
  }
  CHECK(stack(std::array{a, b}).shape() == wg::Shape{2, 1, 2});
  CHECK(page.find("`einsum(\"ij,kj->ik\", a, b)`") != std::string::npos);
  CHECK(einsum("ij,kj->ik", a, b).item() == 11);
}
