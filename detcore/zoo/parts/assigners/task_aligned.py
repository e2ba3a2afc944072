"""Which place of the feature maps answers for which object: task-aligned assignment.

Written from TOOD (Feng et al. 2021): a place's fitness for an object is score^alpha · IoU^beta; each
object takes the fittest places inside its box.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from detcore.zoo.parts.assigners.assigned import BACKGROUND, Assigned, all_background
from detcore.zoo.parts.losses.iou import paired_iou
from detcore.zoo.parts.places import Places

_MIN_SIDE_IN_STRIDES = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """For B images of A places: ``positive`` (B, A) bool, ``objects`` (B, A) row of the object
    (anything where not positive), ``quality`` (B, A) target score 0..1 (0 where not positive)."""

    positive: Tensor
    objects: Tensor
    quality: Tensor


@torch.no_grad()
def assign(
    scores: Tensor,
    boxes: Tensor,
    points: Tensor,
    strides: Tensor,
    gt_boxes: Tensor,
    gt_labels: Tensor,
    gt_valid: Tensor,
    *,
    take: int = 10,
    alpha: float = 0.5,
    beta: float = 6.0,
) -> Assignment:
    """Assign places to objects.

    ``scores`` (B, A, K) probabilities, ``boxes`` (B, A, 4) predicted, ``points`` (A, 2) and ``strides``
    (A,) of the places; ``gt_boxes`` (B, G, 4), ``gt_labels`` (B, G), ``gt_valid`` (B, G) false for
    filling rows. Objects smaller than two strides are widened to that for the inside test, so that
    each has a place at every level.
    """
    batch, places = scores.shape[:2]
    count = gt_boxes.shape[1]
    if count == 0:
        zeros = torch.zeros(batch, places, device=scores.device)
        return Assignment(positive=zeros.bool(), objects=zeros.long(), quality=zeros)
    centres = (gt_boxes[..., :2] + gt_boxes[..., 2:]) / 2
    half_sides = (gt_boxes[..., 2:] - gt_boxes[..., :2]) / 2
    reach = torch.maximum(half_sides[:, :, None], strides[None, None, :, None] * (_MIN_SIDE_IN_STRIDES / 2))
    offsets = (points[None, None] - centres[:, :, None]).abs()
    inside = (offsets < reach).all(dim=-1) & gt_valid[..., None]
    index = gt_labels[:, None, :].expand(batch, places, count)
    class_scores = scores.gather(2, index).transpose(1, 2)
    iou = paired_iou(gt_boxes[:, :, None], boxes[:, None]).clamp(min=0)
    fitness = class_scores.pow(alpha) * iou.pow(beta) * inside
    # Before anything overlaps all fitness is 0: then the places nearest to the centre are taken.
    nearness = 1.0 / (1.0 + offsets.square().sum(dim=-1).sqrt() / strides)
    ranking = torch.where(inside, fitness + 1e-9 * nearness, torch.zeros_like(fitness))
    best, rows = ranking.topk(min(take, places), dim=-1)
    chosen = torch.zeros_like(inside).scatter_(2, rows, best > 0)
    # A place that several objects want goes to the one it overlaps most.
    objects = torch.where(chosen, iou + 1e-6, torch.zeros_like(iou)).argmax(dim=1)
    chosen &= torch.nn.functional.one_hot(objects, count).transpose(1, 2).bool()
    fitness = fitness * chosen
    overlap = iou * chosen
    peak = fitness.amax(dim=-1, keepdim=True)
    quality = (fitness / (peak + 1e-12) * overlap.amax(dim=-1, keepdim=True)).amax(dim=1)
    return Assignment(positive=chosen.any(dim=1), objects=objects, quality=quality)


@dataclass(frozen=True, slots=True)
class TaskAligned:
    """The same for one image: each object takes its ``take`` fittest places."""

    take: int = 10

    def __call__(
        self, places: Places, scores: Tensor, boxes: Tensor, gt_boxes: Tensor, gt_labels: Tensor
    ) -> Assigned:
        if not len(gt_boxes):
            return Assigned(objects=all_background(places))
        valid = torch.ones(1, len(gt_boxes), dtype=torch.bool, device=boxes.device)
        found = assign(
            scores[None],
            boxes[None],
            places.points,
            places.strides,
            gt_boxes[None],
            gt_labels[None],
            valid,
            take=self.take,
        )
        return Assigned(objects=torch.where(found.positive[0], found.objects[0], BACKGROUND))
