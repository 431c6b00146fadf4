#!/usr/bin/env python3
"""Writes elementwise.npz, cases of elementwise ops: /usr/bin/python3 elementwise.py

Functions that PyTorch 1.13 lacks are composed of others.
"""
import mpmath
import numpy as np
import torch
from torch.nn import functional as F

from oracle import Oracle

oracle = Oracle()
special = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-300, -1e-300, 1e300, -1e300, 3.0, -3.0, 6.0])

log2, log10 = np.log(2.0), np.log(10.0)
unary = [
    ("exp", torch.exp, -3, 3),
    ("exp2", torch.exp2, -3, 3),
    ("expm1", torch.expm1, -3, 3),
    ("log", torch.log, 0.1, 5),
    ("log2", torch.log2, 0.1, 5),
    ("log10", torch.log10, 0.1, 5),
    ("log1p", torch.log1p, -0.8, 4),
    ("sqrt", torch.sqrt, 0.1, 5),
    ("square", torch.square, -3, 3),
    ("reciprocal", torch.reciprocal, 0.2, 3),
    ("rsqrt", torch.rsqrt, 0.2, 3),
    ("erf", torch.erf, -3, 3),
    ("erfc", torch.erfc, -3, 5),
    ("lgamma", torch.lgamma, 0.2, 6),
    ("digamma", torch.digamma, 0.2, 6),
    ("sin", torch.sin, -7, 7),
    ("cos", torch.cos, -7, 7),
    ("tan", torch.tan, -1.4, 1.4),
    ("asin", torch.asin, -0.9, 0.9),
    ("acos", torch.acos, -0.9, 0.9),
    ("atan", torch.atan, -4, 4),
    ("sinh", torch.sinh, -3, 3),
    ("cosh", torch.cosh, -3, 3),
    ("tanh", torch.tanh, -4, 4),
    ("asinh", torch.asinh, -4, 4),
    ("acosh", torch.acosh, 1.1, 5),
    ("atanh", torch.atanh, -0.9, 0.9),
    ("abs", torch.abs, -3, 3),
    ("sign", torch.sign, -3, 3),
    ("floor", torch.floor, -3, 3),
    ("ceil", torch.ceil, -3, 3),
    ("round", torch.round, -3, 3),
    ("trunc", torch.trunc, -3, 3),
    ("sigmoid", torch.sigmoid, -6, 6),
    ("log_sigmoid", F.logsigmoid, -6, 6),
    ("logit", torch.logit, 0.05, 0.95),
    ("softplus", lambda x: F.softplus(x, threshold=1000), -6, 6),
    ("softsign", F.softsign, -3, 3),
    ("relu", F.relu, -3, 3),
    ("relu6", F.relu6, -2, 8),
    ("leaky_relu", F.leaky_relu, -3, 3),
    ("elu", F.elu, -3, 3),
    ("selu", F.selu, -3, 3),
    ("celu", F.celu, -3, 3),
    ("gelu", F.gelu, -4, 4),
    ("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), -4, 4),
    ("silu", F.silu, -6, 6),
    ("mish", F.mish, -6, 6),
    ("hard_sigmoid", lambda x: torch.clamp(x + 3, 0, 6) / 6, -4, 4),
    ("hard_swish", lambda x: x * torch.clamp(x + 3, 0, 6) / 6, -4, 4),
    ("hard_tanh", F.hardtanh, -2, 2),
    ("softshrink", F.softshrink, -2, 2),
    ("hardshrink", F.hardshrink, -2, 2),
]
for name, function, low, high in unary:
    oracle.case(name, function, oracle.uniform(4, 7, low=low, high=high))
    # PyTorch's softshrink loses NaN, and its hard_swish of −∞ is NaN; Wengert returns NaN and 0.
    points = {"softshrink": special[~np.isnan(special)], "hard_swish": special[special != -np.inf], "gelu_tanh": special[special != -np.inf]}.get(name, special)
    oracle.case(f"{name}.special", function, points, orders=0)

# First gradients at the kinks.
kinks = np.array([0.0, -3.0, 3.0, 6.0, -1.0, 1.0, 0.5, -0.5])
for name, function in [("abs", torch.abs), ("relu", F.relu), ("relu6", F.relu6), ("leaky_relu", F.leaky_relu),
                       ("elu", F.elu), ("hard_sigmoid", F.hardsigmoid), ("hard_swish", F.hardswish),
                       ("hard_tanh", F.hardtanh), ("softshrink", F.softshrink), ("hardshrink", F.hardshrink)]:
    oracle.case(f"{name}.kinks", function, kinks, orders=1)
oracle.case("clip", lambda x: torch.clamp(x, -1.0, 1.0), oracle.uniform(4, 7, low=-2, high=2))
oracle.case("clip.kinks", lambda x: torch.clamp(x, -1.0, 1.0), kinks, orders=1)

x = oracle.uniform(3, 5, low=-3, high=3)
oracle.case("leaky_relu.parameter", lambda x: F.leaky_relu(x, 0.3), x)
oracle.case("softplus.parameter", lambda x: F.softplus(x, 2.5, threshold=1000), x)
oracle.case("elu.parameter", lambda x: F.elu(x, 1.7), x)
oracle.case("celu.parameter", lambda x: torch.where(x > 0, x, 1.7 * torch.expm1(x / 1.7)), x)
oracle.case("softshrink.parameter", lambda x: F.softshrink(x, 1.2), x)
oracle.case("hardshrink.parameter", lambda x: F.hardshrink(x, 1.2), x)
oracle.case("digamma.negative", torch.digamma, oracle.uniform(9, low=-5.9, high=-5.1), orders=0)
oracle.case("digamma.poles", torch.digamma, np.array([-1.0, -2.0, -7.0]), orders=0)
oracle.case("polygamma1", lambda x: torch.polygamma(1, x), oracle.uniform(9, low=-2.9, high=-2.1), orders=0)
oracle.case("polygamma2", lambda x: torch.polygamma(2, x), oracle.uniform(9, low=0.2, high=9))
oracle.case("polygamma5", lambda x: torch.polygamma(5, x), oracle.uniform(9, low=0.2, high=9))
points = oracle.uniform(9, low=0.1, high=9)
for n in range(4):  # PyTorch's trigamma is accurate only to 3e-10, mpmath's to all digits
    oracle.value(f"psi{n}", [float(mpmath.polygamma(n, mpmath.mpf(x))) for x in points], points)
oracle.case("cbrt", lambda x: x ** (1 / 3), oracle.uniform(9, low=0.2, high=9))
oracle.case("nan_to_num", torch.nan_to_num, np.array([1.0, np.nan, np.inf, -np.inf, -2.0]), orders=1)
oracle.case("nan_to_num.given", lambda x: torch.nan_to_num(x, 1.0, 2.0, 3.0), np.array([1.0, np.nan, np.inf, -np.inf]))

a, b = oracle.uniform(3, 4, low=0.3, high=2.5), oracle.uniform(4, low=0.3, high=2.5)
for name, function in [("pow", torch.pow), ("atan2", torch.atan2), ("hypot", torch.hypot), ("fmod", torch.fmod),
                       ("xlogy", torch.xlogy), ("logaddexp", torch.logaddexp), ("maximum", torch.maximum),
                       ("minimum", torch.minimum)]:
    oracle.case(name, function, a, b)
ties = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 1.0])
oracle.case("maximum.ties", torch.maximum, *ties, orders=1)
oracle.case("minimum.ties", torch.minimum, *ties, orders=1)
edges = np.array([0.0, 0.0, 0.0, 2.0, -2.0, -7.5]), np.array([0.0, -1.0, 2.0, 0.0, 3.0, 2.0])
oracle.case("pow.edges", torch.pow, *edges, orders=1)
oracle.case("xlogy.edges", torch.xlogy, *(e[1:] for e in edges), orders=1)  # at (0, 0) PyTorch's gradient is NaN
oracle.case("fmod.edges", torch.fmod, np.array([7.5, -7.5, 7.5, -7.5]), np.array([2.0, 2.0, -2.0, -2.0]), orders=1)
oracle.case("atan2.edges", torch.atan2, np.array([0.0, -0.0, 1.0, -1.0]), np.array([-1.0, -1.0, 0.0, 0.0]), orders=1)
infinite = np.array([np.inf, -np.inf, np.inf, 800.0, np.nan]), np.array([np.inf, -np.inf, -np.inf, 790.0, 1.0])
oracle.case("logaddexp.edges", torch.logaddexp, *infinite, orders=0)
oracle.case("lerp", torch.lerp, a, oracle.uniform(3, 4), oracle.uniform(3, 4, low=0, high=1))
oracle.case("prelu", F.prelu, oracle.uniform(2, 3, 4), oracle.uniform(3))
oracle.case("prelu.one", F.prelu, oracle.uniform(2, 3, 4), oracle.uniform(1))

# Limits that are tensors and broadcast; ties, limits in the wrong order, NaN.
oracle.case("clip_between", torch.clamp, oracle.uniform(4, 7, low=-2, high=2), oracle.uniform(7, low=-1, high=0.2),
            oracle.uniform(4, 1, low=-0.2, high=1))
grid = np.array([-1.0, 0.0, 1.0, np.nan])
oracle.case("clip_between.ties", torch.clamp, *np.meshgrid(grid, grid, grid, indexing="ij"), orders=1)
oracle.write()
