// Logs the calls of modules, and groups the nodes of a tape by layer: by the call that recorded them or, outside of
// calls, by the parameters that they read.
#include "nn/tape_layers.hpp"
#include <wengert/tape/op.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

namespace wengert::nn {

namespace detail {

constinit thread_local CallLog* CallLog::active = nullptr;

bool CallLog::open(const void* tape, const void* module, const TypeOf& type) {
  if (tape != tape_) return false;
  if (!open_.empty() && calls_[open_.back()].module == module && calls_[open_.back()].type == type) return false;
  calls_.push_back({module, type, mark_().first, 0, 0});
  open_.push_back(calls_.size() - 1);
  return true;
}

void CallLog::close() noexcept {
  ModuleCall& call = calls_[open_.back()];
  open_.pop_back();
  std::tie(call.end, call.generation) = mark_();
}

}  // namespace detail

namespace {

constexpr std::size_t none = static_cast<std::size_t>(-1);

std::string short_name(const detail::TypeOf& type) {
  // g++: … [with X = wengert::nn::Linear<float>]; clang: … [X = wengert::nn::Linear<float>]
  std::string_view name = type.spelling;
  name = name.substr(name.find("X = ") + 4, name.rfind(']') - name.find("X = ") - 4);
  // The name behind the last `::` outside of brackets; behind a `;` g++ explains aliases.
  std::size_t begin = 0, end = name.size();
  for (std::size_t i = 0, depth = 0; i < end; ++i) {
    const char c = name[i];
    depth += std::string_view("<([{").find(c) != std::string_view::npos;
    depth -= std::string_view(">)]}").find(c) != std::string_view::npos;
    if (depth == 0 && c == ';') end = i;
    if (depth == 0 && name.substr(i).starts_with("::")) begin = i + 2;
  }
  name = name.substr(begin, end - begin);
  if (name.starts_with("(lambda") || name.starts_with("<lambda")) return "lambda";
  return std::string(name.substr(0, name.find_first_of("< ")));
}

// The path of the struct that holds a parameter.
std::string parent_of(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  return dot == path.npos ? "" : path.substr(0, dot);
}

template <class T>
class Grouping {
 public:
  Grouping(const Tape<T>& tape, std::size_t first, const detail::ModuleTrace<T>& trace)
      : tape_(tape), first_(first), trace_(trace), call_(tape.size(), none), owner_(tape.size()) {
    find_calls();
    find_owners();
  }

  std::vector<TapeLayer> layers() const {
    std::vector<TapeLayer> result;
    for (const Nodes& nodes : groups()) result.push_back(named(nodes));
    return result;
  }

 private:
  using Nodes = std::vector<std::size_t>;

  // An inner call follows the call around it in the log, so it overwrites that call's entries.
  void find_calls() {
    for (std::size_t i = 0; i < trace_.calls.size(); ++i) {
      const detail::ModuleCall& call = trace_.calls[i];
      if (call.begin >= call.end || call.end > tape_.size()) continue;
      const std::uint32_t generation = tape_.node(call.end - 1).generation;  // 0: collapsed by a checkpoint
      if (generation == call.generation || generation == 0) std::fill(&call_[call.begin], &call_[call.end - 1] + 1, i);
    }
  }

  // Finds the struct whose parameters each node reads, directly or through nodes that read only parameters.
  void find_owners() {
    std::map<const void*, std::string> owner_of;  // by the address of a parameter
    for (const auto& [path, parameter] : trace_.parameters) owner_of.emplace(parameter.value().data(), parent_of(path));
    std::vector<bool> is_weight(tape_.size());
    for (std::size_t k = first_; k < tape_.size(); ++k) {
      const auto inputs = tape_.inputs(k);
      if (tape_.node(k).op == nullptr) {
        const auto found = tape_.node(k).holds_indices ? owner_of.end() : owner_of.find(tape_.address(k));
        is_weight[k] = found != owner_of.end();
        if (is_weight[k]) owner_[k] = found->second;
        continue;
      }
      is_weight[k] = !inputs.empty() && std::all_of(inputs.begin(), inputs.end(), [&](auto i) { return is_weight[i]; });
      for (const std::uint32_t input : inputs)
        if (is_weight[input] && !owner_[k]) owner_[k] = owner_[input];
    }
  }

  // Whether a node belongs to the struct whose parameters it reads.
  bool is_owned(std::size_t k) const { return call_[k] == none && owner_[k]; }
  bool same_place(std::size_t a, std::size_t b) const {
    const Location &x = tape_.node(a).where, &y = tape_.node(b).where;
    return x.line() == y.line() && x.column() == y.column() && std::string_view(x.file_name()) == y.file_name();
  }

  // The nodes of each layer and function. Those of a struct begin with one that it owns.
  std::vector<Nodes> groups() const {
    std::vector<Nodes> result;
    std::size_t open = none;  // the latest group of a struct, unless a call followed it
    for (std::size_t k = first_; k < tape_.size(); ++k) {
      if (tape_.node(k).op == nullptr) continue;
      if (is_owned(k) && open != none && owner_[result[open].front()] == owner_[k]) {
        for (std::size_t i = open + 1; i < result.size(); ++i)  // functions between its nodes
          result[open].insert(result[open].end(), result[i].begin(), result[i].end());
        result.resize(open + 1);
      } else if (is_owned(k) || result.empty() || !continues(result.back(), k)) {
        if (is_owned(k) || call_[k] != none) open = is_owned(k) ? result.size() : none;
        result.emplace_back();
      }
      result.back().push_back(k);
    }
    return result;
  }
  // Whether a node that no struct owns belongs to the group before it: to the same call, to the same function, or, at
  // the end of a loop, to the struct for which earlier iterations did the same.
  bool continues(const Nodes& group, std::size_t k) const {
    if (call_[group.front()] != call_[k] || call_[k] != none) return call_[group.front()] == call_[k];
    if (!is_owned(group.front())) return same_place(group.back(), k);
    return std::any_of(group.begin(), group.end(), [&](std::size_t i) {
      return !is_owned(i) && tape_.node(i).op == tape_.node(k).op && same_place(i, k);
    });
  }

  TapeLayer named(const Nodes& nodes) const {
    const std::size_t k = nodes.front();
    if (is_owned(k)) return {*owner_[k], type_at(trace_.parts, *owner_[k]), false, nodes};
    if (call_[k] == none) return {"", std::string(tape_.node(nodes.back()).op->name), true, nodes};
    const detail::ModuleCall& call = trace_.calls[call_[k]];
    return {path_of(call), short_name(call.type), false, nodes};
  }
  // The path of a called module. For a copy, that of a part of the same type whose parameters it reads, or none.
  std::string path_of(const detail::ModuleCall& call) const {
    for (const detail::ModulePart& part : trace_.parts)
      if (part.type == call.type && part.address == call.module) return part.path;
    for (std::size_t k = call.begin; k < call.end; ++k)
      for (const detail::ModulePart& part : trace_.parts)
        if (part.type == call.type && owner_[k] && wengert::detail::is_below(*owner_[k], part.path)) return part.path;
    return {};
  }

  const Tape<T>& tape_;
  std::size_t first_;
  const detail::ModuleTrace<T>& trace_;
  std::vector<std::size_t> call_;                  // by node: the innermost call
  std::vector<std::optional<std::string>> owner_;  // by node: the path of the struct
};

}  // namespace

std::string type_at(const std::vector<detail::ModulePart>& parts, std::string_view path) {
  const auto part =
      std::find_if(parts.begin(), parts.end(), [&](const detail::ModulePart& p) { return p.path == path; });
  return part == parts.end() ? "" : short_name(part->type);
}

template <class T>
std::vector<TapeLayer> layers_of(const Tape<T>& tape, std::size_t first, const detail::ModuleTrace<T>& trace) {
  return Grouping<T>(tape, first, trace).layers();
}

template std::vector<TapeLayer> layers_of(const Tape<float>&, std::size_t, const detail::ModuleTrace<float>&);
template std::vector<TapeLayer> layers_of(const Tape<double>&, std::size_t, const detail::ModuleTrace<double>&);

}  // namespace wengert::nn
