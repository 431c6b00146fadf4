#!/usr/bin/env python3
"""Computes first and second derivatives of the elementwise ops over all exponents and at ±0, ±∞, NaN with mpmath.

Writes derivatives.npz beside this file. The name of a case is that of its op in the registry, optionally followed by a
colon and a label. Its arrays have one column per point: CASE.x holds the inputs, CASE.1 the first partial derivatives,
CASE.2 the second ones: aa, ab, bb. CASE.p holds the op's parameters, if any. NaN marks derivatives without a limit or a
number; CASE.free has ones where second derivatives are not checked.

Needs mpmath and NumPy (Debian: python3-mpmath, python3-numpy).
"""
import itertools
import os

import mpmath as mp
import numpy as np

DIGITS = {"one": 1100, "two": 2500, "limits": 2300}
NAN, INF = float("nan"), float("inf")
STEP, STEP_OF_TWO = mp.mpf(10) ** -25, mp.mpf(10) ** -300


def sigmoid(x):
    return 1 / (1 + mp.exp(-x)) if x > 0 else mp.exp(x) / (1 + mp.exp(x))


def softplus(x):
    return x + mp.log1p(mp.exp(-x)) if x > 0 else mp.log1p(mp.exp(x))


def cdf(x):  # mpmath has no series beyond 10⁴
    return mp.erfc(-x / mp.sqrt(2)) / 2 if abs(x) < 1e4 else mp.mpf(x > 0)


def bell(x):
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def gauss(x):
    return 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)


def gelu_tanh(x):  # with √(2/π) as in double, times 2
    return x * sigmoid(mp.mpf("1.59576912160573071") * (x + mp.mpf("0.044715") * x**3))


def clamp(x, low, high):
    return min(max(x, low), high)


def hard_sigmoid(x):
    return clamp(x + 3, mp.mpf(0), mp.mpf(6)) / 6


class One:
    """A function of one number: its domain, its parameters, and its derivatives at ±∞ if they are not the limits."""

    def __init__(self, f, low=None, high=None, p=(), kinks=(), limits=None, oscillates=False, known=None):
        self.f, self.low, self.high, self.p, self.kinks = f, low, high, p, kinks
        self.limits, self.oscillates = limits or {}, oscillates
        self.known = known  # the derivatives, as functions

    def has(self, x):
        return (self.low is None or x > self.low) and (self.high is None or x < self.high) and x not in self.kinks


def polygamma(n, x):
    return mp.psi(n, x)


def gamma(n):  # of order n: −1 for lgamma, 0 for digamma
    return {
        "known": (lambda x: polygamma(n + 1, x), lambda x: polygamma(n + 2, x)),
        "low": -60,
        "kinks": set(range(-60, 0)),
        "limits": {-INF: (NAN, NAN)} | ({INF: (INF, 0)} if n == -1 else {}),
    }


no_limit = {-INF: (NAN, NAN), INF: (NAN, NAN)}
SELU = (mp.mpf(1.0507009873554804934193349852946), mp.mpf(1.6732632423543772848170429916717))
FUNCTIONS = {
    "exp": One(mp.exp),
    "exp2": One(lambda x: mp.power(2, x)),
    "expm1": One(mp.expm1),
    "log": One(mp.log, 0),
    "log2": One(lambda x: mp.log(x) / mp.log(2), 0),
    "log10": One(lambda x: mp.log(x) / mp.log(10), 0),
    "log1p": One(mp.log1p, -1),
    "sqrt": One(mp.sqrt, 0),
    "square": One(lambda x: x * x),
    "reciprocal": One(lambda x: 1 / x),
    "rsqrt": One(lambda x: 1 / mp.sqrt(x), 0),
    "inverse_root": One(lambda x: 1 / mp.sqrt(x + mp.mpf(0.5)), -0.5, p=(0.5,)),
    "cbrt": One(lambda x: mp.sign(x) * mp.cbrt(abs(x))),
    "erf": One(None, known=(gauss, lambda x: -2 * x * gauss(x))),
    "erfc": One(None, known=(lambda x: -gauss(x), lambda x: 2 * x * gauss(x))),
    "sin": One(mp.sin, oscillates=True, limits=no_limit),
    "cos": One(mp.cos, oscillates=True, limits=no_limit),
    "tan": One(mp.tan, oscillates=True, limits=no_limit),
    "asin": One(mp.asin, -1, 1),
    "acos": One(lambda x: -mp.asin(x), -1, 1),  # without the constant π/2
    "atan": One(mp.atan),
    "sinh": One(mp.sinh),
    "cosh": One(mp.cosh),
    "tanh": One(mp.tanh),
    "tanh_with_operand": One(mp.tanh),
    "asinh": One(mp.asinh),
    "acosh": One(mp.acosh, 1),
    "atanh": One(mp.atanh, -1, 1),
    "sigmoid": One(sigmoid),
    "softplus_slope": One(sigmoid),
    "log_sigmoid": One(lambda x: -softplus(-x)),
    "logit": One(lambda x: mp.log(x / (1 - x)), 0, 1),
    "softplus": One(softplus, p=(1,)),
    "softplus:2": One(lambda x: softplus(2 * x) / 2, p=(2,)),
    "softsign": One(lambda x: x / (1 + abs(x)), kinks={0}),
    "elu": One(lambda x: x if x > 0 else mp.expm1(x), kinks={0}, p=(1,)),
    "elu:0.5": One(lambda x: x if x > 0 else mp.expm1(x) / 2, kinks={0}, p=(0.5,)),
    "selu": One(lambda x: SELU[0] * (x if x > 0 else SELU[1] * mp.expm1(x)), kinks={0}),
    "celu:2": One(lambda x: x if x > 0 else 2 * mp.expm1(x / 2), kinks={0}, p=(2,)),
    "gelu": One(None, known=(lambda x: cdf(x) + x * bell(x), lambda x: (2 - x * x) * bell(x))),
    "gelu_slope": One(None, known=(lambda x: (2 - x * x) * bell(x), lambda x: x * (x * x - 4) * bell(x))),
    "gelu_tanh": One(gelu_tanh),
    "silu": One(lambda x: x * sigmoid(x)),
    "mish": One(lambda x: x * mp.tanh(softplus(x))),
    "hard_swish": One(lambda x: x * hard_sigmoid(x), kinks={-3, 3}),
    "lgamma": One(None, **gamma(-1)),
    "digamma": One(None, **gamma(0)),
    "polygamma": One(None, p=(1, 1), **gamma(1)),
    "polygamma:2": One(None, p=(2, 2), **gamma(2)),
    "polygamma:3": One(None, p=(3, 6), **gamma(3)),
    "scalar_divide": One(lambda x: 3 / x, p=(3,)),
    "stirling": One(lambda y: y * mp.log(y) - y + mp.log(2 * mp.pi * y) / 2 if y > 1 else mp.mpf(0), kinks={1}, limits={INF: (INF, 0)}),
    "absolute_power:3": One(lambda x: abs(x) ** 3, p=(3,)),
    "norm_root:3": One(lambda x: mp.cbrt(x) if x > 0 else mp.mpf(0), kinks={0}, p=(3,)),
    # Piecewise linear functions.
    "abs": One(abs, kinks={0}),
    "relu": One(lambda x: max(x, mp.mpf(0)), kinks={0}),
    "relu6": One(lambda x: clamp(x, mp.mpf(0), mp.mpf(6)), kinks={0, 6}),
    "leaky_relu": One(lambda x: x if x > 0 else x / 4, kinks={0}, p=(0.25,)),
    "hard_tanh": One(lambda x: clamp(x, mp.mpf(-1), mp.mpf(1)), kinks={-1, 1}),
    "hard_sigmoid": One(hard_sigmoid, kinks={-3, 3}),
    "softshrink": One(lambda x: x - clamp(x, mp.mpf(-0.5), mp.mpf(0.5)), kinks={-0.5, 0.5}, p=(0.5,)),
    "hardshrink": One(lambda x: x if abs(x) > 0.5 else mp.mpf(0), kinks={-0.5, 0.5}, p=(0.5,)),
    "clip": One(lambda x: clamp(x, mp.mpf(-1), mp.mpf(2)), kinks={-1, 2}, p=(-1, 2)),
    "negate": One(lambda x: -x),
    "add_scalar": One(lambda x: x + 3, p=(3,)),
    "subtract_scalar": One(lambda x: x - 3, p=(3,)),
    "scalar_subtract": One(lambda x: 3 - x, p=(3,)),
    "multiply_scalar": One(lambda x: x * 3, p=(3,)),
    "divide_scalar": One(lambda x: x / 3, p=(3,)),
}


class Two:
    """A function of two numbers; edges maps (a, b) to (fa, fb) and, if they are checked, (faa, fab, fbb)."""

    def __init__(self, f, has=lambda a, b: True, p=(), edges=None, near=True):
        self.f, self.has, self.p, self.edges, self.near = f, has, p, edges or {}, near


def logaddexp(a, b):
    return max(a, b) + mp.log1p(mp.exp(-abs(a - b)))


zeros = (0, 0, 0)
half = 0.25, -0.25, 0.25
PAIRS = {
    "add": Two(lambda a, b: a + b, edges={(INF, 1): ((1, 1), zeros), (NAN, 0): ((1, 1), zeros)}),
    "subtract": Two(lambda a, b: a - b, edges={(INF, 1): ((1, -1), zeros), (NAN, 0): ((1, -1), zeros)}),
    "multiply": Two(lambda a, b: a * b, edges={(INF, 0): ((0, INF), (0, 1, 0)), (-INF, NAN): ((NAN, -INF), (0, 1, 0))}),
    "divide": Two(
        lambda a, b: a / b,
        edges={
            (1, 0): ((INF, -INF), (0, -INF, INF)),
            (-1, 0): ((INF, INF), (0, -INF, -INF)),
            (0, 0): ((INF, NAN),),
            (0, 2): ((0.5, 0), (0, -0.25, 0)),
            (3, INF): ((0, 0), zeros),
            (3, -INF): ((0, 0), zeros),
            (INF, 2): ((0.5, -INF), (0, -0.25, INF)),
            (INF, INF): ((0, NAN),),
            (NAN, 2): ((0.5, NAN), (0, -0.25, NAN)),
            (1, NAN): ((NAN, NAN), (0, NAN, NAN)),
        },
    ),
    "maximum": Two(
        max,
        lambda a, b: a != b,
        edges={(INF, 1): ((1, 0), zeros), (-INF, 1): ((0, 1), zeros), (0.0, -0.0): ((0.5, 0.5), zeros), (INF, INF): ((0.5, 0.5), zeros)},
    ),
    "minimum": Two(
        min,
        lambda a, b: a != b,
        edges={(INF, 1): ((0, 1), zeros), (-INF, 1): ((1, 0), zeros), (0.0, -0.0): ((0.5, 0.5), zeros), (INF, INF): ((0.5, 0.5), zeros)},
    ),
    "pow": Two(
        mp.power,
        lambda a, b: a > 0 and abs(b) > 1e-9 and abs(b * mp.log(a)) < 3000,
        edges={
            (0, 0): ((0, 0),),
            (0, 0.5): ((INF, 0),),
            (0, 1): ((1, 0),),
            (0, 2): ((0, 0), (2, 0, 0)),
            (0, 3): ((0, 0), zeros),
            (2, 0): ((0, float(np.log(2))),),
            (-2, 3): ((12, NAN),),
            (-2, 2): ((-4, NAN),),
            (INF, 2): ((INF, INF),),
            (INF, 1): ((1, INF),),
            (INF, -1): ((0, 0), zeros),
            (INF, -0.5): ((0, 0), zeros),
            (NAN, 2): ((NAN, NAN),),
            (2, NAN): ((NAN, NAN), (NAN, NAN, NAN)),
        },
    ),
    "hypot": Two(
        mp.hypot,
        edges={
            (0, 0): ((0, 0),),  # a convention
            (0, 2): ((0, 1), (0.5, 0, 0)),
            (-3, 0): ((-1, 0), (0, 0, 1 / 3)),
            (3, -0.0): ((1, 0), (0, 0, 1 / 3)),
            (INF, 1): ((1, 0), zeros),
            (1, -INF): ((0, -1), zeros),
            (-INF, 0): ((-1, 0), zeros),
            (NAN, 1): ((NAN, NAN), (NAN, NAN, NAN)),
            (1, NAN): ((NAN, NAN), (NAN, NAN, NAN)),
        },
    ),
    "atan2": Two(
        lambda a, b: mp.atan2(a, b),
        edges={
            (0, 0): ((NAN, NAN),),
            (0, 2): ((0.5, 0), (0, -0.25, 0)),
            (2, 0): ((0, -0.5), (0, 0.25, 0)),
            (-0.0, -2): ((-0.5, 0), (0, -0.25, 0)),
            (INF, 1): ((0, 0), zeros),
            (-INF, 1): ((0, 0), zeros),
            (1, INF): ((0, 0), zeros),
            (0, -INF): ((0, 0), zeros),
            (NAN, 1): ((NAN, NAN), (NAN, NAN, NAN)),
            (1, NAN): ((NAN, NAN), (NAN, NAN, NAN)),
        },
    ),
    "fmod": Two(
        lambda a, b: a - b * (mp.floor(a / b) if a / b > 0 else mp.ceil(a / b)),
        lambda a, b: abs(mp.floor(a / b + 0.5) * b - a) > 1e-9 * abs(b) and abs(a / b) < 1e12,
        edges={(0, 2): ((1, 0), zeros), (1, INF): ((1, 0), zeros), (1, -INF): ((1, 0), zeros)},
    ),
    "xlogy": Two(
        lambda x, y: x * mp.log(y),
        lambda x, y: y > 0,
        edges={
            (0, 0): ((0, 0),),  # a convention
            (0, 2): ((float(np.log(2)), 0), (0, 0.5, 0)),
            (2, 0): ((-INF, INF), (0, INF, -INF)),
            (-2, 0): ((-INF, -INF), (0, INF, INF)),
            (2, INF): ((INF, 0), zeros),
            (0, INF): ((INF, 0), zeros),
            (INF, 2): ((float(np.log(2)), INF), (0, 0.5, -INF)),
            (NAN, 2): ((float(np.log(2)), NAN), (0, 0.5, NAN)),
            (2, NAN): ((NAN, NAN), (0, NAN, NAN)),
        },
    ),
    "logaddexp": Two(
        logaddexp,
        edges={
            (0, 0): ((0.5, 0.5), half),
            (-0.0, 0): ((0.5, 0.5), half),
            (INF, 1): ((1, 0), zeros),
            (-INF, 1): ((0, 1), zeros),
            (1, -INF): ((1, 0), zeros),
            (INF, -INF): ((1, 0), zeros),
            (INF, INF): ((0.5, 0.5),),  # conventions
            (-INF, -INF): ((0.5, 0.5),),
            (NAN, 1): ((NAN, NAN), (NAN, NAN, NAN)),
            (1, NAN): ((NAN, NAN), (NAN, NAN, NAN)),
        },
    ),
    "prelu": Two(
        lambda x, a: x if x > 0 else a * x,
        edges={(-INF, 2): ((2, -INF), (0, 1, 0)), (INF, 2): ((1, 0), zeros)},
    ),
    "unit_component": Two(lambda x, y: x / y, edges={(0, 0): ((0, 0),), (1, INF): ((0, 0), zeros)}),
    "mse_loss": Two(lambda a, y: (a - y) ** 2, edges={(INF, 1): ((INF, -INF), (2, -2, 2))}),
    "l1_loss": Two(lambda a, y: abs(a - y), lambda a, y: a != y, edges={(INF, 1): ((1, -1), zeros)}),
    "huber_loss": Two(
        lambda a, y: (a - y) ** 2 / 2 if abs(a - y) <= 1 else abs(a - y) - 0.5,
        lambda a, y: abs(abs(a - y) - 1) > 1e-6,  # the kink
        p=(1,),
        edges={(INF, 1): ((1, -1), zeros)},
    ),
    "smooth_l1_loss": Two(
        lambda a, y: (a - y) ** 2 / 2 if abs(a - y) <= 1 else abs(a - y) - 0.5,
        lambda a, y: abs(abs(a - y) - 1) > 1e-6,  # the kink
        p=(1,),
        edges={(INF, 1): ((1, -1), zeros)},
    ),
    "poisson_nll_loss": Two(
        lambda a, y: mp.exp(a) - y * a,
        lambda a, y: a < 3000 and abs(mp.exp(a) - y) > 0.1, edges={(-INF, 2): ((-2, INF), (0, -1, 0))},
    ),
    "binary_cross_entropy_with_logits": Two(
        lambda z, y: softplus(z) - z * y,
        lambda z, y: 0 <= y <= 1,
        edges={
            (INF, 0.25): ((0.75, -INF), (0, -1, 0)),
            (-INF, 0.25): ((-0.25, INF), (0, -1, 0)),
            (0, 0): ((0.5, 0), (0.25, -1, 0)),
            (0, 1): ((-0.5, 0), (0.25, -1, 0)),
            (NAN, 1): ((NAN, NAN), (NAN, -1, 0)),
        },
    ),
    "kl_div": Two(lambda a, y: y * (mp.log(y) - a), lambda a, y: y > 0, edges={(1, 0): ((0, -1),)}),
    "kl_div_of_logarithms": Two(lambda a, y: mp.exp(y) * (y - a), lambda a, y: y < 3000 and abs(y - a + 1) > 0.1),
    "hinge_loss": Two(lambda z, y: max(mp.mpf(0), 1 - y * z), lambda z, y: y * z != 1, p=(1,)),
}


def points(case):
    """Returns numbers that float represents, and doubles beyond the range of float."""
    numbers = [s * 1.375 * 2.0**e for e in range(-990, 1000, 90) for s in (-1, 1)]
    numbers += [s * 1.375 * 2.0**e for e in range(-120, 120, 8) for s in (-1, 1)]
    numbers += list(np.arange(-48.0, 48.5, 1.0) + 0.4375)
    numbers += [s * (1 - 2.0**-k) for k in (3, 8, 20) for s in (-1, 1)] + [1 + 2.0**-k for k in (3, 8, 20)]
    return sorted({x for x in numbers if case.has(x)})


def rounded(x):
    return float(x) if abs(x) < mp.mpf(2) ** 1024 else float(mp.sign(x)) * np.inf


def of_one(case, at):
    if case.known:
        with mp.workdps(60):
            return tuple(rounded(d(at)) for d in case.known)
    h = STEP * (min(abs(at), 1) if case.oscillates else abs(at))
    if case.low is not None:
        h = min(h, (at - case.low) * STEP)
    if case.high is not None:
        h = min(h, (case.high - at) * STEP)
    below, here, above = case.f(at - h), case.f(at), case.f(at + h)
    return rounded((above - below) / (2 * h)), rounded((above - 2 * here + below) / (h * h))


def one(case):
    x = points(case)
    values = [of_one(case, mp.mpf(number)) for number in x]
    with mp.workdps(DIGITS["limits"]):
        far = mp.mpf(10) ** 1000
        for number, at in ((-0.0, -1 / far), (0.0, 1 / far), (-INF, -far), (INF, far)):
            if number not in case.kinks and case.has(at):
                x.append(number)
                values.append(case.limits.get(number) or of_one(case, at))
    if not case.kinks or case.known:
        x.append(NAN)
        values.append(tuple(d[0] if len(set(d)) == 1 else NAN for d in zip(*values)))
    return [x], list(zip(*values))[:1], list(zip(*values))[1:], None


MAGNITUDES = [1.375 * 2.0**e for e in (-900, -400, -100, -40, -9, -2, 0, 1, 5, 40, 100, 400, 900)] + [0.25, 1.0, 88.5]


def of_two(f, a, b):
    h, k = min(abs(a), 1) * STEP_OF_TWO, min(abs(b), 1) * STEP_OF_TWO
    here = f(a, b)
    left, right, down, up = f(a - h, b), f(a + h, b), f(a, b - k), f(a, b + k)
    mixed = f(a + h, b + k) - f(a + h, b - k) - f(a - h, b + k) + f(a - h, b - k)
    return (
        ((right - left) / (2 * h), (up - down) / (2 * k)),
        ((right - 2 * here + left) / (h * h), mixed / (4 * h * k), (up - 2 * here + down) / (k * k)),
    )


def two(case):
    grid = {(s * a, t * b) for a, b in itertools.product(MAGNITUDES, repeat=2) for s in (-1, 1) for t in (-1, 1)}
    grid |= {(s * a, t * a * (1 + 2.0**-k)) for a in (0.75, 3.0, 40.0) for k in (2, 10, 20) for s in (-1, 1) for t in (-1, 1)}
    x, first, second, free = [], [], [], []
    for a, b in sorted(grid):
        if case.has(a, b):
            d, dd = of_two(case.f, mp.mpf(a), mp.mpf(b))
            x.append((a, b)), first.append([rounded(v) for v in d]), second.append([rounded(v) for v in dd])
            free.append(zeros)
    for at, (d, *dd) in case.edges.items():
        x.append(at), first.append(d), second.append(dd[0] if dd else zeros), free.append(zeros if dd else (1, 1, 1))
    return zip(*x), zip(*first), zip(*second), zip(*free)


def main():
    arrays = {}
    for make, cases in ((one, FUNCTIONS), (two, PAIRS)):
        mp.mp.dps = DIGITS[make.__name__]
        for name, case in cases.items():
            for key, value in zip(("x", "1", "2", "free"), make(case)):
                if value is not None:
                    arrays[f"{name}.{key}"] = np.array(list(value), dtype=np.float64)
            if case.p:
                arrays[name + ".p"] = np.array(case.p, dtype=np.float64)
            print(name, arrays[name + ".x"].shape[1], flush=True)
    np.savez_compressed(os.path.join(os.path.dirname(__file__), "derivatives.npz"), **arrays)


if __name__ == "__main__":
    main()
