"""The assignment of the YOLOs since v5: several anchors and cells for each object."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from detcore.zoo.parts.assigners.assigned import Assigned, all_background, smallest_of
from detcore.zoo.parts.places import Places


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Anchors learn an object whose sides are less than ``ratio`` times theirs and more than a ``ratio``-th, in the cell of its middle and in
    the cell beside that it is nearer to, across and down. Of several objects a place takes the smallest."""

    ratio: float = 4.0

    def __call__(
        self, places: Places, scores: Tensor, boxes: Tensor, gt_boxes: Tensor, gt_labels: Tensor
    ) -> Assigned:
        if not len(gt_boxes):
            return Assigned(objects=all_background(places))
        sizes = places.anchors[:, 2:] - places.anchors[:, :2]
        times = (gt_boxes[:, 2:] - gt_boxes[:, :2])[:, None] / sizes[None]
        fits = torch.maximum(times, 1 / times.clamp(min=1e-6)).max(dim=-1).values < self.ratio
        centres = (gt_boxes[:, :2] + gt_boxes[:, 2:]) / 2
        apart = (places.points[None] - centres[:, None]).abs() / places.strides[None, :, None]
        across, down = apart.unbind(dim=-1)
        cell = (across <= 0.5) & (down <= 0.5)
        beside = ((across <= 1.0) & (down <= 0.5)) | ((across <= 0.5) & (down <= 1.0))
        return Assigned(objects=smallest_of(fits & (cell | beside), gt_boxes))
