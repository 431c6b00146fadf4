#include "program/passes.hpp"

#include <map>
#include <string>
#include <utility>

namespace wengert::program {
namespace {

// The inputs that an op's formula does not mention, one bit each. A formula written down names all it reads.
template <class T>
std::uint32_t unread_inputs(const Op<T>& op, std::size_t arity) {
  std::vector<Text> marks;
  for (std::size_t i = 0; i < arity; ++i) {
    const std::string mark(1, static_cast<char>(1 + i));
    marks.push_back({mark, mark});
  }
  const std::vector<double> parameters(op.parameters, 1.25);  // none at which a term would vanish
  const std::string formula = op.text(parameters.data(), marks).plain;
  std::uint32_t unread = 0;
  for (std::size_t i = 0; i < arity; ++i)
    if (formula.find(marks[i].plain) == std::string::npos) unread |= std::uint32_t{1} << i;
  return unread;
}

}  // namespace

template <class T>
Graph<T> forget_unread(Graph<T> graph) {
  std::map<const Op<T>*, std::uint32_t> known;
  for (Entry<T>& entry : graph.entries) {
    if (entry.source != Source::computed || entry.op->kernels[0] == nullptr || entry.arity < 2) continue;
    const auto [op, is_new] = known.try_emplace(entry.op, 0);
    if (is_new) op->second = unread_inputs(*entry.op, entry.arity);
    std::uint32_t* inputs = graph.edges.data() + entry.first_edge;
    for (std::uint32_t i = 0; i < entry.arity; ++i) {
      if ((op->second >> i & 1) == 0) continue;
      for (std::uint32_t other = 0; other < entry.arity; ++other)
        if ((op->second >> other & 1) == 0) inputs[i] = inputs[other];
    }
  }
  return slice(graph);
}

template Graph<float> forget_unread(Graph<float>);
template Graph<double> forget_unread(Graph<double>);

}  // namespace wengert::program
