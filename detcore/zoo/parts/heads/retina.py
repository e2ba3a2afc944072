"""RetinaNet's head (Lin et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from detcore.zoo.class_rows import ClassRows
from detcore.zoo.parts.box_codes import AnchorCode
from detcore.zoo.parts.heads.dense_head import (
    DenseHead,
    Outputs,
    box_layer,
    class_layer,
    joined,
    rows_of,
    tower,
)


class RetinaHead(DenseHead):
    """Two towers shared by all levels: K classes, one more with ``background``, and four offsets for each anchor of a cell."""

    def __init__(
        self, width: int, num_classes: int, *, each: int, depth: int = 4, background: bool = False
    ) -> None:
        super().__init__()
        self.each, self.background, self.code = each, background, AnchorCode()
        self.outputs = num_classes + background
        self.class_rows = {"class_layer.*": ClassRows(before=int(background))}
        self.classes, self.boxes = tower(width, depth), tower(width, depth)
        self.class_layer = class_layer(width, each * self.outputs, sigmoid=not background)
        self.box_layer = box_layer(width, each * 4)

    def forward(self, maps: Sequence[Tensor]) -> Outputs:
        logits = joined(
            [rows_of(self.class_layer(self.classes(features)), self.outputs) for features in maps]
        )
        raw = joined([rows_of(self.box_layer(self.boxes(features)), 4) for features in maps])
        return logits, raw, None
