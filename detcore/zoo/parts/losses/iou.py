"""How well boxes fit one another, and the losses of it: IoU, GIoU, DIoU, CIoU. All in fp32."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

Overlap = Literal["iou", "giou", "diou", "ciou"]
_TINY = 1e-7


def paired_iou(boxes: Tensor, others: Tensor, kind: Overlap = "iou") -> Tensor:
    """The likeness of boxes (…, 4) and others (…, 4), row by row, broadcast.

    ``iou`` is overlap / union, 0..1. The others have a gradient where boxes do not touch, too: ``giou`` (Rezatofighi et
    al. 2019) is less the share of the hull that neither fills; ``diou`` (Zheng et al. 2020) less the squared distance
    of the centres over that of the hull's corners; ``ciou`` (the same) less a share for unlike aspects, besides.
    """
    top_left = torch.maximum(boxes[..., :2], others[..., :2])
    bottom_right = torch.minimum(boxes[..., 2:], others[..., 2:])
    overlap = (bottom_right - top_left).clamp(min=0).prod(dim=-1)
    sides = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0)
    other_sides = (others[..., 2:] - others[..., :2]).clamp(min=0)
    union = sides.prod(dim=-1) + other_sides.prod(dim=-1) - overlap
    iou = overlap / (union + _TINY)
    if kind == "iou":
        return iou
    hull = torch.maximum(boxes[..., 2:], others[..., 2:]) - torch.minimum(boxes[..., :2], others[..., :2])
    if kind == "giou":
        area = hull.prod(dim=-1)
        return iou - (area - union) / (area + _TINY)
    diagonal = hull.square().sum(dim=-1) + _TINY
    centres = (boxes[..., :2] + boxes[..., 2:] - others[..., :2] - others[..., 2:]) / 2
    distant = iou - centres.square().sum(dim=-1) / diagonal
    if kind == "diou":
        return distant
    angles = torch.atan(other_sides[..., 0] / (other_sides[..., 1] + _TINY)) - torch.atan(
        sides[..., 0] / (sides[..., 1] + _TINY)
    )
    aspect = (4 / math.pi**2) * angles.square()
    with torch.no_grad():
        weight = aspect / (1 - iou + aspect + _TINY)
    return distant - weight * aspect


def iou_loss(boxes: Tensor, others: Tensor, kind: Overlap) -> Tensor:
    """The loss of each pair: −ln IoU (Yu et al. 2016), else 1 − the likeness."""
    likeness = paired_iou(boxes, others, kind)
    return -likeness.clamp(min=_TINY).log() if kind == "iou" else 1 - likeness
