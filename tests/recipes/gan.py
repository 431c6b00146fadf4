# A generative adversarial network: points on a circle.
import math
import sys

import torch
from torch import nn
from torch.nn import functional as F


def mlp(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, 64), nn.LeakyReLU(0.2),
                         nn.Linear(64, 64), nn.LeakyReLU(0.2),
                         nn.Linear(64, outputs))


def generate():
    return generator(torch.randn(128, 4))


torch.manual_seed(1)
generator, discriminator = mlp(4, 2), mlp(2, 1)
generator_optimizer = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
discriminator_optimizer = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.999))
for step in range(1500):
    angle = 2 * math.pi * torch.rand(128)
    real = torch.stack([angle.cos(), angle.sin()], 1)
    fake = generate().detach()
    discriminator_optimizer.zero_grad()
    loss = F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake)).mean()
    loss.backward()
    discriminator_optimizer.step()

    generator_optimizer.zero_grad()
    loss = F.softplus(-discriminator(generate())).mean()
    loss.backward()
    generator_optimizer.step()

with torch.no_grad():
    points = generate()
error = (points.norm(dim=1) - 1).abs().mean().item()
offset = points.mean(0).norm().item()
print(f"mean distance from the circle: {error:.3f}; from its centre to the mean point: {offset:.3f}")
sys.exit(0 if error < 0.1 and offset < 0.3 else 1)
