"""The head of the YOLOs since v2: in each cell some anchors with a box, an objectness and classes (Redmon and Farhadi 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from detcore.zoo.class_rows import ClassRows
from detcore.zoo.parts.box_codes import GridCode
from detcore.zoo.parts.heads.dense_head import DenseHead, Outputs, joined, rows_of


class GridHead(DenseHead):
    """One 1×1 convolution a map, with (5 + K) · anchors channels. A score is objectness times class."""

    def __init__(self, widths: Sequence[int], num_classes: int, *, each: int) -> None:
        super().__init__()
        self.each, self.background, self.code = each, False, GridCode()
        self.outputs = num_classes
        self.class_rows = {"layers.*": ClassRows(before=5)}
        self.layers = nn.ModuleList(nn.Conv2d(width, each * (5 + self.outputs), 1) for width in widths)
        for layer in self.layers:
            self._begin(layer)

    @torch.no_grad()
    def _begin(self, layer: nn.Module) -> None:
        """Objectness begins at 0.01."""
        bias = layer.get_parameter("bias").view(self.each, -1)
        bias.zero_()
        bias[:, 4] = -4.6

    def forward(self, maps: Sequence[Tensor]) -> Outputs:
        whole = joined(
            [
                rows_of(layer(features), 5 + self.outputs)
                for layer, features in zip(self.layers, maps, strict=True)
            ]
        )
        return whole[..., 5:], whole[..., :4], whole[..., 4]

    def scores(self, logits: Tensor, quality: Tensor | None) -> Tensor:
        chances = super().scores(logits, quality)
        return chances if quality is None else chances * quality.sigmoid()[..., None]
