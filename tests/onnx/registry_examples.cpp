// The ops of the registry with the examples on which their export is tested, and those that are not exported.
#include "registry_examples.hpp"

#include "optim/weight_average.hpp"
#include <wengert/wengert.hpp>

#include <utility>

#include <xtensor/xslice.hpp>

namespace wengert::testing {

namespace {

// A function of one tensor as an example in both types.
template <class F>
OpExample example_of(const char* label, Shape shape, Domain domain, const F& f) {
  return {label,
          {std::move(shape)},
          {domain},
          [f](std::span<const Var<double>> x) { return f(x[0]); },
          [f](std::span<const Var<float>> x) { return f(x[0]); }};
}

using Added = std::map<std::string_view, std::vector<OpExample>>;

Added examples_of_indices() {
  const Shape matrix{3, 5};
  const Domain any{};
  Added added;
  added["argmax"] = {
      example_of("argmax", matrix, any, [](auto x) { return argmax(x).handle(); }),
      example_of("argmax over axis 0", matrix, any, [](auto x) { return argmax(x, 0).handle(); }),
      example_of("argmax, axis kept", matrix, any, [](auto x) { return argmax(x, -1, KeepDims::yes).handle(); })};
  added["argmin"] = {
      example_of("argmin", matrix, any, [](auto x) { return argmin(x).handle(); }),
      example_of("argmin over axis 0", matrix, any, [](auto x) { return argmin(x, 0).handle(); }),
      example_of("argmin, axis kept", matrix, any, [](auto x) { return argmin(x, -1, KeepDims::yes).handle(); })};
  added["argsort"] = {example_of("argsort", matrix, any, [](auto x) { return argsort(x).handle(); }),
                      example_of("argsort over axis 0, descending", matrix, any,
                                 [](auto x) { return argsort(x, 0, SortOrder::descending).handle(); }),
                      example_of("argsort with ties", matrix, any, [](auto x) { return argsort(floor(x)).handle(); })};
  added["to_values"] = {example_of("to_values", matrix, any, [](auto x) { return to_values(argsort(x)); })};
  added["to_indices"] = {
      example_of("to_indices", matrix, {-5, 5}, [](auto x) { return to_indices(floor(x)).handle(); })};
  added["one_hot"] = {example_of("one_hot", matrix, any, [](auto x) { return one_hot(argmax(x, 1), 6); })};
  added["slice_indices"] = {
      example_of("slice of indices", matrix, any,
                 [](auto x) { return slice(argsort(x), 1, xt::range(4, 0, -2)).handle(); }),
      example_of("column of indices", matrix, any, [](auto x) { return slice(argsort(x), 1, 2).handle(); })};
  added["reshape_indices"] = {example_of("reshape of indices", matrix, any, [](auto x) {
    return reshape(argsort(x), {5, -1}).handle();
  })};
  added["join_indices"] = {example_of("index with two lists", {4, 4}, any, [](auto x) {
    return index(x, {argmax(x, 1), argmin(x, 1)});
  })};
  added["max_pool_positions"] = {example_of("max_pool2d_with_indices", {2, 3, 5, 4}, any, [](auto x) {
    return max_pool2d_with_indices(x, 2, {.stride = 1, .padding = 1}).indices.handle();
  })};
  return added;
}

Added examples_of_optimisers() {
  Added added;
  added["with_weights"] = {example_of(
      "with_weights", {}, {1, 5}, [](auto step) { return optim::with_weights(step, step * 0, Location::current()); })};
  return added;
}

Added examples_of_sequences() {
  Added added;
  added["sequence_mask"] = {
      example_of("sequence_mask", {6}, {0, 5}, [](auto x) { return sequence_mask(to_indices(floor(x)), 4); })};
  added["last_positions"] = {example_of("last_step", {3, 4, 2}, {}, [](auto x) {
    return last_step(x, Indices{2, 0, 4});
  })};
  added["mask_count"] = {example_of("masked_mean", {3, 4, 2}, {}, [](auto x) {
    return masked_mean(x, Indices{2, 0, 4});
  })};
  return added;
}

}  // namespace

std::vector<OpExample> export_examples(const OpRow& row) {
  static const Added added = [] {
    Added all = examples_of_indices();
    all.merge(examples_of_sequences());
    all.merge(examples_of_optimisers());
    return all;
  }();
  std::vector<OpExample> examples = row.examples();
  std::erase_if(examples, [](const OpExample& example) { return example.shapes.empty(); });
  if (const auto found = added.find(row.name); examples.empty() && found != added.end()) examples = found->second;
  return examples;
}

const std::map<std::string_view, std::string_view>& not_exported() {
  static constexpr std::string_view draw = "draws random numbers; networks draw none in evaluation mode";
  static constexpr std::string_view factorisation = "ONNX has no factorisation of matrices";
  static constexpr std::string_view system = "ONNX does not solve linear systems";
  static const std::map<std::string_view, std::string_view> all{
      {"bernoulli", draw},
      {"categorical", draw},
      {"dropout", draw},
      {"normal", draw},
      {"uniform", draw},
      {"cholesky", factorisation},
      {"eigh", factorisation},
      {"qr", factorisation},
      {"svd", factorisation},
      {"inv", system},
      {"solve", system},
      {"triangular_solve", system},
      {"cofactor", "the derivative of det, which is computed from a singular value decomposition"},
      {"cofactor_gradient", "the second derivative of det"},
      {"ctc_loss", "a recursion over the steps of all alignments"},
      {"lgamma", "ONNX has no gamma function"},
      {"masked_select", "the shape of its result depends on values"},
  };
  return all;
}

}  // namespace wengert::testing
