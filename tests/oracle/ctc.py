#!/usr/bin/env python3
"""Writes ctc.npz, cases of ctc_loss: /usr/bin/python3 ctc.py

PyTorch's ctc_loss assumes that its input comes from log_softmax, and has no second derivative. The cases `loss.*`
therefore go through log_softmax and hold first gradients. The cases `paths.*` hold both gradients of the definition,
the sum over all paths, for small inputs that are not normalised.
"""
import itertools

import numpy as np
import torch
from torch.nn import functional as F

from oracle import Oracle

oracle = Oracle()


def logits(frames, samples, classes):
    return oracle.uniform(frames, samples, classes, low=-2, high=2)


def case(name, z, targets, frames, lengths, **options):
    oracle.case(f"loss.{name}",
                lambda z, *whole: F.ctc_loss(F.log_softmax(z, -1), *whole, **options),
                z, np.array(targets), np.array(frames), np.array(lengths), orders=1)


z = logits(6, 4, 4)
padded = [[1, 2, 3], [2, 2, 0], [3, 0, 0], [0, 0, 0]]
for reduction in ("none", "mean", "sum"):
    case(f"padded.{reduction}", z, padded, [6, 5, 6, 3], [3, 2, 1, 0], reduction=reduction)
case("joined", z, [1, 2, 3, 2, 2, 3], [6, 5, 6, 3], [3, 2, 1, 0])
case("blank", z, [[0, 1], [1, 1], [2, 0], [0, 0]], [6, 6, 4, 6], [2, 2, 2, 1], blank=3)
case("long", logits(30, 2, 5), [[1, 1, 2, 2, 3, 3], [4, 3, 2, 1, 0, 0]], [30, 25], [6, 4])
case("exact", logits(3, 1, 3), [[1, 2, 1]], [3], [3])
# Blanks must separate equal labels, so three frames are too few: the loss is infinite.
oracle.case("impossible", lambda z, *whole: F.ctc_loss(F.log_softmax(z, -1), *whole, reduction="none"),
            logits(3, 2, 3), np.array([[1, 1, 1], [1, 2, 0]]), np.array([3, 3]), np.array([3, 2]), orders=0)
case("zero_infinity", logits(3, 2, 3), [[1, 1, 1], [1, 2, 0]], [3, 3], [3, 2], zero_infinity=True, reduction="none")


def by_paths(a, target, blank=0):
    """Returns -ln of the sum over all paths whose merged form is the target; a has shape (frames, 1, classes)."""
    frames, _, classes = a.shape
    found = []
    for path in itertools.product(range(classes), repeat=frames):
        merged = [label for label, _ in itertools.groupby(path) if label != blank]
        if merged == target:
            found.append(sum(a[t, 0, c] for t, c in enumerate(path)))
    return -torch.logsumexp(torch.stack(found), 0).reshape(1)


for name, target in [("different", [1, 2]), ("equal", [1, 1]), ("empty", []), ("one", [2])]:
    oracle.case(f"paths.{name}", lambda a: by_paths(a, target), oracle.uniform(4, 1, 3, low=-2, high=0.5))

oracle.write()
