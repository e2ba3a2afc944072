"""The hourglass (Newell et al. 2016): down to small maps and up again, with a side way at each size."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from detcore.zoo.parts.blocks import ConvBlock, SplitStage


class Hourglass(nn.Module):
    """(B, widths[0], H, W) to the same; within, maps of half the sides and of ``widths[1]``, and so on."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        outer, inner = widths[0], widths[1]
        self.side = SplitStage(outer, outer, 1)
        self.down = nn.Sequential(ConvBlock(outer, inner, 3, 2), SplitStage(inner, inner, 1))
        self.inner = Hourglass(widths[1:]) if len(widths) > 2 else SplitStage(inner, inner, 1)
        self.up = ConvBlock(inner, outer, 1)

    def forward(self, features: Tensor) -> Tensor:
        deep = self.up(self.inner(self.down(features)))
        side: Tensor = self.side(features)
        return side + functional.interpolate(deep, size=side.shape[-2:], mode="nearest")
