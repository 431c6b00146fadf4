// Run: one pass over the nodes of a graph.
#pragma once

#include "onnx/call.hpp"

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace wengert::onnx::detail {

/// One pass over a graph or a body; a body's Run refers to that of the graph around it.
template <class T>
class Run {
 public:
  Run(Tape<T>& tape, const Location& where, Run* outer = nullptr) : tape_(tape), where_(where), outer_(outer) {}

  /// Gives a name its value.
  void set(const std::string& name, Value<T> value) { values_.insert_or_assign(name, std::move(value)); }
  /// The value of a name, also in the graphs around; throws ValueError if there is none.
  const Value<T>& get(const std::string& name) const;
  /// Counts a run of a body, of this graph or of one around it; false if there were too many.
  bool count_body();
  /// Computes all nodes and returns the graph's outputs.
  std::vector<Value<T>> compute(const Graph& graph);
  Tape<T>& tape() { return tape_; }
  const Location& where() const { return where_; }

 private:
  std::vector<Value<T>> compute(const Node& node);

  Tape<T>& tape_;
  const Location& where_;
  Run* outer_;
  std::size_t bodies_ = 0;  // that were run; counted by the outermost graph
  std::map<std::string, Value<T>, std::less<>> values_;
};

extern template class Run<float>;
extern template class Run<double>;

/// The entry of an op. Throws ValueError, naming the node, if there is none.
template <class T>
const Entry<T>& entry_of(const Node& node, const Location& where);

}  // namespace wengert::onnx::detail
