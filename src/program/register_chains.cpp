// Register chains: finds neighbouring calls that can pass on their results in registers, and runs them.
#include "program/executable.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <utility>

namespace wengert::program {
namespace {

constexpr std::size_t longest = 64;  // calls; limits the stack depth if the compiler emits calls instead of jumps

template <class T>
std::size_t lane_width() {
  return kernel::register_bytes() / sizeof(T);
}

template <class T>
class ChainFinder {
 public:
  ChainFinder(const Graph<T>& graph, std::span<const std::uint32_t> entries, TileGroup<T>& group)
      : graph_(graph), entries_(entries), group_(group) {
    for (std::uint32_t call = 0; call < entries_.size(); ++call)
      for (const std::uint32_t input : inputs(call)) ++reads_[input];
    for (const TileResult<T>& result : group_.results) ++reads_[entries_[result.call]];
    for (const TileSum<T>& sum : group_.sums) ++reads_[entries_[sum.call]];
  }

  void run() {
    for (std::uint32_t c = 0; c < entries_.size();) {
      RegisterChain<T> chain = chain_from(c);
      c = chain.last;
      if (chain.last - chain.first < 2) continue;
      chain.stages.push_back(kernel::last_stage<T>());
      group_.calls[chain.first].chain = static_cast<std::uint32_t>(group_.chains.size());
      group_.chains.push_back(std::move(chain));
    }
  }

 private:
  const Op<T>& op(std::uint32_t call) const { return *graph_.entries[entries_[call]].op; }
  auto inputs(std::uint32_t call) const { return graph_.inputs_of(entries_[call]); }
  // Whether an op has a stage that takes operand `place` in registers.
  bool takes(std::uint32_t call, std::size_t place) const {
    return op(call).stage != nullptr && op(call).stage(kernel::register_bytes(), place, 1) != nullptr;
  }
  // The operand that a call takes from the previous call, or the number of operands if there is none.
  std::size_t place_of_last(std::uint32_t call) const {
    const auto operands = inputs(call);
    for (std::size_t i = operands.size(); i-- > 0;)
      if (operands[i] == entries_[call - 1] && takes(call, i)) return i;
    return operands.size();
  }
  RegisterChain<T> chain_from(std::uint32_t first) {
    RegisterChain<T> chain;
    chain.first = first;
    chain.last = first + 1;
    std::size_t place = inputs(first).size() - 1;
    if (!takes(first, place)) return chain;
    add(chain, kernel::loading_stage<T>(), {{0, group_.calls[first].first_plane + static_cast<std::uint32_t>(place)}});
    for (std::uint32_t call = first;; place = place_of_last(++call)) {
      add_op(chain, call, place);
      chain.last = call + 1;
      const bool ends = chain.last == entries_.size() || chain.last - first == longest ||
                        place_of_last(chain.last) == inputs(chain.last).size();
      if (ends || reads_[entries_[call]] > 1) add_store(chain, call);
      if (ends) return chain;
    }
  }
  void add(RegisterChain<T>& chain, const kernel::Stage<T>& stage,
           std::initializer_list<std::pair<std::uint32_t, std::uint32_t>> operands) {
    for (const auto& [operand, plane] : operands)
      chain.operands.push_back({static_cast<std::uint32_t>(chain.stages.size()), operand, plane});
    chain.stages.push_back(stage);
  }
  void add_op(RegisterChain<T>& chain, std::uint32_t call, std::size_t place) {
    kernel::Stage<T> stage;
    stage.one_lane = op(call).stage(kernel::register_bytes(), place, 1);
    stage.four_lanes = op(call).stage(kernel::register_bytes(), place, 4);
    stage.parameters = group_.calls[call].parameters;
    const auto number = static_cast<std::uint32_t>(chain.stages.size());
    std::uint32_t operand = 0;
    for (std::uint32_t i = 0; i < inputs(call).size(); ++i)
      if (i != place) chain.operands.push_back({number, operand++, group_.calls[call].first_plane + i});
    chain.stages.push_back(stage);
  }
  // Streams a result directly instead of through a buffer, unless a sum reads the buffer.
  void add_store(RegisterChain<T>& chain, std::uint32_t call) {
    const auto result = std::ranges::lower_bound(group_.results, call, {}, &TileResult<T>::call);  // in order of calls
    const bool streams = result != group_.results.end() && result->call == call && result->streams &&
                         reinterpret_cast<std::uintptr_t>(result->data) % 64 == 0 &&
                         std::ranges::find(group_.sums, call, &TileSum<T>::call) == group_.sums.end();
    if (streams) {
      result->streams = false;
      group_.streams = true;
    }
    chain.results.push_back({static_cast<std::uint32_t>(chain.stages.size()), call});
    chain.stages.push_back(kernel::storing_stage<T>(streams));
  }

  const Graph<T>& graph_;
  std::span<const std::uint32_t> entries_;
  TileGroup<T>& group_;
  std::map<std::uint32_t, std::size_t> reads_;  // by entry: the number of calls and sums that read it, plus 1 if stored
};

template <class T>
void run_chain(const RegisterChain<T>& chain, std::span<const KernelCall<T>> calls,
               std::span<const kernel::Plane<T>> planes) {
  const std::size_t rows = calls[chain.first].rows, columns = calls[chain.first].columns;
  const std::size_t rest = columns % lane_width<T>(), whole = columns - rest;
  kernel::run_stages(chain.stages.data(), rows, whole);
  if (rest == 0) return;
  for (std::uint32_t c = chain.first; c < chain.last; ++c) {  // a rest implies a single row
    const KernelCall<T>& call = calls[c];
    std::array<kernel::Plane<T>, Loops::max_values> shifted;
    for (std::uint32_t i = 0; i < call.arity; ++i) {
      shifted[i] = planes[call.first_plane + i];
      if (shifted[i].column_steps) shifted[i].data += whole;
    }
    call.kernel(shifted.data(), call.out + whole, 1, rest, call.parameters);
  }
}

}  // namespace

template <class T>
void find_chains(const Graph<T>& graph, std::span<const std::uint32_t> entries, TileGroup<T>& group) {
  const std::size_t columns = group.loops.columns(), width = lane_width<T>();
  const bool one_row = group.loops.planes() * group.loops.rows() == 1;
  const bool long_row = one_row && columns >= 16 * width;  // running its rest call by call costs little
  if (columns % width == 0 || long_row) ChainFinder<T>(graph, entries, group).run();
}

template <class T>
void place_chain(RegisterChain<T>& chain, std::span<const KernelCall<T>> calls,
                 std::span<const kernel::Plane<T>> planes) {
  for (const auto& [stage, operand, plane] : chain.operands) chain.stages[stage].operands[operand] = planes[plane];
  for (const auto& [stage, call] : chain.results) {
    chain.stages[stage].out = calls[call].out;
    chain.stages[stage].columns = calls[call].columns;
  }
}

template <class T>
void run_calls(std::span<const KernelCall<T>> calls, std::span<const kernel::Plane<T>> planes,
               std::span<const RegisterChain<T>> chains, std::size_t first, std::size_t last) {
  for (std::size_t c = first; c < last;) {
    if (calls[c].chain == none) {
      run_call(calls[c], planes.data() + calls[c].first_plane);
      ++c;
    } else {
      const RegisterChain<T>& chain = chains[calls[c].chain];
      run_chain(chain, calls, planes);
      c = chain.last;
    }
  }
}

#define WENGERT_INSTANTIATE(T)                                                                                     \
  template void find_chains(const Graph<T>&, std::span<const std::uint32_t>, TileGroup<T>&);                       \
  template void place_chain(RegisterChain<T>&, std::span<const KernelCall<T>>, std::span<const kernel::Plane<T>>); \
  template void run_calls(std::span<const KernelCall<T>>, std::span<const kernel::Plane<T>>,                       \
                          std::span<const RegisterChain<T>>, std::size_t, std::size_t);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::program
