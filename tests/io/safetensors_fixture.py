#!/usr/bin/env python3
"""Writes safetensors_fixture.hpp, a .safetensors file made from the specification of the format alone:
python3 safetensors_fixture.py >safetensors_fixture.hpp

Made with NumPy 1.24.2. In most tensors, element i is i − 1 or (unsigned) i. json.dumps writes the header with blanks and
escapes; the tensors in the header are not in the order of their bytes.
"""
import json
import struct

import numpy as np


def count(dtype, shape, first=-1):
    return (np.arange(int(np.prod(shape)), dtype="int64") + first).astype(dtype).reshape(shape)


def upper_half(values):
    return (np.asarray(values, dtype="<f4").view("<u4") >> 16).astype("<u2")


tensors = {
    "F32": ("F32", count("<f4", (2, 3))),
    "F64": ("F64", count("<f8", (6,)) / 4),
    "I8": ("I8", count("i1", (2, 3))),
    "I16": ("I16", count("<i2", (2, 3))),
    "I32": ("I32", count("<i4", (2, 3))),
    "I64": ("I64", count("<i8", (2, 3))),
    "U8": ("U8", count("u1", (2, 3), 0)),
    "U16": ("U16", count("<u2", (2, 3), 0)),
    "U32": ("U32", count("<u4", (2, 3), 0)),
    "U64": ("U64", count("<u8", (2, 3), 0)),
    "BOOL": ("BOOL", np.array([True, False, True])),
    "F16": ("F16", np.array([1 / 3, -0.0, 65504, 2.0**-24, np.inf, -np.inf, np.nan, 6.1035e-05], dtype="<f2")),
    "BF16": ("BF16", upper_half([1.5, -2, 2.0**100, np.inf])),
    "scalar": ("F64", np.float64(2.5)),
    "empty": ("F32", np.empty((0, 3), dtype="<f4")),
    'größe "\\ 😀\n': ("F32", count("<f4", (2,))),
}
data = b""
header = {}
for name, (dtype, array) in tensors.items():
    header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [len(data), len(data) + array.nbytes]}
    data += array.tobytes()
header = dict(reversed(header.items()))
header["__metadata__"] = {"format": "pt", "größe": "☃"}
text = json.dumps(header).encode()
file = struct.pack("<Q", len(text)) + text + data

print("// A .safetensors file written by Python: the output of safetensors_fixture.py.")
print("#pragma once")
print()
print("// clang-format off")
print("inline constexpr unsigned char safetensors_fixture[] = {")
line = ""
for byte in file:
    if len(line) > 115:
        print(line)
        line = ""
    line += "%d," % byte
print(line)
print("};")
print("// clang-format on")
