"""What ``[region]`` layers learn (Redmon and Farhadi 2017), by the deltas of the last version of Redmon's program."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from detcore.zoo.base import Target
from detcore.zoo.darknet.heads import Answers, GridHead, corners
from detcore.zoo.darknet.losses.assigning import Assigned, best_iou, cell_of, following, joined, shape_iou
from detcore.zoo.darknet.losses.yolo import small_box_weight, square_errors
from detcore.zoo.parts.losses.iou import paired_iou
from detcore.zoo.parts.places import ignored_places

_PRIOR_IMAGES = 12800
_PRIOR_SCALE = 0.01


def region_losses(head: GridHead, answers: Answers, targets: list[Target], *, seen: int) -> dict[str, Tensor]:
    """While it has ``seen`` few images, all boxes are drawn to their anchors."""
    section, images = head.section, len(targets)
    found = _assigned(head, answers, targets)
    places = found.images, found.places
    boxes, labels = found.of(targets, "boxes"), found.of(targets, "labels")
    near = section.number("thresh", 0.5)
    weights = torch.full_like(answers.objectness, section.number("noobject_scale", 1.0))
    for image, target in enumerate(targets):
        weights[image][best_iou(answers.boxes[image].detach(), target)[0] > near] = 0.0
        points = (answers.cells + 0.5) * answers.strides
        weights[image][ignored_places(points, target["ignore"])] = 0.0
    wanted = torch.zeros_like(weights)
    mine = corners(answers.boxes[places].detach())
    wanted[places] = paired_iou(mine, boxes) if section.flag("rescore") else torch.ones_like(mine[:, 0])
    weights[places] = section.number("object_scale", 1.0)
    objectness = functional.binary_cross_entropy_with_logits(answers.objectness, wanted, reduction="none")
    delta, value = _boxes(head, answers, found, boxes, seen=seen)
    return {
        "box": following(value, answers.raw, delta) / images,
        "object": (objectness * weights).sum() / images,
        "class": section.number("class_scale", 1.0) * _class_loss(head, answers, found, labels) / images,
    }


def _class_loss(head: GridHead, answers: Answers, found: Assigned, labels: Tensor) -> Tensor:
    """Cross entropy of a softmax, else of a logistic function for each class."""
    told = answers.classes[found.images, found.places]
    if head.softmax:
        return functional.cross_entropy(told, labels, reduction="sum")
    wanted = functional.one_hot(labels, head.classes).to(told.dtype)
    return functional.binary_cross_entropy_with_logits(told, wanted, reduction="sum")


def _boxes(
    head: GridHead, answers: Answers, found: Assigned, boxes: Tensor, *, seen: int
) -> tuple[Tensor, Tensor]:
    """(B, A, 4) the delta of what was told, and the loss that is shown."""
    errors = torch.zeros_like(answers.raw)
    weights = torch.zeros_like(answers.objectness)
    if seen < _PRIOR_IMAGES:
        errors[..., :2] = 0.5 - answers.within.detach()
        errors[..., 2:] = -answers.raw[..., 2:].detach()
        weights[:] = _PRIOR_SCALE
    errors[found.images, found.places] = square_errors(head, answers, found, boxes)
    own = head.section.number("coord_scale", 1.0) * small_box_weight(answers, boxes)
    weights[found.images, found.places] = own
    delta = errors * weights[..., None]
    return delta, (delta * errors).sum() / 2


def _assigned(head: GridHead, answers: Answers, targets: list[Target]) -> Assigned:
    """Each object to one anchor of the cell of its middle: the one of the likest shape (``bias_match``) or with
    the likest box. Of objects that share an anchor the last one is learned."""
    anchors = answers.anchors[: len(head.anchors)]
    parts: list[tuple[int, Tensor, Tensor]] = []
    for image, target in enumerate(targets):
        boxes = target["boxes"]
        if not len(boxes):
            continue
        sizes = boxes[:, 2:] - boxes[:, :2]
        first = cell_of(boxes, answers) * len(anchors)
        if head.section.flag("bias_match"):
            likeness = shape_iou(sizes, anchors)
        else:
            places = first[:, None] + torch.arange(len(anchors), device=boxes.device)
            own = answers.boxes[image, places, 2:].detach()
            likeness = torch.cat([shape_iou(sizes[row : row + 1], own[row]) for row in range(len(sizes))])
        places = first + likeness.argmax(dim=1)
        rows = torch.arange(len(boxes), device=boxes.device)
        last = (places[None] == places[:, None]).long().mul(rows).max(dim=1).values == rows
        parts.append((image, places[last], rows[last]))
    return joined(parts, answers.boxes.device)
