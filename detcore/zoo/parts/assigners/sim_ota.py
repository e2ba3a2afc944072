"""SimOTA (Ge et al. 2021): the cheapest places of each object, as many as its boxes are good."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from detcore.zoo.parts.assigners.assigned import BACKGROUND, Assigned, all_background
from detcore.zoo.parts.losses.iou import paired_iou
from detcore.zoo.parts.places import Places

_FAR = 1e5


@dataclass(frozen=True, slots=True)
class SimOta:
    """Candidates lie in an object or within ``radius`` strides of its middle. The cost of one is the class loss + ``box_weight`` · −ln IoU,
    and a great deal more unless it does both. An object takes its k cheapest, k the sum of its ``best`` IoUs, at
    least 1; of several objects a place takes the cheapest."""

    radius: float = 2.5
    best: int = 10
    box_weight: float = 3.0

    def __call__(
        self, places: Places, scores: Tensor, boxes: Tensor, gt_boxes: Tensor, gt_labels: Tensor
    ) -> Assigned:
        objects = all_background(places)
        if not len(gt_boxes):
            return Assigned(objects=objects)
        points = places.points
        inside = ((points[None] > gt_boxes[:, None, :2]) & (points[None] < gt_boxes[:, None, 2:])).all(dim=-1)
        centres = (gt_boxes[:, :2] + gt_boxes[:, 2:]) / 2
        central = ((points[None] - centres[:, None]).abs() < self.radius * places.strides[None, :, None]).all(
            dim=-1
        )
        candidates = torch.nonzero((inside | central).any(dim=0)).flatten()
        if not len(candidates):
            return Assigned(objects=objects)
        iou = paired_iou(gt_boxes[:, None], boxes[None, candidates])
        cost = self._cost(scores[candidates], iou, gt_labels)
        cost = cost + _FAR * ~(inside & central)[:, candidates]
        wanted = iou.topk(min(self.best, len(candidates)), dim=1).values.sum(dim=1).int().clamp(min=1)
        rank = cost.argsort(dim=1).argsort(dim=1)
        value = torch.where(rank < wanted[:, None], cost, torch.inf)
        least, rows = value.min(dim=0)
        objects[candidates] = torch.where(least.isinf(), BACKGROUND, rows)
        return Assigned(objects=objects)

    def _cost(self, scores: Tensor, iou: Tensor, gt_labels: Tensor) -> Tensor:
        """(G, N) for each pair."""
        chances = scores[None].expand(len(gt_labels), -1, -1).clamp(1e-6, 1 - 1e-6)
        wanted = functional.one_hot(gt_labels, scores.shape[1]).to(scores)[:, None].expand_as(chances)
        class_cost = functional.binary_cross_entropy(chances, wanted, reduction="none").sum(dim=-1)
        return class_cost - self.box_weight * (iou + 1e-8).log()
