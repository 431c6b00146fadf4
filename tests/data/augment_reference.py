#!/usr/bin/env python3
"""Writes augment_reference.npz, images moved by SciPy: /usr/bin/python3 augment_reference.py

Made with SciPy 1.10.1. Element i of the 6×8 image is (13 i mod 17) / 16. Each row of `moves` is a case: mirrored (0 or 1), scale,
anticlockwise rotation in degrees, shift down and right, and the corner of the crop; `moved.<row>` is the result, 5×6, surrounded
by 0.25.
"""
import numpy as np
from scipy.ndimage import affine_transform

image = (13 * np.arange(48) % 17 / 16).reshape(6, 8)
moves = np.array([
    [0, 1, 30, 0, 0, 0, 0],
    [0, 1, -72.5, 0, 0, 1, 2],
    [1, 1, 20, 1, -2, 0, 1],
    [0, 1.25, 0, 0, 0, 0, 0],
    [0, 0.7, 0, -1, 1, 1, 0],
    [1, 0.8, 135, 2, 1, 1, 1],
])
arrays = {"image": image, "moves": moves}
middle = (np.array(image.shape) - 1) / 2
for row, (mirrored, scale, degrees, down, right, top, left) in enumerate(moves):
    angle = np.radians(degrees)
    # Rows point down, so that an anticlockwise rotation takes (y, x) to (y cos − x sin, y sin + x cos).
    forward = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    inverse = np.linalg.inv(forward)
    start = np.fliplr(image) if mirrored else image
    offset = middle - inverse @ (middle + [down, right])
    moved = affine_transform(start, inverse, offset, order=1, mode="grid-constant", cval=0.25)
    arrays[f"moved.{row}"] = moved[int(top):int(top) + 5, int(left):int(left) + 6]
np.savez_compressed("augment_reference.npz", **arrays)
