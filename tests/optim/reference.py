#!/usr/bin/env python3
"""Writes reference.npz, trajectories of optimisers and rates of schedules: /usr/bin/python3 reference.py

Trajectories come from PyTorch 1.13 in double precision; Lion, which PyTorch lacks, is implemented from its definition. The
problem is a least-squares fit of y by a network of 23 parameters, tanh(x w1 + b1) w2 + b2. A trajectory holds all
parameters after every 100 of 1,000 steps.
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
    """Uses another batch of four samples at each step, so that gradients do not vanish. Vanishing gradients make rules that
    divide by their size unstable, and rounding errors grow without bound."""
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
    """Records the trajectory of Lion (Chen et al. 2023, algorithm 2)."""
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
    """Fixes an error of PyTorch 1.13, corrected in later versions: it multiplies mu_t twice into the next step's product."""
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
trajectory("adam.clip_norm", lambda p: O.Adam(p, lr=0.01), lambda p: torch.nn.utils.clip_grad_norm_(p, 0.5))
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
trajectory("rprop", lambda p: O.Rprop(p, lr=0.001))
trajectory("rprop.options", lambda p: O.Rprop(p, lr=0.01, etas=(0.3, 1.5), step_sizes=(1e-4, 0.02)))
trajectory("rprop.groups", lambda p: O.Rprop([{"params": [p[0], p[2]]}, {"params": [p[1], p[3]], "lr": 0.002}], lr=0.01))


def clipped_sums(p):
    """Accumulates the gradients of two batches of which the second counts double, then clips: values first, then the norm."""
    second = torch.autograd.grad(loss_of(clipped_sums.step + 1, *p), p)
    clipped_sums.step += 1
    for each, g in zip(p, second):
        each.grad = (each.grad + 2 * g) / 3
    torch.nn.utils.clip_grad_value_(p, 0.3)
    torch.nn.utils.clip_grad_norm_(p, 0.4)


clipped_sums.step = 0


def scheduled(name, gamma):
    """Records groups whose rates a schedule multiplies."""
    parameters = fresh()
    optimiser = O.SGD([{"params": [parameters[0], parameters[2]]}, {"params": [parameters[1], parameters[3]], "lr": 0.02}], lr=0.1)
    scheduler = O.lr_scheduler.ExponentialLR(optimiser, gamma)

    def step(_):
        optimiser.step()
        scheduler.step()

    record(name, parameters, step)


scheduled("groups.scheduled", 0.998)
trajectory("accumulated", lambda p: O.Adam([{"params": [p[0], p[2]]}, {"params": [p[1], p[3]], "lr": 0.002}], lr=0.01), clipped_sums)


def freezing(name, make):
    """Freezes w1 until step 300, and w2 from step 600 on, as by requires_grad: PyTorch skips parameters without gradient."""
    parameters = fresh()
    optimiser = make(parameters)

    def step(i):
        if i < 300:
            parameters[0].grad = None
        if i >= 600:
            parameters[2].grad = None
        optimiser.step()

    record(name, parameters, step)


freezing("frozen.adam", lambda p: O.Adam(p, lr=0.01))
freezing("frozen.momentum", lambda p: O.SGD(p, lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.001))
freezing("frozen.radam", lambda p: O.RAdam(p, lr=0.01))


def averages(name, average, wanted=lambda step: True):
    """Records the averages of PyTorch's AveragedModel along the trajectory of Adam; `average(a, w, n)` has averaged n before."""
    parameters = fresh()
    optimiser = O.Adam(parameters, lr=0.01)
    model = torch.nn.ParameterList([torch.nn.Parameter(p.detach().clone()) for p in parameters])
    averaged = torch.optim.swa_utils.AveragedModel(model, avg_fn=average)
    kept = []
    for i in range(1000):
        optimiser.zero_grad()
        loss_of(i, *parameters).backward()
        optimiser.step()
        if wanted(i + 1):
            for p, q in zip(model, parameters):
                p.data.copy_(q.data)
            averaged.update_parameters(model)
        if i % 100 == 99:
            kept.append(np.concatenate([p.detach().numpy().ravel() for p in averaged.module]))
    arrays[name] = np.array(kept)


averages("average.ema", lambda a, w, n: 0.99 * a + 0.01 * w)
averages("average.corrected", lambda a, w, n: a + (w - a) * 0.01 / (1 - 0.99 ** (n + 1)))
averages("average.swa", None)
averages("average.swa_options", None, lambda step: step > 40 and (step - 40) % 20 == 0)
lion("lion", 0.001, 0.9, 0.99, 0.0)
lion("lion.decay", 0.002, 0.8, 0.95, 0.1)


def schedule(name, make, steps=100, rate=0.1):
    """Records the rate of each step of a PyTorch scheduler."""
    optimiser = O.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    scheduler = make(optimiser)
    rates = []
    for _ in range(steps):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    arrays["schedule." + name] = np.array(rates)


S = O.lr_scheduler
schedule("step", lambda o: S.StepLR(o, 30, 0.1))
schedule("multi_step", lambda o: S.MultiStepLR(o, [10, 50, 51], 0.5))
schedule("exponential", lambda o: S.ExponentialLR(o, 0.97))
schedule("cosine", lambda o: S.CosineAnnealingLR(o, 99, 0.01))
schedule("restarts", lambda o: S.CosineAnnealingWarmRestarts(o, 10, 2, 0.001))
schedule("periods", lambda o: S.CosineAnnealingWarmRestarts(o, 15))
schedule("one_cycle", lambda o: S.OneCycleLR(o, 0.1, total_steps=101))
schedule("one_cycle.options", lambda o: S.OneCycleLR(o, 0.2, total_steps=101, pct_start=0.4, div_factor=10, final_div_factor=100))
schedule("warmup", lambda o: S.SequentialLR(o, [S.LinearLR(o, 0.1, 1.0, 20), S.ExponentialLR(o, 0.97)], [20]))


def plateau(name, **options):
    optimiser = O.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = S.ReduceLROnPlateau(optimiser, **options)
    rates = []
    for measure in arrays["plateau.measures"]:
        scheduler.step(measure)
        rates.append(optimiser.param_groups[0]["lr"])
    arrays["plateau." + name] = np.array(rates)


arrays["plateau.measures"] = np.exp(-np.arange(60) / 10) + 0.02 * generator.standard_normal(60)
plateau("default")
plateau("patient", factor=0.5, patience=3, cooldown=2, min_lr=0.01)
plateau("largest", mode="max", factor=0.5, patience=4, threshold=0.05, threshold_mode="abs")


def lbfgs(name, make, loss, calls, **options):
    """Records after each call: the parameters, the loss before the call, and the number of evaluations so far."""
    parameters = make()
    optimiser = O.LBFGS(parameters, line_search_fn="strong_wolfe", **options)

    def closure():
        optimiser.zero_grad()
        value = loss(*parameters)
        value.backward()
        return value

    kept = []
    for _ in range(calls):
        before = optimiser.step(closure).item()
        evaluations = optimiser.state[parameters[0]]["func_evals"]
        kept.append(np.concatenate([p.detach().numpy().ravel() for p in parameters] + [np.array([before, evaluations])]))
    arrays["lbfgs." + name] = np.array(kept)


def rosenbrock(p):
    return (100 * (p[1:] - p[:-1] ** 2) ** 2 + (1 - p[:-1]) ** 2).sum()


def network(w1, b1, w2, b2):
    return ((torch.tanh(x @ w1 + b1) @ w2 + b2 - y) ** 2).mean()


lbfgs("rosenbrock", lambda: [torch.tensor([-1.2, 1.0], requires_grad=True)], rosenbrock, 8, max_iter=5)
lbfgs("rosenbrock4", lambda: [torch.tensor([-1.2, 1.0, -0.5, 2.0], requires_grad=True)], rosenbrock, 20, max_iter=1, max_eval=100, history_size=3)
lbfgs("network", fresh, network, 6, max_iter=4, history_size=5, lr=0.8)
np.savez_compressed(os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference.npz"), **arrays)
