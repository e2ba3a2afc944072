"""From scores at every place to a short list of detections."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from detcore.zoo.base import MAX_DETECTIONS, SCORE_FLOOR, Found, Look
from detcore.zoo.parts.post.nms import Suppression, suppress


@torch.no_grad()
def select(
    boxes: Tensor,
    scores: Tensor,
    *,
    width: int,
    height: int,
    score_floor: float,
    nms_iou: float,
    max_detections: int,
    max_candidates: int = 1000,
    suppression: Suppression = "classwise",
) -> Found:
    """The detections of one image: above the floor, best candidates first, NMS, clipped.

    ``boxes`` (A, 4), ``scores`` (A, K); one place may answer for several classes.
    """
    places, labels = torch.nonzero(scores > score_floor, as_tuple=True)
    kept_scores = scores[places, labels]
    if len(kept_scores) > max_candidates:
        kept_scores, top = kept_scores.topk(max_candidates)
        places, labels = places[top], labels[top]
    limits = torch.tensor([width, height, width, height], dtype=boxes.dtype, device=boxes.device)
    candidates = torch.minimum(boxes[places].clamp(min=0), limits)
    has_area = (candidates[:, 2:] > candidates[:, :2]).all(dim=1)
    candidates, kept_scores, labels = candidates[has_area], kept_scores[has_area], labels[has_area]
    keep, kept_scores = suppress(candidates, kept_scores, labels, suppression, iou=nms_iou, floor=score_floor)
    keep, kept_scores = keep[:max_detections], kept_scores[:max_detections]
    return Found(boxes=candidates[keep], labels=labels[keep], scores=kept_scores)


def looks_at(
    images: Tensor,
    answers: Iterable[tuple[Tensor, Tensor]],
    *,
    nms_iou: float,
    score_floor: float = SCORE_FLOOR,
    max_detections: int = MAX_DETECTIONS,
    max_candidates: int = 1000,
    suppression: Suppression = "classwise",
) -> list[Look]:
    """How a detector sees ``images`` (B, 3, H, W) of which each has ``answers``, boxes (A, 4) and scores (A, K): these, and
    what ``select`` takes of them."""
    height, width = images.shape[-2:]
    return [
        Look(
            found=select(
                boxes,
                scores,
                width=width,
                height=height,
                score_floor=score_floor,
                nms_iou=nms_iou,
                max_detections=max_detections,
                max_candidates=max_candidates,
                suppression=suppression,
            ),
            boxes=boxes,
            scores=scores,
        )
        for boxes, scores in answers
    ]
