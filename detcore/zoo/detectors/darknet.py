"""Any network of darknet (Redmon 2013–2018, Bochkovskiy et al. 2020) as one of our detectors: YOLOv1, v2, v3, tiny, spp, v4, and
whatever a `.cfg` describes."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from detcore.zoo.base import (
    MAX_DETECTIONS,
    SCORE_FLOOR,
    TORCH_FILES,
    DenseNet,
    Detector,
    Look,
    Selection,
    Target,
)
from detcore.zoo.class_rows import ClassRows
from detcore.zoo.darknet.cfg import parse_cfg
from detcore.zoo.darknet.class_count import for_classes
from detcore.zoo.darknet.heads import CellHead, GridHead, corners, heads_of
from detcore.zoo.darknet.losses import cell_losses, region_losses, yolo_losses
from detcore.zoo.darknet.network import DarknetNet
from detcore.zoo.darknet.plan import make_plan
from detcore.zoo.darknet.weights_file import read_tensors
from detcore.zoo.parts.post.select import select
from detcore.zoo.specs.darknet import DarknetOptions

_NMS_IOU = 0.45


class Darknet(Detector):
    """The network of a `.cfg` whose class count is ``num_classes``. ``seen`` counts the images that it has learned from, as
    darknet does."""

    def __init__(self, text: str, num_classes: int) -> None:
        """``text`` is that of a `.cfg` for any number of classes."""
        super().__init__()
        self._text = text
        cfg, _ = for_classes(text, num_classes)
        plan = make_plan(cfg)
        self.num_classes = num_classes
        self.net = DarknetNet(plan)
        self.heads = heads_of(plan)
        self.class_rows = {
            f"net.blocks.{layer.index - 1}.0.*": ClassRows(before=5)
            for layer in plan.heads
            if layer.kind != "detection"
        }
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def parameter_count(self) -> int:
        """All numbers of a `.weights` file: means and variances of batch norms as well."""
        return self.net.plan.numbers

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        features = self.net(images)
        height, width = images.shape[-2:]
        seen = cast("Tensor", self.seen)
        if self.training:
            seen += len(images)
        with torch.autocast(images.device.type, enabled=False):
            return _summed(
                [
                    self._head_losses(head, given, targets, width, height, int(seen))
                    for head, given in zip(self.heads, features, strict=True)
                ]
            )

    def _head_losses(
        self,
        head: GridHead | CellHead,
        features: Tensor,
        targets: list[Target],
        width: int,
        height: int,
        seen: int,
    ) -> dict[str, Tensor]:
        if isinstance(head, CellHead):
            told = head.answers(features, width=width, height=height)
            return cell_losses(head, told, targets, width=width, height=height)
        answers = head.answers(features, width=width, height=height)
        if head.region:
            return region_losses(head, answers, targets, seen=seen)
        return yolo_losses(head, answers, targets, all_anchors=head.network_anchors.to(features.device))

    def predict(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes (B, A, 4) xyxy in pixels and scores (B, A, K) at all places of all heads."""
        height, width = images.shape[-2:]
        features = self.net(images)
        boxes: list[Tensor] = []
        scores: list[Tensor] = []
        with torch.autocast(images.device.type, enabled=False):
            for head, given in zip(self.heads, features, strict=True):
                if isinstance(head, CellHead):
                    told = head.answers(given, width=width, height=height)
                    boxes.append(corners(told.boxes).flatten(1, 2))
                    scores.append(head.scores(told))
                else:
                    answers = head.answers(given, width=width, height=height)
                    boxes.append(corners(answers.boxes))
                    scores.append(head.scores(answers))
        return torch.cat(boxes, dim=1), torch.cat(scores, dim=1)

    def read_file(self, path: Path) -> dict[str, Tensor] | None:
        """The numbers of a `.weights` file of the network as its `.cfg` has it, or of its first layers."""
        if path.suffix in TORCH_FILES:
            return None
        header, tensors = read_tensors(DarknetNet(make_plan(parse_cfg(self._text))), path)
        return {"seen": torch.tensor(header.seen), **{f"net.{name}": one for name, one in tensors.items()}}

    def look(self, images: Tensor) -> list[Look]:
        height, width = images.shape[-2:]
        looks: list[Look] = []
        for boxes, scores in zip(*self.predict(images), strict=True):
            found = select(
                boxes,
                scores,
                width=width,
                height=height,
                score_floor=SCORE_FLOOR,
                nms_iou=_NMS_IOU,
                max_detections=MAX_DETECTIONS,
            )
            looks.append(Look(found=found, boxes=boxes, scores=scores))
        return looks


def _summed(parts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([part[name] for part in parts]).sum() for name in parts[0]}


class _Dense(nn.Module):
    """Boxes and scores at every place."""

    def __init__(self, detector: Darknet) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.detector.predict(images)


def dense(detector: Darknet, image_size: int) -> DenseNet:
    selection = Selection(score_floor=SCORE_FLOOR, nms_iou=_NMS_IOU, max_detections=MAX_DETECTIONS)
    return DenseNet(net=_Dense(detector), side=image_size, selection=selection)


def build(num_classes: int, image_size: int, options: DarknetOptions) -> Darknet:
    return Darknet(options.text, num_classes)
