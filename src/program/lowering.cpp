// Lowering: turns a plan into instructions and gives every operand its address.
#include "program/compute.hpp"
#include "program/executable.hpp"
#include <wengert/simd/isa.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <new>
#include <set>

namespace wengert::program {

Memory allocate(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  return Memory(static_cast<std::byte*>(std::memset(::operator new (bytes, std::align_val_t{64}), 0, bytes)));
}

namespace {

// The bytes of a first-level cache of 32 KiB that the tiles of a fusion group, its operands and its results may take.
constexpr std::size_t tile_budget = std::size_t{24} << 10;
// Results of at least this many bytes are streamed, if nothing reads them.
constexpr std::size_t beyond_caches = std::size_t{16} << 20;
constexpr std::size_t smallest_tile = 512, largest_tile = 4096;  // elements

template <class T>
class Lowering {
 public:
  Lowering(const Graph<T>& graph, const Schedule& schedule, const MemoryPlan& plan)
      : graph_(graph), schedule_(schedule), plan_(plan), place_(places(graph)) {}

  Executable<T> run() {
    allocate_memory();
    copy_passing_outputs();
    for (const FusionGroup& group : schedule_.groups) add_group(group);
    for (const Update& update : schedule_.copies)
      add_copy({data_of(update.value), &graph_.entries[update.value].layout}, parameter_data(update.parameter), false,
               update.value);
    for (const std::uint32_t k : graph_.outputs) add_output(k);
    resolve();
    return std::move(result_);
  }

 private:
  // ---- memory ------------------------------------------------------------------------------------------------------

  // Outputs in the memory of an input or a parameter, frozen or not, are copied.
  bool needs_copy(std::uint32_t output) const {
    const Entry<T>& base = graph_.entries[place_[output].base];
    return base.source == Source::input || base.source == Source::parameter ||
           (base.source == Source::constant && base.number != none);
  }
  void allocate_memory() {
    std::size_t bytes = plan_.bytes;
    for (const std::uint32_t k : graph_.outputs)
      if (needs_copy(k) && !copy_offset_.contains(k)) {
        copy_offset_[k] = bytes;
        bytes += (graph_.entries[k].bytes() + 63) / 64 * 64;
      }
    result_.arena = allocate(bytes);
    result_.arena_bytes = bytes;
    std::size_t shared = 0;
    for (const FusionGroup& group : schedule_.groups) shared = std::max(shared, tile_bytes(group));
    result_.tile_bytes = shared;
    result_.tiles = allocate(shared);
    result_.bound.assign(graph_.inputs.size() + graph_.borrowed.size(), nullptr);
  }
  T* parameter_data(std::uint32_t parameter) const {
    return const_cast<T*>(graph_.parameters[parameter].value().data());
  }
  // The address of an entry's first element; null for inputs, which are bound later.
  const T* data_of(std::uint32_t k) const {
    const Place& place = place_[k];
    const Entry<T>& base = graph_.entries[place.base];
    const auto from = [&](const T* first) { return element<T>(first, place.offset, base.holds_indices); };
    switch (base.source) {
      case Source::computed:
        return from(own_memory(place.base));
      case Source::parameter:
        return from(parameter_data(base.number));
      case Source::constant:
        return from(static_cast<const T*>(base.elements));
      default:
        return nullptr;
    }
  }
  T* own_memory(std::uint32_t k) const {
    if (const Entry<T>& entry = graph_.entries[k]; entry.target != none) return parameter_data(entry.target);
    if (plan_.offsets[k] == MemoryPlan::nowhere) return nullptr;
    return reinterpret_cast<T*>(result_.arena.get() + plan_.offsets[k]);
  }
  bool stays_in_tile(std::uint32_t k) const {
    return graph_.entries[k].target == none && plan_.offsets[k] == MemoryPlan::nowhere;
  }

  // ---- fusion groups -----------------------------------------------------------------------------------------------

  void add_group(const FusionGroup& group) {
    const Entry<T>& first = graph_.entries[group.entries.front()];
    if (!is_elementwise(first)) return add_structural(group);
    if (first.layout.size == 0) return;
    add_elementwise(group);
  }

  void add_structural(const FusionGroup& group) {
    const std::uint32_t k = group.entries.front();
    const Entry<T>& entry = graph_.entries[k];
    StructuralCall<T> call{entry.op,
                           entry.attributes,
                           static_cast<std::uint32_t>(result_.values.size()),
                           entry.arity,
                           {own_memory(k), &entry.layout},
                           entry.accumulates,
                           entry.alpha,
                           entry.beta,
                           entry.factor == none ? nullptr : parameter_data(entry.factor)};
    for (const std::uint32_t input : graph_.inputs_of(k)) {
      bind_deferred(input, {Site::value, result_.values.size()});
      result_.values.push_back({data_of(input), &graph_.entries[input].layout});
    }
    add_instruction(Instruction::Kind::structural, result_.structural.size(), 1, group.entries);
    result_.structural.push_back(call);
  }

  // Tile slots for the results that only the fusion group reads. A slot is reused after its last reader.
  struct Slots {
    std::map<std::uint32_t, std::size_t> of;  // by entry
    std::size_t count = 0;
  };
  Slots slots_of(const FusionGroup& group) const {
    std::map<std::uint32_t, std::uint32_t> last;  // last reader, by entry
    for (const std::uint32_t k : group.entries) {
      if (stays_in_tile(k)) last[k] = k;
      for (const std::uint32_t input : graph_.inputs_of(k))
        if (const auto inner = last.find(input); inner != last.end())
          inner->second = is_elementwise(graph_.entries[k]) && inner->second != none ? k : none;  // sums come last
    }
    Slots slots;
    std::vector<std::size_t> free;
    for (const std::uint32_t k : group.entries) {
      if (!is_elementwise(graph_.entries[k])) continue;
      for (const std::uint32_t input : graph_.inputs_of(k))
        if (const auto inner = last.find(input); inner != last.end() && inner->second == k && input != k) {
          free.push_back(slots.of[input]);  // the last reader may overwrite it
          last.erase(inner);
        }
      if (!stays_in_tile(k)) continue;
      if (free.empty()) free.push_back(slots.count++);
      slots.of[k] = free.back();
      free.pop_back();
    }
    return slots;
  }
  // The number of values of the group's size that the group reads from memory or writes to memory.
  std::size_t outside(const Slots& slots, const FusionGroup& group) const {
    std::set<std::uint32_t> values;
    const std::size_t size = graph_.entries[group.entries.front()].layout.size;
    for (const std::uint32_t k : group.entries) {
      if (!is_elementwise(graph_.entries[k])) continue;
      if (!stays_in_tile(k)) values.insert(k);
      for (const std::uint32_t input : graph_.inputs_of(k))
        if (!slots.of.contains(input) && graph_.entries[input].layout.size == size) values.insert(input);
    }
    return values.size();
  }
  // The size of a tile: at most that of the group's values, rounded up to a multiple of 16.
  std::size_t tile_elements(const Slots& slots, const FusionGroup& group) const {
    const std::size_t fits = tile_budget / sizeof(T) / std::max<std::size_t>(slots.count + outside(slots, group), 1);
    const std::size_t all = (graph_.entries[group.entries.front()].layout.size + 15) / 16 * 16;
    return std::min(all, std::clamp(fits / 64 * 64, smallest_tile, largest_tile));
  }
  // The bytes of the tiles of a fusion group that fits in one tile; otherwise 0. All such groups share their tiles.
  std::size_t tile_bytes(const FusionGroup& group) const {
    if (!is_elementwise(graph_.entries[group.entries.front()])) return 0;
    const Slots slots = slots_of(group);
    const std::size_t elements = tile_elements(slots, group);
    return elements < graph_.entries[group.entries.front()].layout.size ? 0 : slots.count * elements * sizeof(T);
  }

  void add_elementwise(const FusionGroup& group) {
    TileGroup<T> tiled;
    tiled.loops = loops_of(graph_, group);
    const Slots slots = slots_of(group);
    tiled.tile_elements = tile_elements(slots, group);
    tiled.slot_elements = slots.count * tiled.tile_elements;
    tiled.tile_columns = std::min(tiled.loops.columns(), tiled.tile_elements);
    tiled.tile_rows =
        tiled.tile_columns < tiled.loops.columns()
            ? 1
            : std::min(tiled.loops.rows(), std::max<std::size_t>(1, tiled.tile_elements / tiled.tile_columns));
    std::map<std::uint32_t, std::uint32_t> call_of;
    slot_of_call_.clear();
    const std::size_t first_deferred = deferred_.size();
    for (const std::uint32_t k : group.entries) {
      if (is_elementwise(graph_.entries[k]))
        add_call(tiled, group, slots, k, call_of);
      else
        add_sum(tiled, group, k, call_of);
    }
    find_chains<T>(graph_, {group.entries.data(), tiled.calls.size()}, tiled);  // sums come last
    const bool one_tile = tiled.tile_rows == tiled.loops.rows() && tiled.tile_columns == tiled.loops.columns();
    if (tiled.loops.planes() == 1 && one_tile) return add_kernels(tiled, group, first_deferred);
    for (TileResult<T>& result : tiled.results) {
      if (!result.streams) continue;
      tiled.streams = true;
      result.buffer = tiled.stream_elements;
      tiled.stream_elements += tiled.tile_elements;
    }
    add_workers(tiled, 1);
    add_instruction(Instruction::Kind::tiles, result_.groups.size(), 1, group.entries);
    result_.tile_bytes += (tiled.slot_elements + tiled.stream_elements) * sizeof(T);
    result_.groups.push_back(std::move(tiled));
  }

  // Whether anything reads entry k besides sums of its fusion group, which read the output of the call.
  bool is_read(const FusionGroup& group, std::uint32_t k) const {
    for (std::uint32_t reader = 0; reader < graph_.entries.size(); ++reader) {
      const auto inputs = graph_.inputs_of(reader);
      if (std::find(inputs.begin(), inputs.end(), k) == inputs.end()) continue;
      if (is_elementwise(graph_.entries[reader]) || std::ranges::find(group.entries, reader) == group.entries.end())
        return true;
    }
    return false;
  }
  void add_call(TileGroup<T>& tiled, const FusionGroup& group, const Slots& slots, std::uint32_t k,
                std::map<std::uint32_t, std::uint32_t>& call_of) {
    const Entry<T>& entry = graph_.entries[k];
    const auto number = static_cast<std::uint32_t>(tiled.calls.size());
    call_of[k] = number;
    KernelCall<T> call{entry.op->kernels[static_cast<std::size_t>(active_isa())],
                       static_cast<std::uint32_t>(tiled.planes.size()),
                       entry.arity,
                       nullptr,
                       tiled.loops.rows(),
                       tiled.loops.columns(),
                       static_cast<const double*>(entry.attributes)};
    const std::size_t inner = tiled.loops.extents.size() - 1;
    for (const std::uint32_t input : graph_.inputs_of(k)) {
      const auto plane = static_cast<std::uint32_t>(tiled.planes.size());
      if (slots.of.contains(input)) {
        tiled.slots[slot_of_call_.at(call_of.at(input))].planes.push_back(plane);
        tiled.planes.push_back({nullptr, static_cast<std::ptrdiff_t>(tiled.loops.columns()), true});
        continue;
      }
      TileOperand<T> operand{plane, data_of(input), strides_in(tiled.loops, graph_.entries[input].layout)};
      bind_deferred(input, {Site::operand, tiled.operands.size(), result_.groups.size()});
      tiled.planes.push_back({operand.data, operand.strides[inner - 1], operand.strides[inner] != 0});
      tiled.operands.push_back(std::move(operand));
    }
    if (stays_in_tile(k)) {
      slot_of_call_[number] = tiled.slots.size();
      tiled.slots.push_back({number, slots.of.at(k) * tiled.tile_elements, {}});
    } else {
      call.out = own_memory(k);
      tiled.results.push_back({number, call.out, entry.bytes() >= beyond_caches && !is_read(group, k)});
    }
    tiled.calls.push_back(call);
  }

  void add_sum(TileGroup<T>& tiled, const FusionGroup& group, std::uint32_t k,
               const std::map<std::uint32_t, std::uint32_t>& call_of) {
    const Entry<T>& entry = graph_.entries[k];
    TileLoops loops = tiled.loops;
    const Summed summed = entry.op->summed(entry.attributes, graph_.entries[group.entries.front()].layout.shape);
    tiled.sums.push_back(
        {trailing_sum(summed, loops), call_of.at(graph_.inputs_of(k).front()), own_memory(k), entry.layout.size});
  }

  // Emits a fusion group that fits in one tile as plain calls. Neighbouring calls form one instruction.
  void add_kernels(const TileGroup<T>& tiled, const FusionGroup& group, std::size_t first_deferred) {
    const auto first_call = static_cast<std::uint32_t>(result_.calls.size());
    const auto first_plane = static_cast<std::uint32_t>(result_.planes.size());
    result_.planes.insert(result_.planes.end(), tiled.planes.begin(), tiled.planes.end());
    for (KernelCall<T> call : tiled.calls) {
      call.first_plane += first_plane;
      if (call.chain != none) call.chain += static_cast<std::uint32_t>(result_.chains.size());
      result_.calls.push_back(call);
    }
    for (const auto& chain : tiled.chains) result_.chains.push_back(chain.moved(first_call, first_plane));
    auto* tiles = reinterpret_cast<T*>(result_.tiles.get());
    for (const TileSlot& slot : tiled.slots) {
      result_.calls[first_call + slot.call].out = tiles + slot.offset;
      for (const std::uint32_t p : slot.planes) result_.planes[first_plane + p].data = tiles + slot.offset;
    }
    for (std::size_t i = first_deferred; i < deferred_.size(); ++i)  // those of this group
      deferred_[i].site = {Site::plane, first_plane + tiled.operands[deferred_[i].site.index].plane};
    const auto last_call = static_cast<std::uint32_t>(result_.calls.size());
    const auto sums = group.entries.end() - static_cast<std::ptrdiff_t>(tiled.sums.size());
    if (!result_.instructions.empty() && result_.instructions.back().kind == Instruction::Kind::kernels) {
      Instruction& last = result_.instructions.back();
      last.last = last_call;
      last.entries.insert(last.entries.end(), group.entries.begin(), sums);
    } else {
      add_instruction(Instruction::Kind::kernels, first_call, last_call - first_call, {group.entries.begin(), sums});
    }
    for (std::size_t s = 0; s < tiled.sums.size(); ++s) {
      const TileSum<T>& sum = tiled.sums[s];
      add_instruction(Instruction::Kind::sum, result_.sums.size(), 1, {sums[static_cast<std::ptrdiff_t>(s)]});
      result_.sums.push_back(
          {sum.kind, result_.calls[first_call + sum.call].out, tiled.loops.rows(), tiled.loops.columns(), sum.out});
    }
  }
  void add_instruction(Instruction::Kind kind, std::size_t first, std::size_t count,
                       const std::vector<std::uint32_t>& entries) {
    result_.instructions.push_back(
        {kind, static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(first + count), entries});
  }

  // ---- copies and outputs ------------------------------------------------------------------------------------------

  void add_copy(Value<const T> from, T* to, bool indices, std::uint32_t entry) {
    bind_deferred(entry, {Site::copy, result_.copies.size()});
    add_instruction(Instruction::Kind::copy, result_.copies.size(), 1, {entry});
    result_.copies.push_back({from, to, indices});
  }
  void copy_passing_outputs() {
    for (const auto& [k, offset] : copy_offset_)
      add_copy({data_of(k), &graph_.entries[k].layout}, reinterpret_cast<T*>(result_.arena.get() + offset),
               graph_.entries[k].holds_indices, k);
  }
  void add_output(std::uint32_t k) {
    const Layout* layout = &graph_.entries[k].layout;
    if (const auto copy = copy_offset_.find(k); copy != copy_offset_.end()) {
      result_.layouts.push_back(std::make_shared<Layout>(contiguous_layout(layout->shape)));
      result_.outputs.push_back(
          {reinterpret_cast<const T*>(result_.arena.get() + copy->second), result_.layouts.back().get()});
    } else {
      result_.outputs.push_back({data_of(k), layout});
    }
  }

  // ---- bindings ----------------------------------------------------------------------------------------------------

  // Where a pointer to an input is stored, by index, because the vectors still grow.
  struct Site {
    enum Kind : std::uint8_t { value, operand, plane, copy } kind;
    std::size_t index = 0;
    std::size_t group = 0;
  };
  struct DeferredBinding {
    std::uint32_t entry;
    Site site;
  };
  void bind_deferred(std::uint32_t entry, Site site) {
    if (graph_.entries[place_[entry].base].source == Source::input) deferred_.push_back({entry, site});
  }
  void resolve() {
    std::multimap<std::size_t, const T**> chained;  // operands of register chains, by plane
    for (RegisterChain<T>& chain : result_.chains) {
      place_chain<T>(chain, result_.calls, result_.planes);
      for (const auto& [stage, operand, plane] : chain.operands)
        chained.emplace(plane, &chain.stages[stage].operands[operand].data);
    }
    for (const DeferredBinding& binding : deferred_) {
      const Place& place = place_[binding.entry];
      const Entry<T>& input = graph_.entries[place.base];
      const auto size = static_cast<std::ptrdiff_t>(input.holds_indices ? sizeof(std::int64_t) : sizeof(T));
      const T** pointer = nullptr;
      switch (binding.site.kind) {
        case Site::value:
          pointer = &result_.values[binding.site.index].data;
          break;
        case Site::operand:
          pointer = &result_.groups[binding.site.group].operands[binding.site.index].data;
          break;
        case Site::plane:
          pointer = &result_.planes[binding.site.index].data;
          for (auto [it, end] = chained.equal_range(binding.site.index); it != end; ++it)
            result_.bindings.push_back({input.number, it->second, place.offset * size});
          break;
        case Site::copy:
          pointer = &result_.copies[binding.site.index].from.data;
          break;
      }
      result_.bindings.push_back({input.number, pointer, place.offset * size});
    }
  }

  const Graph<T>& graph_;
  const Schedule& schedule_;
  const MemoryPlan& plan_;
  std::vector<Place> place_;
  Executable<T> result_;
  std::map<std::uint32_t, std::size_t> copy_offset_;  // by output
  std::vector<DeferredBinding> deferred_;
  std::map<std::uint32_t, std::size_t> slot_of_call_;  // in the group being built
};

}  // namespace

template <class T>
Executable<T> lower(const Graph<T>& graph, const Schedule& schedule, const MemoryPlan& plan) {
  return Lowering<T>(graph, schedule, plan).run();
}

template Executable<float> lower(const Graph<float>&, const Schedule&, const MemoryPlan&);
template Executable<double> lower(const Graph<double>&, const Schedule&, const MemoryPlan&);

}  // namespace wengert::program
