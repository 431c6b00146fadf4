// predict: the outputs of a network for all samples of a data set, batch by batch, in evaluation mode.
//
//     const Tensor<float> logits = train::predict(network, x);              // x: a tensor, or any data set
//     const Indices classes = train::predict_classes(network, test);
//     train::predict(network, file, [&](const auto& outputs, std::size_t first) { … });   // larger than memory
#pragma once

#include <wengert/train/erased_model.hpp>
#include <wengert/train/metrics.hpp>
#include <wengert/train/samples.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert::train {

/// Options of `predict`.
struct PredictOptions {
  std::size_t batch_size = 256;  ///< samples per batch; affects memory and time
  /// For `predict_classes` of a single binary output: the threshold above which it predicts class 1, 0 for logits, 0.5
  /// for probabilities.
  double threshold = 0;
};

namespace detail {

// The outputs of a network, in the order of their members, and which of them are integers.
template <class T>
struct RecordedOutputs {
  std::vector<ProgramVar<T>> vars{};
  std::vector<bool> integers{};
};
// Records the outputs of a network without its type, in evaluation mode.
template <class T>
using RecordOutputs = std::function<RecordedOutputs<T>(const std::vector<ProgramVar<T>>& inputs)>;
// Called with the outputs of a batch and the number of its first sample.
template <class T>
using VisitOutputs = std::function<void(std::vector<Array<T>>& outputs, std::size_t first)>;

template <class T>
void predict_batches(const RecordOutputs<T>& record, const Source<T>& data, const PredictOptions& options,
                     const VisitOutputs<T>& visit, const Location& where);
template <class T>
std::vector<Array<T>> predict_all(const RecordOutputs<T>& record, const Source<T>& data, const PredictOptions& options,
                                  const Location& where);
// The only output, which must be a tensor. Throws ValueError as `subject`.
template <class T>
const Tensor<T>& only_output(const std::vector<Array<T>>& outputs, std::string_view subject, const Location& where);
// The softmax over the last axis; of a last axis of extent 1, the logistic sigmoid.
template <class T>
Tensor<T> probabilities(const Tensor<T>& logits, const Location& where);

// Inputs alone as a data set.
template <class X>
struct InputsAlone {
  using Inputs = X;
  using Targets = std::tuple<>;
  static constexpr bool repeats = true;
  const X& inputs;
  std::size_t size() const { return data::detail::row_count(data::detail::arrays_of(inputs)); }
  void gather(std::span<const std::size_t> rows, X& x, std::tuple<>&) const {
    data::detail::check_rows(data::detail::arrays_of(inputs), size(), "inputs", "predict", {});
    data::detail::gather_rows(data::detail::arrays_of(inputs), rows, data::detail::arrays_of(x), {});
  }
};
template <class D>
struct AsData : std::type_identity<InputsAlone<D>> {};
template <data::SampleData D>
struct AsData<D> : std::type_identity<const D&> {};

// A network with inputs of type X. Keeps the outputs of the last recording as an example of their structure.
template <class T, class X, class Module>
struct Predicting {
  using Call = CallOf<Module, OnTape<X, T>>;
  using Outputs = decltype(Call::call(std::declval<const Module&>(), std::declval<const OnTape<X, T>&>(), Location()));
  using Visit = VisitOutputs<T>;
  const Module& module;
  Location where;
  std::optional<Outputs> outputs{};

  struct ListVars {
    using Scalar = T;
    RecordedOutputs<T>& to;
    Var<T> operator()(const Var<T>& var) const { return add(var, false); }
    IndexVar<T> operator()(const IndexVar<T>& var) const { return add(var, true); }
    template <class V>
    V add(const V& var, bool integers) const {
      to.vars.emplace_back(var);
      to.integers.push_back(integers);
      return var;
    }
  };
  struct TakeValues {
    using Scalar = T;
    std::vector<Array<T>>& from;
    std::size_t next = 0;
    Tensor<T> operator()(const Var<T>&) { return std::move(std::get<Tensor<T>>(from[next++])); }
    Indices operator()(const IndexVar<T>&) { return std::move(std::get<Indices>(from[next++])); }
  };

  RecordOutputs<T> record() {
    return [this](const std::vector<ProgramVar<T>>& inputs) {
      outputs = Call::call(module, on_tape<X, T>(inputs), where);
      RecordedOutputs<T> all;
      ListVars list{all};
      wengert::detail::rebuild(*outputs, list);
      return all;
    };
  }
  // The outputs with values in place of Vars.
  auto values(std::vector<Array<T>>& of) const {
    TakeValues take{of};
    return wengert::detail::rebuild(*outputs, take);
  }
};

// Calls `f(record, source, predicting)` with a network and data without their types, in evaluation mode.
template <class Module, class D, class F>
auto with_predicting(const Module& network, const D& data, const Location& where, const F& f) {
  using Data = std::remove_cvref_t<typename AsData<D>::type>;
  using T = typename ScalarOfBoth<Module, Data>::type;
  const nn::EvaluationMode evaluation(network);
  typename AsData<D>::type samples{data};
  Predicting<T, typename Data::Inputs, Module> predicting{network, where};
  return f(predicting.record(), SourceOf<T, Data>(samples), predicting);
}

}  // namespace detail

/// The outputs of a network for all samples, in their order: a Tensor for each Var that the network returns, Indices
/// for each IndexVar, in the same structure. Each has a row per sample.
///
/// `data` is what `fit` accepts, whose targets are ignored, or inputs alone: a tensor, Indices, or a tuple or struct of
/// them. The network is in evaluation mode for the duration of the call. Throws ValueError if there are no samples or
/// for a batch size of 0, ShapeError unless outputs have a row per sample, and whatever the network throws.
template <class Module, class D>
auto predict(const Module& network, const D& data, const PredictOptions& options = {},
             Location where = Location::current()) {
  return detail::with_predicting(network, data, where, [&](const auto& record, const auto& source, const auto& p) {
    auto all = detail::predict_all(record, source, options, where);
    return p.values(all);
  });
}

/// The same in batches: calls `visit(outputs, first)` with the outputs of each batch and the number of its first
/// sample, for data or outputs that are larger than memory.
template <class Module, class D, class Visit>
requires std::is_class_v<Visit> &&
    (!std::same_as<Visit, PredictOptions>)void predict(const Module& network, const D& data, const Visit& visit,
                                                       const PredictOptions& options = {},
                                                       Location where = Location::current()) {
  detail::with_predicting(network, data, where, [&]<class P>(const auto& record, const auto& source, const P& p) {
    const typename P::Visit visit_batch = [&](auto& outputs, std::size_t first) { visit(p.values(outputs), first); };
    detail::predict_batches(record, source, options, visit_batch, where);
  });
}

/// The predicted class of each row of the outputs, as in `predicted_classes`, for a network with one output.
template <class Module, class D>
Indices predict_classes(const Module& network, const D& data, const PredictOptions& options = {},
                        Location where = Location::current()) {
  return detail::with_predicting(network, data, where, [&](const auto& record, const auto& source, const auto&) {
    const auto all = detail::predict_all(record, source, options, where);
    return predicted_classes(detail::only_output(all, "predict_classes", where), options.threshold, where);
  });
}

/// The probabilities of the classes, for a network whose one output are logits: the softmax over the last axis; of a
/// last axis of extent 1, the logistic sigmoid.
template <class Module, class D>
auto predict_probabilities(const Module& network, const D& data, const PredictOptions& options = {},
                           Location where = Location::current()) {
  return detail::with_predicting(network, data, where, [&](const auto& record, const auto& source, const auto&) {
    const auto all = detail::predict_all(record, source, options, where);
    return detail::probabilities(detail::only_output(all, "predict_probabilities", where), where);
  });
}

/// @cond
#define WENGERT_PREDICT_INSTANCES(prefix, T)                                                                     \
  prefix template void detail::predict_batches(const RecordOutputs<T>&, const Source<T>&, const PredictOptions&, \
                                               const VisitOutputs<T>&, const Location&);                         \
  prefix template std::vector<Array<T>> detail::predict_all(const RecordOutputs<T>&, const Source<T>&,           \
                                                            const PredictOptions&, const Location&);             \
  prefix template const Tensor<T>& detail::only_output(const std::vector<Array<T>>&, std::string_view,           \
                                                       const Location&);                                         \
  prefix template Tensor<T> detail::probabilities(const Tensor<T>&, const Location&);
WENGERT_PREDICT_INSTANCES(extern, float)
WENGERT_PREDICT_INSTANCES(extern, double)
/// @endcond

}  // namespace wengert::train
