// predict: replays a network on the batches of a data set, and joins the outputs.
#include "base/located.hpp"
#include "train/batch.hpp"
#include <wengert/ops/elementwise.hpp>
#include <wengert/ops/normalise.hpp>
#include <wengert/program/program_cache.hpp>
#include <wengert/train/predict.hpp>

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace wengert::train {
namespace {

// Writes the rows of a batch to those of all samples.
template <class A>
void copy_rows(const A& batch, std::size_t first, std::size_t all, A& to) {
  if (first == 0) {
    Shape shape(batch.shape());
    shape[0] = all;
    to = A::from_shape(xt::dynamic_shape<std::size_t>(shape));
  }
  const std::size_t row = batch.size() / batch.shape()[0];
  if (batch.size() + first * row > to.size() || batch.dimension() != to.dimension())
    throw ShapeError("predict", "the rows of the network's outputs differ in shape between batches", {});
  std::copy(batch.begin(), batch.end(), to.data() + first * row);
}

}  // namespace

template <class T>
void detail::predict_batches(const RecordOutputs<T>& record, const Source<T>& data, const PredictOptions& options,
                             const VisitOutputs<T>& visit, const Location& where) {
  if (data.size() == 0) throw ValueError("predict", "there are no samples", where);
  if (options.batch_size == 0) throw ValueError("predict", "batch size 0: expected at least 1", where);
  located("predict", where, [&] {
    ProgramCache<T> programs({.apply_updates = false}, where);
    Batch<T> batch;
    std::vector<std::size_t> rows;
    std::vector<bool> integers;
    for (std::size_t first = 0; first < data.size(); first += rows.size()) {
      rows.resize(std::min(options.batch_size, data.size() - first));
      std::iota(rows.begin(), rows.end(), first);
      data.gather(rows, batch);
      std::vector<ProgramInput<T>> inputs;
      append_inputs(batch.inputs, inputs);
      const Program<T>& program = programs.run(inputs, [&](Tape<T>& tape, std::vector<ProgramVar<T>>& leaves) {
        leaves = leaf_nodes(tape, batch.inputs);
        RecordedOutputs<T> outputs = record(leaves);
        integers = outputs.integers;
        return outputs.vars;
      });
      std::vector<Array<T>> outputs;
      for (std::size_t i = 0; i < integers.size(); ++i) {
        if (integers[i])
          outputs.emplace_back(program.indices(i));
        else
          outputs.emplace_back(program.value(i));
        const Shape shape = std::visit([](const auto& a) { return Shape(a.shape()); }, outputs.back());
        if (shape.empty() || shape[0] != rows.size())
          throw ShapeError("predict",
                           fmt::format("an output of shape {} for {} samples: expected one row per sample",
                                       to_string(shape), rows.size()),
                           where);
      }
      visit(outputs, first);
    }
  });
}

template <class T>
std::vector<Array<T>> detail::predict_all(const RecordOutputs<T>& record, const Source<T>& data,
                                          const PredictOptions& options, const Location& where) {
  std::vector<Array<T>> all;
  predict_batches<T>(
      record, data, options,
      [&](std::vector<Array<T>>& outputs, std::size_t first) {
        if (first == 0) all = outputs;
        for (std::size_t i = 0; i < outputs.size(); ++i)
          std::visit([&]<class A>(const A& batch) { copy_rows(batch, first, data.size(), std::get<A>(all[i])); },
                     outputs[i]);
      },
      where);
  return all;
}

template <class T>
const Tensor<T>& detail::only_output(const std::vector<Array<T>>& outputs, std::string_view subject,
                                     const Location& where) {
  if (outputs.size() != 1 || !std::holds_alternative<Tensor<T>>(outputs[0]))
    throw ValueError(subject, fmt::format("the network returns {} outputs: expected one Var", outputs.size()), where);
  return std::get<Tensor<T>>(outputs[0]);
}

template <class T>
Tensor<T> detail::probabilities(const Tensor<T>& logits, const Location& where) {
  return located("predict_probabilities", where, [&] {
    Tape<T> tape;
    const Var<T> x = tape.borrow(logits);
    const bool binary = logits.dimension() == 1 || logits.shape().back() == 1;
    return binary ? sigmoid(x).value() : softmax(x, -1).value();
  });
}

WENGERT_PREDICT_INSTANCES(, float)
WENGERT_PREDICT_INSTANCES(, double)

}  // namespace wengert::train
