#!/usr/bin/env python3
"""Writes elementwise.npz: /usr/bin/python3 elementwise.py"""
import numpy as np
import torch
from torch.nn import functional as F

from oracle import Oracle

oracle = Oracle()
special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan])

for name, function, low, high in [
    ("exp", torch.exp, -3, 3),
    ("log", torch.log, 0.1, 5),
    ("tanh", torch.tanh, -4, 4),
    ("sigmoid", torch.sigmoid, -6, 6),
]:
    oracle.case(name, function, oracle.uniform(4, 7, low=low, high=high))
    oracle.case(f"{name}.special", function, special, orders=0)

oracle.case("maximum", torch.maximum, np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 1.0]), orders=1)

oracle.write()
