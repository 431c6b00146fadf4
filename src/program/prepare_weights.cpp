// The pass that lays out constant weights for their kernels, and keeps activations between them in blocks of channels.
#include "ops/linear_ops.hpp"
#include "program/channel_blocks.hpp"
#include "program/compute.hpp"
#include "program/passes.hpp"
#include "program/tiles.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace wengert::program {
namespace {

// Builds a new graph. Each value of the old one has up to two forms in it, row-major and in blocks of channels, which
// are made when something reads them.
template <class T>
class WeightPreparation {
 public:
  explicit WeightPreparation(const Graph<T>& graph)
      : old_(graph), uses_(use_counts(graph)), place_(places(graph)), new_(graph), forms_(graph.entries.size()) {
    new_.entries.clear();
    new_.edges.clear();
  }

  Graph<T> run() {
    // A guard lives as long as the value that it checks, so that value stays in the form that the guard reads.
    std::vector<bool> guarded(old_.entries.size());
    for (std::uint32_t k = 0; k < old_.entries.size(); ++k)
      if (old_.entries[k].source == Source::computed && old_.entries[k].op->guards)
        guarded[old_.inputs_of(k).front()] = true;
    for (std::uint32_t k = 0; k < old_.entries.size(); ++k)
      if (guarded[k] || (!prepare(k) && !join_epilogue(k) && !compute_in_blocks(k))) copy(k);
    for (std::uint32_t& k : new_.inputs) k = row_major(k);
    for (std::uint32_t& k : new_.outputs) k = row_major(k);
    for (Update& update : new_.updates) update.value = row_major(update.value);
    return eliminate_dead_code(new_);
  }

 private:
  // The entries in the new graph that hold a value; `none` for a form that nothing has read so far.
  struct Forms {
    std::uint32_t row_major = none, in_blocks = none;
    std::size_t block = 0;                       // channels, of `in_blocks`
    std::optional<PreparedOp<T>> prepared = {};  // if it is the result of a prepared op with an epilogue
  };

  const Entry<T>& base_of(std::uint32_t k) const { return old_.entries[place_[k].base]; }
  bool is_constant(std::uint32_t k) const { return base_of(k).source == Source::constant; }

  std::uint32_t emit(Entry<T> entry, std::span<const std::uint32_t> inputs) {
    entry.first_edge = static_cast<std::uint32_t>(new_.edges.size());
    entry.arity = static_cast<std::uint32_t>(inputs.size());
    new_.edges.insert(new_.edges.end(), inputs.begin(), inputs.end());
    new_.entries.push_back(entry);
    return static_cast<std::uint32_t>(new_.entries.size() - 1);
  }
  std::uint32_t emit_constant(const T* elements, std::size_t count) {
    Entry<T> constant;
    constant.layout = contiguous_layout({count});
    constant.elements = new_.keep(elements, constant.bytes());
    return emit(constant, {});
  }
  void* keep_attributes(const void* attributes, std::size_t bytes) {
    return std::memcpy(new_.memory->allocate(bytes), attributes, bytes);
  }
  void copy(std::uint32_t k) {
    std::vector<std::uint32_t> inputs;
    for (const std::uint32_t input : old_.inputs_of(k)) inputs.push_back(row_major(input));
    forms_[k].row_major = emit(old_.entries[k], inputs);
  }

  // ---- the two forms of a value ------------------------------------------------------------------------------------

  std::uint32_t rearranged(std::uint32_t k, std::uint32_t from, const Op<T>& op, std::size_t block,
                           const Shape& shape) {
    Entry<T> entry;
    entry.source = Source::computed;
    entry.op = &op;
    entry.attributes = keep_attributes(&block, sizeof block);
    entry.layout = contiguous_layout(shape);
    entry.where = old_.entries[k].where;
    return emit(entry, {&from, 1});
  }
  std::uint32_t row_major(std::uint32_t k) {
    Forms& forms = forms_[k];
    if (forms.row_major == none)
      forms.row_major =
          rearranged(k, forms.in_blocks, from_channel_blocks<T>(), forms.block, old_.entries[k].layout.shape);
    return forms.row_major;
  }
  // In blocks, or row-major and contiguous if `block` is 0; `none` if it is a view that is not contiguous.
  std::uint32_t in_blocks(std::uint32_t k, std::size_t block) {
    Forms& forms = forms_[k];
    if (block == 0) return old_.entries[k].layout.contiguous ? row_major(k) : none;
    if (!has_blocks(k, block)) {
      if (!old_.entries[k].layout.contiguous) return none;
      const std::uint32_t from = row_major(k);
      forms.block = block;
      forms.in_blocks =
          rearranged(k, from, to_channel_blocks<T>(), block, program::in_blocks(old_.entries[k].layout.shape, block));
    }
    return forms.in_blocks;
  }
  bool has_blocks(std::uint32_t k, std::size_t block) const {
    return forms_[k].in_blocks != none && forms_[k].block == block;
  }
  void set_form(std::uint32_t k, std::uint32_t entry, std::size_t block) {
    forms_[k].block = block;
    (block == 0 ? forms_[k].row_major : forms_[k].in_blocks) = entry;
  }
  Layout result_layout(std::uint32_t k, std::size_t block) const {
    const Shape& shape = old_.entries[k].layout.shape;
    return contiguous_layout(block == 0 ? shape : program::in_blocks(shape, block));
  }

  // ---- weights -----------------------------------------------------------------------------------------------------

  // A weight is used several times, by the steps of a recurrence for instance, and prepared once for each op and shape.
  using Key = std::tuple<const Op<T>*, const void*, std::ptrdiff_t, std::vector<std::ptrdiff_t>,
                         std::vector<std::size_t>, std::string_view>;
  struct Weight {
    std::optional<PreparedOp<T>> op;
    std::uint32_t entry = none;
  };
  const Weight& weight_of(std::uint32_t k, const typename LinearOps<T>::Weighted& op) {
    const Entry<T>& entry = old_.entries[k];
    const std::uint32_t x = old_.inputs_of(k)[0], w = old_.inputs_of(k)[1];
    const Layout &of_x = old_.entries[x].layout, &of_w = old_.entries[w].layout;
    std::vector<std::size_t> extents(of_x.shape.begin(), of_x.shape.end());
    extents.insert(extents.end(), of_w.shape.begin(), of_w.shape.end());
    const std::size_t bytes = entry.op->attribute_size(entry.attributes);
    Key key{entry.op,
            base_of(w).elements,
            place_[w].offset,
            {of_w.strides.begin(), of_w.strides.begin() + static_cast<std::ptrdiff_t>(of_w.rank())},
            std::move(extents),
            bytes == 0 ? std::string_view() : std::string_view(static_cast<const char*>(entry.attributes), bytes)};
    const auto [known, is_new] = weights_.try_emplace(std::move(key));
    Weight& weight = known->second;
    if (!is_new) return weight;
    const T* elements = element<T>(static_cast<const T*>(base_of(w).elements), place_[w].offset, false);
    weight.op = op.prepare(entry.attributes, of_x.shape, entry.layout.shape, {elements, &of_w});
    if (!weight.op) return weight;
    weight.entry = emit_constant(weight.op->weight.data(), weight.op->weight.size());
    weight.op->weight = {};
    if (weight.op->referenced != nullptr) new_.referenced.push_back(weight.op->referenced);
    return weight;
  }

  bool prepare(std::uint32_t k) {
    const Entry<T>& entry = old_.entries[k];
    if (entry.source != Source::computed || entry.target != none) return false;
    const auto* op = LinearOps<T>::find(entry.op);
    if (op == nullptr || op->prepare == nullptr || !is_constant(old_.inputs_of(k)[1])) return false;
    const Weight& weight = weight_of(k, *op);
    if (!weight.op) return false;
    const std::uint32_t x = old_.inputs_of(k)[0];
    const bool any_strides = weight.op->op->takes_strides;
    const std::uint32_t inputs[] = {any_strides ? row_major(x) : in_blocks(x, weight.op->x_block), weight.entry};
    if (inputs[0] == none) return false;
    Entry<T> prepared = entry;
    prepared.op = weight.op->op;
    prepared.attributes = keep_attributes(weight.op->attributes.data(), weight.op->attributes.size());
    prepared.layout = result_layout(k, weight.op->y_block);
    set_form(k, emit(prepared, inputs), weight.op->y_block);
    if (weight.op->has_epilogue) forms_[k].prepared = weight.op;
    return true;
  }

  // ---- epilogues ---------------------------------------------------------------------------------------------------

  // Lets a prepared op compute entry k, an elementwise op that alone reads its result, if its epilogue can.
  bool join_epilogue(std::uint32_t k) {
    const Entry<T>& entry = old_.entries[k];
    if (!is_elementwise(entry)) return false;
    if (entry.op == LinearOps<T>::relu) return join(k, old_.inputs_of(k)[0], none);
    if (entry.op != LinearOps<T>::add) return false;
    const std::uint32_t a = old_.inputs_of(k)[0], b = old_.inputs_of(k)[1];
    return a < b ? join(k, b, a) || join(k, a, b) : join(k, a, b) || join(k, b, a);
  }
  // The prepared op that computes `result` is computed here instead, with `other` added, or with relu if it is none.
  bool join(std::uint32_t k, std::uint32_t result, std::uint32_t other) {
    if (!forms_[result].prepared || uses_[result] != 1 || result == other) return false;
    PreparedOp<T> op = *forms_[result].prepared;
    Epilogue epilogue;
    std::memcpy(&epilogue, op.attributes.data(), sizeof epilogue);
    const Shape& shape = old_.entries[k].layout.shape;
    if (epilogue.relu || old_.entries[result].layout.shape != shape) return false;
    std::uint32_t added = none;
    if (other == none) {
      epilogue.relu = true;
    } else if (epilogue.addend || old_.entries[other].layout.shape != shape) {
      return false;
    } else if (const auto bias = channels(other); bias && !epilogue.bias) {
      epilogue.bias = true;
      added = emit_constant(bias->data(), bias->size());
    } else {
      epilogue.addend = true;
      if (op.y_block != 0 && !has_blocks(other, op.y_block)) return false;
      if (added = in_blocks(other, op.y_block); added == none) return false;
    }
    std::memcpy(op.attributes.data(), &epilogue, sizeof epilogue);
    const std::uint32_t before = op.y_block == 0 ? forms_[result].row_major : forms_[result].in_blocks;
    Entry<T> extended = new_.entries[before];
    extended.attributes = keep_attributes(op.attributes.data(), op.attributes.size());
    const auto old_inputs = new_.inputs_of(before);
    std::vector<std::uint32_t> inputs(old_inputs.begin(), old_inputs.end());
    if (added != none) inputs.push_back(added);
    set_form(k, emit(extended, inputs), op.y_block);
    forms_[k].prepared = std::move(op);
    return true;
  }
  // The elements of a constant along axis 1, if it repeats them along all others.
  std::optional<std::vector<T>> channels(std::uint32_t k) const {
    const Layout& layout = old_.entries[k].layout;
    if (!is_constant(k) || !repeats_channels(layout)) return std::nullopt;
    const T* first = element<T>(static_cast<const T*>(base_of(k).elements), place_[k].offset, false);
    std::vector<T> elements(layout.shape[1]);
    for (std::size_t c = 0; c < elements.size(); ++c)
      elements[c] = first[static_cast<std::ptrdiff_t>(c) * layout.strides[1]];
    return elements;
  }
  static bool repeats_channels(const Layout& layout) {
    if (layout.rank() < 2 || layout.size == 0) return false;
    for (std::size_t axis = 0; axis < layout.rank(); ++axis)
      if (axis != 1 && layout.strides[axis] != 0 && layout.shape[axis] != 1) return false;
    return true;
  }

  // ---- elementwise ops in blocks -----------------------------------------------------------------------------------

  // Computes an elementwise entry in blocks if an input has them, and the others have them too or repeat channels.
  bool compute_in_blocks(std::uint32_t k) {
    const Entry<T>& entry = old_.entries[k];
    if (!is_elementwise(entry) || entry.target != none || entry.layout.size == 0) return false;
    std::size_t block = 0;
    for (const std::uint32_t input : old_.inputs_of(k))
      if (forms_[input].in_blocks != none) block = forms_[input].block;
    if (block == 0) return false;
    for (const std::uint32_t input : old_.inputs_of(k)) {
      const Layout& layout = old_.entries[input].layout;
      if (layout.shape != entry.layout.shape) return false;
      const bool steps = repeats_channels(layout) && (layout.strides[1] == 0 || layout.strides[1] == 1) &&
                         old_.entries[input].source == Source::view;
      if (!has_blocks(input, block) && !steps) return false;
    }
    std::vector<std::uint32_t> inputs;
    for (const std::uint32_t input : old_.inputs_of(k))
      inputs.push_back(has_blocks(input, block) ? forms_[input].in_blocks : channels_in_blocks(input, block));
    Entry<T> computed = entry;
    computed.layout = result_layout(k, block);
    set_form(k, emit(computed, inputs), block);
    return true;
  }
  // A view that repeats channels, as a view of the same elements in blocks.
  std::uint32_t channels_in_blocks(std::uint32_t k, std::size_t block) {
    Entry<T> view = old_.entries[k];
    const Layout& layout = view.layout;
    const std::uint32_t from = row_major(k);
    Layout blocks = result_layout(k, block);
    std::array<std::ptrdiff_t, max_rank> strides{};
    strides[1] = layout.strides[1] * static_cast<std::ptrdiff_t>(block);
    strides[layout.rank()] = layout.strides[1];
    view.layout = strided_layout(blocks.shape, {strides.data(), blocks.rank()});
    view.offset = 0;
    return emit(view, {&from, 1});
  }

  const Graph<T>& old_;
  std::vector<std::uint32_t> uses_;
  std::vector<Place> place_;
  Graph<T> new_;
  std::vector<Forms> forms_;  // by entry of the old graph
  std::map<Key, Weight> weights_;
};

}  // namespace

template <class T>
Graph<T> prepare_weights(const Graph<T>& graph) {
  return WeightPreparation<T>(graph).run();
}

template Graph<float> prepare_weights(const Graph<float>&);
template Graph<double> prepare_weights(const Graph<double>&);

}  // namespace wengert::program
