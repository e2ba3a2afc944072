"""How the four numbers that a head tells stand for a box: offsets from an anchor, distances from a point, a cell's grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from detcore.zoo.parts.places import Places

_MOST_GROWTH = math.log(1000 / 16)
"""Exponents of sizes are held below this, as torchvision does."""
_TINY = 1e-6
_LEAST_DISTANCE = 1 / 16


class BoxCode(Protocol):
    """Numbers to boxes and back, at all places or at some of them (``places`` of as many rows)."""

    def decode(self, raw: Tensor, places: Places) -> Tensor:
        """(…, A, 4) numbers to (…, A, 4) boxes xyxy in pixels."""
        ...

    def encode(self, boxes: Tensor, places: Places) -> Tensor:
        """(A, 4) boxes to the numbers that stand for them."""
        ...


@dataclass(frozen=True, slots=True)
class AnchorCode:
    """(dx, dy, dw, dh) = ((x − xa) / wa, (y − ya) / ha, ln w / wa, ln h / ha), each times its weight (Girshick et al. 2014). SSD's
    variances 0.1 and 0.2 are weights of 10 and 5."""

    weights: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)

    def decode(self, raw: Tensor, places: Places) -> Tensor:
        middles, sizes = _middles_and_sizes(places.anchors)
        offsets = raw / raw.new_tensor(self.weights)
        centres = offsets[..., :2] * sizes + middles
        half = offsets[..., 2:].clamp(max=_MOST_GROWTH).exp() * sizes / 2
        return torch.cat([centres - half, centres + half], dim=-1)

    def encode(self, boxes: Tensor, places: Places) -> Tensor:
        middles, sizes = _middles_and_sizes(places.anchors)
        centres, sides = _middles_and_sizes(boxes)
        offsets = torch.cat([(centres - middles) / sizes, (sides.clamp(min=_TINY) / sizes).log()], dim=-1)
        return offsets * boxes.new_tensor(self.weights)


@dataclass(frozen=True, slots=True)
class PointCode:
    """The distances to the left, upper, right and lower edge in strides, as exponents (Tian et al. 2019). Those to edges that a point lies
    beyond are told as a sixteenth of a stride."""

    def decode(self, raw: Tensor, places: Places) -> Tensor:
        distances = raw.clamp(max=_MOST_GROWTH).exp() * places.strides[:, None]
        return torch.cat([places.points - distances[..., :2], places.points + distances[..., 2:]], dim=-1)

    def encode(self, boxes: Tensor, places: Places) -> Tensor:
        distances = torch.cat([places.points - boxes[..., :2], boxes[..., 2:] - places.points], dim=-1)
        return (distances / places.strides[:, None]).clamp(min=_LEAST_DISTANCE).log()


@dataclass(frozen=True, slots=True)
class GridCode:
    """The centre from −0.5 to 1.5 cells around its cell's corner, sizes up to four times the anchor's: 2 σ(x) − 0.5 and
    (2 σ(x))² (as YOLOv5 has it; bounded, where exponents run away)."""

    def decode(self, raw: Tensor, places: Places) -> Tensor:
        _, sizes = _middles_and_sizes(places.anchors)
        shares = raw.sigmoid()
        step = places.strides[:, None]
        centres = places.points + (2 * shares[..., :2] - 1) * step
        half = (2 * shares[..., 2:]).square() * sizes / 2
        return torch.cat([centres - half, centres + half], dim=-1)

    def encode(self, boxes: Tensor, places: Places) -> Tensor:
        _, sizes = _middles_and_sizes(places.anchors)
        centres, sides = _middles_and_sizes(boxes)
        shares = torch.cat(
            [
                ((centres - places.points) / places.strides[:, None] + 1) / 2,
                (sides / sizes).clamp(min=0).sqrt() / 2,
            ],
            dim=-1,
        )
        return torch.logit(shares, eps=1e-4)


def _middles_and_sizes(boxes: Tensor) -> tuple[Tensor, Tensor]:
    return (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]
