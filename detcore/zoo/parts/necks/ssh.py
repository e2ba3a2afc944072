"""Context modules (SSH, Najibi et al. 2017), known from face detection, after a feature pyramid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from detcore.zoo.parts.blocks import ConvBlock
from detcore.zoo.parts.necks.fpn import Fpn
from detcore.zoo.parts.necks.neck import Neck


class ContextModule(nn.Module):
    """Half of the channels from a 3×3 convolution, a quarter each from what stands for 5×5 and 7×7: chains of two and three
    of 3×3, the first shared."""

    def __init__(self, width: int) -> None:
        super().__init__()
        quarter = width // 4
        self.near = _plain(width, width - 2 * quarter)
        self.shared = ConvBlock(width, quarter)
        self.wide = _plain(quarter, quarter)
        self.wider = nn.Sequential(ConvBlock(quarter, quarter), _plain(quarter, quarter))

    def forward(self, features: Tensor) -> Tensor:
        shared = self.shared(features)
        return functional.relu(torch.cat([self.near(features), self.wide(shared), self.wider(shared)], dim=1))


def _plain(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs))


class SshFpn(Neck):
    """A feature pyramid with a context module for each map."""

    def __init__(self, inputs: Sequence[int], width: int) -> None:
        super().__init__()
        self.width = width
        self.pyramid = Fpn(inputs, width)
        self.contexts = nn.ModuleList(ContextModule(width) for _ in inputs)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        pyramid = self.pyramid(maps)
        return [context(features) for context, features in zip(self.contexts, pyramid, strict=True)]
