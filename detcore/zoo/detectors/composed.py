"""A detector put together of a backbone, a neck, a head, an assigner and losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from detcore.zoo.base import Selection, Target
from detcore.zoo.parts.assigners.assigned import BACKGROUND, IGNORED, Assigner
from detcore.zoo.parts.assigners.atss import Atss
from detcore.zoo.parts.assigners.bipartite import Bipartite
from detcore.zoo.parts.assigners.hungarian import Hungarian
from detcore.zoo.parts.assigners.max_iou import MaxIou
from detcore.zoo.parts.assigners.neighbours import Neighbours
from detcore.zoo.parts.assigners.ranges import Ranges
from detcore.zoo.parts.assigners.sim_ota import SimOta
from detcore.zoo.parts.assigners.task_aligned import TaskAligned
from detcore.zoo.parts.backbones.library import ShuffleNet, TimmBackbone
from detcore.zoo.parts.backbones.trunks import SplitTrunk, Trunk
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
from detcore.zoo.parts.losses.objectness import objectness_loss
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
from detcore.zoo.parts.post.dense import DenseDetector
from detcore.zoo.spec import IMAGENET_MEAN, IMAGENET_STD
from detcore.zoo.specs.compose import ComposeOptions, check_parts

_NMS_IOU = 0.6
_BOX_WEIGHTS = {"l1": 1.0, "l2": 1.0, "smooth-l1": 1.0, "iou": 1.0, "giou": 2.0, "diou": 2.0, "ciou": 2.0}
_BACKBONE_LEVELS = 3
_BOXES, _CLASSES = 3 * 0.05, 3 * 0.5 / 80
"""Of a grid, as YOLOv5 weighs them against objectness: each level's share is 0.05 times the mean over boxes, and 0.5 times that over
boxes and classes, where those of COCO are 80."""
_NECKS: Mapping[str, Callable[[list[int], int], Neck]] = {
    "fpn": Fpn,
    "pan": Pan,
    "bifpn": BiFpn,
    "spp": SppFpn,
    "ssh": SshFpn,
    "dssd": Deconvolution,
}
_ASSIGNERS: Mapping[str, Callable[[], Assigner]] = {
    "max-iou": MaxIou,
    "bipartite": Bipartite,
    "atss": Atss,
    "ranges": Ranges,
    "sim-ota": SimOta,
    "neighbours": Neighbours,
    "tal": TaskAligned,
    "hungarian": Hungarian,
}
_JOINS_ALL = ("bifpn", "dssd")
"""Necks that have coarser maps than the backbone's among those that they join; after others they are made of the last one."""
_CLASS_LOSSES: Mapping[str, Callable[[], ClassLoss]] = {
    "ce": CrossEntropy,
    "hard-negatives": HardNegatives,
    "ohem": OnlineHard,
    "bce": lambda: BinaryCrossEntropy(hard=True),
    "focal": Focal,
    "quality-focal": QualityFocal,
}


class Composed(DenseDetector):
    """See the module. Places lie at strides 8, 16, 32, and coarser ones where there are more levels."""

    def __init__(self, num_classes: int, options: ComposeOptions) -> None:
        super().__init__()
        check_parts(options)
        self.num_classes = num_classes
        self.options = options
        self.selection = Selection(
            nms_iou=1.0 if options.nms == "none" else _NMS_IOU, suppression=options.nms
        )
        self.class_loss = _CLASS_LOSSES[options.class_loss]()
        self.assigner = _ASSIGNERS[options.assigner]()
        self.backbone = _backbone(options.backbone)
        widths = list(self.backbone.widths)
        more, width = options.levels - _BACKBONE_LEVELS, options.width
        before = more if options.neck in _JOINS_ALL else 0
        self.coarser = nn.ModuleList(
            ConvBlock(inputs, width, 3, 2) for inputs in [widths[-1], *[width] * before][:before]
        )
        self.neck = _NECKS[options.neck]([*widths, *[width] * before], width)
        self.coarsest = nn.ModuleList(ConvBlock(width, width, 3, 2) for _ in range(more - before))
        self.shapes = [torch.as_tensor(shapes, dtype=torch.float32) for shapes in options.shapes()]
        self.head = _head(
            num_classes, options, each=len(self.shapes[0]), background=self.class_loss.background
        )
        self.class_rows = {f"head.{name}": rows for name, rows in self.head.class_rows.items()}
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD)[:, None, None], persistent=False)

    def predict(self, images: Tensor) -> tuple[Places, Answers]:
        """Where it looks, and what it says there."""
        maps = list(self.backbone((images - cast("Tensor", self.mean)) / cast("Tensor", self.std)))
        for shrink in self.coarser:
            maps.append(shrink(maps[-1]))
        maps = self.neck(maps)
        for shrink in self.coarsest:
            maps.append(shrink(maps[-1]))
        sizes = [(features.shape[-2], features.shape[-1]) for features in maps]
        places = make_places(sizes, self.options.strides, self.shapes, device=images.device)
        logits, raw, quality = self.head(maps)
        with torch.autocast(images.device.type, enabled=False):
            boxes = self.head.code.decode(raw, places)
        return places, Answers(logits=logits, raw=raw, boxes=boxes, quality=quality)

    def stages(self) -> list[nn.Module]:
        trunk = self.backbone
        own = [trunk.stem, trunk.stage3, trunk.stage4, trunk.stage5] if isinstance(trunk, Trunk) else [trunk]
        return [*own, self.neck, self.head]

    def published(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Classifiers have the names of the backbone alone."""
        own = {name: self.backbone.own_name(name) for name in tensors}
        return {f"backbone.{own[name]}" if own[name] else name: tensor for name, tensor in tensors.items()}

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
        box_loss = self._box_loss(places, answers, images, rows, gt).sum() / norm
        if isinstance(self.head, GridHead):
            # background is told by the objectness alone
            known = torch.where(labels == BACKGROUND, IGNORED, labels)
            classes = self.class_loss(answers.logits, known, quality, norm)
            sure = objectness_loss(cast("Tensor", answers.quality), quality, labels != IGNORED, places)
            return {"class": _CLASSES * classes, "box": _BOXES * box_loss, "objectness": sure}
        losses = {
            "class": self.class_loss(answers.logits, labels, quality, norm),
            "box": _BOX_WEIGHTS[self.options.box_loss] * box_loss,
        }
        if answers.quality is not None:
            told, wanted = answers.quality[images, rows], centredness(gt, places.points[rows])
            central = functional.binary_cross_entropy_with_logits(told, wanted, reduction="sum")
            losses["centredness"] = central / norm
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
        """(N,) of the places that learn an object."""
        kind = self.options.box_loss
        if kind in ("l1", "l2", "smooth-l1"):
            wanted = self.head.code.encode(gt, places.at(rows))
            return offset_loss(answers.raw[images, rows], wanted, kind)
        return iou_loss(answers.boxes[images, rows], gt, cast("Overlap", kind))

    def answers(self, images: Tensor) -> tuple[Tensor, Tensor]:
        _, answers = self.predict(images)
        return answers.boxes, self.head.scores(answers.logits, answers.quality)


def _backbone(key: str) -> Trunk | ShuffleNet | TimmBackbone:
    if key == "split":
        return SplitTrunk((16, 32, 64, 96, 128))
    return ShuffleNet() if key == "shufflenet-v2" else TimmBackbone(key)


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
