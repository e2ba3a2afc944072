"""SSD's assignment (Liu et al. 2016)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import box_iou  # pyright: ignore[reportMissingTypeStubs]

from detcore.zoo.parts.assigners.assigned import BACKGROUND, Assigned, all_background
from detcore.zoo.parts.places import Places


@dataclass(frozen=True, slots=True)
class Bipartite:
    """First each object takes the anchor that overlaps it most, the best pair first; then every other anchor learns the object that it
    overlaps by more than ``positive``."""

    positive: float = 0.5

    def __call__(
        self, places: Places, scores: Tensor, boxes: Tensor, gt_boxes: Tensor, gt_labels: Tensor
    ) -> Assigned:
        if not len(gt_boxes):
            return Assigned(objects=all_background(places))
        iou = box_iou(gt_boxes, places.anchors)
        best, rows = iou.max(dim=0)
        objects = torch.where(best > self.positive, rows, BACKGROUND)
        free = iou.clone()
        peaks, anchors = free.max(dim=1)
        for _ in range(min(free.shape)):
            row = int(peaks.argmax())
            if peaks[row] <= 0:
                break
            objects[anchors[row]] = row
            free[:, anchors[row]] = -1.0
            again = (anchors == anchors[row]) & (peaks > 0)
            again[row], peaks[row] = False, -1.0
            if again.any():
                peaks[again], anchors[again] = free[again].max(dim=1)
        return Assigned(objects=objects)
