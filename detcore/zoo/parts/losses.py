"""Losses on boxes and scores, all in fp32."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def paired_iou(boxes: Tensor, others: Tensor, *, complete: bool = False) -> Tensor:
    """IoU of boxes (…, 4) with others (…, 4), row by row, broadcast; values in 0..1.

    With ``complete`` the CIoU (Zheng et al. 2020): less a share for the distance of the centres and
    for unlike aspects, so that boxes that do not touch have a gradient too.
    """
    top_left = torch.maximum(boxes[..., :2], others[..., :2])
    bottom_right = torch.minimum(boxes[..., 2:], others[..., 2:])
    overlap = (bottom_right - top_left).clamp(min=0).prod(dim=-1)
    sides = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0)
    other_sides = (others[..., 2:] - others[..., :2]).clamp(min=0)
    union = sides.prod(dim=-1) + other_sides.prod(dim=-1) - overlap
    iou = overlap / (union + 1e-7)
    if not complete:
        return iou
    hull = torch.maximum(boxes[..., 2:], others[..., 2:]) - torch.minimum(boxes[..., :2], others[..., :2])
    diagonal = hull.square().sum(dim=-1) + 1e-7
    centres = (boxes[..., :2] + boxes[..., 2:] - others[..., :2] - others[..., 2:]) / 2
    angles = torch.atan(other_sides[..., 0] / (other_sides[..., 1] + 1e-7)) - torch.atan(
        sides[..., 0] / (sides[..., 1] + 1e-7)
    )
    aspect = (4 / math.pi**2) * angles.square()
    with torch.no_grad():
        weight = aspect / (1 - iou + aspect + 1e-7)
    return iou - centres.square().sum(dim=-1) / diagonal - weight * aspect


def distribution_loss(logits: Tensor, distances: Tensor) -> Tensor:
    """Distribution focal loss (Li et al. 2020): cross entropy with the two bins beside the distance.

    ``logits`` (N, 4, bins), ``distances`` (N, 4) in bins; returns (N,), the mean over the four sides.
    """
    bins = logits.shape[-1]
    distances = distances.clamp(0, bins - 1 - 0.01)
    left = distances.floor().long()
    right_share = distances - left
    flat = logits.flatten(0, 1)
    left_loss = functional.cross_entropy(flat, left.flatten(), reduction="none").view_as(distances)
    right_loss = functional.cross_entropy(flat, left.flatten() + 1, reduction="none").view_as(distances)
    return (left_loss * (1 - right_share) + right_loss * right_share).mean(dim=-1)
