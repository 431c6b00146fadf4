// The formulas of a recorded value and of its gradient.
#include "tape/ancestors.hpp"
#include <wengert/inspect/graph.hpp>
#include <wengert/tape/op.hpp>
#include <wengert/transform/transforms.hpp>

#include <algorithm>
#include <cctype>
#include <map>

#include <fmt/format.h>

namespace wengert {
namespace {

// Escapes what LaTeX would take for a command.
std::string in_latex(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (std::string_view("_%&#${}").find(c) != std::string_view::npos) result += '\\';
    result += std::string_view("\\^~").find(c) != std::string_view::npos ? ' ' : c;
  }
  return result;
}

// A name whose trailing digits are a subscript: W1 is W with the subscript 1.
Text named(std::string_view name, bool bar = false) {
  const std::size_t digits = static_cast<std::size_t>(
      std::find_if(name.rbegin(), name.rend(), [](unsigned char c) { return std::isdigit(c) == 0; }) - name.rbegin());
  const std::string_view letters = name.substr(0, name.size() - digits), index = name.substr(letters.size());
  std::string latex = letters.size() == 1 ? std::string(letters) : fmt::format("\\mathrm{{{}}}", in_latex(letters));
  if (bar) latex = fmt::format("\\bar{{{}}}", latex);
  if (!index.empty()) latex += fmt::format("_{{{}}}", index);
  if (!bar) return {std::string(name), latex};
  return {letters.size() == 1 ? fmt::format("{}\u0304{}", letters, index) : fmt::format("∂{}", name), latex};
}

template <class T>
class Explainer {
 public:
  Explainer(Var<T> scalar, std::vector<Var<T>> wrt, const Location& where)
      : tape_(tape_of(scalar, "explain", where)), scalar_(scalar), wrt_(std::move(wrt)) {
    reach();
    if (wrt_.empty()) choose_variables();
  }

  Explanation run() {
    const auto mark = tape_.mark();
    const Location where = tape_.node(scalar_, "explain").where;
    return atomically(tape_, where, [&] {
      name_values();
      std::vector<Var<T>> values;
      for (const std::size_t k : dependents_) values.push_back(tape_.at(k));
      const std::vector<Var<T>> gradients = grad<T>({scalar_, where}, values);
      for (std::size_t i = values.size(); i-- > 0;) {
        const std::size_t k = dependents_[i];
        const Text left = named(plain_names_.at(k), true);
        const auto known = texts_.find(gradients[i].index());
        const Text right = known != texts_.end() ? known->second : write(gradients[i].index());
        texts_.emplace(gradients[i].index(), left);
        result_.gradients.push_back({left, right, values[i].shape(), tape_.node(k).where});
      }
      tape_.rewind(mark);
      return std::move(result_);
    });
  }

 private:
  void reach() {
    const std::vector<bool> reached = ancestors(scalar_);
    for (std::size_t k = 0; k < reached.size(); ++k)
      if (reached[k]) reached_.push_back(k);
  }
  void choose_variables() {
    for (const bool need_name : {true, false}) {
      for (const std::size_t k : reached_)
        if (tape_.node(k).op == nullptr && !tape_.node(k).holds_indices && !(need_name && tape_.name(k).empty()))
          wrt_.push_back(tape_.at(k));
      if (!wrt_.empty()) return;
    }
  }
  // Names the reached nodes, except views, and writes down how they are computed.
  void name_values() {
    std::vector<bool> depends(scalar_.index() + std::size_t{1});
    for (const Var<T>& w : wrt_)
      if (w.index() <= scalar_.index()) depends[w.index()] = true;
    std::size_t values = 0, constants = 0;
    for (const std::size_t k : reached_) {
      const Node<T>& n = tape_.node(k);
      for (const std::uint32_t input : tape_.inputs(k)) depends[k] = depends[k] || depends[input];
      if (n.op != nullptr && n.op->view != nullptr && k != scalar_.index()) continue;  // written where it is used
      std::string name(tape_.name(k));
      if (n.op != nullptr)
        name = fmt::format("v{}", ++values);
      else if (name.empty() && (n.layout->size != 1 || depends[k]))
        name = fmt::format("c{}", ++constants);
      else if (name.empty())
        continue;  // a number
      if (n.op != nullptr) result_.values.push_back({named(name), write(k), n.layout->shape, n.where});
      texts_.emplace(k, named(name));
      plain_names_.emplace(k, name);
      if (depends[k]) dependents_.push_back(k);
    }
  }
  // A node's name, or its formula if it has none.
  Text write(std::size_t k) {
    const auto known = texts_.find(k);
    if (known != texts_.end()) return known->second;
    const Node<T>& n = tape_.node(k);
    if (n.op == nullptr)
      return n.layout->size == 1 ? Text::of(static_cast<double>(*tape_.value_of(k).data)) : named("c");
    std::vector<Text> inputs;
    for (const std::uint32_t input : tape_.inputs(k)) inputs.push_back(write(input));
    return n.op->text != nullptr ? n.op->text(n.attributes, inputs) : Text::call(n.op->name, inputs);
  }

  Tape<T>& tape_;
  Var<T> scalar_;
  std::vector<Var<T>> wrt_;
  std::vector<std::size_t> reached_, dependents_;
  std::map<std::size_t, Text> texts_;  // texts of named nodes: values, later their gradients
  std::map<std::size_t, std::string> plain_names_;
  Explanation result_;
};

}  // namespace

std::string Explanation::to_string() const {
  std::string text;
  for (const auto* lines : {&values, &gradients}) {
    for (const Line& line : *lines)
      text += fmt::format("{} = {}    {}\n", line.left.plain, line.right.plain, wengert::to_string(line.shape));
    if (lines == &values) text += "\n";
  }
  return text;
}

std::string Explanation::to_latex() const {
  std::string text = "\\begin{align*}\n";
  for (const auto* lines : {&values, &gradients})
    for (const Line& line : *lines) text += fmt::format("  {} &= {} \\\\\n", line.left.latex, line.right.latex);
  return text + "\\end{align*}\n";
}

template <class T>
Explanation explain(Var<T> scalar, std::vector<Var<T>> wrt, Location where) {
  return Explainer<T>(scalar, std::move(wrt), where).run();
}

template Explanation explain(Var<float>, std::vector<Var<float>>, Location);
template Explanation explain(Var<double>, std::vector<Var<double>>, Location);

}  // namespace wengert
