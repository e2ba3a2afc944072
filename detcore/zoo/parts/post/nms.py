"""Which of the boxes that lie on one another are kept."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.ops import batched_nms, box_iou, nms  # pyright: ignore[reportMissingTypeStubs]

from detcore.zoo.parts.losses.iou import paired_iou
from detcore.zoo.spec import Suppression

_GAUSSIAN = 0.5


def suppress(
    boxes: Tensor, scores: Tensor, labels: Tensor, kind: Suppression, *, iou: float, floor: float
) -> tuple[Tensor, Tensor]:
    """Which of boxes (N, 4) stay, best first, and their scores. ``classwise`` and ``hard`` drop what overlaps a better box of its class, or of any, by
    more than ``iou``; ``diou`` (Zheng et al. 2020) by IoU less the distance of the centres; the soft ones (Bodla et al. 2017) take from the
    scores of what overlaps, 1 − IoU of those above ``iou`` or exp(−IoU² / 0.5) of all, and drop what falls below ``floor``."""
    match kind:
        case "classwise":
            keep = batched_nms(boxes, scores, labels, iou)
        case "hard":
            keep = nms(boxes, scores, iou)
        case "none":
            keep = scores.argsort(descending=True)
        case "diou":
            keep = _greedy(boxes, scores, labels, iou)
        case _:
            return _soft(boxes, scores, labels, gaussian=kind == "soft-gaussian", iou=iou, floor=floor)
    return keep, scores[keep]


def _greedy(boxes: Tensor, scores: Tensor, labels: Tensor, limit: float) -> Tensor:
    order = scores.argsort(descending=True)
    kept: list[Tensor] = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        likeness = paired_iou(boxes[best], boxes[rest], "diou")
        order = rest[(likeness <= limit) | (labels[rest] != labels[best])]
    return torch.stack(kept) if kept else order


def _soft(
    boxes: Tensor, scores: Tensor, labels: Tensor, *, gaussian: bool, iou: float, floor: float
) -> tuple[Tensor, Tensor]:
    overlaps = box_iou(boxes, boxes) * (labels[:, None] == labels[None])
    left = scores.clone()
    kept: list[int] = []
    values: list[Tensor] = []
    for _ in range(len(scores)):
        best = int(left.argmax())
        if left[best] < floor:
            break
        kept.append(best)
        values.append(left[best].clone())
        own = overlaps[best]
        share = torch.exp(-own.square() / _GAUSSIAN) if gaussian else torch.where(own > iou, 1 - own, 1.0)
        left *= share
        left[best] = -1.0
        left[kept] = -1.0
    rows = torch.tensor(kept, dtype=torch.int64, device=boxes.device)
    return rows, torch.stack(values) if values else scores[:0]
