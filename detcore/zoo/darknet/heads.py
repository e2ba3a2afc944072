"""Where darknet's layers tell boxes: decoding. Every head gives boxes in pixels of the batch and a score for each
class."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from detcore.zoo.class_rows import ClassRows
from detcore.zoo.darknet.cfg import Section
from detcore.zoo.darknet.plan import Plan
from detcore.zoo.darknet.shapes.boxes import BOX_NUMBERS, classes_of, mask_of

_LIKENESSES = ("iou", "giou", "diou", "ciou")
_BOXES_TO_FORCE = 2
_MOST_GROWTH = 8.0
"""Exponents of sizes are held below this, so that a wild answer is a large box and no infinity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """A head at all its A places, fp32: ``boxes`` (B, A, 4) as cx cy w h in pixels, ``objectness`` (B, A) and
    ``classes`` (B, A, K) before the logistic function or softmax, ``raw`` (B, A, 4) as it came, ``within`` (B, A,
    2) the middles in their cells, and ``growth`` (B, A, 2) the sizes by their anchors. Of each place the
    ``cells`` (A, 2) are column and row, the ``anchors`` (A, 2) width and height in pixels; ``strides`` (2,) the
    pixels between cells."""

    boxes: Tensor
    objectness: Tensor
    classes: Tensor
    raw: Tensor
    within: Tensor
    growth: Tensor
    cells: Tensor
    anchors: Tensor
    strides: Tensor


class GridHead:
    """A ``[yolo]`` or ``[region]`` layer: in each cell some anchors, each with a box, an objectness and classes
    (Redmon and Farhadi 2017 and 2018; ``scale_x_y`` and ``new_coords`` of Bochkovskiy et al. 2020).

    ``anchors`` (N, 2) are its own, of a ``[region]`` in cells, else in pixels, by their numbers ``mask``;
    ``network_anchors`` those of all heads. ``class_weights`` (K,) say how much more rare classes count, from
    their counts. ``class_rows`` are those of the layer before it, as of the other head.
    """

    def __init__(self, section: Section) -> None:
        """Raises ConfigError for what is not known here."""
        self.section = section
        self.region = section.kind == "region"
        self.classes = classes_of(section)
        self.network_anchors = torch.tensor(section.numbers("anchors")).view(-1, 2)
        self.mask = tuple(range(len(self.network_anchors))) if self.region else mask_of(section)
        self.anchors = self.network_anchors[list(self.mask)]
        self.stretch = 1.0 if self.region else section.number("scale_x_y", 1.0)
        self.new_coords = not self.region and section.flag("new_coords")
        self.softmax = self.region and section.flag("softmax")
        self.class_rows = ClassRows(before=BOX_NUMBERS)
        self.class_weights = _class_weights(section, self.classes)
        _check(section)

    def answers(self, features: Tensor, *, width: int, height: int) -> Answers:
        """``features`` (B, anchors · (5 + K), rows, columns) of images of ``width`` and ``height`` pixels."""
        images, _, rows, columns = features.shape
        anchors = self.anchors.to(features.device)
        shares = torch.tensor([width / columns, height / rows], device=features.device)
        parts = features.float().view(images, len(anchors), -1, rows, columns).permute(0, 3, 4, 1, 2)
        ys, xs = torch.meshgrid(
            torch.arange(rows, device=features.device),
            torch.arange(columns, device=features.device),
            indexing="ij",
        )
        cells = (
            torch.stack([xs, ys], dim=-1)[:, :, None].expand(rows, columns, len(anchors), 2).reshape(-1, 2)
        )
        sizes = (anchors * shares if self.region else anchors).expand(rows, columns, -1, -1).reshape(-1, 2)
        parts = parts.reshape(images, -1, parts.shape[-1])
        raw = parts[..., :4]
        within = torch.sigmoid(raw[..., :2]) * self.stretch - (self.stretch - 1) / 2
        growth = (
            (2 * torch.sigmoid(raw[..., 2:])).square()
            if self.new_coords
            else raw[..., 2:].clamp(max=_MOST_GROWTH).exp()
        )
        return Answers(
            boxes=torch.cat([(within + cells) * shares, growth * sizes], dim=-1),
            objectness=parts[..., 4],
            classes=parts[..., 5:],
            raw=raw,
            within=within,
            growth=growth,
            cells=cells,
            anchors=sizes,
            strides=shares,
        )

    def scores(self, answers: Answers) -> Tensor:
        """(B, A, K)."""
        chances = answers.classes.softmax(dim=-1) if self.softmax else answers.classes.sigmoid()
        return chances * answers.objectness.sigmoid()[..., None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellAnswers:
    """A ``[detection]`` layer at its S · S cells, fp32: ``classes`` (B, S · S, K), ``objectness`` (B, S · S, N)
    of its N boxes, these as they came, ``raw`` (B, S · S, N, 4), and as ``boxes`` cx cy w h in pixels. ``cells``
    (S · S, 2) are column and row."""

    classes: Tensor
    objectness: Tensor
    raw: Tensor
    boxes: Tensor
    cells: Tensor


class CellHead:
    """The ``[detection]`` layer of YOLOv1 (Redmon et al. 2016): each cell of a grid has one set of classes and
    some boxes, all plain numbers."""

    def __init__(self, section: Section) -> None:
        """Raises ConfigError for what is not known here."""
        for key in ("softmax", "reorg"):
            if section.flag(key):
                raise section.fault(key, "this is not known here")
        self.section = section
        self.classes = classes_of(section)
        self.side = section.whole("side", 7, low=1)
        self.boxes = section.whole("num", 1, low=1)
        if section.flag("forced") and self.boxes < _BOXES_TO_FORCE:
            raise section.fault("forced", "it chooses between the first two boxes; write num=2")
        self.rooted = section.flag("sqrt")
        self.class_rows = ClassRows(rest=self.side**2 * self.boxes * BOX_NUMBERS)

    def answers(self, features: Tensor, *, width: int, height: int) -> CellAnswers:
        """``features`` (B, S · S · (K + 5 · N)) of images of ``width`` and ``height`` pixels."""
        cells = self.side**2
        counts = [cells * self.classes, cells * self.boxes, cells * self.boxes * 4]
        classes, objectness, numbers = torch.split(features.float().flatten(1), counts, dim=1)
        raw = numbers.reshape(-1, cells, self.boxes, 4)
        places = torch.arange(cells, device=features.device)
        corner = torch.stack([places % self.side, places // self.side], dim=1)
        size = torch.tensor([width, height], device=features.device)
        sides = raw[..., 2:].square() if self.rooted else raw[..., 2:].clamp(min=0)
        return CellAnswers(
            classes=classes.reshape(-1, cells, self.classes),
            objectness=objectness.reshape(-1, cells, self.boxes),
            raw=raw,
            boxes=torch.cat([(raw[..., :2] + corner[:, None]) / self.side * size, sides * size], dim=-1),
            cells=corner,
        )

    def scores(self, answers: CellAnswers) -> Tensor:
        """(B, S · S · N, K)."""
        scores = answers.objectness[..., None] * answers.classes[:, :, None]
        return scores.flatten(1, 2).clamp(0, 1)


def _check(section: Section) -> None:
    """Raises ConfigError for what a ``[yolo]`` or ``[region]`` layer here does not have."""
    for key in ("tree", "map", "embedding_layer"):
        if key in section.values:
            raise section.fault(key, "this is not known here")
    for key in ("background", "classfix"):
        if section.flag(key):
            raise section.fault(key, "this is not known here")
    if section.number("truth_thresh", 1.0) < 1 and section.flag("objectness_smooth"):
        raise section.fault("truth_thresh", "below 1 it does not go with objectness_smooth here")
    kind = section.text("iou_thresh_kind", "iou")
    if kind not in _LIKENESSES:
        raise section.fault("iou_thresh_kind", f"known are {', '.join(_LIKENESSES)}")


def _class_weights(section: Section, classes: int) -> Tensor | None:
    """(K,) the largest of ``counters_per_class`` by each of them, at most ``max_delta``; None without, or where
    they are of other classes."""
    counts = section.numbers("counters_per_class", ())
    if len(counts) != classes:
        return None
    counted = torch.tensor(counts).clamp(min=1)
    return (counted.max() / counted).clamp(max=section.number("max_delta", torch.inf))


def heads_of(plan: Plan) -> list[GridHead | CellHead]:
    """The heads of a network in their order."""
    sections = [layer.section for layer in plan.heads]
    return [CellHead(section) if section.kind == "detection" else GridHead(section) for section in sections]


def corners(boxes: Tensor) -> Tensor:
    """(…, 4) cx cy w h to x1 y1 x2 y2."""
    half = boxes[..., 2:] / 2
    return torch.cat([boxes[..., :2] - half, boxes[..., :2] + half], dim=-1)
