#!/usr/bin/env python3
"""Writes loss.npz, cases of losses: /usr/bin/python3 loss.py"""
import numpy as np
import torch
from torch.nn import functional as F

from oracle import Oracle

oracle = Oracle()
draw = oracle.uniform
REDUCTIONS = ("none", "mean", "sum")


def batch_mean(losses):
    return losses.sum() / losses.shape[0]


# ---- regression

a, y = draw(4, 3, low=-2, high=2), draw(4, 3, low=-2, high=2)
for name, function in [
    ("mse_loss", F.mse_loss),
    ("l1_loss", F.l1_loss),
    ("huber_loss", lambda a, y, reduction: F.huber_loss(a, y, delta=0.7, reduction=reduction)),
    ("smooth_l1_loss", lambda a, y, reduction: F.smooth_l1_loss(a, y, beta=0.7, reduction=reduction)),
    ("smooth_l1_loss.beta0", lambda a, y, reduction: F.smooth_l1_loss(a, y, beta=0.0, reduction=reduction)),
    ("poisson_nll_loss", lambda a, y, reduction: F.poisson_nll_loss(a, y, reduction=reduction)),
]:
    for reduction in REDUCTIONS:
        # The second gradient of the L1 loss is 0; PyTorch 1.13 returns the weights v1 if both inputs are
        # differentiated.
        orders = 1 if name == "l1_loss" else 2
        oracle.case(f"{name}.{reduction}", lambda a, y: function(a, y, reduction=reduction), a, y, orders=orders)
oracle.case("mse_loss.batch_mean", lambda a, y: batch_mean(F.mse_loss(a, y, reduction="none")), a, y)
oracle.case("mse_loss.scalar", F.mse_loss, draw(), draw())
oracle.case("squared_error", lambda a, y: 0.5 * batch_mean((a - y) ** 2), a, y)
same = np.array([1.0, 2.0, -1.0])
oracle.case("l1_loss.tie", F.l1_loss, same, same, orders=1)
edge = np.array([1.0, -1.0, 0.0, 0.5])
oracle.case("huber_loss.edge", lambda a, y: F.huber_loss(a, y, delta=1.0), edge, np.zeros(4), orders=1)
oracle.case("smooth_l1_loss.edge", lambda a, y: F.smooth_l1_loss(a, y, beta=0.5), edge, np.zeros(4), orders=1)

rates, counts = draw(4, 3, low=0.2, high=3), np.array([[0.0, 1, 2], [3, 4, 5], [1, 0, 7], [2.5, 1.5, 6]])
oracle.case("poisson_nll_loss.rate", lambda a, y: F.poisson_nll_loss(a, y, log_input=False), rates, counts)
oracle.case("poisson_nll_loss.full", lambda a: F.poisson_nll_loss(a, torch.tensor(counts), full=True, reduction="none"), a)
oracle.case("poisson_nll_loss.rate_full", lambda a, y: F.poisson_nll_loss(a, y, log_input=False, full=True, eps=1e-3),
            rates, counts + 1.25)

v = draw(4, 3, low=0.3, high=2)
for reduction in REDUCTIONS:
    oracle.case(f"gaussian_nll_loss.{reduction}",
                lambda a, y, v: F.gaussian_nll_loss(a, y, v, reduction=reduction), a, y, v)
oracle.case("gaussian_nll_loss.full", lambda a, y, v: F.gaussian_nll_loss(a, y, v, full=True), a, y, v)
oracle.case("gaussian_nll_loss.column", lambda a, y, v: F.gaussian_nll_loss(a, y, v), a, y, v[:, :1])
small = v.copy()
small[0] = [0.0, 0.05, 0.1]
oracle.case("gaussian_nll_loss.clamped", lambda a, y, v: F.gaussian_nll_loss(a, y, v, eps=0.2), a, y, small, orders=1)

# ---- binary classification

p, t, z = draw(4, 3, low=0.05, high=0.95), draw(4, 3, low=0, high=1), draw(4, 3, low=-3, high=3)
w, pw = draw(4, 3, low=0.5, high=2), draw(3, low=0.5, high=3)
for reduction in REDUCTIONS:
    oracle.case(f"binary_cross_entropy.{reduction}",
                lambda p: F.binary_cross_entropy(p, torch.tensor(t), reduction=reduction), p)
    oracle.case(f"binary_cross_entropy.weight.{reduction}",
                lambda p: F.binary_cross_entropy(p, torch.tensor(t), weight=torch.tensor(w), reduction=reduction), p)
    oracle.case(f"binary_cross_entropy_with_logits.{reduction}",
                lambda z, t: F.binary_cross_entropy_with_logits(z, t, reduction=reduction), z, t)
    oracle.case(f"binary_cross_entropy_with_logits.weight.{reduction}",
                lambda z: F.binary_cross_entropy_with_logits(z, torch.tensor(t), weight=torch.tensor(w),
                                                             reduction=reduction), z)
oracle.case("binary_cross_entropy_with_logits.positive_weight",
            lambda z: F.binary_cross_entropy_with_logits(z, torch.tensor(t), pos_weight=torch.tensor(pw)), z)
oracle.case("binary_cross_entropy_with_logits.both",
            lambda z: F.binary_cross_entropy_with_logits(z, torch.tensor(t), weight=torch.tensor(w),
                                                         pos_weight=torch.tensor(pw), reduction="none"), z)
oracle.case("binary_cross_entropy_with_logits.far",
            lambda z: F.binary_cross_entropy_with_logits(z, torch.tensor([1.0, 0, 1, 0]), pos_weight=torch.tensor(2.0),
                                                         reduction="none"), np.array([1000.0, 1000, -1000, -1000]))

signs = np.where(draw(4, 3) > 0, 1.0, -1.0)
# PyTorch has no plain hinge loss: this is its definition, away from the kink.
for reduction in REDUCTIONS:
    oracle.case(f"hinge_loss.{reduction}", lambda z: {"none": lambda c: c, "mean": torch.mean, "sum": torch.sum}[reduction](
        torch.clamp(1.5 - torch.tensor(signs) * z, min=0)), z)

logs, q = np.log(draw(4, 3, low=0.05, high=0.9)), draw(4, 3, low=0.05, high=0.9)
for reduction in ("none", "mean", "sum", "batchmean"):
    oracle.case(f"kl_div.{reduction}", lambda a, y: F.kl_div(a, y, reduction=reduction), logs, q)
    oracle.case(f"kl_div.log_target.{reduction}", lambda a, y: F.kl_div(a, y, reduction=reduction, log_target=True),
                logs, np.log(q))
q0 = q.copy()
q0[1] = [0, 1, 0]
oracle.case("kl_div.zero", lambda a: F.kl_div(a, torch.tensor(q0), reduction="none"), logs)

# ---- embeddings

a, b, far = draw(4, 3, low=-2, high=2), draw(4, 3, low=-2, high=2), draw(4, 3, low=-2, high=2)
alike = np.array([1.0, -1, 1, -1])
for axis in (0, 1, -1):
    oracle.case(f"cosine_similarity.axis{axis}", lambda a, b: F.cosine_similarity(a, b, dim=axis), a, b)
oracle.case("cosine_similarity.vector", lambda a, b: F.cosine_similarity(a, b, dim=0), a[0], b[0])
oracle.case("cosine_similarity.zero", lambda a, b: F.cosine_similarity(a, b, dim=0), np.zeros(3), b[0], orders=0)
for reduction in REDUCTIONS:
    oracle.case(f"cosine_embedding_loss.{reduction}",
                lambda a, b: F.cosine_embedding_loss(a, b, torch.tensor(alike), margin=0.1, reduction=reduction), a, b)
    oracle.case(f"triplet_margin_loss.{reduction}",
                lambda a, b, c: F.triplet_margin_loss(a, b, c, margin=1.5, reduction=reduction), a, b, far)
oracle.case("triplet_margin_loss.swap", lambda a, b, c: F.triplet_margin_loss(a, b, c, swap=True), a, b, far)
oracle.case("triplet_margin_loss.p1", lambda a, b, c: F.triplet_margin_loss(a, b, c, p=1, eps=0.01), a, b, far,
            orders=1)  # the second gradient is 0; see the L1 loss
oracle.case("triplet_margin_loss.p3", lambda a, b, c: F.triplet_margin_loss(a, b, c, p=3), a, b, far)
same = a.copy()
same[1] = b[1]
oracle.case("triplet_margin_loss.same", lambda a, b, c: F.triplet_margin_loss(a, b, c, eps=0.0), same, b, far, orders=1)


# PyTorch has no contrastive loss: this is its definition.
def contrastive(a, b, y, margin):
    d = torch.linalg.vector_norm(a - b, dim=-1)
    return 0.5 * (y * d**2 + (1 - y) * torch.relu(margin - d) ** 2)


target = np.array([1.0, 0, 0, 1])
for reduction in REDUCTIONS:
    oracle.case(f"contrastive_loss.{reduction}",
                lambda a, b, y: {"none": lambda c: c, "mean": torch.mean, "sum": torch.sum}[reduction](
                    contrastive(a, b, y, 3.0)), a, b, target)

# Constants, which are not differentiated: weights and targets of the cases above.
for name, constants in [("binary_cross_entropy_with_logits.both", (w, pw)), ("hinge_loss.none", (signs,)), ("kl_div.zero", (q0,))]:
    for k, constant in enumerate(constants):
        oracle.arrays[f"{name}.c{k}"] = constant

oracle.write()
