"""Reads files saved by the tests of io with NumPy and a minimal .safetensors reader: python3 read_with_numpy.py FOLDER"""
import json
import struct
import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])


def load_safetensors(path):
    file = path.read_bytes()
    (length,) = struct.unpack("<Q", file[:8])
    header = json.loads(file[8 : 8 + length])
    assert (8 + length) % 8 == 0, "the elements are not aligned"
    metadata = header.pop("__metadata__", {})
    arrays, at = {}, 0
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        assert begin == at, name
        at = end
        dtype = {"F32": "<f4", "F64": "<f8"}[entry["dtype"]]
        arrays[name] = np.frombuffer(file[8 + length :][begin:end], dtype).reshape(entry["shape"])
    assert len(file) == 8 + length + at
    return arrays, metadata


def check(array, dtype, shape):
    """Checks type and shape, and that element i is (i − 1) / 4."""
    assert array.dtype == dtype and array.shape == shape, (array.dtype, array.shape)
    assert np.array_equal(array.ravel(), (np.arange(array.size) - 1) / 4), array


check(np.load(folder / "single.npy"), "<f4", (2, 3))
check(np.load(folder / "double.npy"), "<f8", (4,))
labels = np.load(folder / "labels.npy")
assert labels.dtype == "<i8" and labels.tolist() == [3, -1, 2**62]
for arrays in (dict(np.load(folder / "weights.npz")), load_safetensors(folder / "weights.safetensors")[0]):
    assert list(arrays) == ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "scale"], arrays
    check(arrays["layers.0.weight"], "<f4", (3, 2))
    check(arrays["layers.0.bias"], "<f4", (3,))
    check(arrays["scale"], "<f4", ())
arrays, metadata = load_safetensors(folder / "texts.safetensors")
assert metadata == {"format": "pt", "größe": 'a "quoted" \\ \t ☃'}, metadata
check(arrays["größe\n"], "<f8", (2, 2))
