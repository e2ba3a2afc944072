"""What ``[yolo]`` layers learn (Redmon and Farhadi 2018, Bochkovskiy et al. 2020), by the deltas of Bochkovskiy's
program."""

from __future__ import annotations

from typing import Literal, cast

import torch
from torch import Tensor
from torch.nn import functional

from detcore.zoo.base import Target
from detcore.zoo.darknet.cfg import Section
from detcore.zoo.darknet.heads import Answers, GridHead, corners
from detcore.zoo.darknet.losses.assigning import (
    Assigned,
    best_iou,
    cell_of,
    following,
    grid_of,
    joined,
    shape_iou,
)
from detcore.zoo.darknet.losses.overlap_delta import OVERLAPS, overlap_delta
from detcore.zoo.parts.losses.iou import Overlap, paired_iou
from detcore.zoo.parts.places import ignored_places

_SURE_OF_A_CLASS = 0.25
_FOCAL_ALPHA = 0.5
_TINY = 1e-15


def yolo_losses(
    head: GridHead, answers: Answers, targets: list[Target], *, all_anchors: Tensor
) -> dict[str, Tensor]:
    """``all_anchors`` (N, 2) are those of the network, in pixels: an object belongs to the head that has the best
    of them, and there to the cell that its middle lies in. With ``iou_thresh`` below 1 other anchors of that cell
    learn it, too, and with ``truth_thresh`` below 1 each place whose box fits it that well."""
    section, images = head.section, len(targets)
    found = _assigned(head, answers, targets, all_anchors=all_anchors)
    wanted, weights = _objectness(head, answers, targets, found)
    labels = found.of(targets, "labels")
    classes, class_weights = _classes(head, answers, found, labels)
    taken = found.taken(answers.objectness.shape)
    errors = (classes - answers.classes.detach().sigmoid()) * class_weights
    counts = (errors > 0).sum(dim=-1)[found.images, found.places].clamp(min=1)
    shared = counts if section.number("iou_thresh", 1.0) < 1 else torch.ones_like(counts)
    delta, value = _boxes(head, answers, found, targets)
    own = answers.raw[found.images, found.places]
    share = section.number("delta_normalizer", 1.0) / images
    objectness = _logistic_loss(answers.objectness, wanted, head) * weights
    class_loss = _logistic_loss(answers.classes[taken], classes[taken], head) * class_weights[taken]
    return {
        "box": share * following(value, own, delta / shared[:, None]),
        "object": share * section.number("obj_normalizer", 1.0) * objectness.sum(),
        "class": share * class_loss.sum(),
    }


def _logistic_loss(raw: Tensor, wanted: Tensor, head: GridHead) -> Tensor:
    """Binary cross entropy. Before ``new_coords`` the logistic function is of the layer before, so the error goes
    through it: half the square."""
    if head.new_coords:
        return (raw.sigmoid() - wanted).square() / 2
    return functional.binary_cross_entropy_with_logits(raw, wanted, reduction="none")


def _objectness(
    head: GridHead, answers: Answers, targets: list[Target], found: Assigned
) -> tuple[Tensor, Tensor]:
    """(B, A) what it is to be, and how much each place counts: boxes that fit an object by more than
    ``ignore_thresh``, where some class is likely, are no background. With ``objectness_smooth`` these learn their
    IoU, those of objects as well."""
    section = head.section
    near, smooth = section.number("ignore_thresh", 0.5), section.flag("objectness_smooth")
    wanted, weights = torch.zeros_like(answers.objectness), torch.ones_like(answers.objectness)
    for image, target in enumerate(targets):
        iou, _ = best_iou(answers.boxes[image].detach(), target)
        sure = (answers.classes[image].detach().sigmoid() > _SURE_OF_A_CLASS).any(dim=-1)
        fits = (iou > near) & sure
        if smooth:
            wanted[image] = torch.where(fits, iou, wanted[image])
        else:
            weights[image][fits] = 0.0
        points = (answers.cells + 0.5) * answers.strides
        weights[image][ignored_places(points, target["ignore"])] = 0.0
    if smooth:
        return wanted, weights
    wanted[found.images, found.places] = 1.0
    weights[found.images, found.places] = _multipliers(head, found.of(targets, "labels"))
    return wanted, weights


def _classes(head: GridHead, answers: Answers, found: Assigned, labels: Tensor) -> tuple[Tensor, Tensor]:
    """(B, A, K) what they are to be, of several objects at one place all, and how much each counts.
    ``focal_loss`` and ``cls_normalizer``, beside ``counters_per_class``, are of the first object of a place."""
    section = head.section
    wanted, weights = torch.zeros_like(answers.classes), torch.ones_like(answers.classes)
    wanted[found.images, found.places, labels] = 1.0
    images, places, own = (part[found.first] for part in (found.images, found.places, labels))
    again = ~found.first
    multipliers = _multipliers(head, labels)
    if section.flag("focal_loss"):
        chance = answers.classes.detach().sigmoid()[images, places, own] + _TINY
        factor = -(1 - chance) * (2 * chance * chance.log() + chance - 1)
        weights[images, places] = _FOCAL_ALPHA * factor[:, None]
    else:
        share = 1.0 if head.class_weights is None else section.number("cls_normalizer", 1.0)
        weights[images, places, own] = multipliers[found.first] * share
        smoothed = section.number("label_smooth_eps", 0.0)
        wanted = wanted * (1 - smoothed) + smoothed / 2
    weights[found.images[again], found.places[again], labels[again]] = multipliers[again]
    return wanted, weights


def _multipliers(head: GridHead, labels: Tensor) -> Tensor:
    """(P,) how much more rare classes count."""
    if head.class_weights is None:
        return torch.ones(len(labels), device=labels.device)
    return head.class_weights.to(labels.device)[labels]


def _boxes(head: GridHead, answers: Answers, found: Assigned, targets: list[Target]) -> tuple[Tensor, Tensor]:
    """(P, 4) the delta of what was told, for the object of each pair, and the loss that is shown."""
    section = head.section
    kind = box_loss_of(section)
    boxes = found.of(targets, "boxes")
    weight = section.number("iou_normalizer", 0.75) * _multipliers(head, found.of(targets, "labels"))
    if kind == "mse":
        errors = square_errors(head, answers, found, boxes)
        delta = errors * (weight * small_box_weight(answers, boxes))[:, None]
        value = (delta * errors).sum() / 2
    else:
        own = answers.boxes[found.images, found.places].detach()
        image = (answers.strides * grid_of(answers)).repeat(2)
        others = torch.cat([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], dim=1)
        delta = overlap_delta(own / image, others / image, kind)
        if not head.new_coords:
            growth = answers.growth[found.images, found.places].detach()
            delta = torch.cat([delta[:, :2], delta[:, 2:] * growth], dim=1)
        delta = (delta * weight[:, None]).nan_to_num(0.0, 0.0, 0.0)
        most = section.number("max_delta", 0.0)
        delta = delta.clamp(-most, most) if most else delta
        value = (weight * (1 - paired_iou(corners(own), boxes, kind))).sum()
    if head.new_coords:
        chance = answers.raw[found.images, found.places].detach().sigmoid()
        delta = delta * chance * (1 - chance)
    return delta, value


def box_loss_of(section: Section) -> Overlap | Literal["mse"]:
    """The name of the loss for boxes. Raises ConfigError for one that is not known."""
    kind = section.text("iou_loss", "mse")
    if kind != "mse" and kind not in OVERLAPS:
        raise section.fault("iou_loss", f"known are mse, {', '.join(OVERLAPS)}")
    return kind


def small_box_weight(answers: Answers, boxes: Tensor) -> Tensor:
    """(P,) 2 less the share of the image that a box (P, 4) xyxy covers."""
    return 2 - ((boxes[:, 2:] - boxes[:, :2]) / (answers.strides * grid_of(answers))).prod(dim=1)


def square_errors(head: GridHead, answers: Answers, found: Assigned, boxes: Tensor) -> Tensor:
    """(P, 4) how far what was told is from boxes (P, 4) xyxy: the middle within the cell, and the logarithm of
    the growth of the anchor; with ``new_coords`` half of its root."""
    places = found.images, found.places
    within = (boxes[:, :2] + boxes[:, 2:]) / 2 / answers.strides - answers.cells[found.places]
    growth = ((boxes[:, 2:] - boxes[:, :2]) / answers.anchors[found.places]).clamp(min=1e-6)
    raw = answers.raw[places].detach()
    size = growth.sqrt() / 2 - raw[:, 2:].sigmoid() if head.new_coords else growth.log() - raw[:, 2:]
    return torch.cat([within - answers.within[places].detach(), size], dim=1)


def _assigned(head: GridHead, answers: Answers, targets: list[Target], *, all_anchors: Tensor) -> Assigned:
    section = head.section
    mask = torch.tensor(head.mask, device=all_anchors.device)
    shared, kind = section.number("iou_thresh", 1.0), cast("Overlap", section.text("iou_thresh_kind", "iou"))
    told = section.number("truth_thresh", 1.0)
    parts: list[tuple[int, Tensor, Tensor]] = []
    for image, target in enumerate(targets):
        boxes = target["boxes"]
        if not len(boxes):
            continue
        if told < 1:
            iou, rows = best_iou(answers.boxes[image].detach(), target)
            places = torch.nonzero(iou > told)[:, 0]
            parts.append((image, places, rows[places]))
        sizes = boxes[:, 2:] - boxes[:, :2]
        best = shape_iou(sizes, all_anchors).argmax(dim=1)
        fits = mask[None] == best[:, None]
        if shared < 1:
            fits |= _likeness(sizes, all_anchors[mask], kind) > shared
        rows, anchors = torch.nonzero(fits, as_tuple=True)
        parts.append((image, cell_of(boxes[rows], answers) * len(mask) + anchors, rows))
    return joined(parts, answers.boxes.device)


def _likeness(sizes: Tensor, anchors: Tensor, kind: Overlap) -> Tensor:
    """(N, M) of shapes whose middles lie on one another."""
    half, other = sizes[:, None] / 2, anchors[None] / 2
    return paired_iou(torch.cat([-half, half], dim=-1), torch.cat([-other, other], dim=-1), kind)
