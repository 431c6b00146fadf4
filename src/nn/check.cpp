// The network linter: detects misused losses, dead and saturated units, and parameters without a gradient.
#include "nn/tape_layers.hpp"
#include "tape/ancestors.hpp"
#include <wengert/nn/check.hpp>
#include <wengert/tape/op.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <ostream>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace wengert::nn {
namespace {

// The share of dead units or saturated results above which a layer is reported; well-initialised layers stay far below.
constexpr double too_many = 0.5;
// A unit with fewer values than this is never called dead: a healthy one outputs six zeros with probability 2⁻⁶.
constexpr std::size_t enough = 6;

template <class T>
class Inspection {
 public:
  Inspection(Tape<T>& tape, std::size_t first, Var<T> loss, const detail::ModuleTrace<T>& trace)
      : tape_(tape), first_(first), loss_(loss), trace_(trace), layers_(layers_of(tape, first, trace)) {
    end_ = tape.size();
    layer_of_.assign(end_, none);
    for (std::size_t i = 0; i < layers_.size(); ++i)
      for (const std::size_t k : layers_[i].nodes) layer_of_[k] = i;
    from_parameter_.assign(end_, false);
    for (std::size_t k = first; k < end_; ++k) {
      const auto inputs = tape.inputs(k);
      from_parameter_[k] = is_leaf(k)
                               ? tape.parameter(k).has_value()
                               : std::any_of(inputs.begin(), inputs.end(), [&](auto i) { return from_parameter_[i]; });
      if (!is_leaf(k) && !layers_[layer_of_[k]].is_function) last_layer_node_ = k;
    }
    reaches_loss_ = ancestors(loss);
    reaches_loss_.resize(end_, false);
  }

  CheckReport report() {
    for (std::size_t k = first_; k < end_; ++k) {
      if (is_leaf(k)) continue;
      check_logits(k);
      check_logarithm(k);
      check_log_probability(k);
      check_broadcast(k);
      check_values(k);
    }
    check_gradients();
    check_untracked_parameters();
    return std::move(report_);
  }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  bool is_leaf(std::size_t k) const { return tape_.node(k).op == nullptr; }
  std::string_view op(std::size_t k) const { return is_leaf(k) ? "" : tape_.node(k).op->name; }
  const Shape& shape(std::size_t k) const { return tape_.node(k).layout->shape; }
  // The node whose values k passes on, through views, broadcasts and copies.
  std::size_t source(std::size_t k) const {
    while (!is_leaf(k) && (tape_.node(k).op->view != nullptr || op(k) == "contiguous")) k = tape_.inputs(k)[0];
    return k;
  }
  static std::string line(const Location& where) {
    const std::string_view path = where.file_name();
    return fmt::format("{}:{}", path.substr(path.rfind('/') + 1), where.line());
  }
  // The path of a node's layer, or of the last one before it.
  std::string path(std::size_t k) const {
    for (std::size_t i = layer_of_[k] + 1; i-- > 0;)
      if (!layers_[i].is_function) return layers_[i].path;
    return {};
  }
  static std::string named(const TapeLayer& layer) {
    return layer.path.empty() ? layer.type : fmt::format("{} ({})", layer.path, layer.type);
  }
  // A node in a message: its op, its line, its layer.
  std::string place(std::size_t k) const {
    const std::string text = fmt::format("{} at {}", op(k), line(tape_.node(k).where));
    if (!layers_[layer_of_[k]].is_function) return fmt::format("{}, in {}", text, named(layers_[layer_of_[k]]));
    for (std::size_t i = layer_of_[k]; i-- > 0;)
      if (!layers_[i].is_function) return fmt::format("{}, after {}", text, named(layers_[i]));
    return text;
  }
  void find(Flaw flaw, std::size_t k, std::string text) {
    report_.findings.push_back({flaw, path(k), std::move(text)});
  }

  void check_logits(std::size_t k) {
    const bool is_binary = op(k).starts_with("binary_cross_entropy_with_logits"),
               is_cross_entropy = op(k) == "cross_entropy_with_logits" || op(k) == "cross_entropy_of_label" ||
                                  op(k) == "log_softmax";  // cross_entropy of images or with options uses it
    if (!is_binary && !is_cross_entropy && op(k) != "softmax") return;
    const std::size_t before = source(tape_.inputs(k)[0]);
    const bool is_sigmoid = op(before) == "sigmoid";
    if (op(before) != "softmax" && !(is_sigmoid && (is_binary || is_cross_entropy))) return;
    find(Flaw::softmax_before_logits, before,
         fmt::format("{}: its result is the input of {} ({}), which expects logits and applies the {} itself{}; remove "
                     "the {} from the input of the loss, and apply it where probabilities are needed",
                     place(before), op(k), line(tape_.node(k).where), is_binary ? "sigmoid" : "softmax",
                     is_sigmoid && is_cross_entropy ? ", so no probability comes close to 1" : "", op(before)));
  }

  void check_logarithm(std::size_t k) {
    if (op(k) != "log") return;
    std::size_t before = source(tape_.inputs(k)[0]);
    if (op(before) == "add_scalar" || op(before) == "add" || op(before) == "clip" || op(before) == "maximum")
      for (const std::uint32_t input : tape_.inputs(before))
        if (!is_leaf(source(input))) {
          before = source(input);
          break;
        }
    if (op(before) != "softmax" && op(before) != "sigmoid") return;
    const bool is_softmax = op(before) == "softmax";
    find(Flaw::log_of_softmax, before,
         fmt::format("{}: its logarithm is taken ({}), which is −∞ where it rounds to 0; use {}, or a loss that takes "
                     "logits",
                     place(before), line(tape_.node(k).where), is_softmax ? "log_softmax(x)" : "log_sigmoid(x)"));
  }

  // nll_loss picks the element of each label; its input must be ln p.
  void check_log_probability(std::size_t k) {
    if (op(k) != "pick_by_label" || !from_parameter_[k] || !reaches_loss_[k]) return;
    const std::size_t from = tape_.inputs(k)[0], before = source(from);
    const Tensor<T> x = tape_.at(from).value();
    const auto largest = std::max_element(x.begin(), x.end());
    if (largest == x.end() || !(*largest > T(0.01))) return;
    const bool is_probability = op(before) == "softmax" || op(before) == "sigmoid";
    find(Flaw::no_log_probability, before,
         fmt::format(
             "{}: nll_loss ({}) receives {} up to {:.2g}, but expects log-probabilities, which are at most 0; {}",
             place(before), line(tape_.node(k).where), is_probability ? "probabilities" : "numbers",
             static_cast<double>(*largest),
             is_probability ? fmt::format("use cross_entropy on the input of the {}", op(before))
                            : "use cross_entropy, which takes logits"));
  }

  // Predictions and targets that are both broadcast to fit each other.
  void check_broadcast(std::size_t k) {
    const auto inputs = tape_.inputs(k);
    if (k <= last_layer_node_ || inputs.size() < 2 || !reaches_loss_[k]) return;
    const auto is_repeated = [&](std::size_t i) {
      const std::size_t from = source(inputs[i]);
      return shape(from).elements() > 1 && shape(from).elements() < shape(k).elements();
    };
    if (!is_repeated(0) || !is_repeated(1) || from_parameter_[inputs[0]] == from_parameter_[inputs[1]]) return;
    const std::size_t prediction = from_parameter_[inputs[0]] ? 0 : 1;
    const Shape &p = shape(source(inputs[prediction])), &y = shape(source(inputs[1 - prediction]));
    find(Flaw::broadcast_loss, k,
         fmt::format("{}: predictions {} and targets {} broadcast to {}, so each prediction is compared with every "
                     "target; reshape the targets to {}, or use a loss of the library, which requires equal shapes",
                     place(k), wengert::to_string(p), wengert::to_string(y), wengert::to_string(shape(k)),
                     wengert::to_string(p)));
  }

  void check_values(std::size_t k) {
    const bool is_relu = op(k) == "relu" || op(k) == "relu6", is_sigmoid = op(k) == "sigmoid",
               is_tanh = op(k) == "tanh";
    if ((!is_relu && !is_sigmoid && !is_tanh) || !from_parameter_[k] || !reaches_loss_[k]) return;
    const Tensor<T> y = tape_.at(k).value();
    if (is_relu) {
      const double dead = dead_units(y);
      if (dead > too_many)
        find(Flaw::dead_relu, k,
             fmt::format(
                 "{}: {:.0f} % of its units output 0 for every sample and pass no gradient back; initialise with "
                 "he_normal weights and biases of 0, normalise the inputs to mean 0 and variance 1, or use leaky_relu",
                 place(k), 100 * dead));
      return;
    }
    std::size_t at_limits = 0;
    for (const T element : y)
      at_limits += is_tanh ? std::abs(element) > T(0.99) : element < T(0.01) || element > T(0.99);
    const double share = static_cast<double>(at_limits) / static_cast<double>(std::max<std::size_t>(y.size(), 1));
    if (share > too_many)
      find(Flaw::saturated, k,
           fmt::format(
               "{}: {:.0f} % of its results are within 0.01 of its limits, where the gradient vanishes; initialise "
               "with smaller weights (xavier_uniform), or normalise the inputs to mean 0 and variance 1",
               place(k), 100 * share));
  }
  // The share of units that are 0 throughout, along the axis where it is largest, except the axis of the samples.
  static double dead_units(const Tensor<T>& y) {
    double worst = 0;
    for (std::size_t axis = 1; axis < y.dimension(); ++axis) {
      const std::size_t units = y.shape()[axis];
      if (units == 0 || y.size() / units < enough) continue;
      std::size_t inner = 1;
      for (std::size_t a = axis + 1; a < y.dimension(); ++a) inner *= y.shape()[a];
      std::vector<bool> alive(units);
      for (std::size_t i = 0; i < y.size(); ++i)
        if (y.data()[i] != T(0)) alive[i / inner % units] = true;
      const auto dead = static_cast<double>(std::count(alive.begin(), alive.end(), false));
      worst = std::max(worst, dead / static_cast<double>(units));
    }
    return worst;
  }

  void check_gradients() {
    std::vector<std::string> paths;
    std::vector<Parameter<T>> trainable;
    for (const auto& [path, parameter] : trace_.parameters) {
      if (!parameter.trainable()) continue;
      paths.push_back(path);
      trainable.push_back(parameter);
    }
    const std::vector<Var<T>> gradients = grad<T>({loss_, tape_.node(loss_.index()).where}, trainable);
    std::map<const void*, bool> read;  // parameters on the tape, and whether the loss depends on them
    for (std::size_t k = first_; k < end_; ++k)
      if (is_leaf(k)) read[tape_.address(k)] = read[tape_.address(k)] || reaches_loss_[k];
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> silent;  // names by layer and problem
    for (std::size_t i = 0; i < trainable.size(); ++i) {
      const std::string& path = paths[i];
      const Tensor<T> g = gradients[i].value();
      const auto found = read.find(trainable[i].value().data());
      const char* wrong = nullptr;
      if (std::any_of(g.begin(), g.end(), [](T element) { return !std::isfinite(element); }))
        wrong = "their gradient is not finite; a TraceNaN on the tape names the op that causes it";
      else if (found == read.end())
        wrong = "the network does not read them; call their layer, freeze them, or remove them from the struct";
      else if (!found->second)
        wrong = "the network reads them, but the loss does not depend on the result; use the result, or freeze them";
      else if (std::all_of(g.begin(), g.end(), [](T element) { return element == T(0); }))
        wrong = "their gradient is 0 everywhere; look for dead units, stop_gradient or comparisons after them";
      if (wrong == nullptr) continue;
      const std::size_t dot = path.rfind('.');
      silent[{dot == path.npos ? "" : path.substr(0, dot), wrong}].push_back(dot == path.npos ? path
                                                                                              : path.substr(dot + 1));
    }
    for (const auto& [key, names] : silent) {
      const TapeLayer layer{key.first, type_at(trace_.parts, key.first), false, {}};
      report_.findings.push_back(
          {Flaw::no_gradient, key.first,
           fmt::format("{} of {} receive no gradient: {}", fmt::join(names, " and "), named(layer), key.second)});
    }
  }

  // Trainable parameters that were read but are not found among the network's members.
  void check_untracked_parameters() {
    std::vector<Parameter<T>> known;
    for (const auto& [path, parameter] : trace_.parameters) known.push_back(parameter);
    std::vector<std::string> untracked;
    for (std::size_t k = first_; k < end_; ++k) {
      const std::optional<Parameter<T>> parameter = is_leaf(k) ? tape_.parameter(k) : std::nullopt;
      if (!parameter || !parameter->trainable() || std::find(known.begin(), known.end(), *parameter) != known.end())
        continue;
      known.push_back(*parameter);
      untracked.push_back(fmt::format("{} {} at {}", parameter->name().empty() ? "one" : parameter->name(),
                                      wengert::to_string(parameter->shape()), line(tape_.node(k).where)));
    }
    if (untracked.empty()) return;
    report_.findings.push_back(
        {Flaw::no_gradient, "",
         fmt::format("the network reads trainable parameters that are not among its members ({}), so they are neither "
                     "trained nor saved with it; members that have a constructor, private members or virtual functions "
                     "are skipped, as are maps, pairs, variants and lambdas: use aggregates, vectors, tuples, "
                     "optionals or pointers, or freeze the parameters of another network",
                     fmt::join(untracked, ", "))});
  }

  Tape<T>& tape_;
  std::size_t first_, end_ = 0;
  Var<T> loss_;
  const detail::ModuleTrace<T>& trace_;
  std::vector<TapeLayer> layers_;
  std::vector<std::size_t> layer_of_;  // by node
  std::vector<bool> from_parameter_, reaches_loss_;
  std::size_t last_layer_node_ = 0;
  CheckReport report_;
};

}  // namespace

namespace detail {

template <class T>
CheckReport inspect(Tape<T>& tape, std::size_t first, Var<T> loss, const ModuleTrace<T>& trace) {
  tape.node(loss, "check", Location{});  // of this tape, and not rewound
  return Inspection<T>(tape, first, loss, trace).report();
}
template CheckReport inspect(Tape<float>&, std::size_t, Var<float>, const ModuleTrace<float>&);
template CheckReport inspect(Tape<double>&, std::size_t, Var<double>, const ModuleTrace<double>&);

}  // namespace detail

std::string CheckReport::to_string() const {
  std::string text;
  for (const CheckFinding& finding : findings) text += finding.text + "\n";
  return findings.empty() ? "nothing found\n" : text;
}

std::ostream& operator<<(std::ostream& out, const CheckReport& report) { return out << report.to_string(); }

}  // namespace wengert::nn
