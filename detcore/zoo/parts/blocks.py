"""Convolution blocks. BatchNorm everywhere: it is what lets a detector converge from random weights
(ScratchDet, Zhu et al. 2019)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional


class ConvBlock(nn.Sequential):
    """Convolution, BatchNorm, SiLU. Keeps height and width at stride 1, halves them (rounding up) at 2."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03),
            nn.SiLU(inplace=True),
        )


class Bottleneck(nn.Module):
    """Two 3×3 convolutions with a shortcut."""

    def __init__(self, width: int, *, shortcut: bool = True) -> None:
        super().__init__()
        self.body = nn.Sequential(ConvBlock(width, width), ConvBlock(width, width))
        self.shortcut = shortcut

    def forward(self, features: Tensor) -> Tensor:
        out: Tensor = self.body(features)
        return features + out if self.shortcut else out


class SplitStage(nn.Module):
    """Half the channels go through bottlenecks, all of the steps are joined at the end
    (cross stage partial, Wang et al. 2020). Once channels are taken out it may be another share."""

    def __init__(self, inputs: int, outputs: int, depth: int, *, shortcut: bool = True) -> None:
        super().__init__()
        half = outputs // 2
        self.enter = ConvBlock(inputs, 2 * half, 1)
        self.blocks = nn.ModuleList(Bottleneck(half, shortcut=shortcut) for _ in range(depth))
        self.leave = ConvBlock((2 + depth) * half, outputs, 1)

    @property
    def through(self) -> int:
        """How many channels go through bottlenecks."""
        bottleneck = cast("Bottleneck", self.blocks[0])
        return cast("nn.Conv2d", cast("ConvBlock", bottleneck.body[0])[0]).in_channels

    def forward(self, features: Tensor) -> Tensor:
        entered = self.enter(features)
        parts = list(torch.split(entered, [entered.shape[1] - self.through, self.through], dim=1))
        for block in self.blocks:
            parts.append(block(parts[-1]))
        out: Tensor = self.leave(torch.cat(parts, dim=1))
        return out


class PoolPyramid(nn.Module):
    """Max pooling over 5, 9 and 13 pixels side by side (spatial pyramid pooling, He et al. 2014),
    the wider ones by repeating the narrow one."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.enter = ConvBlock(width, half, 1)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.leave = ConvBlock(4 * half, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        parts = [self.enter(features)]
        for _ in range(3):
            parts.append(self.pool(parts[-1]))
        out: Tensor = self.leave(torch.cat(parts, dim=1))
        return out


class SeparableConv(nn.Module):
    """A 3×3 convolution in two: of each channel by itself, then 1×1 over channels (Sifre 2014); with ``norm`` BatchNorm after it."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool, norm: bool = False) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.conv_pw = nn.Conv2d(inputs, outputs, 1, bias=bias)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03) if norm else None

    def forward(self, features: Tensor) -> Tensor:
        out: Tensor = self.conv_pw(self.conv_dw(features))
        return out if self.bn is None else self.bn(out)


class SamePool(nn.Module):
    """Max pooling over 3×3 pixels at stride 2 to half of the sides, rounded up, padded as TensorFlow does: an even side only
    behind."""

    def forward(self, features: Tensor) -> Tensor:
        rows, columns = features.shape[-2:]
        return functional.max_pool2d(features, 3, 2, padding=(rows % 2, columns % 2), ceil_mode=True)
