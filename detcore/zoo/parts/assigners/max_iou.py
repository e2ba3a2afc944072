"""Anchors by IoU (Ren et al. 2015, Lin et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import box_iou  # pyright: ignore[reportMissingTypeStubs]

from detcore.zoo.parts.assigners.assigned import BACKGROUND, IGNORED, Assigned, all_background
from detcore.zoo.parts.places import Places


@dataclass(frozen=True, slots=True)
class MaxIou:
    """An anchor learns the object that it overlaps most, from an IoU of ``positive`` on; below ``negative`` it is background,
    between it does not count. With ``at_least_one`` the best anchors of each object learn whatever they overlap most."""

    positive: float = 0.5
    negative: float = 0.4
    at_least_one: bool = True

    def __call__(
        self, places: Places, scores: Tensor, boxes: Tensor, gt_boxes: Tensor, gt_labels: Tensor
    ) -> Assigned:
        if not len(gt_boxes):
            return Assigned(objects=all_background(places))
        iou = box_iou(gt_boxes, places.anchors)
        best, rows = iou.max(dim=0)
        objects = torch.where(
            best < self.positive, torch.where(best < self.negative, BACKGROUND, IGNORED), rows
        )
        if self.at_least_one:
            peak = iou.max(dim=1, keepdim=True).values
            saved = ((iou == peak) & (peak > 0)).any(dim=0)
            objects = torch.where(saved, rows, objects)
        return Assigned(objects=objects)
