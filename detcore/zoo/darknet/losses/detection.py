"""What the ``[detection]`` layer of YOLOv1 learns (Redmon et al. 2016), by the deltas of the last version of his
program."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from detcore.zoo.base import Target
from detcore.zoo.darknet.heads import CellAnswers, CellHead, corners
from detcore.zoo.parts.losses.iou import paired_iou
from detcore.zoo.parts.places import ignored_places

_RANDOM_IMAGES = 64000
_SMALL_AREA = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    """What a cell learns: ``box`` (4,) xyxy in pixels, its class, and the four numbers as the layer tells them."""

    cell: int
    box: Tensor
    label: int
    numbers: Tensor


def cell_losses(
    head: CellHead, answers: CellAnswers, targets: list[Target], *, width: int, height: int, seen: int
) -> dict[str, Tensor]:
    """Half the squares of all that it tells, for images of ``width`` and ``height`` pixels. Of a cell with the
    middles of several objects the first one is learned, by the box that fits it best: with ``forced`` by the
    second where it is small, and with ``random`` by any while few images are ``seen``."""
    section, images = head.section, len(targets)
    size = torch.tensor([width, height], device=answers.objectness.device, dtype=torch.float32)
    weights = torch.full_like(answers.objectness, section.number("noobject_scale", 1.0))
    wanted = torch.zeros_like(weights)
    class_loss = box_loss = answers.objectness.sum() * 0
    points = (answers.cells + 0.5) * size / head.side
    for image, target in enumerate(targets):
        weights[image, ignored_places(points, target["ignore"])] = 0.0
        for item in _objects(head, target, size):
            own = answers.boxes[image, item.cell].detach()
            best = _responsible(head, own, item.box, size, seen=seen)
            chances = torch.zeros_like(answers.classes[image, item.cell])
            chances[item.label] = 1.0
            class_loss = class_loss + (answers.classes[image, item.cell] - chances).square().sum() / 2
            iou = paired_iou(corners(own[best]), item.box)
            wanted[image, item.cell, best] = iou if section.flag("rescore") else 1.0
            weights[image, item.cell, best] = section.number("object_scale", 1.0)
            box_loss = box_loss + (answers.raw[image, item.cell, best] - item.numbers).square().sum() / 2
    object_loss = ((answers.objectness - wanted).square() * weights).sum() / 2
    return {
        "box": section.number("coord_scale", 1.0) * box_loss / images,
        "object": object_loss / images,
        "class": section.number("class_scale", 1.0) * class_loss / images,
    }


def _objects(head: CellHead, target: Target, size: Tensor) -> list[_Object]:
    """The first of each cell."""
    found: dict[int, _Object] = {}
    for box, label in zip(target["boxes"], target["labels"], strict=True):
        centre, sides = (box[:2] + box[2:]) / 2 / size, (box[2:] - box[:2]) / size
        place = (centre * head.side).floor().clamp(0, head.side - 1)
        cell = int(place[1]) * head.side + int(place[0])
        told = torch.cat([centre * head.side - place, sides.sqrt() if head.rooted else sides])
        found.setdefault(cell, _Object(cell=cell, box=box, label=int(label), numbers=told))
    return list(found.values())


def _responsible(head: CellHead, boxes: Tensor, box: Tensor, size: Tensor, *, seen: int) -> int:
    """Which of boxes (N, 4) cx cy w h of a cell learns ``box`` xyxy: the likest by IoU, without any overlap that
    whose numbers, as shares of the image, are nearest."""
    section = head.section
    if section.flag("random") and seen < _RANDOM_IMAGES:
        return int(torch.randint(len(boxes), ()))
    if section.flag("forced"):
        return int(((box[2:] - box[:2]) / size).prod() < _SMALL_AREA)
    iou = paired_iou(corners(boxes), box[None])
    if float(iou.max()) > 0:
        return int(iou.argmax())
    wanted = torch.cat([(box[:2] + box[2:]) / 2, box[2:] - box[:2]])
    return int(((boxes - wanted) / size.repeat(2)).square().sum(dim=1).argmin())
