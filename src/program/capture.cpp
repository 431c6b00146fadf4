// Capture: copies the nodes that the inputs, outputs and updates need from a tape to a graph.
#include "program/graph.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace wengert::program {
namespace {

template <class T>
class Capture {
 public:
  Capture(Tape<T>& tape, std::span<const Var<T>> inputs, std::span<const wengert::Update<T>> updates)
      : tape_(tape), updates_(updates) {
    for (std::size_t i = 0; i < inputs.size(); ++i) take_input(inputs[i], i);
  }

  Graph<T> run(std::span<const Var<T>> outputs) {
    for (const Var<T>& output : outputs) {
      tape_.node(output, "compile");
      graph_.outputs.push_back(output.index());
    }
    graph_.entries.resize(tape_.size());
    const std::vector<bool> needed = what_is_needed();
    for (std::uint32_t k = 0; k < needed.size(); ++k)
      if (needed[k]) take(k);
    TapeStreams<T> drawn = streams_of(tape_);
    graph_.streams = std::move(drawn.streams);
    for (const auto& [keeper, stream] : drawn.keepers) graph_.entries[keeper].number = stream;
    for (const auto& queued : updates_) {
      const std::uint32_t parameter = number_of(queued.parameter);
      std::erase_if(graph_.updates, [&](const Update& u) { return u.parameter == parameter; });  // the last one counts
      graph_.updates.push_back({parameter, queued.value.index()});
    }
    for (Entry<T>& entry : graph_.entries) find_parameter(entry);
    return std::move(graph_);
  }

 private:
  void take_input(const Var<T>& input, std::size_t i) {
    const Node<T>& n = tape_.node(input, "compile");
    if (n.op != nullptr || tape_.parameter(input.index()))
      throw HandleError(
          "compile",
          fmt::format(
              "input {} is {}: an input must be recorded by constant(), borrow(), variable(tensor) or indices()", i + 1,
              n.op != nullptr ? "computed by " + std::string(n.op->name) : "a parameter"));
    if (std::find(graph_.inputs.begin(), graph_.inputs.end(), input.index()) != graph_.inputs.end())
      throw HandleError("compile", fmt::format("input {} is named twice", i + 1));
    graph_.inputs.push_back(input.index());
  }

  // By node: whether it is needed. Only needed nodes are copied.
  std::vector<bool> what_is_needed() const {
    std::vector<bool> needed(tape_.size());
    for (const std::uint32_t k : graph_.inputs) needed[k] = true;
    for (const std::uint32_t k : graph_.outputs) needed[k] = true;
    for (const auto& queued : updates_) needed[queued.value.index()] = true;
    for (std::size_t k = needed.size(); k-- > 0;) {
      const Node<T>& n = tape_.node(k);
      if (n.op != nullptr && n.op->guards && (!updates_.empty() || needed[tape_.inputs(k).front()])) needed[k] = true;
      if (!needed[k]) continue;
      if (n.op != nullptr && n.op->stands_for)
        needed[*static_cast<const std::uint32_t*>(n.attributes)] = true;
      else
        for (const std::uint32_t input : tape_.inputs(k)) needed[input] = true;
    }
    return needed;
  }

  void take(std::uint32_t k) {
    const Node<T>& n = tape_.node(std::size_t{k});
    Entry<T>& entry = graph_.entries[k];
    entry.layout = *n.layout;
    entry.holds_indices = n.holds_indices;
    entry.repeated = n.repeated;
    entry.where = n.where;
    entry.first_edge = static_cast<std::uint32_t>(graph_.edges.size());
    if (n.op == nullptr)
      take_leaf(k, entry);
    else if (n.op->stands_for)
      take_view(k, entry, n, *static_cast<const std::uint32_t*>(n.attributes));
    else if (n.op->view != nullptr)
      take_view(k, entry, n, tape_.inputs(k).front());
    else
      take_computed(k, n, entry);
  }

  void take_leaf(std::uint32_t k, Entry<T>& entry) {
    const auto input = std::find(graph_.inputs.begin(), graph_.inputs.end(), k);
    if (input != graph_.inputs.end()) {
      entry.source = Source::input;
      entry.number = static_cast<std::uint32_t>(input - graph_.inputs.begin());
    } else if (const auto parameter = tape_.parameter(k)) {
      entry.source = Source::parameter;
      entry.number = number_of(*parameter);
    } else if (tape_.is_borrowed(k) && (tape_.owner(k) != nullptr || entry.bytes() > 0)) {
      take_borrowed(k, entry);
    } else {
      entry.elements = entry.bytes() == 0 ? reinterpret_cast<const T*>(Pool::no_elements)
                                          : copy(tape_.value_of(k).data, entry.bytes());
    }
  }

  void take_borrowed(std::uint32_t k, Entry<T>& entry) {
    const Node<T>& n = tape_.node(std::size_t{k});
    const auto* tensor = static_cast<const Tensor<T>*>(tape_.owner(k).get());
    if (tensor == nullptr)
      throw HandleError("compile",
                        fmt::format("borrowed elements of shape {} are not an input of the Program, which cannot "
                                    "locate them at replay: make them an input, borrow a Tensor, or record a constant",
                                    to_string(n.layout->shape)),
                        n.where);
    const auto known = std::find_if(graph_.borrowed.begin(), graph_.borrowed.end(), [&](const Borrowed<T>& b) {
      return b.tensor == tensor && b.shape == n.layout->shape;
    });
    entry.source = Source::input;
    entry.number =
        static_cast<std::uint32_t>(graph_.inputs.size()) + static_cast<std::uint32_t>(known - graph_.borrowed.begin());
    if (known == graph_.borrowed.end()) graph_.borrowed.push_back({tensor, n.layout->shape, n.where});
  }

  // Treats a borrowed tensor that is a parameter's value as the parameter, so it is read before an update writes it.
  void find_parameter(Entry<T>& entry) const {
    if (entry.source != Source::input || entry.number < graph_.inputs.size()) return;
    const Tensor<T>* tensor = graph_.borrowed[entry.number - graph_.inputs.size()].tensor;
    const auto same = std::find_if(graph_.parameters.begin(), graph_.parameters.end(),
                                   [&](const Parameter<T>& parameter) { return &parameter.value() == tensor; });
    if (same == graph_.parameters.end()) return;
    entry.source = Source::parameter;
    entry.number = static_cast<std::uint32_t>(same - graph_.parameters.begin());
  }

  void take_view(std::uint32_t k, Entry<T>& entry, const Node<T>& n, std::uint32_t input) {
    entry.source = Source::view;
    entry.op = n.op;
    entry.attributes = copy(n.attributes, n.op->attribute_size(n.attributes));
    // The value of an older node may have been freed, but its address still gives the offset.
    if (!n.op->stands_for)
      entry.offset = static_cast<const T*>(tape_.address(k)) - static_cast<const T*>(tape_.address(input));
    graph_.edges.push_back(input);
    entry.arity = 1;
  }

  void take_computed(std::uint32_t k, const Node<T>& n, Entry<T>& entry) {
    entry.source = Source::computed;
    entry.op = n.op;
    entry.attributes = copy(n.attributes, n.op->attribute_size(n.attributes));
    const auto inputs = tape_.inputs(k);
    graph_.edges.insert(graph_.edges.end(), inputs.begin(), inputs.end());
    entry.arity = static_cast<std::uint32_t>(inputs.size());
  }

  std::uint32_t number_of(const Parameter<T>& parameter) {
    const auto known = std::find(graph_.parameters.begin(), graph_.parameters.end(), parameter);
    if (known != graph_.parameters.end()) return static_cast<std::uint32_t>(known - graph_.parameters.begin());
    graph_.parameters.push_back(parameter);
    return static_cast<std::uint32_t>(graph_.parameters.size() - 1);
  }

  void* copy(const void* from, std::size_t bytes) {
    if (bytes == 0) return nullptr;
    return std::memcpy(graph_.memory->allocate(bytes), from, bytes);
  }

  Tape<T>& tape_;
  std::span<const wengert::Update<T>> updates_;
  Graph<T> graph_;
};

}  // namespace

// All draws advance their streams, even those that are not needed. The last input of a draw keeps its generator alive.
template <class T>
TapeStreams<T> streams_of(const Tape<T>& tape) {
  TapeStreams<T> result;
  for (std::uint32_t k = 0; k < tape.size(); ++k) {
    const Node<T>& n = tape.node(std::size_t{k});
    if (n.op == nullptr || n.op->draw == nullptr) continue;
    const Draw& draw = n.op->draw(const_cast<void*>(n.attributes));
    const std::uint32_t keeper = tape.inputs(k).back();
    auto state =
        std::const_pointer_cast<Generator::State>(std::static_pointer_cast<const Generator::State>(tape.owner(keeper)));
    if (state == nullptr) continue;  // an op's example, whose numbers are fixed
    auto known = std::find_if(result.streams.begin(), result.streams.end(),
                              [&](const Stream& stream) { return stream.state == state; });
    if (known == result.streams.end())
      known = result.streams.insert(known, {std::move(state), draw.counter, draw.counter + draw.blocks});
    known->first = std::min(known->first, draw.counter);
    known->end = std::max(known->end, draw.counter + draw.blocks);
    result.keepers.emplace_back(keeper, static_cast<std::uint32_t>(known - result.streams.begin()));
  }
  return result;
}

template <class T>
Graph<T> capture(Tape<T>& tape, std::span<const Var<T>> inputs, std::span<const Var<T>> outputs,
                 std::span<const wengert::Update<T>> updates) {
  return Capture<T>(tape, inputs, updates).run(outputs);
}

template TapeStreams<float> streams_of(const Tape<float>&);
template TapeStreams<double> streams_of(const Tape<double>&);
template Graph<float> capture(Tape<float>&, std::span<const Var<float>>, std::span<const Var<float>>,
                              std::span<const wengert::Update<float>>);
template Graph<double> capture(Tape<double>&, std::span<const Var<double>>, std::span<const Var<double>>,
                               std::span<const wengert::Update<double>>);

}  // namespace wengert::program
