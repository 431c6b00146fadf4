// Parameters as constants: the pass that freezes them, and the constants that Programs share.
#include "program/passes.hpp"
#include <wengert/program/program.hpp>

#include <algorithm>
#include <cstring>
#include <functional>
#include <new>
#include <string_view>

namespace wengert {
namespace {

constexpr std::align_val_t block_alignment{64};

}  // namespace

std::shared_ptr<FrozenConstants> frozen_constants() { return std::make_shared<FrozenConstants>(); }

std::shared_ptr<const void> FrozenConstants::share(const void* elements, std::size_t bytes) {
  const std::size_t hash = std::hash<std::string_view>{}({static_cast<const char*>(elements), bytes});
  const std::scoped_lock lock(mutex_);
  std::erase_if(blocks_, [](const auto& block) { return block.second.elements.expired(); });
  const auto [first, last] = blocks_.equal_range(hash);
  for (auto block = first; block != last; ++block)
    if (auto held = block->second.elements.lock();
        held != nullptr && block->second.bytes == bytes && std::memcmp(held.get(), elements, bytes) == 0)
      return held;
  const std::shared_ptr<void> made(::operator new(bytes, block_alignment),
                                   [](void* p) { ::operator delete(p, block_alignment); });
  std::memcpy(made.get(), elements, bytes);
  blocks_.insert({hash, {made, bytes}});
  return made;
}

std::size_t FrozenConstants::bytes() const {
  const std::scoped_lock lock(mutex_);
  std::size_t sum = 0;
  for (const auto& [hash, block] : blocks_) sum += block.elements.expired() ? 0 : block.bytes;
  return sum;
}

namespace program {

// The entry keeps the parameter's number, so that its elements count as the parameter's memory.
template <class T>
Graph<T> freeze_parameters(Graph<T> graph) {
  for (Entry<T>& entry : graph.entries) {
    if (entry.source != Source::parameter) continue;
    if (std::ranges::any_of(graph.updates, [&](const Update& u) { return u.parameter == entry.number; })) continue;
    entry.source = Source::constant;
    entry.elements = entry.bytes() == 0 ? static_cast<const void*>(Pool::no_elements)
                                        : graph.parameters[entry.number].value().data();
  }
  return graph;
}

template Graph<float> freeze_parameters(Graph<float>);
template Graph<double> freeze_parameters(Graph<double>);

}  // namespace program
}  // namespace wengert
