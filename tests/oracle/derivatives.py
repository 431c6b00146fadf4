#!/usr/bin/env python3
"""First and second derivatives of the elementwise functions of one number over all exponents, by mpmath with 720 digits.

Writes derivatives.npz beside this file: for each function NAME, the arrays NAME_x, NAME_1 and NAME_2. Needs mpmath and
NumPy (Debian: python3-mpmath, python3-numpy).
"""
import os

import mpmath as mp
import numpy as np

mp.mp.dps = 720


def sigmoid(x):
    return 1 / (1 + mp.exp(-x)) if x > 0 else mp.exp(x) / (1 + mp.exp(x))


def softplus(x):
    return x + mp.log1p(mp.exp(-x)) if x > 0 else mp.log1p(mp.exp(x))


def cdf(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


SELU = (mp.mpf(1.0507009873554804934193349852946), mp.mpf(1.6732632423543772848170429916717))
FUNCTIONS = {  # the function, and where it is defined
    "exp": (mp.exp, -750, 750),
    "exp2": (lambda x: mp.power(2, x), -1080, 1030),
    "expm1": (mp.expm1, -750, 750),
    "log": (mp.log, 0, None),
    "log2": (lambda x: mp.log(x) / mp.log(2), 0, None),
    "log10": (lambda x: mp.log(x) / mp.log(10), 0, None),
    "log1p": (mp.log1p, -1, None),
    "sqrt": (mp.sqrt, 0, None),
    "square": (lambda x: x * x, None, None),
    "reciprocal": (lambda x: 1 / x, None, None),
    "rsqrt": (lambda x: 1 / mp.sqrt(x), 0, None),
    "cbrt": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), None, None),
    "erf": (mp.erf, -40, 40),
    "erfc": (mp.erfc, -40, 40),
    "sin": (mp.sin, -1e5, 1e5),
    "cos": (mp.cos, -1e5, 1e5),
    "tan": (mp.tan, -1e5, 1e5),
    "asin": (mp.asin, -1, 1),
    "acos": (lambda x: -mp.asin(x), -1, 1),  # but for π/2
    "atan": (mp.atan, None, None),
    "sinh": (mp.sinh, -750, 750),
    "cosh": (mp.cosh, -750, 750),
    "tanh": (mp.tanh, -750, 750),
    "asinh": (mp.asinh, None, None),
    "acosh": (mp.acosh, 1, None),
    "atanh": (mp.atanh, -1, 1),
    "sigmoid": (sigmoid, -750, 750),
    "log_sigmoid": (lambda x: -softplus(-x), -750, 750),
    "logit": (lambda x: mp.log(x / (1 - x)), 0, 1),
    "softplus": (softplus, -750, 750),
    "softsign": (lambda x: x / (1 + abs(x)), None, None),
    "elu": (lambda x: x if x > 0 else mp.expm1(x), -750, None),
    "selu": (lambda x: SELU[0] * (x if x > 0 else SELU[1] * mp.expm1(x)), -750, None),
    "gelu": (lambda x: x * cdf(x), -40, 40),
    "gelu_tanh": (lambda x: x * sigmoid(2 * mp.mpf("0.797884560802865355879892119868763736951717262329869315331851659341315851799") * (x + mp.mpf("0.044715") * x**3)), -25, 25),
    "silu": (lambda x: x * sigmoid(x), -750, 750),
    "mish": (lambda x: x * mp.tanh(softplus(x)), -750, 750),
}


def points(low, high):
    """Numbers that a float holds, and beyond float's range doubles."""
    numbers = [s * 1.375 * 2.0**e for e in range(-990, 1000, 90) for s in (-1, 1)]
    numbers += [s * 1.375 * 2.0**e for e in range(-120, 120, 8) for s in (-1, 1)]
    numbers += list(np.arange(-48.0, 48.5, 1.0) + 0.4375)
    numbers += [s * (1 - 2.0**-k) for k in (3, 8, 20) for s in (-1, 1)] + [1 + 2.0**-k for k in (3, 8, 20)]
    return sorted(
        {x for x in numbers if (low is None or x > low) and (high is None or x < high)}
    )


def rounded(x):
    return float(x) if abs(x) < mp.mpf(2) ** 1024 else float(mp.sign(x)) * np.inf


def main():
    arrays = {}
    for name, (f, low, high) in FUNCTIONS.items():
        x = points(low, high)
        first, second = [], []
        for number in x:
            at = mp.mpf(number)
            h = abs(at) * mp.mpf(10) ** -25
            if low is not None:
                h = min(h, (at - low) * mp.mpf(10) ** -25)
            if high is not None:
                h = min(h, (high - at) * mp.mpf(10) ** -25)
            below, here, above = f(at - h), f(at), f(at + h)
            first.append(rounded((above - below) / (2 * h)))
            second.append(rounded((above - 2 * here + below) / (h * h)))
        arrays[name + "_x"], arrays[name + "_1"], arrays[name + "_2"] = map(np.array, (x, first, second))
        print(name, len(x), flush=True)
    np.savez_compressed(os.path.join(os.path.dirname(__file__), "derivatives.npz"), **arrays)


if __name__ == "__main__":
    main()
