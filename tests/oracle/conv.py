#!/usr/bin/env python3
"""Writes conv.npz, cases of convolutions: /usr/bin/python3 conv.py"""
from torch.nn import functional as F

from oracle import Oracle

oracle = Oracle()
u = oracle.uniform


def convolution(name, function, x, w, bias, **options):
    """Stores a case, with the bias as a third input if there is one."""
    inputs = [u(*x), u(*w)] + ([u(bias)] if bias else [])
    oracle.case(name, lambda x, w, b=None: function(x, w, b, **options), *inputs)


# ---- convolutions -------------------------------------------------------------------------------------------------
c1, c2, c3 = F.conv1d, F.conv2d, F.conv3d
convolution("conv1d.plain", c1, (2, 3, 9), (4, 3, 3), 4)
convolution("conv1d.all", c1, (2, 4, 11), (6, 2, 3), 6, stride=2, padding=1, dilation=2, groups=2)
convolution("conv1d.single", c1, (3, 7), (2, 3, 2), 0)
convolution("conv2d.plain", c2, (2, 3, 7, 5), (4, 3, 3, 3), 0)
convolution("conv2d.bias", c2, (2, 3, 7, 5), (4, 3, 3, 2), 4)
convolution("conv2d.stride", c2, (2, 3, 9, 7), (4, 3, 3, 3), 4, stride=2)
convolution("conv2d.padding", c2, (2, 3, 5, 7), (2, 3, 3, 3), 2, padding=1)
convolution("conv2d.dilation", c2, (1, 2, 9, 7), (3, 2, 3, 3), 3, dilation=2)
convolution("conv2d.all", c2, (2, 4, 9, 7), (6, 2, 3, 3), 6, stride=2, padding=1, dilation=2, groups=2)
convolution("conv2d.uneven", c2, (2, 2, 8, 9), (3, 2, 2, 3), 3, stride=(2, 3), padding=(2, 1), dilation=(3, 1))
convolution("conv2d.depthwise", c2, (2, 5, 7, 7), (5, 1, 3, 3), 5, stride=2, padding=1, groups=5)
convolution("conv2d.multiplier", c2, (1, 3, 5, 6), (6, 1, 3, 3), 0, padding=1, dilation=2, groups=3, stride=1)
convolution("conv2d.point", c2, (2, 3, 5, 3), (4, 3, 1, 1), 4)
convolution("conv2d.point_stride", c2, (2, 3, 5, 4), (4, 3, 1, 1), 0, stride=2)
convolution("conv2d.whole", c2, (2, 3, 5, 3), (4, 3, 5, 3), 4)
convolution("conv2d.much_padding", c2, (1, 1, 3, 3), (2, 1, 2, 2), 2, padding=3, stride=2)
convolution("conv2d.same", c2, (1, 2, 5, 6), (3, 2, 3, 4), 3, padding="same")
convolution("conv2d.same_dilation", c2, (1, 2, 7, 6), (4, 1, 2, 4), 0, padding="same", dilation=(3, 1), groups=2)
convolution("conv2d.single", c2, (3, 5, 5), (2, 3, 3, 3), 2, padding=1)
convolution("conv3d.plain", c3, (1, 2, 4, 5, 3), (3, 2, 2, 3, 2), 3)
convolution("conv3d.all", c3, (1, 4, 5, 6, 5), (4, 2, 2, 3, 2), 4, stride=(1, 2, 2), padding=1, dilation=(2, 1, 2), groups=2)

oracle.write()
