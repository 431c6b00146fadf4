// Scheduling: which entries run together, and in which order.
//
// The depth of an entry is the maximum over its inputs of their depth, plus one for inputs that are not fused with it.
// Elementwise entries of one depth and shape can form one fusion group: no path between two of them leads through
// another group.
#include "program/passes.hpp"
#include "program/tiles.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <queue>
#include <stdexcept>
#include <tuple>

namespace wengert::program {
namespace {

template <class T>
class Scheduler {
 public:
  Scheduler(Graph<T>& graph, bool fuse) : graph_(graph), fuse_(fuse), place_(places(graph)), uses_(use_counts(graph)) {
    find_failures();
  }

  Schedule run() {
    while (refuse_early_updates()) {
    }
    attach_sums();
    std::vector<FusionGroup> ordered;
    if (!order(ordered)) {  // updates wait for one another: elementwise ones are copied at the end instead
      for (Entry<T>& entry : graph_.entries)
        if (!entry.accumulates) entry.target = none;
      form_groups();
      attach_sums();
      if (!order(ordered))
        throw std::logic_error("wengert: the fusion groups of a Program depend on one another in a cycle");
    }
    Schedule result{std::move(ordered), {}};
    for (const Update& update : graph_.updates)
      if (graph_.entries[update.value].target != update.parameter) result.copies.push_back(update);
    return result;
  }

 private:
  bool computed(std::uint32_t k) const { return graph_.entries[k].source == Source::computed; }
  bool fusible(std::uint32_t k) const { return fuse_ && is_elementwise(graph_.entries[k]); }
  bool fused(std::uint32_t input, std::uint32_t k) const {
    return fusible(input) && fusible(k) && deferred_[input] == deferred_[k] &&
           graph_.entries[input].layout.shape == graph_.entries[k].layout.shape;
  }

  // The inputs of an entry that may throw must be computed before any parameter is written.
  void find_failures() {
    precedes_failure_.assign(graph_.entries.size(), false);
    for (std::size_t k = graph_.entries.size(); k-- > 0;) {
      const Entry<T>& entry = graph_.entries[k];
      const bool may_throw = computed(static_cast<std::uint32_t>(k)) && !is_elementwise(entry) &&
                             entry.op->summed == nullptr && entry.op->accumulate == nullptr;
      for (const std::uint32_t input : graph_.inputs_of(k))
        if (may_throw || precedes_failure_[k]) precedes_failure_[input] = true;
    }
  }

  // Entries that only updates read are deferred, so that updates do not delay readers of the old values. A scalar is
  // not deferred: the updates that read it would be deeper than the others and form a separate group.
  void find_deferred() {
    deferred_.assign(graph_.entries.size(), true);
    for (const std::uint32_t output : graph_.outputs) deferred_[place_[output].base] = deferred_[output] = false;
    for (const Update& update : graph_.updates)
      if (graph_.entries[update.value].target == none) deferred_[update.value] = false;
    for (std::uint32_t k = static_cast<std::uint32_t>(deferred_.size()); k-- > 0;) {
      const bool passes = deferred_[k] && (fusible(k) || graph_.entries[k].source == Source::view);
      if (deferred_[k] && !passes && graph_.entries[k].target == none) deferred_[k] = false;
      for (const std::uint32_t input : graph_.inputs_of(k))
        if (!passes || graph_.entries[input].layout.size != graph_.entries[k].layout.size)
          deferred_[input] = deferred_[place_[input].base] = false;
    }
  }

  void find_depths() {
    depth_.assign(graph_.entries.size(), 0);
    for (std::uint32_t k = 0; k < depth_.size(); ++k) {
      if (!computed(k)) continue;
      for (const std::uint32_t input : graph_.inputs_of(k)) {
        const std::uint32_t base = place_[input].base;
        if (!computed(base)) continue;
        if (deferred_[k] && !deferred_[base]) continue;
        depth_[k] = std::max(depth_[k], fused(input, k) ? depth_[input] : depth_[base] + 1);
      }
    }
  }

  // ---- fusion groups -----------------------------------------------------------------------------------------------

  std::uint32_t root(std::uint32_t k) {
    while (parent_[k] != k) k = parent_[k] = parent_[parent_[k]];
    return k;
  }
  void join(std::uint32_t a, std::uint32_t b) {
    a = root(a), b = root(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

  void form_groups() {
    find_deferred();
    find_depths();
    parent_.resize(graph_.entries.size());
    std::iota(parent_.begin(), parent_.end(), 0);
    // By entry, depth and whether it is deferred: the first reader. Readers of one entry are fused too.
    std::map<std::tuple<std::uint32_t, std::uint32_t, bool>, std::uint32_t> readers;
    for (std::uint32_t k = 0; k < parent_.size(); ++k) {
      if (!computed(k) || !fusible(k)) continue;
      for (const std::uint32_t input : graph_.inputs_of(k)) {
        if (fused(input, k) && depth_[input] == depth_[k]) join(input, k);
        if (graph_.entries[input].layout.shape != graph_.entries[k].layout.shape) continue;
        const auto [other, is_new] = readers.try_emplace({input, depth_[k], deferred_[k]}, k);
        if (!is_new && graph_.entries[other->second].layout.shape == graph_.entries[k].layout.shape)
          join(other->second, k);
      }
    }
    groups_.clear();
    group_of_.assign(parent_.size(), none);
    for (std::uint32_t k = 0; k < parent_.size(); ++k) {
      if (!computed(k)) continue;
      const std::uint32_t first = root(k);
      if (group_of_[first] == none) {
        group_of_[first] = static_cast<std::uint32_t>(groups_.size());
        groups_.emplace_back();
      }
      group_of_[k] = group_of_[first];
      groups_[group_of_[k]].entries.push_back(k);
    }
  }

  // Moves sums over a value of a fusion group to the group, so that they are accumulated tile by tile.
  void attach_sums() {
    if (!fuse_) return;
    struct Attached {
      TileLoops loops;
      bool has_sum = false;
    };
    std::map<std::uint32_t, Attached> known;  // by group
    for (std::uint32_t k = 0; k < graph_.entries.size(); ++k) {
      const Entry<T>& entry = graph_.entries[k];
      if (!computed(k) || entry.op->summed == nullptr || entry.accumulates) continue;
      const std::uint32_t input = graph_.inputs_of(k).front();
      if (!fusible(input) || graph_.entries[input].layout.size == 0) continue;
      const auto [group, is_new] = known.try_emplace(group_of_[input]);
      Attached& attached = group->second;
      if (is_new) attached.loops = loops_of(graph_, groups_[group->first]);
      TileLoops loops = attached.loops;
      if (trailing_sum(entry.op->summed(entry.attributes, graph_.entries[input].layout.shape), loops) ==
          TrailingSum::unfused)
        continue;
      if (attached.loops.columns() != loops.columns() && attached.has_sum) continue;  // rows can be cut in one way only
      attached = {loops, true};
      groups_[group_of_[k]].entries.clear();
      groups_[group->first].entries.push_back(k);
      group_of_[k] = group->first;
    }
  }

  // ---- updates in place --------------------------------------------------------------------------------------------

  template <class F>
  void each_reader(std::uint32_t parameter, const F& use) const {
    for (std::uint32_t k = 0; k < graph_.entries.size(); ++k)
      if (computed(k))
        for (const std::uint32_t input : graph_.inputs_of(k)) {
          const Entry<T>& base = graph_.entries[place_[input].base];
          if (base.source == Source::parameter && base.number == parameter) use(k, input);
        }
  }
  static bool as_it_lies(const Layout& layout, const Layout& of) { return layout.contiguous && layout.size == of.size; }

  // Forms the groups, and turns updates in place that would be too early into copies. Within a fusion group, tiles are
  // written while others are still unread, so only a reader of the same elements that comes before the writer sees the
  // old value. Returns whether an update was changed, which changes the groups.
  bool refuse_early_updates() {
    form_groups();
    bool refused = false;
    for (const Update& update : graph_.updates) {
      Entry<T>& writer = graph_.entries[update.value];
      if (writer.target == none || writer.accumulates) continue;
      const FusionGroup& group = groups_[group_of_[update.value]];
      bool safe = std::ranges::none_of(group.entries, [&](std::uint32_t k) { return precedes_failure_[k]; });
      each_reader(update.parameter, [&](std::uint32_t k, std::uint32_t input) {
        if (group_of_[k] == group_of_[update.value])
          safe &= k <= update.value && as_it_lies(graph_.entries[input].layout, writer.layout);
      });
      if (safe) continue;
      writer.target = none;
      refused = true;
    }
    return refused;
  }

  // ---- order -------------------------------------------------------------------------------------------------------

  void depend(std::uint32_t later, std::uint32_t earlier) {
    if (later == earlier) return;
    followers_[earlier].push_back(later);
    ++waits_[later];
  }

  // Orders groups as recorded if possible, those that write to parameters last. Returns false if some wait for one
  // another.
  bool order(std::vector<FusionGroup>& ordered) {
    followers_.assign(groups_.size(), {});
    waits_.assign(groups_.size(), 0);
    std::vector<bool> writes(groups_.size());
    for (std::uint32_t k = 0; k < graph_.entries.size(); ++k) {
      if (!computed(k)) continue;
      for (const std::uint32_t input : graph_.inputs_of(k))
        if (computed(place_[input].base)) depend(group_of_[k], group_of_[place_[input].base]);
      const std::uint32_t target = graph_.entries[k].target;
      if (target == none) continue;
      writes[group_of_[k]] = true;
      each_reader(target, [&](std::uint32_t reader, std::uint32_t) { depend(group_of_[k], group_of_[reader]); });
    }
    using Turn = std::tuple<bool, std::uint32_t, std::uint32_t>;  // writes, last entry, group
    std::priority_queue<Turn, std::vector<Turn>, std::greater<>> ready;
    const auto release = [&](std::uint32_t g) {
      if (!groups_[g].entries.empty()) ready.emplace(writes[g], groups_[g].entries.back(), g);
    };
    std::size_t expected = 0;
    for (std::uint32_t g = 0; g < groups_.size(); ++g) {
      expected += groups_[g].entries.empty() ? 0 : 1;
      if (waits_[g] == 0) release(g);
    }
    ordered.clear();
    while (!ready.empty()) {
      const std::uint32_t g = std::get<2>(ready.top());
      ready.pop();
      ordered.push_back(groups_[g]);
      for (const std::uint32_t follower : followers_[g])
        if (--waits_[follower] == 0) release(follower);
    }
    return ordered.size() == expected;
  }

  Graph<T>& graph_;
  bool fuse_;
  std::vector<Place> place_;
  std::vector<std::uint32_t> uses_;
  std::vector<bool> deferred_, precedes_failure_;
  std::vector<std::uint32_t> depth_, parent_, group_of_;
  std::vector<FusionGroup> groups_;
  std::vector<std::vector<std::uint32_t>> followers_;
  std::vector<std::uint32_t> waits_;
};

}  // namespace

template <class T>
Schedule schedule(Graph<T>& graph, bool fuse) {
  return Scheduler<T>(graph, fuse).run();
}

template Schedule schedule(Graph<float>&, bool);
template Schedule schedule(Graph<double>&, bool);

}  // namespace wengert::program
