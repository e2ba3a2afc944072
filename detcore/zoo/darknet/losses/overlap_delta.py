"""Darknet's derivatives of IoU, GIoU, DIoU and CIoU by the middle and the size of a box."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from detcore.zoo.parts.losses.iou import Overlap

OVERLAPS: tuple[Overlap, ...] = ("iou", "giou", "diou", "ciou")
_TINY = 1e-6


def overlap_delta(boxes: Tensor, others: Tensor, kind: str) -> Tensor:
    """(P, 4) how darknet would change boxes (P, 4) for others (P, 4), all cx cy w h as shares of the image.

    These are its own formulas, tuned together with ``iou_normalizer``, and in part no derivatives: that by a side
    is twice that of the IoU ("we do not divide by two"); the overlap of boxes apart is a product of negative
    sides; the enclosing box of DIoU grows the wrong way with the middle; the term of the aspect is not divided by
    w² + h². The overlap is that of Yu et al. 2016, the others are Rezatofighi et al. 2019 (GIoU) and Zheng et al.
    2020 (DIoU, CIoU).
    """
    size, other_size = torch.where(boxes[:, 2:] == 0, 1.0, boxes[:, 2:]), others[:, 2:]
    low, high = boxes[:, :2] - size / 2, boxes[:, :2] + size / 2
    other_low, other_high = others[:, :2] - other_size / 2, others[:, :2] + other_size / 2
    shared = torch.minimum(high, other_high) - torch.maximum(low, other_low)
    overlap = shared.prod(dim=1, keepdim=True)
    union = size.prod(dim=1, keepdim=True) + other_size.prod(dim=1, keepdim=True) - overlap
    # of the overlap and the union by the low and the high border, of both axes
    overlap_by = torch.stack([-shared.flip(1) * (low > other_low), shared.flip(1) * (high < other_high)])
    union_by = torch.stack([-size.flip(1), size.flip(1)]) - overlap_by
    by = torch.where(union > 0, (union * overlap_by - overlap * union_by) / union.square(), 0.0)
    apart = (shared <= 0).any(dim=1, keepdim=True)
    hull = torch.maximum(high, other_high) - torch.minimum(low, other_low)
    if kind == "giou":
        area = hull.prod(dim=1, keepdim=True)
        area_by = torch.stack([-hull.flip(1) * (low < other_low), hull.flip(1) * (high > other_high)])
        growth = (area * union_by - union * area_by) / area.square()
        by = torch.where(apart, growth, by + growth)
    delta = torch.cat([by[0] + by[1], by[1] - by[0]], dim=1)
    if kind in ("iou", "giou"):
        return delta
    distance = (others[:, :2] - boxes[:, :2]).square().sum(dim=1, keepdim=True)
    diagonal = hull.square().sum(dim=1, keepdim=True)
    below, above = (low < other_low).float(), (high > other_high).float()
    nearer = (
        2 * (others[:, :2] - boxes[:, :2]) * diagonal - 2 * hull * (above - below) * distance
    ) / diagonal.square()
    smaller = 2 * hull * (above + below) / 2 * distance / diagonal.square()
    if kind == "ciou":
        smaller = smaller + _aspect_delta(size, other_size, overlap / union)
    more = torch.cat([nearer, smaller], dim=1)
    return torch.where(apart, more, delta + more)


def _aspect_delta(size: Tensor, other_size: Tensor, iou: Tensor) -> Tensor:
    """(P, 2) for width and height."""
    angle = torch.atan(other_size[:, :1] / other_size[:, 1:]) - torch.atan(size[:, :1] / size[:, 1:])
    unlike = 4 / math.pi**2 * angle.square()
    weight = unlike / (1 - iou + unlike + _TINY)
    return weight * 8 / math.pi**2 * angle * torch.cat([size[:, 1:], -size[:, :1]], dim=1)
