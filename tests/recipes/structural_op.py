# A structural op with an integer attribute: a delay by k steps, y[i] = x[i - k], with zeros before the beginning.
import sys

import torch
from torch.nn import functional as F


class Delay(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, steps):
        if x.dim() != 1:
            raise ValueError(f"delay: shape {tuple(x.shape)} is not that of a vector")
        ctx.steps = steps
        y = torch.zeros_like(x)
        if steps >= 0:
            y[steps:] = x[:len(x) - steps]
        else:
            y[:steps] = x[-steps:]
        return y

    @staticmethod
    def backward(ctx, g):
        return delay(g, -ctx.steps), None


def delay(x, steps):
    return Delay.apply(x, steps)


torch.manual_seed(1)
signal = torch.randn(100, dtype=torch.double, requires_grad=True)
right = all([torch.autograd.gradcheck(lambda x: delay(x, 3), signal),
             torch.autograd.gradgradcheck(lambda x: delay(x, 3), signal)])

x = signal.detach()
strength = torch.zeros((), dtype=torch.double, requires_grad=True)
optimizer = torch.optim.SGD([strength], lr=0.1)
for step in range(100):
    optimizer.zero_grad()
    loss = F.mse_loss(x + strength * delay(x, 7), x + 0.6 * delay(x, 7))
    loss.backward()
    optimizer.step()
print(f"gradients: {'right' if right else 'wrong'}; strength of the echo: {strength.item():.4f}")
sys.exit(0 if right and abs(strength.item() - 0.6) < 1e-3 else 1)
