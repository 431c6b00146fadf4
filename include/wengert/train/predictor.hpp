// Predictor: a network compiled for inference, which any number of threads may call at once.
//
//     const train::Predictor<Tensor<float>(Tensor<float>)> predictor(network);
//     const Tensor<float> logits = predictor(x);            // on any thread
//     predictor.run(x, out);                                // the same into an existing tensor
#pragma once

#include <wengert/nn/module.hpp>
#include <wengert/train/predict.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace wengert::train {

/// Options of Predictor.
struct PredictorOptions {
  /// The number of calls that run at once; further callers wait. 0: the number of hardware threads.
  std::size_t max_threads = 0;
  /// The number of Programs held, one per signature of shapes, for each call that has run at once; at least 1. Beyond
  /// it, the least recently used ones are evicted.
  std::size_t max_programs = 16;
  /// Whether a batch normalisation is folded into the weights of the linear or convolutional layer before it. Results
  /// then differ from those of `predict` by rounding, by some ulp of the largest term of the sums.
  bool fold = true;
  /// Whether the weights of linear and convolutional layers are laid out for the kernels when a Program is compiled,
  /// instead of at each call. They then take memory twice, as parameters and in `frozen_bytes`; results differ from
  /// those of `predict` by rounding, as with `fold`.
  bool prepare = true;
};

/// The memory that a Predictor holds.
struct PredictorMemory {
  std::size_t programs = 0;         ///< the number of Programs
  std::size_t program_bytes = 0;    ///< their values; each also takes about a kilobyte per op
  std::size_t frozen_bytes = 0;     ///< what they computed from the parameters: folded and prepared weights; shared
  std::size_t parameter_bytes = 0;  ///< the network's parameters; shared
  /// The sum.
  std::size_t total_bytes() const { return program_bytes + frozen_bytes + parameter_bytes; }
};

namespace detail {

// A network without its type, whose calls can be recorded.
template <class T>
class PredictorNetwork {
 public:
  // What a call returned: its outputs, and their structure.
  struct Recording {
    RecordedOutputs<T> outputs{};
    std::shared_ptr<const void> structure{};
  };
  virtual ~PredictorNetwork() = default;
  virtual Recording record(const std::vector<ProgramVar<T>>& inputs) const = 0;

  std::vector<Parameter<T>> parameters{};
};

// A pool of the Programs of a network. Each serves one call at a time.
template <class T>
class ProgramPool {
 public:
  ProgramPool(std::shared_ptr<const PredictorNetwork<T>> network, const PredictorOptions& options,
              const Location& where);
  ~ProgramPool();
  ProgramPool(const ProgramPool&) = delete;
  ProgramPool& operator=(const ProgramPool&) = delete;

  // Results of a run, and the structure of what the network returned.
  struct Results {
    const Program<T>& program;
    const std::vector<bool>& integers;
    const void* structure;
    // Copies them all.
    std::vector<Array<T>> values() const;
  };
  using Visit = std::function<void(const Results&)>;
  // Runs a Program on the inputs and calls `visit` with its results.
  void run(std::span<const ProgramInput<T>> inputs, const Visit& visit, const Location& where);

  std::size_t compilations() const;
  PredictorMemory memory() const;

 private:
  struct State;
  struct Lease;
  std::unique_ptr<State> state_;
};

// The inputs of a call, in a vector of the thread, so that steady calls allocate nothing.
template <class T>
class CallInputs {
 public:
  CallInputs();
  ~CallInputs();
  CallInputs(const CallInputs&) = delete;
  CallInputs& operator=(const CallInputs&) = delete;
  std::vector<ProgramInput<T>> all;
};

template <class T, class R>
class PredictorOf : public PredictorNetwork<T> {
 public:
  virtual void take(const typename ProgramPool<T>::Results& results, R& to) const = 0;
};

template <class T, class R, class X, class Module>
class PredictorOfModule final : public PredictorOf<T, R> {
  using Network = Predicting<T, X, Module>;

 public:
  explicit PredictorOfModule(const Module& module) : module_(nn::copy(module)) {
    nn::eval_mode(module_);
    if constexpr (!std::is_void_v<ModuleScalar<Module>>)
      for (auto& each : named_parameters(module_)) this->parameters.push_back(std::move(each.parameter));
  }
  typename PredictorNetwork<T>::Recording record(const std::vector<ProgramVar<T>>& inputs) const override {
    // Without lines: errors name those of the network's own code, or the caller's.
    auto network = std::make_shared<Network>(Network{module_, Location(), {}});
    return {network->record()(inputs), network};
  }
  void take(const typename ProgramPool<T>::Results& results, R& to) const override {
    if constexpr (data::detail::is_array<R>) {
      results.program.copy_to(0, to);
    } else {
      std::size_t i = 0;
      bool fits = true;
      data::detail::for_each_array(to, [&]<class A>(A&) {
        fits = fits && i < results.integers.size() && results.integers[i] == std::same_as<A, Indices>;
        ++i;
      });
      if (fits && i == results.integers.size()) {
        i = 0;
        data::detail::for_each_array(to, [&](auto& array) { results.program.copy_to(i++, array); });
      } else {
        auto values = results.values();
        to = static_cast<const Network*>(results.structure)->values(values);
      }
    }
  }

 private:
  Module module_;
};

template <class T, class R, class X, class Module>
std::shared_ptr<const PredictorOf<T, R>> predictor_network(const Module& module) {
  constexpr bool same_scalar = std::is_void_v<ModuleScalar<Module>> || std::same_as<ModuleScalar<Module>, T>;
  static_assert(same_scalar, "wengert: the tensors of the Predictor's signature must have the network's scalar type");
  if constexpr (same_scalar) {
    using Result = decltype(std::declval<Predicting<T, X, Module>>().values(std::declval<std::vector<Array<T>>&>()));
    static_assert(std::same_as<R, Result>,
                  "wengert: the signature of the Predictor must return what `predict` returns for this network");
    if constexpr (std::same_as<R, Result>) return std::make_shared<PredictorOfModule<T, R, X, Module>>(module);
  }
  return nullptr;
}

}  // namespace detail

/// A network compiled for inference. `Predictor<R(X...)>` takes its inputs X (tensors, Indices, or tuples or structs of
/// them) and returns R, which is what `predict` returns for this network: a tensor for each Var, Indices for each
/// IndexVar, in the same structure.
template <class Signature>
class Predictor;

/// A network compiled for inference: `Predictor<Tensor<float>(Tensor<float>)>` has one input and one output.
///
/// It keeps a deep copy of the network in evaluation mode, so later training does not change its results. Each shape is
/// compiled at most once for each simultaneous call, when it first occurs, and again after its eviction; the options
/// bound the memory. Calls are safe from any number of threads. Copies of a Predictor share its network and Programs.
template <class R, class... X>
class Predictor<R(X...)> {
  using Inputs = typename std::conditional_t<sizeof...(X) == 1, std::tuple_element<0, std::tuple<X..., void>>,
                                             std::type_identity<std::tuple<X...>>>::type;
  using T = typename decltype(wengert::detail::first_scalar<false>(wengert::detail::Types<X..., R>{}))::type;

 public:
  /// Copies a network: a module or struct that holds its Parameters as members. Throws ValueError if `max_programs` is
  /// 0.
  template <class Module>
  requires(!std::same_as<Module, Predictor>) explicit Predictor(const Module& network,
                                                                const PredictorOptions& options = {},
                                                                Location where = Location::current())
      : network_(detail::predictor_network<T, R, Inputs>(network)),
        pool_(std::make_shared<detail::ProgramPool<T>>(network_, options, where)) {}

  // No move operations: a moved-from Predictor would have no network.
  /// A copy shares the network and the Programs.
  ///@{
  Predictor(const Predictor&) = default;
  Predictor& operator=(const Predictor&) = default;
  ///@}

  /// The network's outputs for these inputs, which are read in place. Throws what the network throws for inputs of this
  /// shape or values; ValueError if it draws random numbers in evaluation mode, or reads a Parameter that is not one of
  /// its members (captured by a lambda, say), which could not be copied.
  R operator()(const X&... inputs, Location where = Location::current()) const {
    R result{};
    run(inputs..., result, where);
    return result;
  }
  /// The same into an existing result. If it has the right shapes, and these inputs have been compiled, the call
  /// allocates no memory. If it throws, the result may be partly written.
  void run(const X&... inputs, R& result, Location where = Location::current()) const {
    detail::CallInputs<T> call;
    const auto add = [&](const auto& input) {
      if constexpr (data::detail::is_array<std::remove_cvref_t<decltype(input)>>)
        call.all.emplace_back(input);
      else
        data::detail::for_each_named_array(
            input, [&](const std::string&, const auto& array) { call.all.emplace_back(array); });
    };
    (add(inputs), ...);
    const auto take = [&](const typename detail::ProgramPool<T>::Results& results) { network_->take(results, result); };
    pool_->run(call.all, std::cref(take), where);
  }

  /// The number of compilations so far. If it keeps growing, raise `max_programs` or use fewer distinct shapes.
  std::size_t compilations() const { return pool_->compilations(); }
  /// The memory that it holds.
  PredictorMemory memory() const { return pool_->memory(); }

 private:
  std::shared_ptr<const detail::PredictorOf<T, R>> network_;
  std::shared_ptr<detail::ProgramPool<T>> pool_;
};

namespace detail {
extern template class ProgramPool<float>;
extern template class ProgramPool<double>;
extern template class CallInputs<float>;
extern template class CallInputs<double>;
}  // namespace detail

}  // namespace wengert::train
