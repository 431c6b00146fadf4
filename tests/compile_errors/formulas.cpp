#include <wengert/wengert.hpp>
using namespace wengert;

// says: all arguments of the lambda must be declared auto
constexpr auto plain_argument = elementwise<"op">([](double x) { return x * x; });  // here
// says: [](auto x, auto slope)
constexpr auto plain_parameter = elementwise<"op", params<1>>([](auto x, float c) { return c * x; });  // here

// says: convert a comparison with where(mask, 1, 0)
constexpr auto mask_as_result = elementwise<"op">([](auto x) { return x > 0; });  // here

constexpr auto of_input_alone = derivative([](auto x) { return 2 * x; });
// says: takes the inputs, the parameters and the output: [](auto x, auto y)
constexpr auto derivative_without_output = elementwise<"op">([](auto x) { return x * x; }, of_input_alone);  // here
constexpr auto by_first = derivative([](auto, auto b, auto) { return b; });
// says: derivative(...) needs one lambda, passes_cotangent<...> one sign, for each input
constexpr auto derivative_of_one_input = elementwise<"op">([](auto a, auto b) { return a * b; }, by_first);  // here
constexpr auto is_positive = derivative([](auto x, auto) { return x > 0; });
// says: each lambda of derivative(...) must return a number
constexpr auto mask_as_derivative = elementwise<"op">([](auto x) { return where(x > 0, x, 0); }, is_positive);  // here

// says: the arguments after the lambda must be options
constexpr auto no_option = elementwise<"op">([](auto x) { return x * x; }, [](auto x, auto) { return 2 * x; });  // here
// says: an op takes at most one option of each kind
constexpr auto two_names = elementwise<"op">([](auto x) { return 2 * x; }, called_as<"a">, called_as<"b">);  // here

Var<float> use(Var<float> x) { return mask_as_result(plain_argument(x)); }
