// Partitions the nodes of a tape into layers: by call, by source line, and by the parameters that nodes read.
#include <wengert/nn/anatomy.hpp>
#include <wengert/tape/op.hpp>

#include <algorithm>
#include <cstdint>
#include <set>
#include <tuple>

namespace wengert::nn {

namespace detail {

std::string short_type_name(std::string_view spelled) {
  // g++: … [with X = wengert::nn::Linear<float>; std::string = …]; clang: … [X = wengert::nn::Linear<float>]
  std::string_view name = spelled.substr(spelled.find("X = ") + 4);
  name = name.substr(0, std::min(name.find("; std::string"), name.rfind(']')));
  const std::size_t arguments = name.find('<');
  if (name.starts_with("(lambda") || (arguments != name.npos && name.substr(arguments).starts_with("<lambda")))
    return "lambda";
  name = name.substr(0, arguments);
  const std::size_t scope = name.rfind("::");
  return std::string(scope == name.npos ? name : name.substr(scope + 2));
}

}  // namespace detail

namespace {

constexpr std::size_t none = static_cast<std::size_t>(-1);

// The folder of the library's own modules. A node recorded there belongs to the call of the module.
const std::string_view own_folder = [] {
  const std::string_view file = Location::current().file_name();
  return file.substr(0, file.rfind('/') + 1);
}();

// Consecutive nodes that belong together, and the struct whose parameters they read.
struct Run {
  std::size_t owner = none;
  std::size_t call = none;
  std::vector<std::size_t> nodes;
};

template <class T>
class Dissection {
 public:
  Dissection(const Tape<T>& tape, std::size_t first, const Anatomy<T>& anatomy)
      : tape_(tape), first_(first), anatomy_(anatomy), owner_(tape.size(), none), call_(tape.size(), none) {
    find_calls();
    find_owners();
  }

  std::vector<TapeLayer> layers() {
    std::vector<Run> runs = merged(split_by_owner(runs_in_place()));
    std::vector<TapeLayer> result;
    for (Run& run : runs) result.push_back(named(run));
    return result;
  }

 private:
  // Finds the innermost layer of a Sequential that recorded each node.
  void find_calls() {
    std::vector<std::size_t> order(anatomy_.calls.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto length = [&](std::size_t i) { return anatomy_.calls[i].end - anatomy_.calls[i].begin; };
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return length(a) > length(b); });
    for (const std::size_t i : order)
      for (std::size_t k = anatomy_.calls[i].begin; k < anatomy_.calls[i].end; ++k) call_[k] = i;
  }

  // Finds the struct whose parameters each node reads, directly or through nodes that read only parameters.
  void find_owners() {
    std::map<const void*, std::string> path_of;
    for (const auto& [path, parameter] : anatomy_.parameters) path_of.emplace(parameter.value().data(), path);
    std::vector<bool> is_weight(tape_.size());
    for (std::size_t k = first_; k < tape_.size(); ++k) {
      const auto inputs = tape_.inputs(k);
      if (tape_.node(k).op == nullptr) {
        const auto found = tape_.node(k).holds_indices ? path_of.end() : path_of.find(tape_.address(k));
        if (found == path_of.end()) continue;
        is_weight[k] = true;
        owner_[k] = number_of(found->second.substr(0, std::max<std::size_t>(found->second.rfind('.') + 1, 1) - 1));
        continue;
      }
      is_weight[k] = !inputs.empty() && std::all_of(inputs.begin(), inputs.end(), [&](auto i) { return is_weight[i]; });
      for (const std::uint32_t input : inputs)
        if (is_weight[input] && owner_[k] == none) owner_[k] = owner_[input];
      if (call_[k] != none && owner_[k] != none) owners_in_[call_[k]].insert(owner_[k]);
    }
  }
  std::size_t number_of(const std::string& path) {
    const auto found = std::find(owners_.begin(), owners_.end(), path);
    if (found != owners_.end()) return static_cast<std::size_t>(found - owners_.begin());
    owners_.push_back(path);
    return owners_.size() - 1;
  }

  // Whether a node is in a layer of a Sequential that reads the parameters of at most one struct.
  bool in_simple_layer(std::size_t k) const {
    if (call_[k] == none) return false;
    const auto found = owners_in_.find(call_[k]);
    return found == owners_in_.end() || found->second.size() <= 1;
  }
  bool in_library(std::size_t k) const {
    return std::string_view(tape_.node(k).where.file_name()).starts_with(own_folder);
  }
  // Whether a node is an elementwise function of one operand, such as an activation, that the user called. For
  // `relu(conv(x))`, clang gives the position of `conv(x)`.
  bool is_activation(std::size_t k) const {
    const std::string_view op = tape_.node(k).op->name;
    return tape_.node(k).op->kernels[0] != nullptr && tape_.inputs(k).size() == 1 && owner_[k] == none &&
           !in_library(k) && op != "add_scalar" && op != "multiply_scalar" && op != "negate";
  }

  // Consecutive nodes that one call recorded: those of a simple layer of a Sequential, or else those of one line and
  // column, or of a module of the library.
  std::vector<std::vector<std::size_t>> runs_in_place() const {
    const auto same_call = [&](std::size_t a, std::size_t b) {
      if (call_[a] != call_[b]) return false;
      if (in_simple_layer(a)) return true;
      return !is_activation(a) && !is_activation(b) && same_place(tape_.node(a).where, tape_.node(b).where);
    };
    std::vector<std::vector<std::size_t>> runs;
    for (std::size_t k = first_; k < tape_.size(); ++k) {
      if (tape_.node(k).op == nullptr) continue;
      if (runs.empty() || !same_call(runs.back().back(), k)) {
        if (!runs.empty()) cut_end(runs);
        runs.emplace_back();
      }
      runs.back().push_back(k);
    }
    if (!runs.empty()) cut_end(runs);
    return runs;
  }
  // Splits off the nodes of the newest run after its last node that reads parameters: they were called on the layer's
  // result.
  void cut_end(std::vector<std::vector<std::size_t>>& runs) const {
    auto& run = runs.back();
    if (in_simple_layer(run.front()) || in_library(run.front())) return;
    const auto last = std::find_if(run.rbegin(), run.rend(), [&](std::size_t k) { return owner_[k] != none; });
    if (last == run.rend() || last == run.rbegin()) return;
    std::vector<std::size_t> rest(last.base(), run.end());
    run.erase(last.base(), run.end());
    runs.push_back(std::move(rest));
  }
  static bool same_place(const Location& a, const Location& b) {
    const std::string_view file = a.file_name(), other = b.file_name();
    if (file.starts_with(own_folder)) return other.starts_with(own_folder);
    return file == other && a.line() == b.line() && a.column() == b.column();
  }

  // Splits runs with several owners before each node that reads the parameters of another owner.
  std::vector<Run> split_by_owner(const std::vector<std::vector<std::size_t>>& runs) const {
    std::vector<Run> result;
    for (const auto& nodes : runs) {
      result.push_back({none, call_[nodes.front()], {}});
      for (const std::size_t k : nodes) {
        Run* run = &result.back();
        if (owner_[k] != none && run->owner != none && owner_[k] != run->owner)
          run = &result.emplace_back(Run{none, call_[k], {}});
        if (owner_[k] != none) run->owner = owner_[k];
        run->nodes.push_back(k);
      }
    }
    return result;
  }

  // Merges neighbouring runs of one owner, including the runs between them that read no parameters, and a run that
  // repeats lines of the run before it.
  std::vector<Run> merged(std::vector<Run> runs) const {
    std::vector<Run> result;
    std::size_t last = none;  // the newest run with an owner
    for (Run& run : runs) {
      if (run.owner != none && last != none && result[last].owner == run.owner && result[last].call == run.call) {
        for (std::size_t i = last + 1; i < result.size(); ++i) append(result[last], result[i]);
        result.resize(last + 1);
        append(result[last], run);
        continue;
      }
      if (run.owner == none && last != none && last + 1 == result.size() && repeats(result[last], run)) {
        append(result[last], run);
        continue;
      }
      if (run.owner != none) last = result.size();
      result.push_back(std::move(run));
    }
    return result;
  }
  // Whether a run is the end of a loop whose earlier iterations are in `before`.
  bool repeats(const Run& before, const Run& run) const {
    const Node<T>& node = tape_.node(run.nodes.front());
    return before.call == run.call && std::any_of(before.nodes.rbegin(), before.nodes.rend(), [&](std::size_t k) {
             return owner_[k] == none && tape_.node(k).op == node.op && same_place(tape_.node(k).where, node.where);
           });
  }
  static void append(Run& to, const Run& from) {
    to.nodes.insert(to.nodes.end(), from.nodes.begin(), from.nodes.end());
  }

  TapeLayer named(Run& run) const {
    TapeLayer layer;
    if (run.owner != none) {
      layer.path = owners_[run.owner];
      const auto type = anatomy_.types.find(layer.path);
      layer.type = type == anatomy_.types.end() ? "" : type->second;
    } else if (run.call != none && covers(run)) {
      layer.path = anatomy_.calls[run.call].path;
      layer.type = anatomy_.calls[run.call].type;
    } else {
      layer.type = tape_.node(run.nodes.back()).op->name;
      layer.is_function = true;
    }
    layer.nodes = std::move(run.nodes);
    return layer;
  }
  // Whether a run holds all nodes that its layer of a Sequential recorded.
  bool covers(const Run& run) const {
    const LayerCall& call = anatomy_.calls[run.call];
    std::size_t count = 0;
    for (std::size_t k = call.begin; k < call.end; ++k) count += tape_.node(k).op != nullptr && call_[k] == run.call;
    return count == run.nodes.size();
  }

  const Tape<T>& tape_;
  std::size_t first_;
  const Anatomy<T>& anatomy_;
  std::vector<std::string> owners_;
  std::vector<std::size_t> owner_, call_;                   // by node
  std::map<std::size_t, std::set<std::size_t>> owners_in_;  // by call
};

}  // namespace

template <class T>
std::vector<TapeLayer> layers_of(const Tape<T>& tape, std::size_t first, const Anatomy<T>& anatomy) {
  return Dissection<T>(tape, first, anatomy).layers();
}

template std::vector<TapeLayer> layers_of(const Tape<float>&, std::size_t, const Anatomy<float>&);
template std::vector<TapeLayer> layers_of(const Tape<double>&, std::size_t, const Anatomy<double>&);

}  // namespace wengert::nn
