# A physical model fitted to measurements: a damped pendulum, 200 Runge-Kutta steps, L-BFGS.
import sys

import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.double)


# The derivative of (angles, speeds), given k and d.
def derivative(state, constants):
    angle, speed = state
    return torch.stack([speed, -constants[0] * torch.sin(angle) - constants[1] * speed])


# The angles at each step, (201, 8).
def simulate(state, constants):
    h = 0.05
    angles = [state[0]]
    for step in range(200):
        k1 = derivative(state, constants)
        k2 = derivative(state + h / 2 * k1, constants)
        k3 = derivative(state + h / 2 * k2, constants)
        k4 = derivative(state + h * k3, constants)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        angles.append(state[0])
    return torch.stack(angles)


torch.manual_seed(1)
start, truth = torch.randn(2, 8), torch.tensor([9.81, 0.3])
measured = simulate(start, truth) + 0.01 * torch.randn(201, 8)

constants = torch.tensor([8.0, 0.0], requires_grad=True)
optimizer = torch.optim.LBFGS([constants], max_iter=50, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = F.mse_loss(simulate(start, constants), measured)
    loss.backward()
    return loss


optimizer.step(closure)
k, d = constants.tolist()
error = (constants - truth).abs().max().item()
print(f"k = {k:.3f}, d = {d:.3f}, error {error:.1e}")
sys.exit(0 if error < 0.01 else 1)
