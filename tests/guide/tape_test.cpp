// Compiles and runs the code of docs/guide/tape.md.
#include "snippets.hpp"
#include "testing.hpp"

#include <sstream>

namespace wg = wengert;
using namespace wengert::testing;

TEST_CASE("guide: how the tape works") {
  // clang-format off
  wg::Tape<double> tape;
  auto x = tape.variable(wg::Tensor<double>{1, 2}, "x");
  auto w = tape.variable(wg::Tensor<double>{3, 5}, "w");
  auto y = sum(w * sin(x));
  const std::string table = to_string(tape);

  std::string message;
  try {
    matmul(x, tape.constant(wg::Tensor<double>{1, 2, 3}));
  } catch (const wg::ShapeError& error) {
    message = error.what();  // [matmul] …: the actual and the expected shapes, a hint, and your line
  }
  CHECK(contains(message, "[matmul]"));
  CHECK(contains(message, "tape_test.cpp"));
  tape.rewind(tape.mark());

  const std::string graph = wg::to_dot(y);
  auto [dx, dw] = grad(y, x, w);
  const wg::Tensor<double> expected_dx{3 * std::cos(1.0), 5 * std::cos(2.0)}, expected_dw{std::sin(1.0), std::sin(2.0)},
      expected_ddx{-3 * std::sin(1.0), -5 * std::sin(2.0)};
  CHECK(distance(dx.value(), expected_dx) < 1e-14);
  CHECK(distance(dw.value(), expected_dw) < 1e-14);

  auto [ddx] = grad(sum(dx), x);  // −w ⊙ sin x
  CHECK(distance(ddx.value(), expected_ddx) < 1e-14);

  const std::size_t before = tape.size();
  auto [gx, gw] = gradients(y, x, w);
  CHECK(tape.size() == before);
  CHECK(distance(gx, expected_dx) < 1e-14);
  CHECK(distance(gw, expected_dw) < 1e-14);

  const auto mark = tape.mark();
  auto z = exp(x);
  tape.rewind(mark);  // z's node is gone
  CHECK_THROWS_AS(z.value(), wg::HandleError);

  wg::Parameter<double> p(wg::Tensor<double>{3, 5}, "p");
  tape.clear();
  auto v = tape.variable(p);
  auto loss = sum(square(v));
  auto [dv] = grad(loss, v);
  tape.update(p, v - 0.1 * dv);  // queued …
  tape.commit();                 // … and written
  CHECK(distance(p.value(), wg::Tensor<double>{3 - 0.6, 5 - 1.0}) < 1e-14);
  // clang-format on

  // The page also quotes the core.
  CHECK(check_snippets("docs/guide/tape.md", "tests/guide/tape_test.cpp", "include/wengert/tape/tape.hpp",
                       "src/tape/tape.cpp", "include/wengert/tape/sweep_state.hpp", "include/wengert/tape/sweep.hpp",
                       "src/tape/sweep.cpp", "src/ops/reduce.cpp",
                       "include/wengert/ops/elementwise/trigonometric.hpp") >= 20);
  // The page shows the table of this tape, apart from source lines.
  const std::string page = unindented("docs/guide/tape.md");
  std::istringstream lines(table);
  std::size_t nodes = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t begin = line.find_first_not_of(' '), end = line.find("tape_test.cpp");
    if (end == std::string::npos) continue;
    CAPTURE(line);
    CHECK(contains(page, line.substr(begin, end - begin)));
    ++nodes;
  }
  CHECK(nodes == 5);
}
