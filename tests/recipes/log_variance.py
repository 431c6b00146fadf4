# A regression that also learns how uncertain it is: a Gaussian likelihood with a learned log-variance.
import sys

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
x = 2 * torch.rand(2000, 1) - 1
deviation = 0.1 + 0.2 * (x + 1)
y = torch.sin(3 * x) + deviation * torch.randn(2000, 1)

network = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
for epoch in range(60):
    for inputs, targets in DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True):
        optimizer.zero_grad()
        mean, log_variance = network(inputs).split(1, 1)
        loss = F.gaussian_nll_loss(mean, targets, log_variance.exp())
        loss.backward()
        optimizer.step()

with torch.no_grad():
    learned = torch.exp(0.5 * network(x)[:, 1:])
error = (learned / deviation - 1).abs().mean().item()
print(f"error of the deviation: {100 * error:.1f}%")
sys.exit(0 if error < 0.15 else 1)
