"""Oracle, shared by the scripts of this folder: stores functions of tensors as cases, computed by PyTorch in double.

Each script writes one .npz beside itself: python3 elementwise.py. The reference values are those of PyTorch 1.13.0
(Debian 12's python3-torch). The arrays of a case `name` are
  name.x0 …   the differentiated inputs (float64 arrays), in order
  name.i0 …   the integer inputs (int64 arrays), in order
  name.y      the value
  name.w      weights of the value
  name.g0 …   the first gradients, those of Σ w·y, one for each x
  name.v0 …   weights of the first gradients
  name.h0 …   the second gradients, those of Σ v0·g0 + v1·g1 + …, one for each x
"""
import os
import sys

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


class Oracle:
    def __init__(self):
        self.arrays = {}
        self.random = np.random.default_rng(1964)

    def uniform(self, *shape, low=-1.0, high=1.0):
        """Returns an array of random numbers, uniform on [low, high)."""
        return self.random.uniform(low, high, shape)

    def case(self, name, function, *inputs, orders=2):
        """Stores a case. Floating-point inputs are differentiated; integers are passed unchanged."""
        floats = [k for k, x in enumerate(inputs) if np.asarray(x).dtype.kind == "f"]
        tensors = [torch.tensor(np.asarray(x), requires_grad=k in floats) for k, x in enumerate(inputs)]
        variables = [tensors[k] for k in floats]
        whole = [np.asarray(x, dtype=np.int64) for k, x in enumerate(inputs) if k not in floats]
        self._store(name, "x", [np.asarray(inputs[k], dtype=np.float64) for k in floats])
        self._store(name, "i", whole)
        y = function(*tensors)
        self.arrays[f"{name}.y"] = y.detach().numpy()
        if orders < 1:
            return
        w = torch.tensor(self.uniform(*y.shape, low=0.5, high=1.5))
        self.arrays[f"{name}.w"] = w.numpy()
        first = self._gradients((w * y).sum(), variables, create_graph=orders > 1)
        self._store(name, "g", [g.detach().numpy() for g in first])
        if orders < 2:
            return
        weights = [torch.tensor(self.uniform(*x.shape, low=0.5, high=1.5)) for x in variables]
        self._store(name, "v", [v.numpy() for v in weights])
        second = self._gradients(sum((v * g).sum() for v, g in zip(weights, first)), variables, create_graph=False)
        self._store(name, "h", [h.numpy() for h in second])

    def value(self, name, y, *inputs):
        """Stores a case of which only the value is known, from a source other than PyTorch."""
        self._store(name, "x", [np.asarray(x, dtype=np.float64) for x in inputs])
        self.arrays[f"{name}.y"] = np.asarray(y, dtype=np.float64)

    def write(self):
        """Writes the .npz beside the script that is running."""
        path = os.path.splitext(os.path.abspath(sys.argv[0]))[0] + ".npz"
        np.savez_compressed(path, **self.arrays)
        print(f"{path}: {len({key.rsplit('.', 1)[0] for key in self.arrays})} cases")

    def _store(self, name, letter, arrays):
        for k, array in enumerate(arrays):
            self.arrays[f"{name}.{letter}{k}"] = array

    @staticmethod
    def _gradients(scalar, variables, create_graph):
        if not scalar.requires_grad:
            return [torch.zeros_like(x) for x in variables]
        found = torch.autograd.grad(scalar, variables, create_graph=create_graph, allow_unused=True)
        # Added to zeros because PyTorch's zero tensors have no memory for NumPy to read.
        return [torch.zeros_like(x) + (0 if g is None else g) for g, x in zip(found, variables)]
