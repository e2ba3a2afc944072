"""One place for each object, the cheapest whole (Carion et al. 2020; Kuhn 1955)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from scipy import optimize  # pyright: ignore[reportMissingTypeStubs]
from torch import Tensor

from detcore.types import IntArray
from detcore.zoo.parts.assigners.assigned import Assigned, all_background
from detcore.zoo.parts.losses.iou import paired_iou
from detcore.zoo.parts.places import Places


@dataclass(frozen=True, slots=True)
class Hungarian:
    """The cost of a pair is −``class_weight`` · score + ``box_weight`` · L1 of the corners over the extent of the places − ``overlap_weight`` · GIoU, DETR's
    weights. Nothing is suppressed later: a network that learns so tells each object once."""

    class_weight: float = 1.0
    box_weight: float = 5.0
    overlap_weight: float = 2.0

    def __call__(
        self, places: Places, scores: Tensor, boxes: Tensor, gt_boxes: Tensor, gt_labels: Tensor
    ) -> Assigned:
        objects = all_background(places)
        if not len(gt_boxes):
            return Assigned(objects=objects)
        extent = places.points.max(dim=0).values.repeat(2).clamp(min=1)
        distance = ((gt_boxes[:, None] - boxes[None]) / extent).abs().sum(dim=-1)
        giou = paired_iou(gt_boxes[:, None], boxes[None], "giou")
        chance = scores[:, gt_labels].T
        cost = self.box_weight * distance - self.class_weight * chance - self.overlap_weight * giou
        matched = cast("Any", optimize).linear_sum_assignment(cost.nan_to_num(1e6, 1e6, 1e6).cpu().numpy())
        rows, chosen = (objects.new_tensor(part) for part in cast("tuple[IntArray, IntArray]", matched))
        objects[chosen] = rows
        return Assigned(objects=objects)
