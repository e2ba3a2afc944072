"""Feature pyramid (Lin et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from detcore.zoo.parts.necks.neck import Neck, grown


class Fpn(Neck):
    """1×1 convolutions to one width, each map plus the grown coarser one, a 3×3 convolution of the sum. The sums are new
    tensors: adding in place would take away what the backward pass needs."""

    def __init__(self, inputs: Sequence[int], width: int) -> None:
        super().__init__()
        self.width = width
        self.laterals = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in inputs)
        self.outputs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in inputs)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        sides = [lateral(features) for lateral, features in zip(self.laterals, maps, strict=True)]
        sums = [sides[-1]]
        for features in reversed(sides[:-1]):
            sums.insert(0, features + grown(sums[0], features))
        return [output(features) for output, features in zip(self.outputs, sums, strict=True)]
