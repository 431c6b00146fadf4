# A fixed-point layer: its output z solves z = tanh(0.9 z·W / ‖W‖ + x·Uᵀ + b) (deep equilibrium, Bai et al. 2019).
import sys

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class Equilibrium(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(32, 32))
        self.input = nn.Linear(3, 32)
        self.head = nn.Linear(32, 1)

    def step(self, z, x):
        return torch.tanh(0.9 * z @ self.weight / self.weight.norm() + self.input(x))

    def forward(self, x):
        z = torch.zeros(len(x), 32)
        with torch.no_grad():
            for i in range(30):
                z = self.step(z, x)
        result = self.step(z, x)
        if result.requires_grad:
            z.requires_grad_()
            next_z = self.step(z, x)

            def solve_adjoint(g):
                u = g
                for i in range(30):
                    u = g + torch.autograd.grad(next_z, z, u, retain_graph=True)[0]
                return u

            result.register_hook(solve_adjoint)
        return self.head(result)


torch.set_default_dtype(torch.double)
torch.manual_seed(1)
x = torch.randn(500, 3)
y = torch.sin(x.sum(1, keepdim=True))

network = Equilibrium()
right = torch.autograd.gradcheck(network, x[:4].clone().requires_grad_(), check_undefined_grad=False,
                                 raise_exception=False)
optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
for epoch in range(30):
    for inputs, targets in DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True):
        optimizer.zero_grad()
        loss = F.mse_loss(network(inputs), targets)
        loss.backward()
        optimizer.step()

with torch.no_grad():
    r_squared = (1 - F.mse_loss(network(x), y) / y.var(unbiased=False)).item()
print(f"gradients: {'right' if right else 'wrong'}; R²: {r_squared:.3f}")
sys.exit(0 if right and r_squared > 0.9 else 1)
