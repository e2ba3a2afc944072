"""FCOS's head (Tian et al. 2019), with its later improvements."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from detcore.zoo.class_rows import ClassRows
from detcore.zoo.parts.box_codes import PointCode
from detcore.zoo.parts.heads.dense_head import (
    DenseHead,
    Outputs,
    box_layer,
    class_layer,
    joined,
    rows_of,
    tower,
)

_GROUPS = 8


class FcosHead(DenseHead):
    """Without anchors: K classes, the distances to the four edges, scaled for each level, and how central the place is, told by the tower of
    the boxes. A score is the root of class times centredness."""

    def __init__(
        self, width: int, num_classes: int, *, levels: int, depth: int = 4, background: bool = False
    ) -> None:
        super().__init__()
        self.each, self.background, self.code = 1, background, PointCode()
        self.outputs = num_classes + background
        self.class_rows = {"class_layer.*": ClassRows(before=int(background))}
        self.classes, self.boxes = tower(width, depth, groups=_GROUPS), tower(width, depth, groups=_GROUPS)
        self.class_layer = class_layer(width, self.outputs, sigmoid=not background)
        self.box_layer = box_layer(width, 4)
        self.central_layer = box_layer(width, 1)
        self.scales = nn.Parameter(torch.ones(levels))

    def forward(self, maps: Sequence[Tensor]) -> Outputs:
        logits = [rows_of(self.class_layer(self.classes(features)), self.outputs) for features in maps]
        towers = [self.boxes(features) for features in maps]
        raw = [
            rows_of(self.box_layer(features), 4) * scale
            for features, scale in zip(towers, self.scales, strict=True)
        ]
        central = [rows_of(self.central_layer(features), 1)[..., 0] for features in towers]
        return joined(logits), joined(raw), joined(central)

    def scores(self, logits: Tensor, quality: Tensor | None) -> Tensor:
        chances = super().scores(logits, quality)
        return chances if quality is None else (chances * quality.sigmoid()[..., None]).sqrt()


def centredness(boxes: Tensor, points: Tensor) -> Tensor:
    """(N,) sqrt(min(l, r) / max(l, r) · min(t, b) / max(t, b)) of points (N, 2) inside boxes (N, 4)."""
    edges = torch.cat([points - boxes[:, :2], boxes[:, 2:] - points], dim=1).clamp(min=0)
    across, down = edges[:, 0::2], edges[:, 1::2]
    share = across.amin(dim=1) / across.amax(dim=1).clamp(min=1e-6)
    return (share * down.amin(dim=1) / down.amax(dim=1).clamp(min=1e-6)).sqrt()
