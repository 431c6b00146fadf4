#!/usr/bin/env python3
"""Writes products.npz, cases of matrix and tensor products: /usr/bin/python3 products.py

PyTorch has no `dot` of more than two axes, so tensordot is its reference. The reference of `outer` of matrices is that
of the flattened matrices.
"""
import torch

from oracle import Oracle

oracle = Oracle()
T = lambda x: x.transpose(-2, -1)


def uniform(*shape):
    return oracle.uniform(*shape)


for label, a, b in [
    ("matrix", (3, 4), (4, 2)),
    ("row", (4,), (4, 3)),
    ("column", (3, 4), (4,)),
    ("inner", (5,), (5,)),
    ("stack", (2, 3, 4), (2, 4, 2)),
    ("stack_by_matrix", (2, 2, 3, 4), (4, 3)),
    ("matrix_by_stack", (3, 4), (3, 4, 2)),
    ("broadcast", (2, 1, 3, 2), (3, 2, 2)),
    ("both_broadcast", (3, 1, 1, 2, 2), (1, 2, 1, 2, 3)),
    ("row_by_stack", (4,), (2, 4, 3)),
    ("stack_by_column", (2, 3, 4), (4,)),
    ("empty_inner", (2, 0), (0, 3)),
]:
    oracle.case(f"matmul.{label}", torch.matmul, uniform(*a), uniform(*b))
oracle.case("matmul.transposed", lambda a, b: torch.matmul(T(a), T(b)), uniform(2, 4, 3), uniform(2, 5, 4))
oracle.case("matmul.permuted", lambda a, b: torch.matmul(a.permute(1, 0, 2), b), uniform(3, 2, 4), uniform(2, 4, 3))
rank8 = (2, 1, 1, 2, 1, 1, 2, 3), (1, 2, 1, 1, 1, 2, 3, 2)
oracle.case("matmul.rank8", torch.matmul, uniform(*rank8[0]), uniform(*rank8[1]))

oracle.case("dot.vectors", torch.dot, uniform(4), uniform(4))
oracle.case("dot.stacks", lambda a, b: torch.tensordot(a, b, dims=([2], [1])), uniform(2, 2, 3), uniform(2, 3, 4))
oracle.case("dot.stack_by_vector", lambda a, b: torch.tensordot(a, b, dims=([2], [0])), uniform(2, 2, 3), uniform(3))
oracle.case("dot.scalar", lambda a, b: a * b, uniform(), uniform(2, 3))
oracle.case("outer", torch.outer, uniform(3), uniform(4))
oracle.case("outer.flattened", lambda a, b: torch.outer(a.flatten(), b.flatten()), uniform(2, 2), uniform(1, 3))
oracle.case("tensordot.2", lambda a, b: torch.tensordot(a, b, dims=2), uniform(2, 3, 4), uniform(3, 4, 2))
oracle.case("tensordot.0", lambda a, b: torch.tensordot(a, b, dims=0), uniform(2, 3), uniform(2))
oracle.case("tensordot.all", lambda a, b: torch.tensordot(a, b, dims=2), uniform(2, 3), uniform(2, 3))
oracle.case("tensordot.named", lambda a, b: torch.tensordot(a, b, dims=([0, -1], [2, 0])), uniform(2, 3, 4),
            uniform(4, 2, 2))

for k, (subscripts, *shapes) in enumerate([
    ("ij,jk->ik", (3, 4), (4, 2)),
    ("ij,jk", (3, 4), (4, 2)),
    ("ba,cb", (3, 4), (2, 3)),
    ("ij->ji", (3, 4)),
    ("ij", (3, 4)),
    ("ba", (3, 4)),
    ("ii", (4, 4)),
    ("ii->i", (4, 4)),
    ("iji->j", (3, 2, 3)),
    ("iii->i", (3, 3, 3)),
    ("ijk->", (2, 3, 2)),
    ("i,i", (4,), (4,)),
    ("i,j->ji", (3,), (2,)),
    ("ij,ij->ij", (2, 3), (2, 3)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 2)),
    ("bqhd,bkhd->bhqk", (2, 3, 2, 4), (2, 3, 2, 4)),
    ("bhqk,bkhd->bqhd", (2, 2, 3, 3), (2, 3, 2, 4)),
    ("...ij,...jk->...ik", (2, 1, 2, 3), (3, 3, 2)),
    ("...,...", (2, 1), (3,)),
    ("i...,i...->...", (3, 2), (3, 2)),
    ("i...->...i", (3, 2, 2)),
    ("...ii->...i", (2, 3, 3)),
    ("ijk,ilm,njm,nlk,abc->", (2, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2), (1, 2, 2)),
    ("ij,jk,kl,lm->im", (2, 5), (5, 2), (2, 4), (4, 3)),
    ("bn,anm,bm->ba", (2, 3), (4, 3, 2), (2, 2)),
    ("ijk,kji->", (2, 3, 2), (2, 3, 2)),
    ("ab,cd,ef,ac,be,df,af->", (2, 3), (2, 2), (2, 2), (2, 2), (3, 2), (2, 2), (2, 2)),
    ("ij,jk->", (3, 4), (4, 2)),
    (",ij->ij", (), (2, 3)),
    ("ij,ij->i", (1, 3), (2, 3)),
    ("aij,ajk->iak", (2, 3, 2), (2, 2, 3)),
    ("ijkl,kmln->imjn", (2, 2, 3, 2), (3, 2, 2, 2)),
    ("Ab,bA->bA", (2, 3), (3, 2)),
    ("...a->a", (2, 3)),
]):
    oracle.case(f"einsum.{k}", lambda *x, s=subscripts: torch.einsum(s, *x), *[uniform(*s) for s in shapes])

oracle.write()
