"""What every assigner is called with and gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from detcore.zoo.parts.losses.class_loss import BACKGROUND, IGNORED
from detcore.zoo.parts.places import Places


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """Of one image: ``objects`` (A,) int64, the row of the object that a place learns, ``BACKGROUND`` or ``IGNORED``."""

    objects: Tensor


class Assigner(Protocol):
    """Which places learn which objects."""

    def __call__(
        self, places: Places, scores: Tensor, boxes: Tensor, gt_boxes: Tensor, gt_labels: Tensor
    ) -> Assigned:
        """Of one image: ``scores`` (A, K) and ``boxes`` (A, 4) are what the network says, ``gt_boxes`` (G, 4) and ``gt_labels``
        (G,) the objects, of which there may be none."""
        ...


def all_background(places: Places) -> Tensor:
    """(A,) where there is no object."""
    return torch.full_like(places.levels, BACKGROUND)


def smallest_of(candidates: Tensor, gt_boxes: Tensor) -> Tensor:
    """(A,) of the objects that a place is a candidate for, (G, A), the one of the smallest area; else ``BACKGROUND``."""
    areas = (gt_boxes[:, 2:] - gt_boxes[:, :2]).prod(dim=1)
    value = torch.where(candidates, areas[:, None], torch.inf)
    least, rows = value.min(dim=0)
    return torch.where(least.isinf(), BACKGROUND, rows)


__all__ = ["BACKGROUND", "IGNORED", "Assigned", "Assigner", "all_background", "smallest_of"]
