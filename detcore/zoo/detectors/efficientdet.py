"""EfficientDet (Tan et al. 2020): EfficientNet, a pyramid in both directions, and separable heads over anchors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from detcore.zoo.base import Selection, Target
from detcore.zoo.class_rows import ClassRows
from detcore.zoo.parts.assigners.assigned import BACKGROUND, IGNORED
from detcore.zoo.parts.assigners.bipartite import Bipartite
from detcore.zoo.parts.backbones.library import timm_features
from detcore.zoo.parts.box_codes import AnchorCode
from detcore.zoo.parts.divisor import divisor
from detcore.zoo.parts.heads.separable_head import SeparableHead
from detcore.zoo.parts.losses.offsets import offset_loss
from detcore.zoo.parts.losses.sigmoid import Focal
from detcore.zoo.parts.necks.bifpn import BiFpn
from detcore.zoo.parts.places import Answers, Places, ignored_places, make_places
from detcore.zoo.parts.post.dense import DenseDetector
from detcore.zoo.specs.efficientdet import SIZES, EfficientDetOptions

_LEVELS = 5
_ASPECTS = ((1.0, 1.0), (1.4, 0.7), (0.7, 1.4))
_OCTAVES = (2 ** (0 / 3), 2 ** (1 / 3), 2 ** (2 / 3))
_EACH = len(_ASPECTS) * len(_OCTAVES)
_PRIOR = -math.log(99.0)
"""The logit of a score of 0.01."""
_BETA = 0.1
_BOX_WEIGHT = 50.0 * _BETA / 4
"""Of the sum over four offsets: published is 50 times the mean of Huber's loss, which is β times ours."""


class EfficientDet(DenseDetector):
    """Strides 8 to 128, nine anchors a place. It is trained and looks as the published one does, but that areas to ignore are left out of its losses, and
    that of two objects with one best anchor both get one.

    Its tensors are called as in the published files, whose boxes are (y, x, height, width).
    """

    class_rows: Mapping[str, ClassRows] = {"class_net.predict.conv_pw.*": ClassRows()}
    selection = Selection(nms_iou=0.5, max_candidates=5000)

    def __init__(self, num_classes: int, options: EfficientDetOptions) -> None:
        super().__init__()
        size = SIZES[options.size]
        self.num_classes = num_classes
        self.scale = size.anchor_scale
        self.code, self.assigner, self.class_loss = AnchorCode(), Bipartite(0.5), Focal(gamma=1.5)
        self.backbone = timm_features(size.backbone, out_indices=(2, 3, 4), drop_path_rate=size.drop_path)
        widths: list[int] = self.backbone.feature_info.channels()
        activation = nn.ReLU6 if size.lite else nn.SiLU
        self.fpn = BiFpn(
            widths,
            size.width,
            depth=size.rounds,
            more=_LEVELS - len(widths),
            weighted=not size.lite,
            activation=activation,
            bias=True,
        )
        self.class_net, self.box_net = (
            SeparableHead(
                size.width,
                numbers,
                each=_EACH,
                levels=_LEVELS,
                activation=activation,
                bias=True,
                begin=begin,
            )
            for numbers, begin in ((num_classes, _PRIOR), (4, 0.0))
        )
        self.register_buffer("mean", torch.tensor(size.mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(size.std)[:, None, None], persistent=False)

    def predict(self, images: Tensor) -> tuple[Places, Answers]:
        """Where it looks, and what it says there."""
        normal = (images - cast("Tensor", self.mean)) / cast("Tensor", self.std)
        maps = self.fpn(self.backbone(normal))
        places = _places(maps, images, self.scale)
        logits, told = self.class_net(maps), self.box_net(maps)
        raw = told[..., [1, 0, 3, 2]]
        with torch.autocast(images.device.type, enabled=False):
            boxes = self.code.decode(raw, places)
        return places, Answers(logits=logits, raw=raw, boxes=boxes)

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        places, answers = self.predict(images)
        with torch.autocast(images.device.type, enabled=False):
            return self._losses(places, answers, targets)

    def _losses(self, places: Places, answers: Answers, targets: list[Target]) -> dict[str, Tensor]:
        labels, boxes = zip(
            *(self._wanted(places, answers, image, target) for image, target in enumerate(targets)),
            strict=True,
        )
        label = torch.stack(labels)
        images, rows = torch.nonzero(label >= 0, as_tuple=True)
        wanted = self.code.encode(torch.stack(boxes)[images, rows], places.at(rows))
        norm = divisor(torch.tensor(len(rows) + 1.0, device=label.device))
        box_loss = offset_loss(answers.raw[images, rows], wanted, "smooth-l1", beta=_BETA)
        return {
            "class": self.class_loss(answers.logits, label, torch.ones_like(answers.boxes[..., 0]), norm),
            "box": _BOX_WEIGHT * box_loss.sum() / norm,
        }

    @torch.no_grad()
    def _wanted(self, places: Places, answers: Answers, image: int, target: Target) -> tuple[Tensor, Tensor]:
        """(A,) the labels of an image's places, and (A, 4) the boxes of those that have an object."""
        objects = self.assigner(
            places, answers.logits[image], answers.boxes[image], target["boxes"], target["labels"]
        ).objects
        positive = objects >= 0
        boxes = torch.zeros_like(places.anchors)
        boxes[positive] = target["boxes"][objects[positive]]
        ignored = ignored_places(places.points, target["ignore"])
        labels = torch.where(ignored, IGNORED, BACKGROUND)
        labels[positive] = target["labels"][objects[positive]]
        return labels, boxes

    def answers(self, images: Tensor) -> tuple[Tensor, Tensor]:
        _, answers = self.predict(images)
        return answers.boxes, answers.logits.sigmoid()

    def stages(self) -> list[nn.Module]:
        return [*self.backbone.blocks, *self.fpn.cell, self.class_net, self.box_net]


def _places(maps: list[Tensor], images: Tensor, scale: float) -> Places:
    """Levels whose sides are rounded up have their cells spread over the image, and their anchors with them."""
    height, width = images.shape[-2:]
    sizes = [(features.shape[-2], features.shape[-1]) for features in maps]
    steps = [(width / columns, height / rows) for rows, columns in sizes]
    shapes = [
        torch.tensor(
            [
                (across * scale * octave * wide, down * scale * octave * high)
                for octave in _OCTAVES
                for wide, high in _ASPECTS
            ]
        )
        for across, down in steps
    ]
    return make_places(sizes, steps, shapes, device=images.device)


def build(num_classes: int, _image_size: int, options: EfficientDetOptions) -> EfficientDet:
    return EfficientDet(num_classes, options)
