#!/usr/bin/env python3
"""Writes attention.npz, cases of scaled dot-product attention: /usr/bin/python3 attention.py

PyTorch 1.13 has no public scaled_dot_product_attention with these options, so the cases use its definition. The cases
`batched.*` have leading axes.
"""
import numpy as np
import torch

from oracle import Oracle

oracle = Oracle()
draw = oracle.uniform


def attention(q, k, v, mask=None, causal=False, scale=None, bias=0.0, with_weights=False):
    scores = q @ k.transpose(-1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale) + bias
    allowed = torch.ones(scores.shape, dtype=torch.bool)
    if mask is not None:
        allowed = allowed & (torch.tensor(mask) != 0)
    if causal:
        allowed = allowed.tril()
    # A row without any allowed key gives zeros, and must not affect the gradients.
    weights = torch.softmax(scores.masked_fill(~allowed, -1e300), -1)
    weights = weights.masked_fill(~allowed, 0.0)
    return weights if with_weights else weights @ v


q, k, v = draw(3, 2), draw(4, 2), draw(4, 5)
mask = np.array([[1.0, 0, 1, 1], [0, 0, 0, 0], [0, 1, 0, 0]])
ahead = np.array([[0.0, 1, 1, 1], [1, 0, 0, 0], [1, 1, 1, 1]])
oracle.case("plain", attention, q, k, v)
oracle.case("scale", lambda q, k, v: attention(q, k, v, scale=2.0), q, k, v)
oracle.case("causal", lambda q, k, v: attention(q, k, v, causal=True), q, k, v)
oracle.case("causal.long", lambda q, k, v: attention(q, k, v, causal=True), draw(6, 2), k, v)
oracle.case("mask", lambda q, k, v: attention(q, k, v, mask=mask), q, k, v)
oracle.case("mask.row", lambda q, k, v: attention(q, k, v, mask=mask[:1]), q, k, v)
oracle.case("mask.causal", lambda q, k, v: attention(q, k, v, mask=ahead, causal=True), q, k, v)
oracle.case("bias", lambda q, k, v, b: attention(q, k, v, causal=True, bias=b), q, k, v, draw(3, 4))
oracle.case("far", lambda q, k, v: attention(q, k, v, causal=True, scale=1000.0), q, k, v, orders=1)

Q, K, V = draw(2, 3, 4, 2), draw(2, 3, 5, 2), draw(2, 3, 5, 3)
oracle.case("batched.plain", attention, Q[0], K[0], V[0])
oracle.case("batched.heads", lambda q, k, v: attention(q, k, v, causal=True), Q, K, V)
oracle.case("batched.mask", lambda q, k, v: attention(q, k, v, mask=np.array([[1.0], [0], [1], [1]]) * np.array([1.0, 1, 0, 1, 0])),
            Q, K, V)
oracle.case("weights", lambda q, k: attention(q, k, None, mask=mask, with_weights=True), q, k)
oracle.case("weights.causal", lambda q, k: attention(q, k, None, causal=True, scale=2.0, with_weights=True), q, k)
oracle.write()
