// Functions that take a list: braces and containers filled at run time have the same effect.
#include "../testing.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

using V = Var<double>;

// Calls `f` with the same integers in containers of several kinds and types.
template <class F>
void with_containers(const std::vector<int>& numbers, const F& f) {
  const std::vector<std::ptrdiff_t> signed_numbers(numbers.begin(), numbers.end());
  f(numbers);
  f(signed_numbers);
  f(std::span<const std::ptrdiff_t>(signed_numbers));
  f(std::deque<short>(numbers.begin(), numbers.end()));
  if (std::all_of(numbers.begin(), numbers.end(), [](int n) { return n >= 0; })) {
    f(std::vector<std::size_t>(numbers.begin(), numbers.end()));
    f(std::vector<std::uint8_t>(numbers.begin(), numbers.end()));
  }
  if (numbers.size() == 2) f(std::array<int, 2>{numbers[0], numbers[1]});
}

// Checks that `f`, called with containers of the numbers, gives `expected`.
template <class F>
void check_lists(const char* name, V expected, const std::vector<int>& numbers, const F& f) {
  CAPTURE(name);
  with_containers(numbers, [&](const auto& list) {
    const V y = f(list);
    CHECK(y.shape() == expected.shape());
    CHECK(y.value() == expected.value());
  });
}
#define CHECK_LISTS(expected, numbers, ...) \
  check_lists(#__VA_ARGS__, expected, std::vector<int> numbers, [&](const auto& list) -> V { return __VA_ARGS__; })

}  // namespace

TEST_CASE("functions of axes, shapes and counts take braces and containers") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({2, 3, 4}, 1));
  const auto y = tape.variable(random_tensor({4, 3, 2}, 2));
  const std::size_t two = 2;  // an integer of another type among the braces
  CHECK_LISTS(sum(x, {0, -1}), ({0, -1}), sum(x, list));
  CHECK_LISTS(mean(x, {0, two}), ({0, 2}), mean(x, list));
  CHECK_LISTS(prod(x, {1, 0}), ({1, 0}), prod(x, list));
  CHECK_LISTS(amax(x, {0, 2}), ({0, 2}), amax(x, list));
  CHECK_LISTS(amin(x, {0, 2}), ({0, 2}), amin(x, list));
  CHECK_LISTS(var(x, {0, 2}), ({0, 2}), var(x, list));
  CHECK_LISTS(stddev(x, {0, 2}), ({0, 2}), stddev(x, list));
  CHECK_LISTS(logsumexp(x, {0, 2}), ({0, 2}), logsumexp(x, list));
  CHECK_LISTS(norm(x, 3, {0, 2}), ({0, 2}), norm(x, 3, list));
  CHECK_LISTS(count_nonzero(x, {0, 2}), ({0, 2}), count_nonzero(x, list));
  CHECK_LISTS(flip(x, {0, 2}), ({0, 2}), flip(x, list));
  CHECK_LISTS(expand_dims(x, {0, -1}), ({0, -1}), expand_dims(x, list));
  CHECK_LISTS(squeeze(reshape(x, {1, 24, 1}), {0, 2}), ({0, 2}), squeeze(reshape(x, {1, 24, 1}), list));
  CHECK_LISTS(transpose(x, {two, 0, 1}), ({2, 0, 1}), transpose(x, list));
  CHECK_LISTS(moveaxis(x, {0, 1}, {-1, 0}), ({0, 1}), moveaxis(x, list, {-1, 0}));
  CHECK_LISTS(moveaxis(x, {0, 1}, {-1, 0}), ({-1, 0}), moveaxis(x, {0, 1}, list));
  CHECK_LISTS(reshape(x, {two * 3, 4}), ({6, 4}), reshape(x, list));
  CHECK_LISTS(reshape(x, {4, -1}), ({4, -1}), reshape(x, list));
  CHECK_LISTS(broadcast_to(x, {2, 2, 3, 4}), ({2, 2, 3, 4}), broadcast_to(x, list));
  CHECK_LISTS(sum_to(x, {3, 1}), ({3, 1}), sum_to(x, list));
  CHECK_LISTS(tile(x, {2, two}), ({2, 2}), tile(x, list));
  CHECK_LISTS(roll(x, {1, -2}, {0, 2}), ({1, -2}), roll(x, list, {0, 2}));
  CHECK_LISTS(roll(x, {1, -2}, {0, 2}), ({0, 2}), roll(x, {1, -2}, list));
  CHECK_LISTS(roll(x, 1, {0, 2}), ({0, 2}), roll(x, 1, list));
  CHECK_LISTS(concatenate(split(x, {1, -2}, 2), 2), ({1, -2}), concatenate(split(x, list, 2), 2));
  CHECK_LISTS(split(x, {1}, 2)[1], ({1}), split(x, list, 2)[1]);  // one position, not one section
  CHECK_LISTS(split_with_sizes(x, {1, 3}, 2)[1], ({1, 3}), split_with_sizes(x, list, 2)[1]);
  CHECK_LISTS(tensordot(x, y, {0, 2}, {2, 0}), ({0, 2}), tensordot(x, y, list, {2, 0}));
  CHECK_LISTS(tensordot(x, y, {0, 2}, {2, 0}), ({2, 0}), tensordot(x, y, {0, 2}, list));
  CHECK(tensordot(x, y, std::vector<int>{}, std::vector<int>{}).shape() == Shape{2, 3, 4, 4, 3, 2});
  CHECK(tensordot(x, y, {}, {}).shape() == Shape{2, 3, 4, 4, 3, 2});
  CHECK_LISTS(layer_norm(x, {3, 4}), ({3, 4}), layer_norm(x, list));
  CHECK_LISTS(rms_norm(x, {3, 4}), ({3, 4}), rms_norm(x, list));
  with_containers({2, 3}, [&](const auto& list) {
    Generator g(1), h(1);
    CHECK(uniform(tape, list, g).value() == uniform(tape, {2, 3}, h).value());
    CHECK(normal(tape, list, g).value() == normal(tape, {2, 3}, h).value());
  });
}

TEST_CASE("functions of indices take braces and containers") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({3, 4}, 1));
  const auto v = tape.variable(random_tensor({4}, 2));
  CHECK_LISTS(take(x, {2, 0, 2}, 1), ({2, 0, 2}), take(x, list, 1));
  CHECK_LISTS(take(x, {-1, 7}), ({-1, 7}), take(x, list));
  CHECK_LISTS(embedding(x, {2, 0}), ({2, 0}), embedding(x, list));
  CHECK_LISTS(index_add(x, 1, {2, 2}, 1), ({2, 2}), index_add(x, 1, list, 1));
  CHECK_LISTS(take_along_axis(v, {3, -1}, 0), ({3, -1}), take_along_axis(v, list, 0));
  CHECK_LISTS(gather(v, 0, {3, -1}), ({3, -1}), gather(v, 0, list));
  CHECK_LISTS(scatter(v, 0, {3, 1}, 0.5), ({3, 1}), scatter(v, 0, list, 0.5));
  CHECK_LISTS(scatter_add(v, 0, {3, 3}, 0.5), ({3, 3}), scatter_add(v, 0, list, 0.5));
  CHECK_LISTS(index(x, {{2, 0}, {1, -1}}), ({1, -1}), index(x, {{2, 0}, list}));
  CHECK_LISTS(cross_entropy(x, {3, 0, 1}), ({3, 0, 1}), cross_entropy(x, list));
}

TEST_CASE("options of one number for each axis take braces and containers") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({1, 2, 6, 5}, 1)), w = tape.variable(random_tensor({3, 2, 2, 1}, 2));
  const auto t = tape.variable(random_tensor({2, 3, 2, 1}, 3)), columns = unfold(x, {2, 1});
  CHECK_LISTS(conv2d(x, w, {.stride = {2, 1}}), ({2, 1}), conv2d(x, w, {.stride = list}));
  CHECK_LISTS(conv2d(x, w, {.padding = {2, 1}}), ({2, 1}), conv2d(x, w, {.padding = list}));
  CHECK_LISTS(conv2d(x, w, {.dilation = {2, 1}}), ({2, 1}), conv2d(x, w, {.dilation = list}));
  CHECK_LISTS(conv_transpose2d(x, t, {.stride = {2, 1}}), ({2, 1}), conv_transpose2d(x, t, {.stride = list}));
  CHECK_LISTS(max_pool2d(x, {2, 1}), ({2, 1}), max_pool2d(x, list));
  CHECK_LISTS(max_pool2d_with_indices(x, {2, 1}).values, ({2, 1}), max_pool2d_with_indices(x, list).values);
  CHECK_LISTS(avg_pool2d(x, 2, {.stride = {2, 1}}), ({2, 1}), avg_pool2d(x, 2, {.stride = list}));
  CHECK_LISTS(adaptive_max_pool2d(x, {2, 1}), ({2, 1}), adaptive_max_pool2d(x, list));
  CHECK_LISTS(adaptive_avg_pool2d(x, {2, 1}), ({2, 1}), adaptive_avg_pool2d(x, list));
  CHECK_LISTS(unfold(x, {2, 1}), ({2, 1}), unfold(x, list));
  CHECK_LISTS(fold(columns, {6, 5}, {2, 1}), ({6, 5}), fold(columns, list, {2, 1}));
  CHECK_LISTS(fold(columns, {6, 5}, {2, 1}), ({2, 1}), fold(columns, {6, 5}, list));
  CHECK_LISTS(upsample_nearest2d(x, {7, 9}), ({7, 9}), upsample_nearest2d(x, list));
  CHECK_LISTS(upsample_bilinear(x, {7, 9}), ({7, 9}), upsample_bilinear(x, list));
  const auto flat = reshape(x, {1, 2, 30});
  CHECK_LISTS(max_pool1d(flat, 2), ({2}), max_pool1d(flat, list));
}

TEST_CASE("functions of slices, paddings and tensors take braces and containers") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({3, 4}, 1)), y = tape.variable(random_tensor({3, 4}, 2));
  const std::vector<Slice> slices{xt::range(1, 3), -1};
  CHECK(slice(x, slices).value() == slice(x, {xt::range(1, 3), -1}).value());
  CHECK(slice(x, std::array<Slice, 2>{slices[0], slices[1]}).value() == slice(x, slices).value());
  CHECK(slice(x, std::span(slices)).value() == slice(x, slices).value());
  const std::vector<PadWidth> widths{{1, 2}, {0, 1}};
  for (const PadMode mode : {PadMode::constant, PadMode::edge, PadMode::reflect}) {
    CHECK(pad(x, widths, mode).value() == pad(x, {{1, 2}, {0, 1}}, mode).value());
    CHECK(pad(x, std::span(widths), mode).value() == pad(x, widths, mode).value());
    CHECK(pad(x, std::array{PadWidth{1, 2}}, mode).value() == pad(x, {{1, 2}}, mode).value());
  }
  const std::vector<V> parts{x, y};
  const V joined = concatenate({x, y}, 1), stacked = stack({x, y}, 1), product = einsum("ij,ij->i", {x, y});
  CHECK(concatenate(parts, 1).value() == joined.value());
  CHECK(concatenate(std::span(parts), 1).value() == joined.value());
  CHECK(concatenate(std::span<const V>(parts), 1).value() == joined.value());
  CHECK(concatenate(std::array{x, y}, 1).value() == joined.value());
  CHECK(stack(parts, 1).value() == stacked.value());
  CHECK(stack(std::span(parts), 1).value() == stacked.value());
  CHECK(stack(std::array{x, y}, 1).value() == stacked.value());
  CHECK(einsum("ij,ij->i", parts).value() == product.value());
  CHECK(einsum("ij,ij->i", std::span(parts)).value() == product.value());
  CHECK(einsum("ij,ij->i", std::array{x, y}).value() == product.value());
  CHECK(einsum("ij,ij->i", x, y).value() == product.value());
}

TEST_CASE("lists that do not fit are refused, with the line") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({2, 3}, 1)), image = tape.variable(random_tensor({1, 4, 4}, 2));
  const std::vector<int> nine(9, 1), three(3, 1);
  const auto size = tape.size();
  CHECK_ERROR(AxisError, "[axes] more than 8 axes", sum(x, nine));
  CHECK_ERROR(AxisError, "[axes] more than 8 axes", sum(x, {0, 1, 2, 3, 4, 5, 6, 7, 8}));
  CHECK_ERROR(AxisError, "[transpose] order (1, 1, 1) of a tensor of rank 2", transpose(x, three));
  CHECK_ERROR(AxisError, "[sum] axis -1 is repeated", sum(x, std::vector{1, -1}));
  CHECK_ERROR(ShapeError, "[reshape] extent -2: must not be negative", reshape(x, std::vector{-2, 3}));
  CHECK_ERROR(ShapeError, "[reshape] extent -1: must not be negative, except for one", reshape(x, std::vector{-1, -1}));
  CHECK_ERROR(ShapeError, "[reshape] more than 8 extents", reshape(x, nine));
  CHECK_ERROR(ValueError, "[tile] count -1: must not be negative", tile(x, {2, -1}));
  CHECK_ERROR(ShapeError, "[tile] a result of 9 axes", tile(x, nine));
  CHECK_ERROR(AxisError, "[roll] 3 shifts for 2 axes: there must be one for each", roll(x, three, {0, 1}));
  CHECK_ERROR(AxisError, "[roll] 3 shifts for 0 axes", roll(x, three));
  CHECK_ERROR(ShapeError, "[PerAxis] 3 numbers for 2 spatial axes: expected one for each", max_pool2d(image, three));
  CHECK_ERROR(ShapeError, "[split] axis 1 of shape (2, 3) into -1 sections", split(x, -1, 1));
  CHECK_ERROR(ValueError, "[split] position 4 of axis 1", split(x, std::vector{1, 4}, 1));
  CHECK_ERROR(ValueError, "[split_with_sizes] size -1: must not be negative", split_with_sizes(x, {4, -1}, 1));
  CHECK_ERROR(ShapeError, "[split_with_sizes] sizes (1, 1) for axis 1 of shape (2, 3): must add up to 3",
              split_with_sizes(x, {1, 1}, 1));
  CHECK_ERROR(ShapeError, "must add up to 3", split_with_sizes(x, {std::numeric_limits<std::ptrdiff_t>::max(), 4}, 1));
  CHECK_ERROR(ShapeError, "must add up to 3", split_with_sizes(x, {}, 1));
  CHECK_ERROR(AxisError, "[split_with_sizes] axis 2", split_with_sizes(x, {1, 1}, 2));
  CHECK(tape.size() == size);
}
