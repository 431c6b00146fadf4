#!/usr/bin/env python3
"""Writes linalg.npz, cases of linear algebra: /usr/bin/python3 linalg.py

Results that depend on the sign of a vector are replaced by functions of them that do not.
"""
import numpy as np
import torch

from oracle import Oracle

oracle = Oracle()
linalg = torch.linalg
T = lambda x: x.transpose(-2, -1)


def uniform(*shape):
    return oracle.uniform(*shape)


def dominant(*shape):
    """Returns an invertible matrix: random, with a growing diagonal."""
    a = uniform(*shape)
    k = min(shape[-2:])
    a[..., range(k), range(k)] += 2.0 + np.arange(k)
    return a


def symmetric(*shape):
    a = dominant(*shape)
    return (a + np.swapaxes(a, -2, -1)) / 2


def positive(*shape):
    a = uniform(*shape)
    return a @ np.swapaxes(a, -2, -1) + np.eye(shape[-1])


# ---- equations
for label, shape in [("3", (3, 3)), ("1", (1, 1)), ("stack", (2, 2, 3, 3)), ("5", (5, 5))]:
    oracle.case(f"inv.{label}", linalg.inv, dominant(*shape))
    oracle.case(f"det.{label}", linalg.det, uniform(*shape))
    oracle.case(f"slogdet.{label}", lambda a: linalg.slogdet(a)[1], dominant(*shape) * np.array([-1.0] + [1.0] * (shape[-1] - 1)))
oracle.case("inv.transposed", lambda a: linalg.inv(T(a)), dominant(2, 3, 3))
# Singular matrices. If the gradient is itself differentiable, PyTorch computes it from the singular values, which is
# right (the plain formula gives 0).
oracle.case("det.rank2", linalg.det, np.array([[1.0, 2, 3], [4, 5, 6], [5, 7, 9]]))
oracle.case("det.rank1", linalg.det, np.array([[1.0, 2], [2, 4]]))
for label, a, b in [
    ("matrix", (3, 3), (3, 2)),
    ("vector", (3, 3), (3,)),
    ("stack", (2, 3, 3), (2, 3, 2)),
    ("one_matrix", (3, 3), (2, 3, 2)),
    ("one_side", (2, 2, 2), (2, 3)),
    ("broadcast", (2, 1, 2, 2), (3, 2, 1)),
]:
    oracle.case(f"solve.{label}", linalg.solve if label != "one_side" else lambda a, b: linalg.solve(a, b.expand(2, 2, 3)),
                dominant(*a), uniform(*b))
for label, upper, unit, a, b in [
    ("lower", False, False, (3, 3), (3, 2)),
    ("upper", True, False, (3, 3), (3, 2)),
    ("lower_unit", False, True, (3, 3), (3, 2)),
    ("upper_unit", True, True, (2, 3, 3), (2, 3, 1)),
    ("one_matrix", False, False, (3, 3), (2, 3, 2)),
    ("broadcast", True, False, (2, 1, 2, 2), (3, 2, 1)),
]:
    oracle.case(f"triangular_solve.{label}",
                lambda a, b, u=upper, d=unit: linalg.solve_triangular(a, b, upper=u, unitriangular=d), dominant(*a),
                uniform(*b))

# ---- factorisations
for label, shape in [("3", (3, 3)), ("1", (1, 1)), ("stack", (2, 4, 4))]:
    oracle.case(f"cholesky.{label}", linalg.cholesky, positive(*shape))
    oracle.case(f"eigh.values.{label}", lambda a: linalg.eigh(a)[0], symmetric(*shape))
    oracle.case(f"eigh.vectors.{label}", lambda a: linalg.eigh(a)[1] ** 2, symmetric(*shape))
    oracle.case(f"eigh.both.{label}", lambda a: (lambda w, v: v @ (torch.sin(w).unsqueeze(-1) * T(v)))(*linalg.eigh(a)),
                symmetric(*shape))
# Asymmetric matrices: only the lower triangle is read, but the gradient is symmetric.
oracle.case("cholesky.lower", linalg.cholesky, np.tril(positive(3, 3)))
oracle.case("eigh.lower", lambda a: linalg.eigh(a)[0], np.tril(symmetric(3, 3)))
for label, shape in [("square", (3, 3)), ("tall", (5, 3)), ("wide", (2, 4)), ("stack", (2, 4, 2)), ("column", (3, 1)),
                     ("row", (1, 3))]:
    svd = lambda a: linalg.svd(a, full_matrices=False)
    oracle.case(f"qr.q.{label}", lambda a: linalg.qr(a)[0], dominant(*shape))
    oracle.case(f"qr.r.{label}", lambda a: linalg.qr(a)[1], dominant(*shape))
    oracle.case(f"qr.both.{label}", lambda a: linalg.qr(a)[0] @ torch.tanh(linalg.qr(a)[1]), dominant(*shape))
    oracle.case(f"svd.values.{label}", lambda a: svd(a)[1], dominant(*shape))
    oracle.case(f"svd.u.{label}", lambda a: svd(a)[0] ** 2, dominant(*shape))
    oracle.case(f"svd.vh.{label}", lambda a: svd(a)[2] ** 2, dominant(*shape))
    oracle.case(f"svd.both.{label}", lambda a: (lambda u, s, vh: (u * torch.exp(-s).unsqueeze(-2)) @ vh)(*svd(a)),
                dominant(*shape))
oracle.write()
