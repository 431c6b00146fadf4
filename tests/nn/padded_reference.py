#!/usr/bin/env python3
"""Writes padded_reference.npz, PyTorch's results on padded sequences: /usr/bin/python3 padded_reference.py

Made with PyTorch 1.13.0 (Debian 12's python3-torch), in double precision. The lengths of all cases are `lengths`. A recurrent
case holds the input x, the initial states h0 (and c0), the weights p.<path>, the outputs y of pack_padded_sequence, the final
states h (and c), cotangents cy, ch (and cc) of them, and the gradients dx, dh0 (and dc0), and d.<path> of each weight. The
padding of x is 0. A case of attention holds x, p.<path>, y, cy, dx and d.<path>; cy is 0 at the padding.
"""
import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)
draw = torch.randn
samples, steps, width, hidden = 4, 5, 3, 4
lengths = torch.tensor([3, 5, 1, 4])
real = (torch.arange(steps)[None, :] < lengths[:, None]).double()
arrays = {"lengths": lengths.numpy()}


def give(name, values):
    for key, value in values.items():
        arrays[f"{name}.{key}"] = value.detach().numpy().copy()


def finish(name, module):
    give(name, {"p." + path: p for path, p in module.named_parameters()})
    give(name, {"d." + path: p.grad for path, p in module.named_parameters()})


def recurrent(name, module):
    count = module.num_layers * (2 if module.bidirectional else 1)
    x = (draw(samples, steps, width) * real[:, :, None]).requires_grad_()
    states = [draw(count, samples, hidden).requires_grad_() for _ in range(2 if isinstance(module, nn.LSTM) else 1)]
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    y, last = module(packed, tuple(states) if len(states) == 2 else states[0])
    y = pad_packed_sequence(y, batch_first=True)[0]
    last = list(last) if len(states) == 2 else [last]
    cy, cs = draw(*y.shape), [draw(*s.shape) for s in last]
    ((cy * y).sum() + sum((c * s).sum() for c, s in zip(cs, last))).backward()
    give(name, {"x": x, "y": y, "cy": cy, "dx": x.grad})
    for part, state, end, c in zip("hc", states, last, cs):
        give(name, {f"{part}0": state, part: end, f"c{part}": c, f"d{part}0": state.grad})
    finish(name, module)


both = dict(num_layers=2, bidirectional=True, batch_first=True)
recurrent("rnn", nn.RNN(width, hidden, nonlinearity="relu", **both))
recurrent("gru", nn.GRU(width, hidden, bias=False, **both))
recurrent("lstm", nn.LSTM(width, hidden, **both))
recurrent("rnn.one", nn.RNN(width, hidden, batch_first=True))
recurrent("gru.one", nn.GRU(width, hidden, batch_first=True))
recurrent("lstm.one", nn.LSTM(width, hidden, num_layers=2, batch_first=True))


def attention(name, module, call):
    for p in module.parameters():
        with torch.no_grad():
            p.add_(0.3 * draw(*p.shape))
    x = (draw(samples, steps, 4) * real[:, :, None]).requires_grad_()
    y = call(module, x, real == 0)
    cy = draw(*y.shape) * real[:, :, None]
    (cy * y).sum().backward()
    give(name, {"x": x, "y": y, "cy": cy, "dx": x.grad})
    finish(name, module)


attention("attention", nn.MultiheadAttention(4, 2, batch_first=True), lambda m, x, pad: m(x, x, x, key_padding_mask=pad)[0])
attention("attention.cross", nn.MultiheadAttention(4, 2, batch_first=True),
          lambda m, x, pad: m(x.flip(1), x, 2 * x, key_padding_mask=pad)[0])
attention("encoder", nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, batch_first=True),
          lambda m, x, pad: m(x, src_key_padding_mask=pad))
attention("encoder.first", nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, norm_first=True, batch_first=True),
          lambda m, x, pad: m(x, src_key_padding_mask=pad))

# Losses over the real steps alone, and their gradients with respect to predictions p or logits z.
p, t = draw(samples, steps, 2).requires_grad_(), draw(samples, steps, 2)
loss = mse_loss(p[real == 1], t[real == 1])
loss.backward()
give("mse", {"p": p, "t": t, "loss": loss, "dp": p.grad})
z = draw(samples, 3, steps).requires_grad_()
labels = torch.where(real == 1, torch.randint(3, (samples, steps)), -100)
loss = cross_entropy(z, labels)
loss.backward()
give("cross_entropy", {"z": z, "labels": labels, "loss": loss, "dz": z.grad})
np.savez_compressed("padded_reference.npz", **arrays)
