// The memory planner: computes lifetimes, packs values into one arena, and lets results overwrite operands.
#include "program/passes.hpp"
#include "program/tiles.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace wengert::program {
namespace {

constexpr std::size_t alignment = 64;

// A best-fit allocator: takes the smallest gap that fits, or grows the memory at its end.
class Gaps {
 public:
  explicit Gaps(std::size_t begin) : end_(begin) {}
  std::size_t take(std::size_t bytes) {
    auto best = gaps_.end();
    for (auto gap = gaps_.begin(); gap != gaps_.end(); ++gap)
      if (gap->second >= bytes && (best == gaps_.end() || gap->second < best->second)) best = gap;
    if (best == gaps_.end()) {
      std::size_t begin = end_;
      if (!gaps_.empty() && gaps_.rbegin()->first + gaps_.rbegin()->second == end_) {  // the last gap grows
        begin = gaps_.rbegin()->first;
        gaps_.erase(begin);
      }
      end_ = begin + bytes;
      return begin;
    }
    const auto [begin, size] = *best;
    gaps_.erase(best);
    if (size > bytes) gaps_.emplace(begin + bytes, size - bytes);
    return begin;
  }
  void give(std::size_t begin, std::size_t bytes) {
    auto next = gaps_.lower_bound(begin);
    if (next != gaps_.end() && begin + bytes == next->first) {
      bytes += next->second;
      next = gaps_.erase(next);
    }
    if (next != gaps_.begin())
      if (auto previous = std::prev(next); previous->first + previous->second == begin) {
        previous->second += bytes;
        return;
      }
    gaps_.emplace(begin, bytes);
  }
  std::size_t end() const { return end_; }

 private:
  std::map<std::size_t, std::size_t> gaps_;  // begin → bytes
  std::size_t end_;
};

template <class T>
class Planner {
 public:
  Planner(const Graph<T>& graph, const Schedule& schedule) : graph_(graph), schedule_(schedule), place_(places(graph)) {
    find_live_ranges();
  }

  MemoryPlan run() {
    MemoryPlan plan;
    std::size_t in_use = 0, most = 0;
    for (std::size_t g = 0; g < schedule_.groups.size(); ++g) {
      const FusionGroup& group = schedule_.groups[g];
      ReusableOperands reusable(*this, group, g);
      for (const std::uint32_t k : group.entries) {
        if (!needs_memory(k)) continue;
        if (const std::uint32_t operand = reusable.take(graph_, k); operand != none) {
          block_of_[k] = std::exchange(block_of_[operand], none);
          reused_.emplace_back(operand, k);
        } else {
          block_of_[k] = static_cast<std::uint32_t>(blocks_.size());
          blocks_.push_back({rounded(k), g});
          in_use += rounded(k);
        }
        blocks_[block_of_[k]].last = std::min(last_[k], schedule_.groups.size());
      }
      if (in_use > most) most = in_use, plan.peak_group = g;
      for (const std::uint32_t k : last_uses_[g])
        if (block_of_[k] != none) in_use -= rounded(k);
    }
    plan.bytes = place_small(place_large(most / large_share));
    for (auto reuse = reused_.rbegin(); reuse != reused_.rend(); ++reuse)
      block_of_[reuse->first] = block_of_[reuse->second];
    for (const std::uint32_t block : block_of_)
      plan.offsets.push_back(block == none ? MemoryPlan::nowhere : blocks_[block].offset);
    return plan;
  }

 private:
  static constexpr std::size_t forever = static_cast<std::size_t>(-1);

  std::size_t rounded(std::uint32_t k) const {
    return (std::max<std::size_t>(graph_.entries[k].bytes(), 1) + alignment - 1) / alignment * alignment;
  }
  // ---- placing blocks ----------------------------------------------------------------------------------------------

  // Memory for a value, and for the results that take it over one after another, in use from group `first` to `last`.
  struct Block {
    std::size_t bytes = 0, first = 0, last = 0, offset = 0;
    bool meets(const Block& other) const { return first <= other.last && other.first <= last; }
  };
  static constexpr std::size_t large_share = 256;  // a large block takes at least 1/256 of the peak
  static constexpr std::size_t most_large = 4096;  // blocks: each is compared with all before it

  // Places the largest blocks first, each in the lowest gap among those whose lifetimes overlap its own. Small blocks
  // between them would fragment the memory of larger ones that come later. Returns the end of the memory.
  std::size_t place_large(std::size_t least) {
    for (std::uint32_t b = 0; b < blocks_.size(); ++b)
      if (blocks_[b].bytes >= least) large_.push_back(b);
    std::ranges::sort(large_, [&](std::uint32_t a, std::uint32_t b) {
      return std::pair(blocks_[b].bytes, a) < std::pair(blocks_[a].bytes, b);
    });
    large_.resize(std::min(large_.size(), most_large));
    std::size_t end = 0;
    std::vector<std::pair<std::size_t, std::size_t>> taken;  // from, to
    for (std::size_t i = 0; i < large_.size(); ++i) {
      Block& block = blocks_[large_[i]];
      taken.clear();
      for (std::size_t j = 0; j < i; ++j)
        if (const Block& other = blocks_[large_[j]]; block.meets(other))
          taken.emplace_back(other.offset, other.offset + other.bytes);
      std::ranges::sort(taken);
      for (const auto& [from, to] : taken) {
        if (block.offset + block.bytes <= from) break;
        block.offset = std::max(block.offset, to);
      }
      end = std::max(end, block.offset + block.bytes);
    }
    return end;
  }
  // Places the other blocks behind the large ones, in order of time. Returns the end of the memory.
  std::size_t place_small(std::size_t begin) {
    std::vector<bool> placed(blocks_.size());
    for (const std::uint32_t b : large_) placed[b] = true;
    std::vector<std::vector<std::uint32_t>> ending(schedule_.groups.size() + 1);
    Gaps gaps(begin);
    std::size_t group = 0;  // the group whose blocks are being placed
    for (std::uint32_t b = 0; b < blocks_.size(); ++b) {
      if (placed[b]) continue;
      Block& block = blocks_[b];
      for (; group < block.first; ++group)
        for (const std::uint32_t ended : ending[group]) gaps.give(blocks_[ended].offset, blocks_[ended].bytes);
      block.offset = gaps.take(block.bytes);
      ending[block.last].push_back(b);
    }
    return gaps.end();
  }

  // ---- lifetimes ---------------------------------------------------------------------------------------------------

  // An elementwise value that only its group reads stays in a tile; a value with a target goes to the parameter.
  bool needs_memory(std::uint32_t k) const {
    return graph_.entries[k].target == none && (last_[k] > group_of_[k] || !is_elementwise(graph_.entries[k]));
  }

  void find_live_ranges() {
    const std::size_t count = graph_.entries.size();
    group_of_.assign(count, 0);
    last_.assign(count, 0);
    last_uses_.resize(schedule_.groups.size());
    block_of_.assign(count, none);
    for (std::size_t g = 0; g < schedule_.groups.size(); ++g)
      for (const std::uint32_t k : schedule_.groups[g].entries) {
        group_of_[k] = last_[k] = g;
        for (const std::uint32_t input : graph_.inputs_of(k)) last_[place_[input].base] = g;
      }
    for (const std::uint32_t output : graph_.outputs) last_[place_[output].base] = forever;
    for (const Update& update : schedule_.copies) last_[place_[update.value].base] = forever;
    for (std::uint32_t k = 0; k < count; ++k)
      if (graph_.entries[k].source == Source::computed && last_[k] != forever) last_uses_[last_[k]].push_back(k);
  }

  // Operands that a group reads for the last time and whose memory an elementwise result can overwrite tile by tile:
  // every reader in the group reads the elements in the result's order and comes no later than the result.
  class ReusableOperands {
   public:
    ReusableOperands(const Planner& planner, const FusionGroup& group, std::size_t g) {
      std::map<std::uint32_t, std::uint32_t> last_reader;  // by operand; none if it cannot be overwritten
      for (const std::uint32_t candidate : planner.last_uses_[g])
        if (planner.group_of_[candidate] != g && planner.block_of_[candidate] != none) last_reader[candidate] = 0;
      for (const std::uint32_t k : group.entries)
        for (const std::uint32_t input : planner.graph_.inputs_of(k)) {
          const auto operand = last_reader.find(planner.place_[input].base);
          if (operand == last_reader.end() || operand->second == none) continue;
          const Entry<T>& base = planner.graph_.entries[operand->first];
          const Layout& layout = planner.graph_.entries[input].layout;
          const bool in_order = is_elementwise(planner.graph_.entries[k]) && layout.contiguous &&
                                layout.size == base.layout.size && !base.holds_indices;
          operand->second = in_order ? k : none;
        }
      for (const auto& [operand, reader] : last_reader)
        if (reader != none) free_at_.emplace_back(reader, operand);
      std::sort(free_at_.begin(), free_at_.end());
    }
    // An operand of the size of k's result that nothing after k reads; `none` if there is none.
    std::uint32_t take(const Graph<T>& graph, std::uint32_t k) {
      for (; next_ < free_at_.size() && free_at_[next_].first <= k; ++next_)
        free_[graph.entries[free_at_[next_].second].bytes()].push_back(free_at_[next_].second);
      const auto same = free_.find(graph.entries[k].bytes());
      if (!is_elementwise(graph.entries[k]) || same == free_.end() || same->second.empty()) return none;
      const std::uint32_t operand = same->second.back();
      same->second.pop_back();
      return operand;
    }

   private:
    std::vector<std::pair<std::uint32_t, std::uint32_t>> free_at_;  // last reader, operand
    std::size_t next_ = 0;
    std::map<std::size_t, std::vector<std::uint32_t>> free_;  // by bytes
  };

  const Graph<T>& graph_;
  const Schedule& schedule_;
  std::vector<Place> place_;
  std::vector<std::size_t> group_of_, last_;  // by entry: the group that computes it, and the last that reads it
  std::vector<std::vector<std::uint32_t>> last_uses_;  // by group: entries read there for the last time
  std::vector<Block> blocks_;
  std::vector<std::uint32_t> block_of_;                          // by entry; none once another has taken it over
  std::vector<std::pair<std::uint32_t, std::uint32_t>> reused_;  // entries: operand, the result that took its block
  std::vector<std::uint32_t> large_;                             // blocks
};

}  // namespace

template <class T>
MemoryPlan plan_memory(const Graph<T>& graph, const Schedule& schedule) {
  return Planner<T>(graph, schedule).run();
}

template MemoryPlan plan_memory(const Graph<float>&, const Schedule&);
template MemoryPlan plan_memory(const Graph<double>&, const Schedule&);

}  // namespace wengert::program
