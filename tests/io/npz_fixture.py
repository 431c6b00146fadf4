#!/usr/bin/env python3
"""Writes npz_fixture.hpp, an .npz file written by NumPy: python3 npz_fixture.py >npz_fixture.hpp

Made with NumPy 1.24.2. In most arrays, element i in C order is i − 1 or (unsigned) i.
"""
import io
import zipfile

import numpy as np
from numpy.lib import format as npy


def count(dtype, shape, first=-1):
    return (np.arange(int(np.prod(shape)), dtype="int64") + first).astype(dtype).reshape(shape)


arrays = {
    "float32": count("<f4", (2, 3)),
    "float64": count("<f8", (6,)) / 4,
    "int8": count("i1", (2, 3)),
    "int16": count("<i2", (2, 3)),
    "int32": count("<i4", (2, 3)),
    "int64": count("<i8", (2, 3)),
    "uint8": count("u1", (2, 3), 0),
    "uint16": count("<u2", (2, 3), 0),
    "uint32": count("<u4", (2, 3), 0),
    "uint64": count("<u8", (2, 3), 0),
    "bool": np.array([True, False, True]),
    "extremes": np.array([-(2**63), 2**63 - 1], dtype="<i8"),
    "scalar": np.float64(2.5),
    "empty": np.empty((0, 3), dtype="<f4"),
    "fortran": np.asfortranarray(count("<f8", (2, 3))),
    "fortran.cube": np.asfortranarray(count("<i4", (2, 3, 4))),
    "special": np.array([np.nan, np.inf, -np.inf, -0.0]),
    "größe": count("<f4", (2,)),
}
file = io.BytesIO()
np.savez_compressed(file, **arrays)
with zipfile.ZipFile(file, "a") as archive:
    for version in ((2, 0), (3, 0)):
        with archive.open("version%d.npy" % version[0], "w") as entry:
            npy.write_array(entry, count("<f4", (2, 3)), version=version)

print("// An .npz file that NumPy wrote: the output of npz_fixture.py.")
print("#pragma once")
print()
print("// clang-format off")
print("inline constexpr unsigned char npz_fixture[] = {")
line = ""
for byte in file.getvalue():
    if len(line) > 115:
        print(line)
        line = ""
    line += "%d," % byte
print(line)
print("};")
print("// clang-format on")
