// Subject: evaluates a function of flattened inputs, pulls cotangents and pushes tangents, at any order.
#include "gradcheck/subject.hpp"

#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/reduce.hpp>

#include <algorithm>
#include <random>

namespace wengert::detail {

std::vector<double> random_weights(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 generator(seed + 1);
  std::vector<double> result(count);
  for (double& weight : result) {
    const std::uint64_t bits = generator();
    weight = (0.5 + static_cast<double>(bits >> 12) * 0x1p-52) * ((bits & 1) != 0 ? 1 : -1);
  }
  return result;
}

namespace {

void append_elements(const Var<double>& x, std::vector<double>& to) {
  const Tensor<double> value = x.value();
  to.insert(to.end(), value.data(), value.data() + value.size());
}

}  // namespace

Subject::Subject(const CheckedFunction<double>& f, std::vector<Tensor<double>> inputs, int order, std::uint64_t seed)
    : f_(f), inputs_(std::move(inputs)), order_(order), seed_(seed) {
  for (const Tensor<double>& input : inputs_) elements_ += input.size();
}

double& Subject::element(std::size_t j) {
  std::size_t input = 0;
  while (j >= inputs_[input].size()) j -= inputs_[input++].size();
  return inputs_[input].data()[j];
}

std::pair<std::size_t, Shape> Subject::place(std::size_t j) const {
  std::size_t input = 0;
  while (j >= inputs_[input].size()) j -= inputs_[input++].size();
  return {input, unravel(j, Shape(inputs_[input].shape()))};
}

std::size_t Subject::first_element(std::size_t input) const {
  std::size_t first = 0;
  for (std::size_t i = 0; i < input; ++i) first += inputs_[i].size();
  return first;
}

std::pair<std::size_t, Shape> Subject::result_place(std::size_t i) const {
  std::size_t result = 0;
  while (i >= results_[result].size()) i -= results_[result++].size();
  return {result, unravel(i, results_[result].shape())};
}

void Subject::record() {
  tape_.discard_updates();  // such as those of running statistics
  tape_.clear();
  recording_.emplace(tape_, f_, inputs_);
  results_ = {recording_->result()};
  for (int order = 2; order <= order_; ++order) {
    std::size_t size = 0;
    for (const Var<double>& result : results_) size += result.size();
    const std::vector<double> weights = random_weights(size, seed_ + static_cast<std::uint64_t>(order));
    results_ = recording_->gradients(weighted(weights));
  }
  result_size_ = 0;
  for (const Var<double>& result : results_) result_size_ += result.size();
  end_ = tape_.size();
}

void Subject::values(std::span<double> into) const {
  std::vector<double> all;
  for (const Var<double>& result : results_) append_elements(result, all);
  std::copy_n(all.begin(), std::min(all.size(), into.size()), into.begin());
}

bool Subject::evaluate(std::span<double> into) {
  try {
    record();
  } catch (const std::exception&) {
    return false;
  }
  values(into);
  return true;
}

Var<double> Subject::constant_like(const Var<double>& x, std::span<const double> elements) {
  auto tensor = Tensor<double>::from_shape(xt::dynamic_shape<std::size_t>(x.shape()));
  std::copy(elements.begin(), elements.end(), tensor.data());
  return tape_.constant(std::move(tensor));
}

// Σ u·results, or a single result with its cotangent.
Differentiated<double> Subject::weighted(std::span<const double> u) {
  if (results_.size() == 1) return seed(results_[0], constant_like(results_[0], u));
  Var<double> total;
  for (const Var<double>& result : results_) {
    const Var<double> part = sum(result * constant_like(result, u.first(result.size())));
    u = u.subspan(result.size());
    total = total.empty() ? part : total + part;
  }
  return total;
}

std::vector<double> Subject::pull(std::span<const double> u) {
  const auto start = tape_.mark();
  std::vector<double> result;
  for (const Var<double>& g : recording_->gradients(weighted(u))) append_elements(g, result);
  tape_.rewind(start);
  return result;
}

std::vector<double> Subject::push(std::span<const double> u, std::span<const double> v) {
  const auto start = tape_.mark();
  const Var<double> cotangent = constant_like(results_[0], u);
  Var<double> total;
  for (const Var<double>& g : recording_->gradients(seed(results_[0], cotangent))) {
    const Var<double> part = sum(g * constant_like(g, v.first(g.size())));
    v = v.subspan(g.size());
    total = total.empty() ? part : total + part;
  }
  std::vector<double> result;
  append_elements(grad(total, cotangent)[0], result);
  tape_.rewind(start);
  return result;
}

}  // namespace wengert::detail
