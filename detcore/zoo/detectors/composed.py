"""A detector put together of a backbone, a neck, a head, an assigner and losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from detcore.zoo.base import MAX_DETECTIONS, SCORE_FLOOR, DenseNet, Detector, Look, Selection, Target
from detcore.zoo.class_rows import ClassRows
from detcore.zoo.parts.anchors import formula_anchors
from detcore.zoo.parts.assigners.assigned import BACKGROUND, IGNORED, Assigner
from detcore.zoo.parts.assigners.atss import Atss
from detcore.zoo.parts.assigners.bipartite import Bipartite
from detcore.zoo.parts.assigners.max_iou import MaxIou
from detcore.zoo.parts.assigners.neighbours import Neighbours
from detcore.zoo.parts.assigners.ranges import Ranges
from detcore.zoo.parts.assigners.sim_ota import SimOta
from detcore.zoo.parts.assigners.task_aligned import TaskAligned
from detcore.zoo.parts.backbones.trunks import SplitTrunk
from detcore.zoo.parts.blocks import ConvBlock
from detcore.zoo.parts.divisor import divisor
from detcore.zoo.parts.heads.dense_head import DenseHead
from detcore.zoo.parts.heads.fcos import FcosHead, centredness
from detcore.zoo.parts.heads.grid import GridHead
from detcore.zoo.parts.heads.retina import RetinaHead
from detcore.zoo.parts.heads.ssd import SsdHead
from detcore.zoo.parts.losses.class_loss import ClassLoss
from detcore.zoo.parts.losses.cross_entropy import CrossEntropy, HardNegatives, OnlineHard
from detcore.zoo.parts.losses.iou import Overlap, iou_loss, paired_iou
from detcore.zoo.parts.losses.offsets import offset_loss
from detcore.zoo.parts.losses.sigmoid import BinaryCrossEntropy, Focal, QualityFocal
from detcore.zoo.parts.necks.bifpn import BiFpn
from detcore.zoo.parts.necks.deconvolution import Deconvolution
from detcore.zoo.parts.necks.fpn import Fpn
from detcore.zoo.parts.necks.neck import Neck
from detcore.zoo.parts.necks.pan import Pan
from detcore.zoo.parts.necks.spp import SppFpn
from detcore.zoo.parts.necks.ssh import SshFpn
from detcore.zoo.parts.places import Answers, Places, ignored_places, make_places
from detcore.zoo.parts.post.nms import Suppression
from detcore.zoo.parts.post.select import select
from detcore.zoo.spec import IMAGENET_MEAN, IMAGENET_STD
from detcore.zoo.specs.compose import ComposeOptions, check_parts

_NMS_IOU = 0.6
_BOX_WEIGHTS = {"l1": 1.0, "l2": 1.0, "smooth-l1": 1.0, "iou": 1.0, "giou": 2.0, "diou": 2.0, "ciou": 2.0}
_SCALES, _RATIOS = (1.0, 2 ** (1 / 3), 2 ** (2 / 3)), (0.5, 1.0, 2.0)
_BASE = 4.0
"""The side of a level's smallest square anchor, in strides."""
_NECKS: Mapping[str, Callable[[list[int], int], Neck]] = {
    "fpn": Fpn,
    "pan": Pan,
    "bifpn": BiFpn,
    "spp": SppFpn,
    "ssh": SshFpn,
    "dssd": Deconvolution,
}
_CLASS_LOSSES: Mapping[str, Callable[[], ClassLoss]] = {
    "ce": CrossEntropy,
    "hard-negatives": HardNegatives,
    "ohem": OnlineHard,
    "bce": lambda: BinaryCrossEntropy(hard=True),
    "focal": Focal,
    "quality-focal": QualityFocal,
}


class Composed(Detector):
    """See the module. Places lie at strides 8, 16, 32, and coarser ones where there are more levels."""

    class_rows: Mapping[str, ClassRows] = {}

    def __init__(self, num_classes: int, options: ComposeOptions) -> None:
        super().__init__()
        check_parts(options)
        self.num_classes = num_classes
        self.options = options
        self.class_loss = _CLASS_LOSSES[options.class_loss]()
        self.assigner = _assigner(options)
        self.backbone: nn.Module = _backbone(options.backbone)
        widths = cast("list[int]", list(cast("Any", self.backbone).widths))
        self.neck = _NECKS[options.neck](widths, options.width)
        self.coarser = nn.ModuleList(
            ConvBlock(options.width, options.width, 3, 2) for _ in range(options.levels - 3)
        )
        self.shapes = _shapes(options)
        self.head = _head(
            num_classes, options, each=len(self.shapes[0]), background=self.class_loss.background
        )
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD)[:, None, None], persistent=False)

    def predict(self, images: Tensor) -> tuple[Places, Answers]:
        """Where it looks, and what it says there."""
        normal = (images - cast("Tensor", self.mean)) / cast("Tensor", self.std)
        maps = self.neck(list(self.backbone(normal)))
        for shrink in self.coarser:
            maps.append(shrink(maps[-1]))
        sizes = [(features.shape[-2], features.shape[-1]) for features in maps]
        strides = [float(images.shape[-1] / columns) for _, columns in sizes]
        anchored = self.options.head != "fcos"
        places = make_places(sizes, strides, self.shapes if anchored else None, device=images.device)
        logits, raw, quality = self.head(maps)
        with torch.autocast(images.device.type, enabled=False):
            boxes = self.head.code.decode(raw, places)
        return places, Answers(logits=logits, raw=raw, boxes=boxes, quality=quality)

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        places, answers = self.predict(images)
        with torch.autocast(images.device.type, enabled=False):
            return self._losses(places, answers, targets)

    def _losses(self, places: Places, answers: Answers, targets: list[Target]) -> dict[str, Tensor]:
        objects = self._assigned(places, answers, targets)
        images, rows = torch.nonzero(objects >= 0, as_tuple=True)
        own = objects[images, rows]
        starts = torch.tensor([0, *[len(target["labels"]) for target in targets]], device=own.device).cumsum(
            0
        )
        gt = torch.cat([target["boxes"] for target in targets])[starts[images] + own]
        gt_labels = torch.cat([target["labels"] for target in targets])[starts[images] + own]
        labels = objects.clamp(max=0).masked_scatter(objects >= 0, gt_labels)
        fit = paired_iou(answers.boxes[images, rows].detach(), gt)
        quality = torch.zeros_like(answers.boxes[..., 0]).index_put((images, rows), fit)
        norm = divisor(torch.tensor(float(len(own)), device=own.device))
        # a grid tells background by its objectness alone
        told = (
            torch.where(labels == BACKGROUND, IGNORED, labels) if isinstance(self.head, GridHead) else labels
        )
        losses = {
            "class": self.class_loss(answers.logits, told, quality, norm),
            "box": self._box_loss(places, answers, images, rows, gt) / norm,
        }
        if answers.quality is not None:
            losses["quality"] = self._quality_loss(
                places, answers.quality, labels, quality, images, rows, gt, norm
            )
        return losses

    @torch.no_grad()
    def _assigned(self, places: Places, answers: Answers, targets: list[Target]) -> Tensor:
        """(B, A) rows of objects, ``BACKGROUND`` or ``IGNORED``."""
        scores = self.head.scores(answers.logits, answers.quality)
        found: list[Tensor] = []
        for image, target in enumerate(targets):
            objects = self.assigner(
                places, scores[image], answers.boxes[image], target["boxes"], target["labels"]
            ).objects
            ignored = ignored_places(places.points, target["ignore"]) & (objects == BACKGROUND)
            found.append(torch.where(ignored, IGNORED, objects))
        return torch.stack(found)

    def _box_loss(self, places: Places, answers: Answers, images: Tensor, rows: Tensor, gt: Tensor) -> Tensor:
        kind = self.options.box_loss
        if kind in ("l1", "l2", "smooth-l1"):
            wanted = self.head.code.encode(gt, _at(places, rows))
            loss = offset_loss(answers.raw[images, rows], wanted, kind)
        else:
            loss = iou_loss(answers.boxes[images, rows], gt, cast("Overlap", kind))
        return _BOX_WEIGHTS[kind] * loss.sum()

    def _quality_loss(
        self,
        places: Places,
        told: Tensor,
        labels: Tensor,
        quality: Tensor,
        images: Tensor,
        rows: Tensor,
        gt: Tensor,
        norm: Tensor,
    ) -> Tensor:
        if isinstance(self.head, GridHead):
            loss = functional.binary_cross_entropy_with_logits(told, quality, reduction="none")
            return (loss * (labels != IGNORED)).sum() / norm
        wanted = centredness(gt, places.points[rows])
        return functional.binary_cross_entropy_with_logits(told[images, rows], wanted, reduction="sum") / norm

    def look(self, images: Tensor) -> list[Look]:
        _, answers = self.predict(images)
        height, width = images.shape[-2:]
        looks: list[Look] = []
        for boxes, scores in zip(
            answers.boxes, self.head.scores(answers.logits, answers.quality), strict=True
        ):
            found = select(
                boxes,
                scores,
                width=width,
                height=height,
                score_floor=SCORE_FLOOR,
                nms_iou=_NMS_IOU,
                max_detections=MAX_DETECTIONS,
                suppression=cast("Suppression", self.options.nms),
            )
            looks.append(Look(found=found, boxes=boxes, scores=scores))
        return looks


def _at(places: Places, rows: Tensor) -> Places:
    return Places(
        points=places.points[rows],
        anchors=places.anchors[rows],
        strides=places.strides[rows],
        levels=places.levels[rows],
        each=places.each,
    )


def _backbone(key: str) -> nn.Module:
    if key == "split":
        return SplitTrunk((16, 32, 64, 96, 128))
    from detcore.zoo.parts.backbones.library import LibraryBackbone

    return LibraryBackbone(key)


def _assigner(options: ComposeOptions) -> Assigner:
    match options.assigner:
        case "max-iou":
            return MaxIou()
        case "bipartite":
            return Bipartite()
        case "atss":
            return Atss()
        case "ranges":
            return Ranges()
        case "sim-ota":
            return SimOta()
        case "neighbours":
            return Neighbours()
        case "tal":
            return TaskAligned()
        case _:
            from detcore.zoo.parts.assigners.hungarian import Hungarian

            return Hungarian()


def _shapes(options: ComposeOptions) -> list[Tensor]:
    """(anchors of a cell, 2) widths and heights in pixels for each level."""
    strides = [8 * 2**level for level in range(options.levels)]
    if options.head == "fcos":
        return [torch.tensor([[stride, stride]], dtype=torch.float32) for stride in strides]
    if options.anchors:
        numbers = torch.tensor([float(word) for word in options.anchors.split(",") if word.strip()]).view(
            -1, 2
        )
        return list(numbers.view(options.levels, -1, 2))
    scales = _SCALES if options.head == "retina" else (1.0,)
    return [
        torch.tensor(formula_anchors(_BASE * stride, scales, _RATIOS), dtype=torch.float32)
        for stride in strides
    ]


def _head(num_classes: int, options: ComposeOptions, *, each: int, background: bool) -> DenseHead:
    width, levels = options.width, options.levels
    match options.head:
        case "retina":
            return RetinaHead(width, num_classes, each=each, background=background)
        case "ssd":
            return SsdHead(width, num_classes, each=each, levels=levels, background=background)
        case "fcos":
            return FcosHead(width, num_classes, levels=levels, background=background)
        case _:
            return GridHead([width] * levels, num_classes, each=each)


def build(num_classes: int, _image_size: int, options: ComposeOptions) -> Composed:
    return Composed(num_classes, options)


class _Dense(nn.Module):
    """Boxes and scores at every place."""

    def __init__(self, detector: Composed) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        _, answers = self.detector.predict(images)
        return answers.boxes, self.detector.head.scores(answers.logits, answers.quality)


def dense(detector: Composed, image_size: int) -> DenseNet:
    selection = Selection(score_floor=SCORE_FLOOR, nms_iou=_NMS_IOU, max_detections=MAX_DETECTIONS)
    return DenseNet(net=_Dense(detector), side=image_size, selection=selection)
