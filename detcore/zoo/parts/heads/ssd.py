"""SSD's head (Liu et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from detcore.zoo.class_rows import ClassRows
from detcore.zoo.parts.box_codes import AnchorCode
from detcore.zoo.parts.heads.dense_head import DenseHead, Outputs, box_layer, class_layer, joined, rows_of


class SsdHead(DenseHead):
    """One 3×3 convolution a map, its own each: (K + 4) · anchors channels, one class more with ``background``."""

    def __init__(
        self, width: int, num_classes: int, *, each: int, levels: int, background: bool = True
    ) -> None:
        super().__init__()
        self.each, self.background, self.code = each, background, AnchorCode((10.0, 10.0, 5.0, 5.0))
        self.outputs = num_classes + background
        self.class_rows = {"class_layers.*": ClassRows(before=int(background))}
        self.class_layers = nn.ModuleList(
            class_layer(width, each * self.outputs, sigmoid=not background) for _ in range(levels)
        )
        self.box_layers = nn.ModuleList(box_layer(width, each * 4) for _ in range(levels))

    def forward(self, maps: Sequence[Tensor]) -> Outputs:
        logits = [
            rows_of(layer(features), self.outputs)
            for layer, features in zip(self.class_layers, maps, strict=True)
        ]
        raw = [rows_of(layer(features), 4) for layer, features in zip(self.box_layers, maps, strict=True)]
        return joined(logits), joined(raw), None
