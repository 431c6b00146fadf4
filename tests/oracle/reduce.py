#!/usr/bin/env python3
"""Writes reduce.npz, cases of reductions and cumulative ops: /usr/bin/python3 reduce.py"""
import numpy as np
import torch

from oracle import Oracle

oracle = Oracle()
x = oracle.uniform(3, 4, 2)
oracle.case("amin", lambda x: torch.amin(x, (0, 2)), x)
oracle.case("amax", lambda x: torch.amax(x, (0, 2)), x)
oracle.case("var", lambda x: torch.var(x, (0, 2), unbiased=False, keepdim=True), x)
oracle.case("var.ddof", lambda x: torch.var(x, 1, unbiased=True), x)
oracle.case("stddev", lambda x: torch.std(x, unbiased=True), x)
oracle.case("logsumexp", lambda x: torch.logsumexp(x, (0, 1)), x)
oracle.case("logsumexp.edges", lambda x: torch.logsumexp(x, 1),
            np.array([[1000.0, 1000.0], [-np.inf, -np.inf], [np.inf, 1.0]]), orders=0)
oracle.case("norm1", lambda x: torch.linalg.vector_norm(x, 1, 1), x, orders=1)
oracle.case("norm2", lambda x: torch.linalg.vector_norm(x, 2, 1), x)
oracle.case("norm2.zero", lambda x: torch.linalg.vector_norm(x, 2), np.zeros(4), orders=1)
oracle.case("norm3", lambda x: torch.linalg.vector_norm(x, 3, 1), x)
oracle.case("norm_inf", lambda x: torch.linalg.vector_norm(x, np.inf, (0, 1)), x, orders=1)
oracle.case("cumsum", lambda x: torch.cumsum(x, 1), x)
with_zeros = np.array([[1.5, 0.0, -2.0, 3.0], [0.0, 2.0, 0.0, 1.0], [2.0, -1.0, 0.5, 4.0]])
oracle.case("cumprod", lambda x: torch.cumprod(x, 1), x)
oracle.case("cumprod.zeros", lambda x: torch.cumprod(x, 1), with_zeros, orders=1)
oracle.case("logcumsumexp", lambda x: torch.logcumsumexp(x, 1), x, orders=1)
oracle.case("logcumsumexp.edges", lambda x: torch.logcumsumexp(x, 1),
            np.array([[-1000.0, -1000.0, 1000.0], [-np.inf, 1.0, 2.0]]), orders=0)
oracle.case("prod", lambda x: torch.prod(torch.prod(x, 2), 0), x)
oracle.case("prod.zeros", lambda x: torch.prod(x, 1), with_zeros)
oracle.case("amax.apart", lambda x: torch.amax(x, (0, 2)),
            np.array([[[1.0, 2.0], [3.0, 3.0]], [[2.0, 1.0], [0.0, 3.0]]]), orders=1)
oracle.case("stddev.equal", lambda x: torch.std(x, 1, unbiased=False), np.full((2, 3), 1.5), orders=1)
oracle.case("logsumexp.empty", lambda x: torch.logsumexp(x, 1), np.zeros((2, 0)), orders=0)
oracle.case("amin.ties", lambda x: torch.amin(x, 1), np.array([[1.0, 1.0, 3.0], [2.0, 5.0, 2.0]]), orders=1)
oracle.case("norm_inf.ties", lambda x: torch.linalg.vector_norm(x, np.inf, 1), np.array([[1.0, -3.0, 3.0]]), orders=1)
oracle.case("argmax", torch.argmax, x, orders=0)
oracle.case("argmax.axis", lambda x: torch.argmax(x, 1), x, orders=0)
oracle.case("argmax.keep", lambda x: torch.argmax(x, -1, keepdim=True), x, orders=0)
oracle.case("argmin", torch.argmin, x, orders=0)
oracle.case("argmin.axis", lambda x: torch.argmin(x, 0), x, orders=0)
oracle.write()
