#!/usr/bin/env python3
"""Writes index.npz, cases of index ops: /usr/bin/python3 index.py"""
import numpy as np
import torch
import torch.nn.functional as F

from oracle import Oracle

oracle = Oracle()
x = oracle.uniform(3, 4, 5)
m = oracle.uniform(4, 5)
places = np.array([[2, 0], [2, 3]])
many = oracle.random.integers(0, 4, (2, 6, 5))


# Squares make second derivatives depend on the position of each element.
def squared(f):
    return lambda *x: f(*x) ** 2


def take(x, i, axis):
    before, behind = x.shape[:axis], x.shape[axis + 1:]
    return torch.index_select(x, axis, i.flatten()).reshape(*before, *i.shape, *behind)


oracle.case("take", squared(lambda x, i: take(x, i, 1)), x, places)
oracle.case("take.first", squared(lambda x, i: take(x, i, 0)), m, places)
oracle.case("take.last", squared(lambda x, i: take(x, i, 2)), x, places)
oracle.case("take.flat", squared(torch.take), x, np.array([[0, 59, -1], [7, 7, 7]]))
oracle.case("embedding", squared(lambda w, i: F.embedding(i, w)), m, places)
oracle.case("index_add", squared(lambda x, s, i: torch.index_add(x, 1, i, s)), x, oracle.uniform(3, 6, 5),
            np.array([0, 2, 2, 3, 0, 2]))
oracle.case("masked_select", squared(lambda x, y: torch.masked_select(x * y, x > 0)), x, m)
oracle.case("masked_select.broadcast", squared(lambda x, m: torch.masked_select(x, m > 0)), x, m)
oracle.case("take_along_axis", squared(lambda x, i: torch.take_along_dim(x, i, 1)), x,
            oracle.random.integers(0, 4, (3, 6, 5)))
oracle.case("take_along_axis.broadcast", squared(lambda m, i: torch.take_along_dim(m[None], i, 1)), m,
            oracle.random.integers(0, 4, (3, 6, 1)))
oracle.case("gather", squared(lambda x, i: torch.gather(x, 1, i)), x, many)
oracle.case("gather.last", squared(lambda x, i: torch.gather(x, 2, i)), x, oracle.random.integers(0, 5, (3, 2, 7)))
oracle.case("scatter_add", squared(lambda x, s, i: torch.scatter_add(x, 1, i, s)), x, oracle.uniform(2, 6, 5), many)
unique = np.argsort(oracle.uniform(3, 4, 5), axis=1)[:2, :3]  # PyTorch's scatter is not defined for repeated indices
oracle.case("scatter", squared(lambda x, s, i: torch.scatter(x, 1, i, s)), x, oracle.uniform(2, 3, 5), unique)
oracle.case("scatter.scalar", squared(lambda x, i: torch.scatter(x, 1, i, 0.25)), x, unique)
oracle.case("sort", squared(lambda x: torch.sort(x, 1).values), x)
oracle.case("sort.descending", squared(lambda x: torch.sort(x, descending=True).values), x)
oracle.case("topk", squared(lambda x: torch.topk(x, 3, 2).values), x)
oracle.case("topk.smallest", squared(lambda x: torch.topk(x, 2, 0, largest=False).values), x)
oracle.case("one_hot", lambda k: torch.nn.functional.one_hot(k, 5), oracle.random.integers(0, 5, (3, 2)), orders=0)
oracle.case("argsort", lambda x: torch.argsort(x, 1), x, orders=0)

# Several lists of indices at once, with repeated positions.
i, j = np.array([0, 2, -1, 2]), np.array([3, 0, 1, 0])
oracle.case("index", squared(lambda x, i, j: x[i, j]), x, i, j)
oracle.case("index.adjacent", squared(lambda x, i, j: x[:, i, j]), x, j, i)
oracle.case("index.apart", squared(lambda x, i, j: x[i, :, j]), x, i, j)
oracle.case("index.broadcast", squared(lambda x, i, j: x[i[:, None], j[None, :3]]), x, i, j)
oracle.case("index.three", squared(lambda x, i, j: x[i, j, i]), x, i, j)

# Scalars have the axes 0 and -1; the axis alternates.
s = np.array(0.75)
one = torch.tensor(0)
for k, (name, f) in enumerate({
    "sum": torch.sum, "mean": torch.mean, "prod": torch.prod, "amax": torch.amax, "amin": torch.amin,
    "var": lambda s, d: torch.var(s, d, unbiased=False), "logsumexp": torch.logsumexp,
    "norm": lambda s, d: torch.linalg.vector_norm(s, 3, d), "cumsum": torch.cumsum, "cumprod": torch.cumprod,
    "logcumsumexp": torch.logcumsumexp, "softmax": torch.softmax, "log_softmax": torch.log_softmax,
    "sort": lambda s, d: torch.sort(s, d).values, "topk": lambda s, d: torch.topk(s, 1, d).values,
    "flip": lambda s, d: torch.flip(s, (d,)), "squeeze": torch.squeeze,
    "swapaxes": lambda s, d: torch.transpose(s, d, d), "moveaxis": lambda s, d: torch.movedim(s, d, d),
    "gather": lambda s, d: torch.gather(s, d, one),
    "scatter": lambda s, d: torch.scatter(s, d, one, 0.25),
    "scatter_add": lambda s, d: torch.scatter_add(s, d, one, torch.tensor(0.25)),
    "index_add": lambda s, d: torch.index_add(s, d, torch.tensor([0]), torch.tensor(0.25)),
}.items()):
    oracle.case(f"{name}.of_scalar", squared(lambda s: f(s, -(k % 2))), s)
for name in ("argmax", "argmin", "argsort", "count_nonzero"):
    oracle.case(f"{name}.of_scalar", lambda s: getattr(torch, name)(s, -1), s, orders=0)

# Parts, shapes and conversions of indices.
k = oracle.random.integers(-9, 9, (3, 4))
oracle.case("slice_indices", lambda k: k[1:, 2], k, orders=0)
oracle.case("slice_indices.backwards", lambda k: torch.flip(k, (0,))[::2, None, 1:4:2], k, orders=0)
oracle.case("reshape_indices", lambda k: k.reshape(2, -1), k, orders=0)
oracle.case("to_values", lambda k: k.double(), k, orders=0)
oracle.case("to_indices", lambda x: x.long(), np.array([[-3.0, 0.0], [2.0**53, -0.0]]), orders=0)
oracle.write()
