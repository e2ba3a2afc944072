"""From scores at every place to a short list of detections."""

from __future__ import annotations

import torch
from torch import Tensor

from detcore.zoo.base import Found, Look, Selection
from detcore.zoo.parts.post.nms import suppress


@torch.no_grad()
def select(boxes: Tensor, scores: Tensor, selection: Selection, *, width: int, height: int) -> Found:
    """The detections of one image: above the floor, best candidates first, NMS, clipped.

    ``boxes`` (A, 4), ``scores`` (A, K); one place may answer for several classes.
    """
    floor = selection.score_floor
    places, labels = torch.nonzero(scores > floor, as_tuple=True)
    kept_scores = scores[places, labels]
    if len(kept_scores) > selection.max_candidates:
        kept_scores, top = kept_scores.topk(selection.max_candidates)
        places, labels = places[top], labels[top]
    limits = torch.tensor([width, height, width, height], dtype=boxes.dtype, device=boxes.device)
    candidates = torch.minimum(boxes[places].clamp(min=0), limits)
    has_area = (candidates[:, 2:] > candidates[:, :2]).all(dim=1)
    candidates, kept_scores, labels = candidates[has_area], kept_scores[has_area], labels[has_area]
    keep, kept_scores = suppress(
        candidates, kept_scores, labels, selection.suppression, iou=selection.nms_iou, floor=floor
    )
    keep, kept_scores = keep[: selection.max_detections], kept_scores[: selection.max_detections]
    return Found(boxes=candidates[keep], labels=labels[keep], scores=kept_scores)


def looks_at(images: Tensor, answers: tuple[Tensor, Tensor], selection: Selection) -> list[Look]:
    """How a detector sees ``images`` (B, 3, H, W) whose ``answers`` are boxes (B, A, 4) and scores (B, A, K): these, and
    what ``select`` takes of them."""
    height, width = images.shape[-2:]
    return [
        Look(found=select(boxes, scores, selection, width=width, height=height), boxes=boxes, scores=scores)
        for boxes, scores in zip(*answers, strict=True)
    ]
