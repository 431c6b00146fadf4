"""Writes basics.npz, cases of arithmetic, comparisons, views and sums: /usr/bin/python3 basics.py"""
import torch
import torch.nn.functional as F

from oracle import Oracle

oracle = Oracle()
u = oracle.uniform
a, b = u(3, 5, low=-2, high=2), u(3, 5, low=0.5, high=2)
for suffix, other in (("", b), (".row", u(5, low=0.5, high=2)), (".column", u(3, 1, low=0.5, high=2))):
    oracle.case("add" + suffix, torch.add, a, other)
    oracle.case("subtract" + suffix, torch.sub, a, other)
    oracle.case("multiply" + suffix, torch.mul, a, other)
    oracle.case("divide" + suffix, torch.div, a, other)
oracle.case("negate", torch.neg, a)
oracle.case("add_scalar", lambda x: x + 0.3, a)
oracle.case("multiply_scalar", lambda x: x * 0.3, a)
oracle.case("divide_scalar", lambda x: x / 0.3, a)
oracle.case("scalar_divide", lambda x: 0.3 / x, b)
oracle.case("where", lambda x, y: torch.where(x > 0, x, y), a, b)

c = a.round()
d = b.round()
for name, function in (("equal", torch.eq), ("not_equal", torch.ne), ("less", torch.lt), ("less_equal", torch.le),
                       ("logical_and", torch.logical_and), ("logical_or", torch.logical_or)):
    oracle.case(name, lambda x, y, function=function: function(x, y).double(), c, d, orders=0)
oracle.case("logical_not", lambda x: torch.logical_not(x).double(), c, orders=0)
special = a.copy()
special[0, :3] = [float("nan"), float("inf"), -float("inf")]
oracle.case("isnan", lambda x: torch.isnan(x).double(), special, orders=0)
oracle.case("isfinite", lambda x: torch.isfinite(x).double(), special, orders=0)

oracle.case("transpose", lambda x: x.permute(2, 0, 1), u(2, 3, 4))
oracle.case("reshape", lambda x: x.reshape(4, 6), u(2, 3, 4))
oracle.case("broadcast_to", lambda x: x.expand(4, 3, 5), u(3, 1))
oracle.case("sum", lambda x: x.sum((0, 2)), u(5, 3, 40))
oracle.case("sum.long", lambda x: (x * x).sum(), u(2000))
oracle.case("cross_entropy_with_logits", lambda z, y: F.cross_entropy(z, y / y.sum(1, keepdim=True)), u(4, 3), b[:, :3].repeat(2, 0)[:4])
oracle.case("subtract_scalar", lambda x: x - 0.3, a)
oracle.case("scalar_subtract", lambda x: 0.3 - x, a)
oracle.case("greater", lambda x, y: torch.gt(x, y).double(), c, d, orders=0)
oracle.case("greater_equal", lambda x, y: torch.ge(x, y).double(), c, d, orders=0)
oracle.write()
