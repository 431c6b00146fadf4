// Finds the samples that make a step fail: halves large batches, then runs samples one by one.
#include "train/faulty_samples.hpp"

#include "base/join.hpp"
#include <wengert/data/batches.hpp>

#include <numeric>
#include <variant>
#include <vector>

#include <fmt/format.h>

namespace wengert::train {
namespace {

template <class T>
Batch<T> some_of(const Batch<T>& batch, std::span<const std::size_t> numbers) {
  Batch<T> part;
  part.samples = numbers.size();
  const auto gather = [&](const auto& array, auto&& to) {
    auto& rows = to.template emplace<std::remove_cvref_t<decltype(array)>>();
    data::gather_rows(array, numbers, rows, {});
  };
  for (const auto of : {&Batch<T>::inputs, &Batch<T>::targets})
    for (const Array<T>& array : batch.*of)
      std::visit([&](const auto& a) { gather(a, (part.*of).emplace_back()); }, array);
  if (batch.weights.dimension() != 0) data::gather_rows(batch.weights, numbers, part.weights, {});
  return part;
}

// The numbers of the samples that fail alone. Halves a large batch, keeping a half that fails, until few are left.
template <class T>
std::vector<std::size_t> failing_alone(StepPrograms<T>& programs, const Batch<T>& batch, bool with_gradients,
                                       bool& others_do_not) {
  constexpr std::size_t most = 1024;
  std::vector<std::size_t> left(batch.samples), failing;
  std::iota(left.begin(), left.end(), std::size_t{0});
  while (left.size() > most) {
    const std::vector<std::size_t> first(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(left.size() / 2)),
        second(left.begin() + static_cast<std::ptrdiff_t>(left.size() / 2), left.end());
    const bool first_fails = programs.fails(some_of(batch, first), with_gradients);
    others_do_not = others_do_not || !first_fails;
    left = first_fails ? first : second;
  }
  for (const std::size_t number : left)
    if (programs.fails(some_of<T>(batch, {&number, 1}), with_gradients))
      failing.push_back(number);
    else
      others_do_not = true;
  return failing;
}

}  // namespace

template <class T>
std::string faulty_samples(StepPrograms<T>& programs, const Batch<T>& batch, const Origin& origin,
                           const Source<T>& data, bool with_gradients) {
  if (origin.rows.size() != batch.samples || batch.samples == 0) return {};
  bool others_do_not = false;
  std::vector<std::size_t> failing;
  try {
    failing = failing_alone(programs, batch, with_gradients, others_do_not);
    if (batch.samples == 1 && data.size() > 1) {
      Batch<T> other;
      const std::size_t row = (origin.rows[0] + 1) % data.size();
      data.gather({&row, 1}, other);
      others_do_not = !programs.fails(other, with_gradients);
    }
  } catch (const std::exception&) {  // from a network that does not take single samples
    return {};
  }
  if (failing.empty() || !others_do_not) return {};
  if (failing.size() == 1) return at_sample(failing.front(), origin);
  const auto row = [&](std::size_t number) { return std::to_string(origin.rows[number]); };
  return fmt::format("samples {} of {}", first_few(failing, row), origin.data);
}

std::string at_sample(std::size_t number_in_batch, const Origin& origin) {
  return fmt::format("sample {} of {} (number {} of its batch)", origin.rows[number_in_batch], origin.data,
                     number_in_batch);
}

template std::string faulty_samples(StepPrograms<float>&, const Batch<float>&, const Origin&, const Source<float>&,
                                    bool);
template std::string faulty_samples(StepPrograms<double>&, const Batch<double>&, const Origin&, const Source<double>&,
                                    bool);

}  // namespace wengert::train
