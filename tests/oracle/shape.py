#!/usr/bin/env python3
"""Writes shape.npz, cases of shape, slice and join ops: /usr/bin/python3 shape.py"""
import torch
import torch.nn.functional as F

from oracle import Oracle

oracle = Oracle()
x = oracle.uniform(3, 4, 5)
m = oracle.uniform(4, 5)
v = oracle.uniform(4)

# Squares make second derivatives depend on the position of each element.
def squared(f):
    return lambda *x: f(*x) ** 2


oracle.case("flatten", squared(lambda x: torch.flatten(x, 1)), x)
oracle.case("moveaxis", squared(lambda x: torch.moveaxis(x, 0, 2)), x)
oracle.case("moveaxis.back", squared(lambda x: torch.moveaxis(x, -1, 0)), x)
oracle.case("slice", squared(lambda x: x[1:, 1:4:2, -2]), x)
oracle.case("slice.negative", squared(lambda x: torch.flip(x, (1,))[:, 1::2]), x)
oracle.case("flip", squared(lambda x: torch.flip(x, (0, 2))), x)
oracle.case("diagonal", squared(lambda x: torch.diagonal(x, 1, 2, 0)), x)
oracle.case("diag.vector", squared(lambda v: torch.diag(v, -2)), v)
oracle.case("diag.matrix", squared(lambda m: torch.diag(m, 1)), m)
oracle.case("trace", lambda m: torch.diagonal(m**2).sum(-1), m)
oracle.case("tril", squared(lambda x: torch.tril(x, -1)), x)
oracle.case("triu", squared(lambda x: torch.triu(x, 1)), x)
oracle.case("concatenate", squared(lambda x, m: torch.cat([x, m[None], x], 0)), x, m)
oracle.case("stack", squared(lambda m: torch.stack([m, m * m, torch.exp(m)], -1)), m)
oracle.case("split", squared(lambda x: torch.tensor_split(x, (1, 4), 2)[1]), x)
oracle.case("chunk", squared(lambda x: torch.chunk(x, 3, 1)[1]), x)
oracle.case("tile", squared(lambda m: torch.tile(m, (2, 1, 3))), m)
oracle.case("repeat", squared(lambda m: torch.repeat_interleave(m, 3, 0)), m)
oracle.case("roll", squared(lambda x: torch.roll(x, -2, 1)), x)
oracle.case("roll.flat", squared(lambda x: torch.roll(x, 7)), x)
oracle.case("pad.constant", squared(lambda x: F.pad(x, (1, 2, 0, 3), value=0.5)), x)
oracle.case("pad.edge", squared(lambda x: F.pad(x, (2, 1), mode="replicate")), x)
oracle.case("pad.reflect", squared(lambda x: F.pad(x, (3, 2), mode="reflect")), x)
oracle.case("moveaxis.lists", squared(lambda x: torch.moveaxis(x, (0, 1), (-1, 0))), x)
oracle.case("roll.axes", squared(lambda x: torch.roll(x, (1, 1), (0, 2))), x)
oracle.case("roll.lists", squared(lambda x: torch.roll(x, (1, -2), (0, -1))), x)
oracle.case("split_with_sizes", squared(lambda x: torch.split(x, [1, 0, 3], 1)[2]), x)
oracle.write()
