// Losses: how far predictions are from their targets.
//
// Unless a function says otherwise, both have the same shape: (n,) against (n, 1) throws instead of broadcasting. N is
// the number of samples, the extent of the first axis. A NaN throws ValueError that names the operand and element; the
// tape stays as it was. A Program does not look for NaNs: its loss is one. Formulas and conventions are PyTorch's where
// it has the loss.
#pragma once

#include <wengert/op.hpp>

#include <cstdint>
#include <optional>
#include <type_traits>

namespace wengert {

/// What becomes of the costs that a loss computes.
enum class Reduction : std::uint8_t {
  none,        ///< they are returned as they are
  mean,        ///< their mean; weighted, where a loss has class weights
  sum,         ///< their sum
  batch_mean,  ///< their sum, divided by the number of samples N
};

// ---- regression ----------------------------------------------------------------------------------------------------

/// The least-squares cost of a batch, 1/(2N) · Σ (a − y)².
template <class T>
Var<T> squared_error(Var<T> prediction, std::type_identity_t<Operand<T>> target, Location where = Location::current());

/// The squared differences (a − y)².
template <class T>
Var<T> mse_loss(Var<T> prediction, std::type_identity_t<Operand<T>> target, Reduction reduction = Reduction::mean,
                Location where = Location::current());

/// The absolute differences |a − y|. The gradient of a hit, a = y, is 0.
template <class T>
Var<T> l1_loss(Var<T> prediction, std::type_identity_t<Operand<T>> target, Reduction reduction = Reduction::mean,
               Location where = Location::current());

/// Huber's loss: d²/2 up to |d| = delta, beyond it delta (|d| − delta/2), where d = a − y (Huber 1964).
/// Throws ValueError unless delta > 0.
template <class T>
Var<T> huber_loss(Var<T> prediction, std::type_identity_t<Operand<T>> target, double delta = 1,
                  Reduction reduction = Reduction::mean, Location where = Location::current());

/// The smooth L1 loss: d²/(2 beta) below |d| = beta, from there on |d| − beta/2, where d = a − y; Huber's divided by
/// beta. With beta = 0 it is the L1 loss. Throws ValueError for a negative beta.
template <class T>
Var<T> smooth_l1_loss(Var<T> prediction, std::type_identity_t<Operand<T>> target, double beta = 1,
                      Reduction reduction = Reduction::mean, Location where = Location::current());

/// How `poisson_nll_loss` reads its prediction.
struct PoissonOptions {
  bool log_input = true;  ///< the prediction is the logarithm of the expected count, otherwise the count itself
  bool full = false;      ///< adds Stirling's approximation of ln y! where y > 1
  double epsilon = 1e-8;  ///< added to the expected count before its logarithm is taken
  Reduction reduction = Reduction::mean;  ///< how the costs are put together
};

/// The negative log likelihood of counts y under Poisson's distribution: eᵃ − y a, or a − y ln(a + ε) if the prediction
/// a is the expected count itself.
template <class T>
Var<T> poisson_nll_loss(Var<T> prediction, std::type_identity_t<Operand<T>> target, const PoissonOptions& options = {},
                        Location where = Location::current());

/// How `gaussian_nll_loss` reads its inputs.
struct GaussianOptions {
  bool full = false;                      ///< adds the constant ½ ln 2π
  double epsilon = 1e-6;                  ///< the smallest variance that is divided by
  Reduction reduction = Reduction::mean;  ///< how the costs are put together
};

/// The negative log likelihood of y under a normal distribution of given mean and variance: ½ [ln v + (mean − y)²/v].
///
/// The variance v has the shape of the mean, or extent 1 along its last axis. As in PyTorch it is at least ε in the
/// formula, and its gradient is taken as if it were not limited. Throws ValueError for a negative variance.
template <class T>
Var<T> gaussian_nll_loss(Var<T> mean, std::type_identity_t<Operand<T>> target,
                         std::type_identity_t<Operand<T>> variance, const GaussianOptions& options = {},
                         Location where = Location::current());

// ---- classification ------------------------------------------------------------------------------------------------

/// What the binary cross entropies weigh their costs with.
template <class T>
struct BinaryCrossEntropyOptions {
  Var<T> weight{};           ///< of each element, broadcast against them; empty: 1
  Var<T> positive_weight{};  ///< of the term with y = 1, broadcast likewise; only from logits; empty: 1
  Reduction reduction = Reduction::batch_mean;  ///< how the costs are put together
};

/// The binary cross entropy −[y ln p + (1 − y) ln(1 − p)] of probabilities p in [0, 1]; by default Σ/N, the mean over
/// the samples, not over the elements.
///
/// As in PyTorch, each logarithm is at least −100 and the gradient's denominator p(1 − p) at least 1e-12, so certainty
/// that is wrong costs much, not infinitely much. Prefer the version from logits, which loses nothing.
template <class T>
Var<T> binary_cross_entropy(Var<T> probability, std::type_identity_t<Operand<T>> target,
                            const std::type_identity_t<BinaryCrossEntropyOptions<T>>& options = {},
                            Location where = Location::current());

/// The binary cross entropy of sigmoid(z), computed from the logits z: finite and exact for every finite z. By default
/// Σ/N, the mean over the samples.
template <class T>
Var<T> binary_cross_entropy_with_logits(Var<T> logits, std::type_identity_t<Operand<T>> target,
                                        const std::type_identity_t<BinaryCrossEntropyOptions<T>>& options = {},
                                        Location where = Location::current());

/// The categorical cross entropy −1/N · Σ y ln softmax(z) over the last axis, computed from the logits z (N×K): finite
/// and exact for every finite z. Targets are one-hot rows or probabilities, N×K. A vector of K logits is one sample.
template <class T>
Var<T> cross_entropy_with_logits(Var<T> logits, std::type_identity_t<Operand<T>> target,
                                 Location where = Location::current());

/// How `cross_entropy` and `nll_loss` weigh their costs.
template <class T>
struct CrossEntropyOptions {
  Var<T> weights{};                            ///< of each class, of shape (C,); empty: 1
  double label_smoothing = 0;                  ///< the share of the target that is spread evenly over all classes
  std::optional<std::int64_t> ignore_index{};  ///< the label of samples that cost nothing
  Reduction reduction = Reduction::mean;       ///< with labels, the mean is weighted by the classes' weights
};

/// The categorical cross entropy −ln softmax(z)ₖ of the class k, from the logits z: finite and exact for every finite
/// z.
///
/// The classes lie along axis 1 of logits (N, C) or (N, C, …), as in PyTorch; the labels then have the shape (N) or
/// (N, …). A vector of logits (C) is one sample, its label a scalar. The mean is Σ w_k cost / Σ w_k over all labels
/// that are not ignored. Throws ValueError for a label that is no class.
template <class T>
Var<T> cross_entropy(Var<T> logits, std::type_identity_t<IndexOperand<T>> labels,
                     const std::type_identity_t<CrossEntropyOptions<T>>& options = {},
                     Location where = Location::current());

/// The same for targets that are one-hot or probabilities, in the shape of the logits: −Σ wₖ yₖ ln softmax(z)ₖ over the
/// classes. The mean is over the samples, without the weights.
template <class T>
Var<T> cross_entropy(Var<T> logits, std::type_identity_t<Operand<T>> target,
                     const std::type_identity_t<CrossEntropyOptions<T>>& options = {},
                     Location where = Location::current());

/// The negative log likelihood −aₖ of the class k, given the logarithms a of probabilities; otherwise as
/// `cross_entropy`.
template <class T>
Var<T> nll_loss(Var<T> log_probability, std::type_identity_t<IndexOperand<T>> labels,
                const std::type_identity_t<CrossEntropyOptions<T>>& options = {}, Location where = Location::current());

/// The hinge loss max(0, margin − y z) of scores z for targets y of −1 and 1. The gradient at the kink is 0.
/// Throws ValueError unless margin > 0.
template <class T>
Var<T> hinge_loss(Var<T> score, std::type_identity_t<Operand<T>> target, double margin = 1,
                  Reduction reduction = Reduction::mean, Location where = Location::current());

/// How `kl_div` reads its target.
struct KlDivOptions {
  bool log_target = false;                ///< the target holds logarithms of probabilities, as the prediction does
  Reduction reduction = Reduction::mean;  ///< how the costs are put together
};

/// The Kullback–Leibler divergence's terms y (ln y − a) of probabilities y from those whose logarithms a are predicted.
///
/// A term with y = 0 is 0. The divergence of a batch of distributions is their `Reduction::batch_mean`; the default
/// mean over all elements is PyTorch's.
template <class T>
Var<T> kl_div(Var<T> log_probability, std::type_identity_t<Operand<T>> target, const KlDivOptions& options = {},
              Location where = Location::current());

// ---- sequences -----------------------------------------------------------------------------------------------------

/// How `ctc_loss` reads its inputs.
struct CtcOptions {
  std::int64_t blank = 0;                 ///< the class that stands for no label
  bool zero_infinity = false;             ///< a target that is too long for its input costs 0 instead of ∞
  Reduction reduction = Reduction::mean;  ///< how the costs are put together
};

/// The connectionist temporal classification loss −ln P of label sequences (Graves et al. 2006): P sums the
/// probabilities of all paths that give the labels once repetitions are merged and blanks left out.
///
/// Predictions are logarithms of probabilities, (frames, samples, classes), as from log_softmax. Targets are
/// (samples, longest target), or all labels one after another; both lengths have the shape (samples,). As in PyTorch
/// the mean divides each cost by the length of its target (at least 1) first. A target that is too long for its input
/// costs ∞; its gradient is 0. Can be differentiated twice; a third time throws GradientError. Throws ValueError for a
/// label or length out of range.
template <class T>
Var<T> ctc_loss(Var<T> log_probability, std::type_identity_t<IndexOperand<T>> targets,
                std::type_identity_t<IndexOperand<T>> input_lengths,
                std::type_identity_t<IndexOperand<T>> target_lengths, const CtcOptions& options = {},
                Location where = Location::current());

// ---- embeddings: rows of numbers that are to lie near each other, or apart
// -------------------------------------------

/// The cosine of the angle between the vectors along an axis of a and b, which have one shape; that axis is dropped.
///
/// Each length is taken as at least epsilon, so a vector of zeros gives 0, with a finite gradient. Throws AxisError if
/// there is no such axis.
template <class T>
Var<T> cosine_similarity(Var<T> a, std::type_identity_t<Operand<T>> b, std::ptrdiff_t axis = 1, double epsilon = 1e-8,
                         Location where = Location::current());

/// 1 − cos(a, b) for a target of 1, max(0, cos(a, b) − margin) for one of −1; the vectors lie along the last axis, and
/// the target has the shape of the others.
template <class T>
Var<T> cosine_embedding_loss(Var<T> a, std::type_identity_t<Operand<T>> b, std::type_identity_t<Operand<T>> target,
                             double margin = 0, Reduction reduction = Reduction::mean,
                             Location where = Location::current());

/// How `triplet_margin_loss` measures.
struct TripletOptions {
  double margin = 1;      ///< by how much the distances shall differ
  double p = 2;           ///< the distance is the p-norm
  double epsilon = 1e-6;  ///< added to the differences, as in PyTorch
  bool swap = false;      ///< the negative's distance is the smaller of those from the anchor and from the positive
  Reduction reduction = Reduction::mean;  ///< how the costs are put together
};

/// max(0, margin + ‖anchor − positive‖ − ‖anchor − negative‖) for vectors along the last axis. The gradient at the kink
/// is 0, and so is that of a distance of 0. Throws ValueError unless margin and p are positive.
template <class T>
Var<T> triplet_margin_loss(Var<T> anchor, std::type_identity_t<Operand<T>> positive,
                           std::type_identity_t<Operand<T>> negative, const TripletOptions& options = {},
                           Location where = Location::current());

/// ½ [y d² + (1 − y) max(0, margin − d)²], d = ‖a − b‖ along the last axis, for pairs that are alike (y = 1) or not (0)
/// (Hadsell, Chopra & LeCun 2006, who write 0 for alike). The gradient of a distance of 0 is 0.
template <class T>
Var<T> contrastive_loss(Var<T> a, std::type_identity_t<Operand<T>> b, std::type_identity_t<Operand<T>> target,
                        double margin = 1, Reduction reduction = Reduction::mean, Location where = Location::current());

}  // namespace wengert
