#!/usr/bin/env python3
"""Writes images_fixture.hpp: small PNG and JPEG files, and an image as PyTorch resizes it.
python3 images_fixture.py >images_fixture.hpp

Made with Pillow 9.4.0 and PyTorch 1.13. Pixel (y, x) of the 10×12 image is red 20 y, green 20 x, blue 250 − 10 (x + y).
"""
import io

import numpy as np
import torch
from PIL import Image

y, x = np.mgrid[0:10, 0:12]
colour = np.stack([20 * y, 20 * x, 250 - 10 * (x + y)], axis=-1).astype(np.uint8)
grey = (20 * y).astype(np.uint8)
alpha = np.where(x < 6, 255, 0).astype(np.uint8)
opacity = (20 * x + 2 * y).astype(np.uint8)


def encoded(image, name, **options):
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


files = {
    "colour_png": encoded(Image.fromarray(colour), "PNG"),
    "grey_png": encoded(Image.fromarray(grey), "PNG"),
    "deep_png": encoded(Image.fromarray(grey.astype(np.uint16) * 257), "PNG"),
    "palette_png": encoded(Image.fromarray(colour).quantize(200), "PNG"),
    "bits_png": encoded(Image.fromarray(y % 2 == 0), "PNG"),
    "transparent_png": encoded(Image.fromarray(np.dstack([colour, alpha])), "PNG"),
    "half_transparent_png": encoded(Image.fromarray(np.dstack([colour, opacity])), "PNG"),
    "grey_transparent_png": encoded(Image.fromarray(np.dstack([grey, opacity])), "PNG"),
    "palette_transparent_png": encoded(Image.fromarray(colour).quantize(200), "PNG", transparency=bytes(range(200))),
    "small_png": encoded(Image.fromarray(colour[:4, :5]), "PNG"),
    "narrow_png": encoded(Image.fromarray(np.zeros((1, 200), np.uint8)), "PNG"),
    "colour_jpeg": encoded(Image.fromarray(colour), "JPEG", quality=95, subsampling=0),
    "progressive_jpeg": encoded(Image.fromarray(colour), "JPEG", quality=95, subsampling=0, progressive=True),
    "grey_jpeg": encoded(Image.fromarray(grey), "JPEG", quality=95),
    "cmyk_jpeg": encoded(Image.fromarray(colour).convert("CMYK"), "JPEG", quality=50),
}
print("// PNG and JPEG files, and PyTorch's figures: the output of images_fixture.py.")
print("#pragma once")
print()
print("// clang-format off")
for name, data in files.items():
    print("inline constexpr unsigned char %s[] = {" % name)
    line = ""
    for byte in data:
        if len(line) > 115:
            print(line)
            line = ""
        line += "%d," % byte
    print(line)
    print("};")

# half_transparent_png and palette_transparent_png over the grey 51, channels last.
for name in ("half_transparent_png", "palette_transparent_png"):
    image = Image.open(io.BytesIO(files[name])).convert("RGBA")
    over = np.asarray(Image.alpha_composite(Image.new("RGBA", image.size, (51, 51, 51, 255)), image).convert("RGB"))
    line = "inline constexpr unsigned char %s_over_51[] = {" % name[:-4]
    for byte in over.flatten():
        if len(line) > 115:
            print(line)
            line = ""
        line += "%d," % byte
    print(line + "};")

# Element i of the 5×7 image is (13 i mod 17) / 16.
image = ((13 * torch.arange(35, dtype=torch.float64)) % 17 / 16).reshape(1, 1, 5, 7)
for height, width in ((2, 3), (9, 11), (3, 14), (5, 4), (3, 4), (10, 14)):
    resized = torch.nn.functional.interpolate(image, (height, width), mode="bilinear", antialias=True)
    print("inline constexpr double resized_%dx%d[] = {" % (height, width))
    line = ""
    for value in resized.flatten().tolist():
        if len(line) > 95:
            print(line)
            line = ""
        line += "%r," % value
    print(line)
    print("};")
print("// clang-format on")
