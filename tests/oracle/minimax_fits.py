#!/usr/bin/env python3
"""Prints the polynomials of include/wengert/formula/accurate_math.hpp: /usr/bin/python3 minimax_fits.py

The printed coefficients are equal to those of the header when rounded to float. Each polynomial is a minimax fit by
Lawson's iteration: least squares on Chebyshev nodes whose weights grow where the error does.
"""
import numpy as np
import torch
from numpy.polynomial import chebyshev, polynomial


def of_torch(function):
    return lambda x: function(torch.from_numpy(np.asarray(x, dtype=np.float64))).numpy()


erf, erfc, erfcx = (of_torch(f) for f in (torch.erf, torch.special.erfc, torch.special.erfcx))


def minimax(function, weight, low, high, degree):
    """Returns the coefficients of a polynomial on [low, high], the constant first, and its largest weighted error."""
    x = np.cos(np.linspace(0, np.pi, 3000)) * (high - low) / 2 + (low + high) / 2
    basis = chebyshev.chebvander((2 * x - low - high) / (high - low), degree)
    y, w = function(x), weight(x)
    share = np.ones_like(x) / len(x)
    for _ in range(60):
        scale = np.sqrt(share) * w
        c = np.linalg.lstsq(basis * scale[:, None], y * scale, rcond=None)[0]
        error = np.abs((basis @ c - y) * w)
        share *= error / error.max() + 1e-3
        share /= share.sum()
    result = np.array([0.0])
    for coefficient in chebyshev.cheb2poly(c)[::-1]:
        result = polynomial.polyadd(polynomial.polymul(result, [-(low + high) / (high - low), 2 / (high - low)]),
                                    [coefficient])
    return result, error.max()


def show(title, fit):
    print(f"{title}: error {fit[1]:.1e}\n  " + ", ".join(repr(float(c)) for c in fit[0]))


def near_zero(z):
    x = np.sqrt(np.maximum(z, 1e-12))
    return erf(x) / x - 1


def centre(z):
    x = np.sqrt(np.maximum(z, 1e-12))
    return (0.5 * erfc(-x / np.sqrt(2)) - 0.5) / x


def tail(u, k=1.5):
    """Returns Φ(−x) exp(x²/2) (x + k), where u = 1 − 2k / (x + k)."""
    x = 2 * k / (1 - u) - k
    return 0.5 * erfcx(x / np.sqrt(2)) * (x + k)


def tanh_near_zero(z):
    x = np.sqrt(np.maximum(z, 1e-6))
    return (np.tanh(x) / x - 1) / x**2


def exp_from_second_order(r):
    r = np.where(np.abs(r) < 1e-4, 1e-4, r)
    return (np.expm1(r) - r) / r**2


half_step = np.log(2) / 2 + 1e-4
show("fast_exp", minimax(exp_from_second_order, lambda r: r**2 * np.exp(-r) + 1e-9, -half_step, half_step, 4))
show("fast_erf, inside", minimax(near_zero, lambda z: 1 / (1 + near_zero(z)), 0, 1, 6))
show("fast_erf, beyond", minimax(lambda x: -np.log(erfc(x)), lambda x: erfc(x) / erf(x), 1, 4, 7))
show("float_normal, centre", minimax(centre, np.ones_like, 0, 0.75**2, 5))
show("float_normal, tail", minimax(tail, lambda u: 1 / tail(u), 1 - 3 / (0.65 + 1.5), 1 - 3 / (14.6 + 1.5), 9))
show("fast_tanh, inside", minimax(tanh_near_zero, lambda z: z, 0, 0.51, 5))
show("fast_tanh, 2^f", minimax(np.exp2, lambda f: np.exp2(-f), -0.5, 0.5, 6))
