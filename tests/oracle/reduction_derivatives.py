#!/usr/bin/env python3
"""Computes gradients and Hessian-vector products of the stable reductions over all exponents with mpmath.

Writes reduction_derivatives.npz beside this file. Each case is a function f of the rows of CASE.x: the reduction, or
Σ w y if its result y is a row. CASE.1 holds ∇f(x), and CASE.2 the product of the Hessian with v. All cases share the
arrays w and v. Formulas are the definitions, differentiated by hand. Needs mpmath and NumPy.
"""
import os

import mpmath as mp
import numpy as np

INF = float("inf")
COUNT = 4
ONE, SMALL = mp.mpf(1), mp.mpf(10) ** -400


def exponentials(x):
    """Returns e^(xᵢ − max) over their sum, where −∞ counts as 0 and elements equal to the maximum count as 1."""
    top = max(x)
    e = [ONE if a == top else mp.exp(a - top) if mp.isfinite(top) else mp.mpf(0) for a in x]
    return [a / sum(e) for a in e]


def log_of_sum(x):
    p = exponentials(x)
    return p, lambda v: [p[i] * sum(p[j] * (v[i] - v[j]) for j in range(len(x))) for i in range(len(x))]


def logsumexp(x, w):
    first, second = log_of_sum(x)
    # If all elements are −∞ there is no limit: by convention they have equal weights, and the Hessian is 0.
    return first, (lambda v: [mp.mpf(0)] * len(x)) if max(x) == -INF else second


def logcumsumexp(x, w):
    """Σ wₖ logsumexp(x₀ … xₖ)."""
    first = [mp.mpf(0)] * len(x)
    parts = []
    for k in range(len(x)):
        g, h = log_of_sum(x[: k + 1])
        parts.append(h)
        for i in range(k + 1):
            first[i] += w[k] * g[i]

    def second(v):
        result = [mp.mpf(0)] * len(x)
        for k, h in enumerate(parts):
            for i, value in enumerate(h(v[: k + 1])):
                result[i] += w[k] * value
        return result

    return first, second


def softmax(x, w):
    p = exponentials(x)
    n = range(len(x))
    first = [p[i] * sum(p[j] * (w[i] - w[j]) for j in n) for i in n]

    def second(v):
        # dp = p (v − v·p); the gradient is p (w − w·p).
        dp = [p[i] * sum(p[j] * (v[i] - v[j]) for j in n) for i in n]
        return [dp[i] * sum(p[j] * (w[i] - w[j]) for j in n) - p[i] * sum(dp[j] * w[j] for j in n) for i in n]

    return first, second


def log_softmax(x, w):
    p = exponentials(x)
    n = range(len(x))
    total = sum(w)
    first = [w[i] - p[i] * total for i in n]
    return first, lambda v: [-total * p[i] * sum(p[j] * (v[i] - v[j]) for j in n) for i in n]


def norm(power):
    def f(x, w):
        n = range(len(x))
        a = [abs(e) for e in x]
        y = sum(e**power for e in a) ** (ONE / power)
        if y == 0:  # a convention
            return [mp.mpf(0)] * len(x), lambda v: [mp.mpf(0)] * len(x)
        u = [mp.sign(x[i]) * (a[i] / y) ** (power - 1) for i in n]
        return u, lambda v: [
            (power - 1) / y * (((a[i] / y) ** (power - 2) if power > 2 else 1) * v[i] - u[i] * sum(u[j] * v[j] for j in n)) for i in n
        ]

    return f


def norm_1(x, w):
    return [mp.sign(e) for e in x], lambda v: [mp.mpf(0)] * len(x)


def norm_inf(x, w):
    top = max(abs(e) for e in x)
    ties = [mp.sign(e) if abs(e) == top else mp.mpf(0) for e in x]
    return [t / sum(abs(s) for s in ties) if top > 0 else mp.mpf(0) for t in ties], lambda v: [mp.mpf(0)] * len(x)


def centred(x):
    m = sum(x) / len(x)
    return [e - m for e in x]


def var(x, w):
    return [2 * e / len(x) for e in centred(x)], lambda v: [2 * e / len(x) for e in centred(v)]


def stddev(x, w):
    d, (u, h) = centred(x), norm(2)(centred(x), w)
    root = mp.sqrt(len(x))
    return [e / root for e in u], lambda v: [e / root for e in centred(h(centred(v)))]


def mean(x, w):
    return [ONE / len(x)] * len(x), lambda v: [mp.mpf(0)] * len(x)


def prod(x, w):
    n = range(len(x))

    def without(*left_out):
        return mp.fprod(x[k] for k in n if k not in left_out)

    return [without(i) for i in n], lambda v: [sum(v[j] * without(i, j) for j in n if j != i) for i in n]


EXPONENTS = (-900, -400, -110, -60, -20, -3, 0, 2, 5, 20, 60, 110, 400, 900)


def rows(exponents=EXPONENTS):
    """Returns short rows: scales of all sizes, elements that are equal, far apart or nearly equal."""
    result = []
    for scale in [s * 2.0**e for e in exponents for s in (1, -1)]:
        for shape in ((1.0, 1.0, 1.0, 1.0), (1.0, -0.75, 0.5, 0.25), (0.75, 1.5, 1.0, 1.25), (1.0, 2.0**-20, -(2.0**-10), 0.0), (3.0, 1e-30, 1e-30, -1e-30)):
            result.append([scale * float(np.float32(e)) for e in shape])
    for shift in (-700.0, -40.0, 40.0, 700.0, 1048576.0):
        result.append([shift + e for e in (0.0, 1.0, 2.0, 3.0)])
    return result


INFINITE = [[-INF] * 4, [INF, 0.0, 1.0, 2.0], [-INF, 0.0, 1.0, 2.0], [0.0, 1.0, INF, -INF], [-INF, 1.0, -INF, 1.0]]
CASES = {
    "logsumexp": (logsumexp, INFINITE),
    "logcumsumexp": (logcumsumexp, INFINITE),
    "softmax": (softmax, [INFINITE[2], INFINITE[4]]),
    "log_softmax": (log_softmax, [INFINITE[2], INFINITE[4]]),
    "norm:1": (norm_1, []),
    "norm": (norm(2), [[0.0] * 4]),
    "norm:3": (norm(3), [[0.0] * 4]),
    "norm:inf": (norm_inf, []),
    "var": (var, []),
    "stddev": (stddev, []),
    "mean": (mean, []),
    "prod": (prod, [[0.0, 2.0, 3.0, 4.0], [0.0, 0.0, 3.0, 4.0], [0.0] * 4]),
}


def rounded(x):
    return float(x) if abs(x) < mp.mpf(2) ** 1024 else float(mp.sign(x)) * INF


def main():
    mp.mp.dps = 1500
    arrays = {"w": np.array([1.0, -2.0, 0.5, 3.0]), "v": np.array([1.0, 0.5, -2.0, 0.25])}
    w, v = ([mp.mpf(e) for e in arrays[key]] for key in "wv")
    for name, (f, more) in CASES.items():
        x = rows() + more
        if f is prod:  # partial products must neither overflow nor vanish
            x = [row for row in x if all(e == 0 or 1e-9 < abs(e) < 1e7 for e in row)]
        first, second = [], []
        for row in x:
            d, times = f([mp.mpf(e) for e in row], w)
            first.append([rounded(e) for e in d])
            second.append([rounded(e) for e in times(v)])
        arrays[name + ".x"], arrays[name + ".1"], arrays[name + ".2"] = np.array(x), np.array(first), np.array(second)
    np.savez_compressed(os.path.join(os.path.dirname(__file__), "reduction_derivatives.npz"), **arrays)


if __name__ == "__main__":
    main()
