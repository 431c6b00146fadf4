#!/usr/bin/env python3
"""Writes the models that PyTorch exports, with PyTorch's results: /usr/bin/python3 make_models.py

Made with PyTorch 1.13.0 (Debian 12's python3-torch). NAME.onnx is an exported network in double precision; nothing is folded,
so the initialisers keep the names of the parameters. NAME.npz holds, in double precision: the inputs x.<name>, the output y,
a cotangent c, and the gradients of sum(c * y): dx.<name> for each input of numbers, and d.<name> for each parameter.
"""
import os
import warnings

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional as F

folder = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
warnings.filterwarnings("ignore")  # advice about batch sizes of recurrent layers


class Convolutional(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 6, 3, stride=2, bias=False)
        self.head = nn.Linear(6 * 2 * 2, 5)

    def forward(self, image):
        y = F.max_pool2d(F.relu(self.norm(self.conv1(image))), 2)
        return F.log_softmax(self.head(torch.flatten(F.relu(self.conv2(y)), 1)), 1)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 4)
        self.lstm = nn.LSTM(4, 5, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(10, 3)

    def forward(self, words):
        steps, _ = self.lstm(self.embedding(words))
        return self.head(steps.mean(1))


class Attention(nn.Module):  # an encoder layer that normalises first, with a mask of padded steps
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)

    def forward(self, sequence, mask):
        n, steps, width = sequence.shape
        q, k, v = (
            part.view(n, steps, self.heads, width // self.heads).transpose(1, 2)
            for part in self.qkv(self.norm1(sequence)).chunk(3, -1)
        )
        scores = q @ k.transpose(-2, -1) / (width // self.heads) ** 0.5
        scores = scores.masked_fill(mask[:, None, None, :] == 0, -1e9)
        mixed = (torch.softmax(scores, -1) @ v).transpose(1, 2).reshape(n, steps, width)
        y = sequence + self.out(mixed)
        return y + self.down(F.gelu(self.up(self.norm2(y))))


def export(name, module, inputs, dynamic_axes):
    with torch.no_grad():
        for p in module.parameters():  # PyTorch initialises many of them to zeros or ones
            p.add_(0.3 * torch.randn_like(p))
        for b in module.buffers():
            if b.is_floating_point():
                b.add_(0.3 * torch.rand_like(b))
    module.eval()
    path = os.path.join(folder, name + ".onnx")
    torch.onnx.export(
        module, tuple(inputs.values()), path, input_names=list(inputs), output_names=["y"], dynamic_axes=dynamic_axes,
        opset_version=13, do_constant_folding=False, keep_initializers_as_inputs=False,
        training=torch.onnx.TrainingMode.PRESERVE,  # otherwise a batch normalisation is folded into the convolution
    )
    model = onnx.load(path)
    for node in model.graph.node:  # stack traces, which name the folder of this script
        node.ClearField("doc_string")
    onnx.save(model, path)

    initialisers = {i.name for i in model.graph.initializer}
    parameters = dict(module.named_parameters())
    missing = set(parameters) - initialisers
    assert not missing, f"{name}: no initialisers {missing} among {initialisers}"
    arrays = {f"x.{key}": value.numpy() for key, value in inputs.items()}
    leaves = {key: v.clone().requires_grad_() if v.is_floating_point() else v for key, v in inputs.items()}
    y = module(*leaves.values())
    c = torch.randn_like(y)
    (c * y).sum().backward()
    arrays["y"] = y.detach().numpy()
    arrays["c"] = c.numpy()
    for key, value in leaves.items():
        if value.is_floating_point():
            arrays[f"dx.{key}"] = value.grad.numpy()
    for key, value in parameters.items():
        arrays[f"d.{key}"] = value.grad.numpy()
    np.savez_compressed(os.path.join(folder, name + ".npz"), **arrays)


export("convolutional", Convolutional(), {"image": torch.randn(3, 1, 10, 10)}, {"image": {0: "batch"}, "y": {0: "batch"}})
export("recurrent", Recurrent(), {"words": torch.randint(0, 11, (3, 6))}, None)
export(
    "attention",
    Attention(8, 2, 12),
    {"sequence": torch.randn(2, 5, 8), "mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])},
    {"sequence": {0: "batch"}, "mask": {0: "batch"}, "y": {0: "batch"}},
)
