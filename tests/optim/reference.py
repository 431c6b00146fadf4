#!/usr/bin/env python3
"""Writes reference.npz: /usr/bin/python3 reference.py

Trajectories of PyTorch 1.13's optimisers in double, and of Lion, which it lacks, after its definition. The problem is
a network of 23 parameters, tanh(x w1 + b1) w2 + b2 against y in least squares; a trajectory holds all of them, one
after another, after every 100 of 1,000 steps.
"""
import inspect
import os
import sys

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
generator = np.random.default_rng(5)
arrays = {
    "x": generator.uniform(-2, 2, (16, 4)),
    "w1": generator.uniform(-1, 1, (4, 3)),
    "b1": generator.uniform(-1, 1, 3),
    "w2": generator.uniform(-1, 1, (3, 2)),
    "b2": generator.uniform(-1, 1, 2),
}
x = torch.tensor(arrays["x"])
y = torch.stack([torch.sin(x[:, 0]) * x[:, 1], (x ** 2).mean(1)], 1)
arrays["y"] = y.numpy()


def fresh():
    return [torch.tensor(arrays[name], requires_grad=True) for name in ("w1", "b1", "w2", "b2")]


def loss_of(step, w1, b1, w2, b2):
    """Step by step of another batch of four, so that gradients do not vanish: where they do, rules that divide by their
    size become unstable, and rounding grows without bound."""
    batch = slice(step % 4 * 4, step % 4 * 4 + 4)
    return ((torch.tanh(x[batch] @ w1 + b1) @ w2 + b2 - y[batch]) ** 2).mean()


def record(name, parameters, step):
    kept = []
    for i in range(1000):
        for p in parameters:
            p.grad = None
        loss_of(i, *parameters).backward()
        step(i)
        if i % 100 == 99:
            kept.append(np.concatenate([p.detach().numpy().ravel() for p in parameters]))
    arrays[name] = np.array(kept)


def trajectory(name, make, before=lambda parameters: None):
    parameters = fresh()
    optimiser = make(parameters)

    def step(_):
        before(parameters)
        optimiser.step()

    record(name, parameters, step)


def lion(name, rate, beta1, beta2, weight_decay):
    """Chen et al. 2023, algorithm 2."""
    parameters = fresh()
    averages = [torch.zeros_like(p) for p in parameters]

    def step(_):
        with torch.no_grad():
            for p, m in zip(parameters, averages):
                c = beta1 * m + (1 - beta1) * p.grad
                p.copy_(p - rate * (torch.sign(c) + weight_decay * p))
                m.copy_(beta2 * m + (1 - beta2) * p.grad)

    record(name, parameters, step)


def mend_nadam():
    """PyTorch 1.13 multiplies mu_t into the product of the step ahead twice, which its later versions have mended."""
    wrong, right = "mu_product_next = mu_product * mu * mu_next", "mu_product_next = mu_product * mu_next"
    module = sys.modules["torch.optim.nadam"]
    source = inspect.getsource(module._single_tensor_nadam)
    assert source.count(wrong) == 1
    exec(source.replace(wrong, right), module.__dict__)


mend_nadam()
O = torch.optim
trajectory("sgd", lambda p: O.SGD(p, lr=0.1))
trajectory("sgd.decay", lambda p: O.SGD(p, lr=0.1, weight_decay=0.01))
trajectory("sgd.momentum", lambda p: O.SGD(p, lr=0.02, momentum=0.9))
trajectory("sgd.dampening", lambda p: O.SGD(p, lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.001))
trajectory("sgd.nesterov", lambda p: O.SGD(p, lr=0.02, momentum=0.9, nesterov=True, weight_decay=0.001))
trajectory("adam", lambda p: O.Adam(p, lr=0.01))
trajectory("adam.options", lambda p: O.Adam(p, lr=0.02, betas=(0.8, 0.99), eps=1e-5, weight_decay=0.01))
trajectory("adam.amsgrad", lambda p: O.Adam(p, lr=0.02, betas=(0.9, 0.95), amsgrad=True))
trajectory("adamw", lambda p: O.AdamW(p, lr=0.01))
trajectory("adamw.amsgrad", lambda p: O.AdamW(p, lr=0.02, weight_decay=0.1, amsgrad=True))
trajectory("adam.clip_norm", lambda p: O.Adam(p, lr=0.01), lambda p: torch.nn.utils.clip_grad_norm_(p, 0.05))
trajectory("sgd.clip_value", lambda p: O.SGD(p, lr=0.1, momentum=0.5), lambda p: torch.nn.utils.clip_grad_value_(p, 0.02))
trajectory("groups", lambda p: O.AdamW([{"params": [p[0], p[2]]}, {"params": [p[1], p[3]], "lr": 0.002, "weight_decay": 0}],
                                       lr=0.01))
trajectory("adagrad", lambda p: O.Adagrad(p, lr=0.1))
trajectory("adagrad.options", lambda p: O.Adagrad(p, lr=0.2, lr_decay=0.01, weight_decay=0.01, initial_accumulator_value=0.1, eps=1e-6))
trajectory("adadelta", lambda p: O.Adadelta(p))
trajectory("adadelta.options", lambda p: O.Adadelta(p, lr=0.5, rho=0.8, eps=1e-4, weight_decay=0.01))
trajectory("rmsprop", lambda p: O.RMSprop(p, lr=0.002))
trajectory("rmsprop.momentum", lambda p: O.RMSprop(p, lr=0.001, momentum=0.8, weight_decay=0.01, alpha=0.9, eps=1e-5))
trajectory("rmsprop.centered", lambda p: O.RMSprop(p, lr=0.001, momentum=0.5, centered=True, eps=1e-4))
trajectory("adamax", lambda p: O.Adamax(p, lr=0.01))
trajectory("adamax.options", lambda p: O.Adamax(p, lr=0.02, betas=(0.8, 0.9), eps=1e-4, weight_decay=0.01))
trajectory("nadam", lambda p: O.NAdam(p, lr=0.01))
trajectory("nadam.options", lambda p: O.NAdam(p, lr=0.02, betas=(0.8, 0.99), eps=1e-5, weight_decay=0.01, momentum_decay=0.01))
trajectory("radam", lambda p: O.RAdam(p, lr=0.01))
trajectory("radam.options", lambda p: O.RAdam(p, lr=0.02, betas=(0.8, 0.99), eps=1e-5, weight_decay=0.01))
trajectory("radam.short", lambda p: O.RAdam(p, lr=0.01, betas=(0.8, 0.6)))
lion("lion", 0.001, 0.9, 0.99, 0.0)
lion("lion.decay", 0.002, 0.8, 0.95, 0.1)
np.savez_compressed(os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference.npz"), **arrays)
