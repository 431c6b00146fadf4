"""Writes tests/io/npz_fixture.hpp: an .npz file made by NumPy, as bytes. Run with Debian's python3 and python3-numpy."""
import io
import numpy as np

buffer = io.BytesIO()
np.savez_compressed(
    buffer,
    f4=np.arange(6, dtype="<f4").reshape(2, 3) / 4,
    f8=np.array(2.5),
    i8=np.array([-1, 2**40]),
    u1=np.array([[[0, 255]]], dtype="u1"),
    truth=np.array([True, False]),
    fortran=np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    empty=np.zeros((0, 3)),
)
data = buffer.getvalue()
print("// Made by tests/io/npz_fixture.py with NumPy", np.__version__ + ".")
print("#pragma once\n\ninline constexpr unsigned char npz_fixture[] = {")
for i in range(0, len(data), 24):
    print("    " + " ".join(f"{b}," for b in data[i : i + 24]))
print("};")
