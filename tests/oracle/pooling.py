#!/usr/bin/env python3
"""Writes pooling.npz, cases of pooling: /usr/bin/python3 pooling.py"""
import numpy as np
from torch.nn import functional as F

from oracle import Oracle

oracle = Oracle()
u = oracle.uniform

# ---- max pooling --------------------------------------------------------------------------------------------------
oracle.case("max_pool1d.plain", lambda x: F.max_pool1d(x, 2), u(2, 3, 9))
oracle.case("max_pool1d.all", lambda x: F.max_pool1d(x, 3, 2, padding=1, dilation=2, ceil_mode=True), u(2, 3, 10))
oracle.case("max_pool2d.plain", lambda x: F.max_pool2d(x, 2), u(2, 3, 7, 5))
oracle.case("max_pool2d.stride", lambda x: F.max_pool2d(x, 3, 2, padding=1), u(2, 3, 7, 6))
oracle.case("max_pool2d.all", lambda x: F.max_pool2d(x, (3, 2), (2, 3), (1, 1), (2, 1), True), u(2, 3, 9, 8))
oracle.case("max_pool2d.ceil", lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), u(1, 2, 6, 8))
oracle.case("max_pool2d.ceil_drops", lambda x: F.max_pool2d(x, 2, 3, padding=1, ceil_mode=True), u(1, 2, 6, 4))
oracle.case("max_pool2d.ceil_larger", lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), u(1, 2, 2, 5))
oracle.case("max_pool2d.dilation", lambda x: F.max_pool2d(x, 3, 1, dilation=2), u(1, 2, 6, 7))
oracle.case("max_pool2d.single", lambda x: F.max_pool2d(x, 2), u(2, 5, 4))
oracle.case("max_pool3d.all", lambda x: F.max_pool3d(x, (2, 3, 2), 2, (1, 1, 0), 1, True), u(1, 2, 3, 5, 4))
ties = np.floor(u(2, 2, 6, 6, low=0, high=3))  # many equal elements: the first one gets the gradient
oracle.case("max_pool2d.ties", lambda x: F.max_pool2d(x, 3, 1, padding=1), ties)
special = u(1, 1, 4, 6)
special[0, 0, 0, 1] = special[0, 0, 3, 5] = np.nan
special[0, 0, :2, 4:] = -np.inf
special[0, 0, 2, 2] = np.inf
oracle.case("max_pool2d.special", lambda x: F.max_pool2d(x, 2), special, orders=1)

# ---- average pooling ----------------------------------------------------------------------------------------------
oracle.case("avg_pool1d.plain", lambda x: F.avg_pool1d(x, 2), u(2, 3, 9))
oracle.case("avg_pool1d.all", lambda x: F.avg_pool1d(x, 3, 2, 1, True, False), u(2, 3, 10))
oracle.case("avg_pool2d.plain", lambda x: F.avg_pool2d(x, 2), u(2, 3, 7, 5))
oracle.case("avg_pool2d.stride", lambda x: F.avg_pool2d(x, 3, 2, padding=1), u(2, 3, 7, 6))
oracle.case("avg_pool2d.exclude", lambda x: F.avg_pool2d(x, 3, 2, padding=1, count_include_pad=False), u(2, 3, 7, 6))
oracle.case("avg_pool2d.ceil", lambda x: F.avg_pool2d(x, (3, 2), (2, 3), (1, 0), True), u(2, 2, 8, 7))
oracle.case("avg_pool2d.ceil_exclude", lambda x: F.avg_pool2d(x, (3, 2), (2, 3), (1, 1), True, False), u(2, 2, 8, 7))
oracle.case("avg_pool2d.ceil_padded", lambda x: F.avg_pool2d(x, 2, 3, 1, True), u(1, 2, 6, 5))
oracle.case("avg_pool2d.single", lambda x: F.avg_pool2d(x, 2), u(2, 5, 4))
oracle.case("avg_pool3d.all", lambda x: F.avg_pool3d(x, (2, 3, 2), 2, (1, 1, 0), True), u(1, 2, 3, 5, 4))
oracle.case("avg_pool3d.exclude", lambda x: F.avg_pool3d(x, 3, 2, 1, False, False), u(1, 2, 3, 5, 4))

# ---- adaptive pooling ---------------------------------------------------------------------------------------------
oracle.case("adaptive_max_pool1d", lambda x: F.adaptive_max_pool1d(x, 4), u(2, 3, 9))
oracle.case("adaptive_max_pool2d", lambda x: F.adaptive_max_pool2d(x, (3, 4)), u(2, 3, 7, 6))
oracle.case("adaptive_max_pool2d.more", lambda x: F.adaptive_max_pool2d(x, (5, 2)), u(1, 2, 3, 5))
oracle.case("adaptive_max_pool3d", lambda x: F.adaptive_max_pool3d(x, (2, 3, 2)), u(1, 2, 3, 4, 5))
oracle.case("adaptive_avg_pool1d", lambda x: F.adaptive_avg_pool1d(x, 4), u(2, 3, 9))
oracle.case("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, (3, 4)), u(2, 3, 7, 6))
oracle.case("adaptive_avg_pool2d.more", lambda x: F.adaptive_avg_pool2d(x, (5, 2)), u(1, 2, 3, 5))
oracle.case("adaptive_avg_pool2d.one", lambda x: F.adaptive_avg_pool2d(x, 1), u(2, 3, 5, 4))
oracle.case("adaptive_avg_pool3d", lambda x: F.adaptive_avg_pool3d(x, (2, 3, 2)), u(1, 2, 3, 4, 5))

# ---- positions, and elements put back ----------------------------------------------------------------------------
def unpooled(pool, unpool, kernel, **options):
    def f(x):
        y, i = pool(x, kernel, return_indices=True, **options)
        return unpool(y**2, i, kernel, output_size=x.shape[2:], **options)
    return f


def positions(pool, *arguments, **options):
    return lambda x: pool(x, *arguments, return_indices=True, **options)[1]


oracle.case("max_pool1d.positions", positions(F.max_pool1d, 3, 2, padding=1), u(2, 3, 9), orders=0)
oracle.case("max_pool2d.positions", positions(F.max_pool2d, (3, 2), (2, 3), 1, (2, 1), True), u(2, 3, 9, 8), orders=0)
oracle.case("max_pool2d.positions_single", positions(F.max_pool2d, 2), u(2, 5, 4), orders=0)
oracle.case("max_pool2d.positions_ties", positions(F.max_pool2d, 3, 1, padding=1), ties, orders=0)
oracle.case("max_pool2d.positions_special", positions(F.max_pool2d, 2), special, orders=0)
oracle.case("max_pool3d.positions", positions(F.max_pool3d, 2), u(1, 2, 4, 5, 4), orders=0)
oracle.case("max_unpool1d", unpooled(F.max_pool1d, F.max_unpool1d, 2), u(2, 3, 9))
oracle.case("max_unpool2d", unpooled(F.max_pool2d, F.max_unpool2d, 2), u(2, 3, 7, 5))
oracle.case("max_unpool3d", unpooled(F.max_pool3d, F.max_unpool3d, 2), u(1, 2, 4, 5, 4))

oracle.write()
