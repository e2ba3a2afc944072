"""Spatial pyramid pooling (He et al. 2014) before a feature pyramid, as YOLOv3-SPP has it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from detcore.zoo.parts.blocks import PoolPyramid
from detcore.zoo.parts.necks.fpn import Fpn
from detcore.zoo.parts.necks.neck import Neck


class SppFpn(Neck):
    """The coarsest map sees its surroundings of 5, 9 and 13 places, side by side with itself, before it goes down the pyramid."""

    def __init__(self, inputs: Sequence[int], width: int) -> None:
        super().__init__()
        self.width = width
        self.pool = PoolPyramid(inputs[-1])
        self.pyramid = Fpn(inputs, width)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        return self.pyramid([*maps[:-1], self.pool(maps[-1])])
