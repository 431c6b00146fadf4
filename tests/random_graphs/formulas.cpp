// User formulas of one to four inputs and up to four parameters, each with its own values.
// Their definitions register them.
#include <wengert/wengert.hpp>

namespace wengert::random_graphs {
namespace {

[[maybe_unused]] constexpr auto two_slopes = elementwise<"two_slopes", params<2>>(
    [](auto x, auto a, auto b) { return where(x > 0, a * x, b * x); }, example_parameters([] {
      return std::array{0.1, 3.0};
    }));
[[maybe_unused]] constexpr auto difference_of_slopes = elementwise<"difference_of_slopes", params<2>>(
    [](auto x, auto y, auto a, auto b) { return (a - b) * x * y + y; }, example_parameters([] {
      return std::array{0.75, 2.0};
    }));
[[maybe_unused]] constexpr auto quotient_of_slopes = elementwise<"quotient_of_slopes", params<3>>(
    [](auto x, auto a, auto b, auto c) { return log(a / b) * x * x + exp(c * x) - exp(a * x); }, example_parameters([] {
      return std::array{0.5, 0.25, -0.5};
    }));
[[maybe_unused]] constexpr auto window = elementwise<"window", params<4>>(
    [](auto x, auto y, auto a, auto b, auto c, auto d) {
      return where(x > a && x < b, c * y * x, where(y > c, d * x, a * y));
    },
    example_parameters([] {
      return std::array{-0.5, 1.0, 0.25, 2.0};
    }));
[[maybe_unused]] constexpr auto blend =
    elementwise<"blend", params<1>>([](auto x, auto y, auto z, auto a) { return a * x * y + (1 - a) * tanh(z) * x; },
                                    example_parameters([] { return std::array{0.3}; }));
[[maybe_unused]] constexpr auto four_way = elementwise<"four_way", params<2>>(
    [](auto x, auto y, auto z, auto w, auto a, auto b) {
      return maximum(a * x, b * y) + where(z > w, (a - b) * z * w, sin(w));
    },
    example_parameters([] {
      return std::array{1.25, -0.5};
    }));
[[maybe_unused]] constexpr auto steep = elementwise<"steep", params<1>>(
    [](auto x, auto a) { return tanh(a * x); }, derivative([](auto, auto a, auto y) { return a * (1 - y * y); }),
    example_parameters([] { return std::array{0.7}; }));
[[maybe_unused]] constexpr auto unread = elementwise<"unread", params<1>>(
    [](auto x, auto y, auto a) { return x + a + 0 * y; }, example_parameters([] { return std::array{2.5}; }));
[[maybe_unused]] constexpr auto plain_product =
    elementwise<"plain_product">([](auto x, auto y, auto z) { return x * y * z; });
[[maybe_unused]] constexpr auto within = elementwise<"within", params<2>>(
    [](auto x, auto y, auto a, auto b) { return minimum(maximum(x, a * y), b) * y; }, example_parameters([] {
      return std::array{-0.5, 0.75};
    }));

}  // namespace
}  // namespace wengert::random_graphs
