"""Path aggregation (Liu et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from detcore.zoo.parts.blocks import ConvBlock
from detcore.zoo.parts.necks.fpn import Fpn
from detcore.zoo.parts.necks.neck import Neck


class Pan(Neck):
    """A feature pyramid, and the way back up: each map plus the halved finer one, so that edges reach the coarse maps by few
    layers."""

    def __init__(self, inputs: Sequence[int], width: int) -> None:
        super().__init__()
        self.width = width
        self.down = Fpn(inputs, width)
        self.halves = nn.ModuleList(ConvBlock(width, width, 3, 2) for _ in inputs[1:])
        self.outputs = nn.ModuleList(ConvBlock(width, width) for _ in inputs[1:])

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        pyramid = self.down(maps)
        made = [pyramid[0]]
        for half, output, features in zip(self.halves, self.outputs, pyramid[1:], strict=True):
            made.append(output(features + half(made[-1])))
        return made
