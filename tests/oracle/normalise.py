#!/usr/bin/env python3
"""Writes normalise.npz, cases of normalisations: /usr/bin/python3 normalise.py"""
import numpy as np
import torch
from torch.nn import functional as F

from oracle import Oracle

oracle = Oracle()


def draw(*shape):
    return oracle.uniform(*shape, low=-3, high=3)


rows, w, b = draw(3, 4, 5), draw(5), draw(5)
oracle.case("layer_norm", lambda x, w, b: F.layer_norm(x, (5,), w, b), rows, w, b)
oracle.case("layer_norm.plain", lambda x: F.layer_norm(x, (5,), eps=0.1), rows)
oracle.case("layer_norm.weight", lambda x, w: F.layer_norm(x, (5,), w), rows, w)
oracle.case("layer_norm.plane", lambda x, w, b: F.layer_norm(x, (4, 5), w, b), rows, draw(4, 5), draw(4, 5))
oracle.case("layer_norm.vector", lambda x: F.layer_norm(x, (7,)), draw(7))
oracle.case("layer_norm.wide", lambda x: F.layer_norm(x, (70,)), draw(2, 70))
oracle.case("layer_norm.offset", lambda x: F.layer_norm(x, (6,)), 1e3 + draw(2, 6), orders=1)


# PyTorch 1.13 has no rms_norm: this is its definition.
def rms_norm(x, axes, eps):
    return x / torch.sqrt((x * x).mean(axes, keepdim=True) + eps)


oracle.case("rms_norm", lambda x, w: w * rms_norm(x, (-1,), 1e-5), rows, w)
oracle.case("rms_norm.plane", lambda x: rms_norm(x, (-2, -1), 0.1), rows)


def batch_norm(x, w, b, eps=1e-5, training=True):
    return F.batch_norm(x, torch.full((3,), 0.5), torch.full((3,), 1.5), w, b, training, 0.1, eps)


w3, b3 = draw(3), draw(3)
for name, x in [("flat", draw(5, 3)), ("line", draw(2, 3, 4)), ("plane", draw(2, 3, 2, 3)), ("wide", draw(2, 3, 35))]:
    oracle.case(f"batch_norm.{name}", batch_norm, x, w3, b3)
    oracle.case(f"batch_norm.{name}.evaluation", lambda x, w, b: batch_norm(x, w, b, training=False), x, w3, b3)
oracle.case("batch_norm.plain", lambda x: batch_norm(x, None, None, eps=0.1), draw(5, 3))
oracle.case("batch_norm.bias", lambda x, b: batch_norm(x, torch.ones(3), b), draw(5, 3), b3)

# The running mean and variance after two batches.
first, second = draw(4, 3, 2), draw(4, 3, 2)
mean, variance = torch.full((3,), 0.5), torch.full((3,), 1.5)
for x in (first, second):
    F.batch_norm(torch.tensor(x), mean, variance, training=True, momentum=0.3)
for letter, array in zip(("c0", "c1", "c2", "c3"), (first, second, mean.numpy(), variance.numpy())):
    oracle.arrays[f"batch_norm.plain.{letter}"] = array

w4, b4 = draw(4), draw(4)
oracle.case("group_norm", lambda x, w, b: F.group_norm(x, 2, w, b), draw(3, 4, 5), w4, b4)
oracle.case("group_norm.plane", lambda x, w, b: F.group_norm(x, 4, w, b), draw(2, 4, 2, 3), w4, b4)
oracle.case("group_norm.flat", lambda x, w, b: F.group_norm(x, 2, w, b), draw(3, 8), draw(8), draw(8))
oracle.case("group_norm.one", lambda x: F.group_norm(x, 1, eps=0.1), draw(3, 4, 2))
oracle.case("instance_norm", lambda x, w, b: F.instance_norm(x, weight=w, bias=b), draw(2, 4, 5), w4, b4)
oracle.case("instance_norm.plane", lambda x: F.instance_norm(x, eps=0.1), draw(2, 4, 2, 3))

for name, function in [("softmax", F.softmax), ("log_softmax", F.log_softmax)]:
    for axis in (0, 1, -1):
        oracle.case(f"{name}.axis{axis}", lambda x: function(x, dim=axis), draw(3, 4, 2))
    oracle.case(f"{name}.far", lambda x: function(x, dim=-1), np.array([[1000.0, -1000, 0], [-1000, -1000, -1001]]), orders=1)

oracle.write()
