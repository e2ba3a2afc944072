"""Adaptive training sample selection (Zhang et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import box_iou  # pyright: ignore[reportMissingTypeStubs]

from detcore.zoo.parts.assigners.assigned import BACKGROUND, Assigned, all_background
from detcore.zoo.parts.places import Places


@dataclass(frozen=True, slots=True)
class Atss:
    """Candidates of an object are the ``nearest`` · anchors a cell places of each level whose middles are nearest to its own; those learn it
    whose IoU is at least the mean plus the standard deviation of all candidates', and whose middle lies in it.
    Of several objects a place takes the one it overlaps most."""

    nearest: int = 9

    def __call__(
        self, places: Places, scores: Tensor, boxes: Tensor, gt_boxes: Tensor, gt_labels: Tensor
    ) -> Assigned:
        if not len(gt_boxes):
            return Assigned(objects=all_background(places))
        iou = box_iou(gt_boxes, places.anchors)
        middles = (places.anchors[:, :2] + places.anchors[:, 2:]) / 2
        centres = (gt_boxes[:, :2] + gt_boxes[:, 2:]) / 2
        distances = torch.cdist(centres, middles)
        candidates = torch.zeros_like(iou, dtype=torch.bool)
        for level in range(int(places.levels.max()) + 1):
            own = torch.nonzero(places.levels == level).flatten()
            count = min(self.nearest * places.each, len(own))
            near = own[distances[:, own].topk(count, largest=False).indices]
            candidates.scatter_(1, near, True)
        rows = candidates.sum(dim=1).clamp(min=2)
        mean = (iou * candidates).sum(dim=1) / rows
        deviation = (((iou - mean[:, None]).square() * candidates).sum(dim=1) / (rows - 1)).sqrt()
        inside = ((middles[None] > gt_boxes[:, None, :2]) & (middles[None] < gt_boxes[:, None, 2:])).all(
            dim=-1
        )
        learn = candidates & inside & (iou >= (mean + deviation)[:, None])
        best, objects = torch.where(learn, iou, -1.0).max(dim=0)
        return Assigned(objects=torch.where(best < 0, BACKGROUND, objects))
