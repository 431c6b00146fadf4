#!/usr/bin/env python3
"""Writes conv_transpose.npz, cases of transposed convolutions, unfold and fold: /usr/bin/python3 conv_transpose.py"""
from torch.nn import functional as F

from oracle import Oracle

oracle = Oracle()
u = oracle.uniform


def convolution(name, function, x, w, bias, **options):
    """Stores a case, with the bias as a third input if there is one."""
    inputs = [u(*x), u(*w)] + ([u(bias)] if bias else [])
    oracle.case(name, lambda x, w, b=None: function(x, w, b, **options), *inputs)


# ---- transposed convolutions --------------------------------------------------------------------------------------
t1, t2, t3 = F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d
convolution("conv_transpose1d.plain", t1, (2, 3, 5), (3, 4, 3), 4)
convolution("conv_transpose1d.all", t1, (2, 4, 5), (4, 3, 3), 6, stride=3, padding=1, output_padding=2, dilation=2, groups=2)
convolution("conv_transpose2d.plain", t2, (2, 3, 4, 3), (3, 4, 3, 2), 0)
convolution("conv_transpose2d.stride", t2, (2, 3, 4, 3), (3, 2, 3, 3), 2, stride=2, padding=1, output_padding=1)
convolution("conv_transpose2d.all", t2, (1, 4, 3, 5), (4, 3, 3, 3), 6, stride=2, padding=1, output_padding=1, dilation=2, groups=2)
convolution("conv_transpose2d.depthwise", t2, (1, 3, 3, 4), (3, 1, 3, 3), 3, stride=2, groups=3)
convolution("conv_transpose2d.output_padding", t2, (1, 2, 3, 4), (2, 3, 2, 2), 3, output_padding=(1, 2), dilation=3)
convolution("conv_transpose2d.single", t2, (3, 3, 4), (3, 2, 2, 2), 2, padding=1)
convolution("conv_transpose3d.all", t3, (1, 2, 2, 3, 3), (2, 2, 2, 3, 2), 4, stride=(1, 2, 2), padding=(0, 1, 0), output_padding=(0, 1, 1), groups=2)

# ---- unfold and fold ----------------------------------------------------------------------------------------------
oracle.case("unfold.plain", lambda x: F.unfold(x, (3, 2)), u(2, 3, 5, 4))
oracle.case("unfold.all", lambda x: F.unfold(x, (2, 3), dilation=(3, 1), padding=(1, 2), stride=2), u(2, 2, 6, 5))
oracle.case("unfold.single", lambda x: F.unfold(x, 2, stride=2), u(2, 5, 4))
oracle.case("fold.plain", lambda x: F.fold(x, (5, 4), (3, 2)), u(2, 18, 9))
oracle.case("fold.all", lambda x: F.fold(x, (6, 5), (2, 3), dilation=(3, 1), padding=(1, 2), stride=2), u(2, 12, 12))
oracle.case("fold.single", lambda x: F.fold(x, (5, 4), 2, stride=2), u(8, 4))

oracle.write()
