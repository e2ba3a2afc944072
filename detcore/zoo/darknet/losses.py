"""What darknet's heads learn, as losses whose gradients are the deltas of its layers.

Darknet writes the delta of a logistic output as if it were the delta before it, which is the gradient of the binary
cross entropy; of plain outputs it is that of half the square. Losses are sums over places, divided by the
images of the batch, as its learning rate expects.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import box_iou  # pyright: ignore[reportMissingTypeStubs]

from detcore.zoo.base import Target
from detcore.zoo.darknet.heads import Answers, CellAnswers, CellHead, GridHead, corners
from detcore.zoo.parts.losses.iou import paired_iou

_BOX_LOSSES = ("mse", "iou", "giou", "diou", "ciou")
_PRIOR_IMAGES = 12800
_PRIOR_SCALE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """Objects and the places that learn them, both (P,): of which image, place and row of its targets."""

    images: Tensor
    places: Tensor
    rows: Tensor


def yolo_losses(
    head: GridHead, answers: Answers, targets: list[Target], *, all_anchors: Tensor
) -> dict[str, Tensor]:
    """Of a ``[yolo]`` layer. ``all_anchors`` (N, 2) are those of the network, in pixels: an object belongs to the head that
    has the best of them."""
    section = head.section
    found = _assign_yolo(head, answers, targets, all_anchors=all_anchors)
    near = section.number("ignore_thresh", 0.5)
    objectness = torch.zeros_like(answers.objectness)
    counts = torch.ones_like(objectness)
    for image, target in enumerate(targets):
        iou = _best_iou(answers.boxes[image].detach(), target)
        if section.flag("objectness_smooth"):
            objectness[image] = torch.where(iou > near, iou, objectness[image])
        else:
            counts[image][iou > near] = 0.0
        counts[image][_inside(answers, target)] = 0.0
    objectness[found.images, found.places] = 1.0
    counts[found.images, found.places] = 1.0
    object_loss = functional.binary_cross_entropy_with_logits(
        answers.objectness, objectness, reduction="none"
    )
    boxes = _rows(targets, found, "boxes")
    labels = _rows(targets, found, "labels")
    wanted = torch.zeros_like(answers.classes)
    wanted[found.images, found.places, labels] = 1.0
    share = section.number("label_smooth_eps", 0.0)
    wanted = wanted * (1 - share) + share / 2
    taken = torch.zeros_like(objectness, dtype=torch.bool)
    taken[found.images, found.places] = True
    class_loss = functional.binary_cross_entropy_with_logits(
        answers.classes[taken], wanted[taken], reduction="sum"
    )
    images = len(targets)
    return {
        "box": _yolo_box_loss(head, answers, found, boxes) / images,
        "object": section.number("obj_normalizer", 1.0) * (object_loss * counts).sum() / images,
        "class": section.number("cls_normalizer", 1.0) * class_loss / images,
    }


def _yolo_box_loss(head: GridHead, answers: Answers, found: Assigned, boxes: Tensor) -> Tensor:
    section = head.section
    kind = section.text("iou_loss", "mse")
    if kind not in _BOX_LOSSES:
        raise section.fault("iou_loss", f"known are {', '.join(_BOX_LOSSES)}")
    if kind == "mse":
        return section.number("iou_normalizer", 1.0) * _square_losses(head, answers, found, boxes).sum()
    mine = corners(answers.boxes[found.images, found.places])
    loss = 1 - paired_iou(mine, boxes, kind)
    return section.number("iou_normalizer", 0.75) * loss.sum()


def _square_losses(head: GridHead, answers: Answers, found: Assigned, boxes: Tensor) -> Tensor:
    """(P,) of centre and size as YOLOv2 and v3 learn them, more for small boxes. ``boxes`` (P, 4) xyxy."""
    centres, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    within = centres / answers.strides - answers.cells[found.places]
    within = ((within + (head.stretch - 1) / 2) / head.stretch).clamp(0, 1)
    growth = (sizes / answers.anchors[found.places]).clamp(min=1e-6)
    raw = answers.raw[found.images, found.places]
    centre_loss = functional.binary_cross_entropy_with_logits(raw[:, :2], within, reduction="none").sum(dim=1)
    if head.new_coords:
        size_loss = ((2 * raw[:, 2:].sigmoid()).square() - growth).square().sum(dim=1) / 2
    else:
        size_loss = (raw[:, 2:] - growth.log()).square().sum(dim=1) / 2
    area = (sizes / (answers.strides * _grid(answers))).prod(dim=1)
    return (2 - area) * (centre_loss + size_loss)


def _grid(answers: Answers) -> Tensor:
    """(2,) columns and rows."""
    return answers.cells.max(dim=0).values + 1


def _assign_yolo(head: GridHead, answers: Answers, targets: list[Target], *, all_anchors: Tensor) -> Assigned:
    own, shared = head.anchors.to(all_anchors), head.section.number("iou_thresh", 1.0)
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for image, target in enumerate(targets):
        boxes = target["boxes"]
        if not len(boxes):
            continue
        likeness = shape_iou(boxes[:, 2:] - boxes[:, :2], all_anchors)
        best = all_anchors[likeness.argmax(dim=1)]
        fits = (own[None] == best[:, None]).all(dim=-1)
        if shared < 1:
            fits |= shape_iou(boxes[:, 2:] - boxes[:, :2], own) > shared
        rows, anchors = torch.nonzero(fits, as_tuple=True)
        parts.append(
            (torch.full_like(rows, image), _cell_of(boxes[rows], answers) * len(own) + anchors, rows)
        )
    return _joined(parts, answers.boxes.device)


def _cell_of(boxes: Tensor, answers: Answers) -> Tensor:
    """(N,) the number of the cell that the middle of a box lies in."""
    grid = _grid(answers)
    cells = ((boxes[:, :2] + boxes[:, 2:]) / 2 / answers.strides).floor().long()
    cells = torch.minimum(cells.clamp(min=0), grid - 1)
    return cells[:, 1] * grid[0] + cells[:, 0]


def _joined(parts: list[tuple[Tensor, Tensor, Tensor]], device: torch.device) -> Assigned:
    if not parts:
        none = torch.zeros(0, dtype=torch.int64, device=device)
        return Assigned(images=none, places=none, rows=none)
    images, places, rows = (torch.cat(column) for column in zip(*parts, strict=True))
    return Assigned(images=images, places=places, rows=rows)


def shape_iou(sizes: Tensor, anchors: Tensor) -> Tensor:
    """(N, M) IoU of sizes (N, 2) and anchors (M, 2) as if their middles lay on one another."""
    overlap = torch.minimum(sizes[:, None], anchors[None]).prod(dim=-1)
    return overlap / (sizes.prod(dim=-1)[:, None] + anchors.prod(dim=-1)[None] - overlap)


def _best_iou(boxes: Tensor, target: Target) -> Tensor:
    """(A,) the IoU of each box (A, 4) cx cy w h with the object that it fits best, 0 without objects."""
    if not len(target["boxes"]):
        return torch.zeros(len(boxes), device=boxes.device)
    return box_iou(corners(boxes), target["boxes"]).max(dim=1).values


def _inside(answers: Answers, target: Target) -> Tensor:
    """(A,) whether a place lies in an area to ignore."""
    points = (answers.cells + 0.5) * answers.strides
    areas = target["ignore"]
    inside = (points[:, None] > areas[None, :, :2]) & (points[:, None] < areas[None, :, 2:])
    return inside.all(dim=-1).any(dim=1)


def _rows(targets: list[Target], found: Assigned, key: str) -> Tensor:
    """The rows of the targets that were assigned, in their order."""
    values = torch.cat([target[key] for target in targets])
    starts = torch.tensor([0, *[len(target["labels"]) for target in targets]], device=values.device).cumsum(0)
    return values[starts[found.images] + found.rows]


def region_losses(head: GridHead, answers: Answers, targets: list[Target], *, seen: int) -> dict[str, Tensor]:
    """Of a ``[region]`` layer. While it has ``seen`` few images, boxes are drawn to their anchors."""
    section = head.section
    found = _assign_region(head, answers, targets)
    boxes, labels = _rows(targets, found, "boxes"), _rows(targets, found, "labels")
    near = section.number("thresh", 0.5)
    weights = torch.full_like(answers.objectness, section.number("noobject_scale", 1.0))
    for image, target in enumerate(targets):
        weights[image][_best_iou(answers.boxes[image].detach(), target) > near] = 0.0
        weights[image][_inside(answers, target)] = 0.0
    wanted = torch.zeros_like(weights)
    mine = corners(answers.boxes[found.images, found.places])
    rescored = (
        paired_iou(mine.detach(), boxes)
        if section.flag("rescore")
        else torch.ones(len(boxes), device=boxes.device)
    )
    wanted[found.images, found.places] = rescored
    weights[found.images, found.places] = section.number("object_scale", 1.0)
    object_loss = functional.binary_cross_entropy_with_logits(answers.objectness, wanted, reduction="none")
    class_loss = functional.cross_entropy(
        answers.classes[found.images, found.places], labels, reduction="sum"
    )
    box_loss = section.number("coord_scale", 1.0) * _square_losses(head, answers, found, boxes).sum()
    if seen < _PRIOR_IMAGES:
        free = torch.ones_like(weights, dtype=torch.bool)
        free[found.images, found.places] = False
        raw = answers.raw[free]
        middle = functional.binary_cross_entropy_with_logits(
            raw[:, :2], torch.full_like(raw[:, :2], 0.5), reduction="sum"
        )
        box_loss = box_loss + _PRIOR_SCALE * (middle + raw[:, 2:].square().sum() / 2)
    images = len(targets)
    return {
        "box": box_loss / images,
        "object": (object_loss * weights).sum() / images,
        "class": section.number("class_scale", 1.0) * class_loss / images,
    }


def _assign_region(head: GridHead, answers: Answers, targets: list[Target]) -> Assigned:
    """Each object to one anchor of the cell of its middle: the one of the likest shape (``bias_match``) or with the likest box. Of
    objects that share an anchor the last one is learned."""
    anchors = answers.anchors[: len(head.anchors)]
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for image, target in enumerate(targets):
        boxes = target["boxes"]
        if not len(boxes):
            continue
        sizes = boxes[:, 2:] - boxes[:, :2]
        first = _cell_of(boxes, answers) * len(anchors)
        if head.section.flag("bias_match"):
            likeness = shape_iou(sizes, anchors)
        else:
            places = first[:, None] + torch.arange(len(anchors), device=boxes.device)
            own = answers.boxes[image, places, 2:].detach()
            overlap = torch.minimum(sizes[:, None], own).prod(dim=-1)
            likeness = overlap / (sizes.prod(dim=-1)[:, None] + own.prod(dim=-1) - overlap)
        places = first + likeness.argmax(dim=1)
        rows = torch.arange(len(boxes), device=boxes.device)
        last = (places[None] == places[:, None]).long().mul(rows).max(dim=1).values == rows
        parts.append((torch.full_like(rows[last], image), places[last], rows[last]))
    return _joined(parts, answers.boxes.device)


def cell_losses(
    head: CellHead, answers: CellAnswers, targets: list[Target], *, width: int, height: int
) -> dict[str, Tensor]:
    """Of a ``[detection]`` layer: half the squares of all that it tells, for images of ``width`` and ``height`` pixels. Of a cell
    with the middles of several objects the first one is learned."""
    section = head.section
    size = torch.tensor([width, height], device=answers.objectness.device, dtype=torch.float32)
    weights = torch.full_like(answers.objectness, section.number("noobject_scale", 1.0))
    wanted = torch.zeros_like(weights)
    class_loss = box_loss = answers.objectness.sum() * 0
    for image, target in enumerate(targets):
        middles = (
            torch.arange(head.side**2, device=size.device) % head.side + 0.5,
            torch.arange(head.side**2, device=size.device) // head.side + 0.5,
        )
        points = torch.stack(middles, dim=1) * size / head.side
        areas = target["ignore"]
        inside = (
            ((points[:, None] > areas[None, :, :2]) & (points[:, None] < areas[None, :, 2:]))
            .all(dim=-1)
            .any(dim=1)
        )
        weights[image, inside] = 0.0
        taken: set[int] = set()
        for box, label in zip(target["boxes"], target["labels"], strict=True):
            centre, sides = (box[:2] + box[2:]) / 2 / size, (box[2:] - box[:2]) / size
            column, row = (centre * head.side).floor().long().clamp(0, head.side - 1)
            cell = int(row) * head.side + int(column)
            if cell in taken:
                continue
            taken.add(cell)
            chances = torch.zeros_like(answers.classes[image, cell])
            chances[label] = 1.0
            class_loss = class_loss + (answers.classes[image, cell] - chances).square().sum() / 2
            iou = paired_iou(corners(answers.boxes[image, cell].detach()), box[None])
            best = (
                int(iou.argmax())
                if float(iou.max()) > 0
                else _nearest(answers.boxes[image, cell].detach(), box)
            )
            wanted[image, cell, best] = iou[best] if section.flag("rescore") else 1.0
            weights[image, cell, best] = section.number("object_scale", 1.0)
            told = torch.cat(
                [
                    centre * head.side - torch.tensor([column, row], device=size.device),
                    sides.sqrt() if head.rooted else sides,
                ]
            )
            box_loss = box_loss + (answers.raw[image, cell, best] - told).square().sum() / 2
    object_loss = ((answers.objectness - wanted).square() * weights).sum() / 2
    images = len(targets)
    return {
        "box": section.number("coord_scale", 1.0) * box_loss / images,
        "object": object_loss / images,
        "class": section.number("class_scale", 1.0) * class_loss / images,
    }


def _nearest(boxes: Tensor, box: Tensor) -> int:
    """Of boxes (N, 4) cx cy w h the one whose numbers are nearest to those of ``box`` xyxy."""
    wanted = torch.cat([(box[:2] + box[2:]) / 2, box[2:] - box[:2]])
    return int((boxes - wanted).square().sum(dim=1).argmin())
