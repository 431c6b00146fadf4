#!/usr/bin/env python3
"""Writes resize.npz, cases of interpolation and pixel shuffling: /usr/bin/python3 resize.py"""
from torch.nn import functional as F

from oracle import Oracle

oracle = Oracle()
u = oracle.uniform


def resize(name, mode, x, size, corners=None):
    oracle.case(name, lambda x: F.interpolate(x, size=size, mode=mode, align_corners=corners), u(*x))


resize("nearest1d", "nearest", (2, 3, 5), (8,))
resize("nearest1d.smaller", "nearest", (2, 3, 9), (4,))
resize("nearest2d", "nearest", (2, 3, 3, 5), (6, 7))
resize("nearest2d.mixed", "nearest", (1, 2, 7, 3), (3, 10))
resize("nearest3d", "nearest", (1, 2, 2, 3, 2), (4, 4, 3))
for text, corners in (("", False), (".aligned", True)):
    resize(f"linear{text}", "linear", (2, 3, 5), (8,), corners)
    resize(f"linear{text}.smaller", "linear", (2, 3, 9), (4,), corners)
    resize(f"linear{text}.one", "linear", (2, 3, 9), (1,), corners)
    resize(f"linear{text}.from_one", "linear", (2, 3, 1), (3,), corners)
    resize(f"bilinear{text}", "bilinear", (2, 3, 3, 5), (6, 7), corners)
    resize(f"bilinear{text}.mixed", "bilinear", (1, 2, 7, 3), (3, 10), corners)
    resize(f"trilinear{text}", "trilinear", (1, 2, 2, 3, 2), (4, 4, 3), corners)
oracle.case("pixel_shuffle", lambda x: F.pixel_shuffle(x, 3), u(2, 18, 2, 3))
oracle.case("pixel_shuffle.single", lambda x: F.pixel_shuffle(x, 2), u(4, 2, 3))
oracle.case("pixel_unshuffle", lambda x: F.pixel_unshuffle(x, 3), u(2, 2, 6, 9))

oracle.write()
