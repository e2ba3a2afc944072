"""FCOS's assignment (Tian et al. 2019): levels for ranges of sizes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from detcore.zoo.parts.assigners.assigned import Assigned, all_background, smallest_of
from detcore.zoo.parts.places import Places

_LARGEST_OF_FINEST = 8.0


@dataclass(frozen=True, slots=True)
class Ranges:
    """A place learns the smallest object around it whose farthest edge lies in the range of its level: up to 8 strides (64 pixels at
    stride 8), from half of that, and without an end at the coarsest. Only within ``radius`` strides of the middle (centre sampling);
    0 for anywhere inside."""

    radius: float = 1.5

    def __call__(
        self, places: Places, scores: Tensor, boxes: Tensor, gt_boxes: Tensor, gt_labels: Tensor
    ) -> Assigned:
        if not len(gt_boxes):
            return Assigned(objects=all_background(places))
        points = places.points
        edges = torch.cat(
            [points[None] - gt_boxes[:, None, :2], gt_boxes[:, None, 2:] - points[None]], dim=-1
        )
        candidates = edges.min(dim=-1).values > 0
        if self.radius > 0:
            centres = (gt_boxes[:, :2] + gt_boxes[:, 2:]) / 2
            apart = (points[None] - centres[:, None]).abs().max(dim=-1).values
            candidates &= apart < self.radius * places.strides
        reach = edges.max(dim=-1).values
        upper = _LARGEST_OF_FINEST * places.strides
        lower = torch.where(places.levels == 0, 0.0, upper / 2)
        upper = torch.where(places.levels == places.levels.max(), torch.inf, upper)
        candidates &= (reach >= lower) & (reach <= upper)
        return Assigned(objects=smallest_of(candidates, gt_boxes))
