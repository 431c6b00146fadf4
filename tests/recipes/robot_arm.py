# Jacobian and Hessian of a robot arm: which angles bring its hand to a point?
import sys

import torch
from torch.autograd.functional import hessian, jacobian

torch.set_default_dtype(torch.double)
lengths = torch.tensor([1, 0.8, 0.5, 0.3])
target = torch.tensor([0.9, 1.4])


def hand(angles):
    directions = angles.cumsum(0)
    return torch.stack([(lengths * directions.cos()).sum(), (lengths * directions.sin()).sum()])


def cost(angles):
    return (hand(angles) - target).square().sum() + 1e-2 * angles.square().sum()


angles = torch.tensor([0.8, 0.8, 0.8, 0.8])
g = jacobian(cost, angles)
for step in range(10):
    angles = angles - torch.linalg.solve(hessian(cost, angles), g)
    g = jacobian(cost, angles)

j = jacobian(hand, angles)
freedom = (j @ j.T).det().sqrt().item()
slope = g.abs().max().item()
print(f"gradient after 10 steps: {slope:.0e}, manipulability {freedom:.3f}")
sys.exit(0 if slope < 1e-12 and freedom > 0.1 else 1)
