#!/usr/bin/env python3
"""Writes cross_entropy.npz, cases of cross_entropy and nll_loss: /usr/bin/python3 cross_entropy.py"""
import numpy as np
import torch
from torch.nn import functional as F

from oracle import Oracle

oracle = Oracle()
draw = oracle.uniform
w = draw(5, low=0.3, high=2)
weights = torch.tensor(w)

flat, labels = draw(4, 5, low=-3, high=3), np.array([4, 0, 2, 2])
plane, plane_labels = draw(2, 5, 3, low=-3, high=3), np.array([[0, 4, 1], [2, 2, 3]])
some = np.array([4, -100, 2, -100])
soft = draw(4, 5, low=0, high=1)
soft /= soft.sum(1, keepdims=True)

for reduction in ("none", "mean", "sum"):
    def case(name, function, *inputs, **options):
        oracle.case(f"{name}.{reduction}", lambda *x: function(*x, reduction=reduction, **options), *inputs)

    case("labels", F.cross_entropy, flat, labels)
    case("weights", F.cross_entropy, flat, labels, weight=weights)
    case("smoothing", F.cross_entropy, flat, labels, label_smoothing=0.2)
    case("ignored", F.cross_entropy, flat, some)
    case("all", F.cross_entropy, flat, some, weight=weights, label_smoothing=0.2)
    case("plane", F.cross_entropy, plane, plane_labels, weight=weights, label_smoothing=0.1)
    case("soft", F.cross_entropy, flat, soft)
    case("soft_all", F.cross_entropy, flat, soft, weight=weights, label_smoothing=0.3)
    case("nll", F.nll_loss, flat, labels)
    case("nll_all", F.nll_loss, flat, some, weight=weights)
oracle.case("soft_plane", lambda z, y: F.cross_entropy(z, y, weight=weights), plane, draw(2, 5, 3, low=0, high=1))
oracle.case("vector", F.cross_entropy, flat[0], np.array(3))
oracle.case("one_class", F.cross_entropy, draw(3, 1), np.array([0, 0, 0]))
oracle.case("far", lambda z, k: F.cross_entropy(z, k, reduction="none"),
            np.array([[1000.0, -1000], [-1000, 1000], [-1000, -1000]]), np.array([0, 0, 1]))
oracle.arrays["weights.none.c0"] = w
oracle.write()
