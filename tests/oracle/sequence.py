#!/usr/bin/env python3
"""Writes sequence.npz, cases of ops on padded sequences: /usr/bin/python3 sequence.py"""
import numpy as np
import torch

from oracle import Oracle

oracle = Oracle()
x = oracle.uniform(4, 5, 3)
lengths = np.array([3, 0, 5, 1])


# Squares make second derivatives depend on the position of each element.
def squared(f):
    return lambda *x: f(*x) ** 2


def mask(n, steps):
    return (torch.arange(steps)[None, :] < n[:, None]).double()


def masked(x, n):
    return x * mask(n, x.shape[1]).reshape(*x.shape[:2], *[1] * (x.ndim - 2))


def mean_steps(x, n):
    return masked(x, n).sum(1) / n.clamp(min=1).double()[:, None]


def last_step(x, n):
    return masked(x, n)[torch.arange(len(n)), (n - 1).clamp(min=0)]


oracle.case("sequence_mask", lambda n: mask(n, 6), lengths, orders=0)
oracle.case("mask_steps", squared(masked), x, lengths)
oracle.case("mask_steps.plain", squared(masked), oracle.uniform(4, 5), lengths)
oracle.case("last_step", squared(last_step), x, lengths)
oracle.case("mean_steps", squared(mean_steps), x, lengths)
oracle.case("masked_mean", squared(lambda x, n: x[mask(n, 5) > 0].mean()), x, lengths)
oracle.case("masked_mean.mask", squared(lambda x, m: x[m > 0].mean()), x, oracle.uniform(4, 5, low=-1, high=1))
oracle.write()
