// Loss functions.
//
// Unless stated otherwise, predictions and targets have the same shape: other shapes throw ShapeError instead of
// broadcasting, even (n,) against (n, 1). N is the number of samples, the extent of the first axis. A loss that is NaN
// throws a ValueError that names the operand and the element, and leaves the tape unchanged; a Program repeats this
// check at each replay. Formulas and conventions are PyTorch's if it has the loss.
#pragma once

#include <wengert/tape/index_var.hpp>

#include <cstdint>
#include <optional>
#include <type_traits>

namespace wengert {

/// How the individual losses of a batch are reduced.
enum class Reduction : std::uint8_t {
  none,        ///< not at all
  mean,        ///< their mean, weighted if the loss has class weights
  sum,         ///< their sum
  batch_mean,  ///< their sum, divided by the number of samples N
};

// ---- regression ----------------------------------------------------------------------------------------------------

/// The least-squares loss of a batch, 1/(2N) · Σ (a − y)².
template <class T>
Var<T> squared_error(Var<T> prediction, std::type_identity_t<Operand<T>> target, Location where = Location::current());

/// The squared differences (a − y)² of predictions a and targets y.
template <class T>
Var<T> mse_loss(Var<T> prediction, std::type_identity_t<Operand<T>> target, Reduction reduction = Reduction::mean,
                Location where = Location::current());

/// The absolute differences |a − y|; the gradient at a = y is 0.
template <class T>
Var<T> l1_loss(Var<T> prediction, std::type_identity_t<Operand<T>> target, Reduction reduction = Reduction::mean,
               Location where = Location::current());

/// Huber's loss: d²/2 for |d| ≤ delta, otherwise delta (|d| − delta/2), where d = a − y (Huber 1964).
/// Throws ValueError unless delta > 0.
template <class T>
Var<T> huber_loss(Var<T> prediction, std::type_identity_t<Operand<T>> target, double delta = 1,
                  Reduction reduction = Reduction::mean, Location where = Location::current());

/// The smooth L1 loss: d²/(2 beta) for |d| < beta, otherwise |d| − beta/2, where d = a − y. It is Huber's loss divided
/// by beta and, for beta = 0, the L1 loss. Throws ValueError for a negative beta.
template <class T>
Var<T> smooth_l1_loss(Var<T> prediction, std::type_identity_t<Operand<T>> target, double beta = 1,
                      Reduction reduction = Reduction::mean, Location where = Location::current());

/// Options of `poisson_nll_loss`.
struct PoissonOptions {
  bool log_input = true;  ///< whether the prediction is the logarithm of the expected count, or the count itself
  bool full = false;      ///< adds Stirling's approximation of ln y! where y > 1
  double epsilon = 1e-8;  ///< ε, added to the expected count in its logarithm
  Reduction reduction = Reduction::mean;  ///< how the individual losses are reduced
};

/// The negative log-likelihood of counts y under a Poisson distribution: eᵃ − y a, or a − y ln(a + ε) if the prediction
/// a is the expected count itself. Throws ValueError for a negative ε.
template <class T>
Var<T> poisson_nll_loss(Var<T> prediction, std::type_identity_t<Operand<T>> target, const PoissonOptions& options = {},
                        Location where = Location::current());

/// Options of `gaussian_nll_loss`.
struct GaussianOptions {
  bool full = false;                      ///< adds the constant ½ ln 2π
  double epsilon = 1e-6;                  ///< ε, the lower limit of the variance
  Reduction reduction = Reduction::mean;  ///< how the individual losses are reduced
};

/// The negative log-likelihood of y under a normal distribution with mean a and variance v: ½ [ln v + (a − y)²/v].
///
/// v has the shape of the mean, or extent 1 along its last axis. As in PyTorch, the formula limits v to at least ε, but
/// the gradient ignores the limit. Throws ValueError for a negative variance, and unless ε > 0.
template <class T>
Var<T> gaussian_nll_loss(Var<T> mean, std::type_identity_t<Operand<T>> target,
                         std::type_identity_t<Operand<T>> variance, const GaussianOptions& options = {},
                         Location where = Location::current());

// ---- classification ------------------------------------------------------------------------------------------------

/// Options of the binary cross entropies.
template <class T>
struct BinaryCrossEntropyOptions {
  Var<T> weight{};           ///< the weights of the elements, broadcast to the target's shape; if empty, 1
  Var<T> positive_weight{};  ///< the weights of the term y ln p, broadcast likewise; for logits only; if empty, 1
  Reduction reduction = Reduction::batch_mean;  ///< how the individual losses are reduced
};

/// The binary cross entropy −[y ln p + (1 − y) ln(1 − p)] of probabilities p in [0, 1]; by default Σ/N, the mean over
/// the samples, not over the elements.
///
/// As in PyTorch, each logarithm is limited to at least −100 and the gradient's denominator p(1 − p) to at least 1e-12,
/// so the loss of a certain but wrong prediction is large, but finite. Prefer the version with logits, which is
/// accurate. Throws ValueError if `positive_weight` is set.
template <class T>
Var<T> binary_cross_entropy(Var<T> probability, std::type_identity_t<Operand<T>> target,
                            const std::type_identity_t<BinaryCrossEntropyOptions<T>>& options = {},
                            Location where = Location::current());

/// The binary cross entropy of sigmoid(z), computed from the logits z: finite and accurate for every finite z. By
/// default Σ/N, the mean over the samples.
template <class T>
Var<T> binary_cross_entropy_with_logits(Var<T> logits, std::type_identity_t<Operand<T>> target,
                                        const std::type_identity_t<BinaryCrossEntropyOptions<T>>& options = {},
                                        Location where = Location::current());

/// The categorical cross entropy −1/N · Σ y ln softmax(z) over the last axis of the logits z, (N, …, K): finite and
/// accurate for every finite z. Targets y are one-hot or probabilities. A vector of K logits is one sample.
template <class T>
Var<T> cross_entropy_with_logits(Var<T> logits, std::type_identity_t<Operand<T>> target,
                                 Location where = Location::current());

/// Options of `cross_entropy` and `nll_loss`.
template <class T>
struct CrossEntropyOptions {
  Var<T> weights{};                            ///< class weights, (C,); if empty, 1
  double label_smoothing = 0;                  ///< the share of the target spread evenly over all classes, in [0, 1]
  std::optional<std::int64_t> ignore_index{};  ///< the label of samples that are ignored
  Reduction reduction = Reduction::mean;       ///< with labels, the mean is weighted by the class weights
};

/// The categorical cross entropy −ln softmax(z)ₖ of the class k, from the logits z: finite and accurate for finite z.
///
/// The classes lie along axis 1 of logits (N, C) or (N, C, …), as in PyTorch, with labels (N,) or (N, …). A vector of
/// logits (C,) is one sample, and its label is a scalar. The mean is Σ wₖ loss / Σ wₖ over all labels that are not
/// ignored. Throws ValueError for a label that is not a class, or if the weights of a mean sum to 0.
template <class T>
Var<T> cross_entropy(Var<T> logits, std::type_identity_t<IndexOperand<T>> labels,
                     const std::type_identity_t<CrossEntropyOptions<T>>& options = {},
                     Location where = Location::current());

/// The same for targets that are one-hot or probabilities, of the shape of the logits: −Σ wₖ yₖ ln softmax(z)ₖ over the
/// classes k. The mean is not weighted. Throws ValueError if `ignore_index` is set.
template <class T>
Var<T> cross_entropy(Var<T> logits, std::type_identity_t<Operand<T>> target,
                     const std::type_identity_t<CrossEntropyOptions<T>>& options = {},
                     Location where = Location::current());

/// The negative log-likelihood −aₖ of the class k, given log-probabilities a; otherwise like `cross_entropy`.
template <class T>
Var<T> nll_loss(Var<T> log_probability, std::type_identity_t<IndexOperand<T>> labels,
                const std::type_identity_t<CrossEntropyOptions<T>>& options = {}, Location where = Location::current());

/// The hinge loss max(0, margin − y z) of scores z for targets y of −1 and 1. The gradient at the kink is 0.
/// Throws ValueError unless margin > 0.
template <class T>
Var<T> hinge_loss(Var<T> score, std::type_identity_t<Operand<T>> target, double margin = 1,
                  Reduction reduction = Reduction::mean, Location where = Location::current());

/// Options of `kl_div`.
struct KlDivOptions {
  bool log_target = false;                ///< whether the target holds log-probabilities, like the prediction
  Reduction reduction = Reduction::mean;  ///< how the individual losses are reduced
};

/// The terms y (ln y − a) of the Kullback–Leibler divergence, for target probabilities y and predicted logarithms a.
///
/// A term with y = 0 is 0. Use `Reduction::batch_mean` for the mean divergence over a batch of distributions; the
/// default, the mean over all elements, is PyTorch's.
template <class T>
Var<T> kl_div(Var<T> log_probability, std::type_identity_t<Operand<T>> target, const KlDivOptions& options = {},
              Location where = Location::current());

// ---- sequences -----------------------------------------------------------------------------------------------------

/// Options of `ctc_loss`.
struct CtcOptions {
  std::int64_t blank = 0;                 ///< the class of the blank
  bool zero_infinity = false;             ///< the loss of a target that is too long for its input is 0 instead of ∞
  Reduction reduction = Reduction::mean;  ///< how the individual losses are reduced
};

/// The connectionist temporal classification loss −ln P of label sequences (Graves et al. 2006). P is the total
/// probability of all paths that give the labels after repetitions are merged and blanks removed.
///
/// Predictions are log-probabilities (frames, samples, classes), such as those of log_softmax. Targets are
/// (samples, longest target), or the concatenated labels; both lengths have the shape (samples,). As in PyTorch, the
/// mean first divides each loss by the length of its target (at least 1). A target that is too long for its input has
/// loss ∞ and gradient 0. Throws ShapeError for other shapes, ValueError for a label or length out of range, and
/// GradientError for the third derivative.
template <class T>
Var<T> ctc_loss(Var<T> log_probability, std::type_identity_t<IndexOperand<T>> targets,
                std::type_identity_t<IndexOperand<T>> input_lengths,
                std::type_identity_t<IndexOperand<T>> target_lengths, const CtcOptions& options = {},
                Location where = Location::current());

// ---- embeddings ----------------------------------------------------------------------------------------------------

/// The cosine of the angle between the vectors along an axis of a and b, which have the same shape; the axis is
/// dropped.
///
/// Each norm is limited to at least epsilon, so a vector of zeros gives 0, with a finite gradient. Throws AxisError if
/// there is no such axis, ValueError unless epsilon > 0.
template <class T>
Var<T> cosine_similarity(Var<T> a, std::type_identity_t<Operand<T>> b, std::ptrdiff_t axis = 1, double epsilon = 1e-8,
                         Location where = Location::current());

/// 1 − cos(a, b) where the target is 1, max(0, cos(a, b) − margin) where it is −1. The vectors lie along the last axis;
/// the target has the shape of the remaining axes.
template <class T>
Var<T> cosine_embedding_loss(Var<T> a, std::type_identity_t<Operand<T>> b, std::type_identity_t<Operand<T>> target,
                             double margin = 0, Reduction reduction = Reduction::mean,
                             Location where = Location::current());

/// Options of `triplet_margin_loss`.
struct TripletOptions {
  double margin = 1;      ///< the required difference of the distances
  double p = 2;           ///< the order of the norm that measures distances
  double epsilon = 1e-6;  ///< added to the differences, as in PyTorch
  bool swap = false;      ///< uses the smaller of the negative's distances from the anchor and from the positive
  Reduction reduction = Reduction::mean;  ///< how the individual losses are reduced
};

/// max(0, margin + ‖anchor − positive‖ − ‖anchor − negative‖) for vectors along the last axis. The gradients at the
/// kink and of a distance of 0 are 0. Throws ValueError unless margin > 0, p > 0 and epsilon ≥ 0.
template <class T>
Var<T> triplet_margin_loss(Var<T> anchor, std::type_identity_t<Operand<T>> positive,
                           std::type_identity_t<Operand<T>> negative, const TripletOptions& options = {},
                           Location where = Location::current());

/// ½ [y d² + (1 − y) max(0, margin − d)²], d = ‖a − b‖ along the last axis, for pairs that are similar (y = 1) or
/// dissimilar (y = 0) (Hadsell, Chopra & LeCun 2006, where 0 means similar). The target has the shape of the remaining
/// axes. The gradient of a distance of 0 is 0. Throws ValueError unless margin > 0.
template <class T>
Var<T> contrastive_loss(Var<T> a, std::type_identity_t<Operand<T>> b, std::type_identity_t<Operand<T>> target,
                        double margin = 1, Reduction reduction = Reduction::mean, Location where = Location::current());

}  // namespace wengert
