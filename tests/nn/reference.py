#!/usr/bin/env python3
"""Writes reference.npz, the results of PyTorch for every kind of module: /usr/bin/python3 reference.py

Made with PyTorch 1.13.0 (Debian 12's python3-torch). A case holds, in double precision: the input x, the weights p.<path> of
the module, the output y, a cotangent c, and the gradients of sum(c * y): dx, and d.<path> for each weight. For modules with
statistics, s.<path> holds their values after the call.
"""
import numpy as np
import torch
from torch import nn

torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
arrays = {}


def case(name, module, x, call=None):
    for p in module.parameters():  # PyTorch initialises many of them to zeros or ones
        with torch.no_grad():
            p.add_(0.3 * torch.randn_like(p))
    for b in module.buffers():
        if b.is_floating_point():
            b.add_(0.3 * torch.rand_like(b))
    for path, p in module.state_dict().items():
        if path != "num_batches_tracked":
            arrays[f"{name}.p.{path}"] = p.numpy().copy()
    arrays[f"{name}.x"] = x.numpy()
    differentiable = x.is_floating_point()
    if differentiable:
        x = x.clone().requires_grad_()
    y = (call or (lambda m, a: m(a)))(module, x)
    c = torch.randn_like(y)
    (c * y).sum().backward()
    arrays[f"{name}.y"] = y.detach().numpy()
    arrays[f"{name}.c"] = c.numpy()
    if differentiable:
        arrays[f"{name}.dx"] = x.grad.numpy()
    for path, p in module.named_parameters():
        arrays[f"{name}.d.{path}"] = p.grad.numpy()
    for path, b in module.named_buffers():
        if path != "num_batches_tracked":
            arrays[f"{name}.s.{path}"] = b.numpy()


draw = torch.randn
case("linear", nn.Linear(3, 2), draw(4, 3))
case("linear.plain", nn.Linear(3, 2, bias=False), draw(2, 4, 3))
case("conv1d", nn.Conv1d(2, 4, 3, stride=2, padding=1, groups=2), draw(2, 2, 7))
case("conv2d", nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2)), draw(2, 2, 6, 5))
case("conv2d.same", nn.Conv2d(2, 2, 3, padding="same", bias=False), draw(1, 2, 4, 4))
case("conv_transpose2d", nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1, groups=2), draw(2, 4, 3, 3))
case("max_pool2d", nn.MaxPool2d(3, stride=2, padding=1), draw(2, 2, 6, 5))
case("avg_pool1d", nn.AvgPool1d(2), draw(2, 2, 6))
case("adaptive_avg_pool2d", nn.AdaptiveAvgPool2d((2, 3)), draw(2, 2, 5, 7))
case("batch_norm", nn.BatchNorm2d(3, momentum=0.2), draw(2, 3, 2, 2))
case("batch_norm.evaluated", nn.BatchNorm1d(3).eval(), draw(4, 3))
case("layer_norm", nn.LayerNorm((2, 3)), draw(4, 2, 3))
case("group_norm", nn.GroupNorm(2, 4), draw(2, 4, 3))
case("embedding", nn.Embedding(5, 3), torch.tensor([[1, 4, 1], [0, 1, 3]]))
case("prelu", nn.PReLU(2), draw(3, 2, 2))
case("gelu", nn.GELU(), draw(3, 2))
case("elu", nn.ELU(0.7), draw(3, 2))
case("softmax", nn.Softmax(dim=1), draw(3, 4))
output = lambda m, x: m(x)[0]
case("rnn", nn.RNN(3, 4, batch_first=True), draw(2, 5, 3), output)
case("rnn.relu", nn.RNN(3, 4, batch_first=True, nonlinearity="relu"), draw(2, 5, 3), output)
case("gru", nn.GRU(3, 4, batch_first=True), draw(2, 5, 3), output)
case("lstm", nn.LSTM(3, 4, batch_first=True), draw(2, 5, 3), output)
state = torch.stack([draw(1, 2, 4), draw(1, 2, 4)])
arrays["lstm.state.h"], arrays["lstm.state.c"] = state[0, 0].numpy(), state[1, 0].numpy()


def with_state(m, x):
    y, (h, c) = m(x, (state[0], state[1]))
    return torch.cat([y, h.transpose(0, 1), c.transpose(0, 1)], 1)


case("lstm.run", nn.LSTM(3, 4, batch_first=True, bias=False), draw(2, 5, 3), with_state)
case("attention", nn.MultiheadAttention(6, 2, batch_first=True), draw(2, 4, 6), lambda m, x: m(x, x, x)[0])
forbidden = torch.ones(4, 4, dtype=torch.bool).triu(1)
case("attention.causal", nn.MultiheadAttention(6, 3, batch_first=True, bias=False), draw(2, 4, 6),
     lambda m, x: m(x, x, x, attn_mask=forbidden)[0])
case("attention.cross", nn.MultiheadAttention(4, 2, batch_first=True), draw(2, 5, 4), lambda m, x: m(x[:, :2], x, 2 * x)[0])
case("encoder", nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, batch_first=True), draw(2, 3, 4))
case("encoder.first", nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, activation="gelu", norm_first=True, batch_first=True),
     draw(2, 3, 4))
for name, module in {
    "identity": nn.Identity(), "relu": nn.ReLU(), "relu6": nn.ReLU6(), "sigmoid": nn.Sigmoid(), "log_sigmoid": nn.LogSigmoid(),
    "tanh": nn.Tanh(), "silu": nn.SiLU(), "mish": nn.Mish(), "selu": nn.SELU(), "softsign": nn.Softsign(),
    "hard_swish": nn.Hardswish(), "hard_tanh": nn.Hardtanh(), "leaky_relu": nn.LeakyReLU(0.2),
    "celu": nn.CELU(1.5), "softplus": nn.Softplus(2), "log_softmax": nn.LogSoftmax(dim=1), "gelu.tanh": nn.GELU(approximate="tanh"),
}.items():
    case(name, module, 4 * draw(3, 4))
# Written as a formula, because the gradient in PyTorch 1.13 has 1/6 in single precision.
case("hard_sigmoid", nn.Identity(), 4 * draw(3, 4), lambda m, x: torch.clamp(x + 3, 0, 6) / 6)
case("max_pool1d", nn.MaxPool1d(3, stride=2), draw(2, 2, 7))
case("avg_pool2d", nn.AvgPool2d((2, 3), stride=2), draw(2, 2, 6, 5))
case("adaptive_avg_pool1d", nn.AdaptiveAvgPool1d(3), draw(2, 2, 7))
case("adaptive_max_pool1d", nn.AdaptiveMaxPool1d(3), draw(2, 2, 7))
case("adaptive_max_pool2d", nn.AdaptiveMaxPool2d((2, 3)), draw(2, 2, 5, 7))
case("batch_norm.plain", nn.BatchNorm1d(3, affine=False), draw(5, 3))
case("layer_norm.plain", nn.LayerNorm((3,), elementwise_affine=False), draw(4, 3))
case("group_norm.plain", nn.GroupNorm(2, 4, affine=False), draw(2, 4, 3))


def with_hidden(m, x):
    y, h = m(x, state[0])
    return torch.cat([y, h.transpose(0, 1)], 1)


case("rnn.run", nn.RNN(3, 4, batch_first=True, bias=False), draw(2, 5, 3), with_hidden)
case("gru.run", nn.GRU(3, 4, batch_first=True), draw(2, 5, 3), with_hidden)
case("gru.plain", nn.GRU(3, 4, batch_first=True, bias=False), draw(2, 5, 3), output)
padded = torch.tensor([[False, False, False, True], [False, False, True, True]])
case("attention.masked", nn.MultiheadAttention(6, 2, batch_first=True), draw(2, 4, 6),
     lambda m, x: m(x, x, x, key_padding_mask=padded)[0])


def from_its_steps(m, x):
    """Returns all outputs and last states in one vector. The first steps of x are also the initial states, so dx includes
    the gradients of these."""
    count = m.num_layers * (2 if m.bidirectional else 1)
    h, c = (x[:, k:k + count].transpose(0, 1).contiguous() for k in (0, 1))
    y, last = m(x, (h, c) if isinstance(m, nn.LSTM) else h)
    return torch.cat([part.flatten() for part in [y, *(last if isinstance(m, nn.LSTM) else [last])]])


deep = dict(num_layers=2, bidirectional=True, batch_first=True)
case("rnn.deep", nn.RNN(4, 4, nonlinearity="relu", **deep), draw(2, 5, 4), from_its_steps)
case("gru.deep", nn.GRU(4, 4, bias=False, **deep), draw(2, 5, 4), from_its_steps)
case("lstm.deep", nn.LSTM(4, 4, dropout=0.5, **deep).eval(), draw(2, 5, 4), from_its_steps)
case("lstm.three", nn.LSTM(3, 4, num_layers=3, batch_first=True), draw(2, 5, 3), output)
case("gru.both", nn.GRU(3, 4, bidirectional=True, batch_first=True), draw(2, 5, 3), output)
# In training mode, with all outputs of the lower layer dropped.
case("rnn.dropped", nn.RNN(3, 4, num_layers=2, dropout=1.0, batch_first=True), draw(2, 5, 3), output)


class LoRALinear(nn.Linear):
    def __init__(self, inputs, outputs, rank, alpha, **options):
        super().__init__(inputs, outputs, **options)
        self.scale = alpha / rank
        self.lora_a, self.lora_b = nn.Parameter(draw(rank, inputs)), nn.Parameter(draw(outputs, rank))

    def forward(self, x):
        return super().forward(x) + self.scale * nn.functional.linear(nn.functional.linear(x, self.lora_a), self.lora_b)


case("lora", LoRALinear(4, 3, 2, 5.0), draw(2, 5, 4))
case("lora.plain", LoRALinear(4, 3, 1, 1.0, bias=False), draw(5, 4))
np.savez_compressed("reference.npz", **arrays)
