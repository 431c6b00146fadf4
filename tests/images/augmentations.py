#!/usr/bin/env python3
"""Draws docs/images/augmentations.png from the tiles that images_test computes. In the repository:

WENGERT_PICTURES=/tmp/tiles.npy build/tests/tests/images_test -tc="the picture in the docs*"
/usr/bin/python3 tests/images/augmentations.py /tmp/tiles.npy docs/images/augmentations.png
"""
import sys

import numpy as np
from PIL import Image, ImageDraw

labels = ["original", "shift", "rotate", "scale", "flip", "crop", "center_crop", "brightness", "contrast", "noise", "cutout",
          "several"]
tiles = np.load(sys.argv[1])
sheet = Image.new("RGB", (12 + 6 * 76, 12 + 2 * 92), "white")
draw = ImageDraw.Draw(sheet)
for i, (label, tile) in enumerate(zip(labels, tiles, strict=True)):
    left, top = 12 + i % 6 * 76, 28 + i // 6 * 92
    draw.text((left, top - 14), label, fill="black")
    sheet.paste(Image.fromarray(np.round(255 * tile.transpose(1, 2, 0)).astype(np.uint8)), (left, top))
sheet.save(sys.argv[2], optimize=True)
