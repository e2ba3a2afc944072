"""CornerNet (Law and Deng 2018): an object is a pair of corners, found apart and brought together by what they have learned to say alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from detcore.zoo.base import Selection, Target
from detcore.zoo.class_rows import ClassRows
from detcore.zoo.parts.backbones.hourglass import Hourglass
from detcore.zoo.parts.blocks import ConvBlock
from detcore.zoo.parts.corner_pool import downward, leftward, rightward, upward
from detcore.zoo.parts.divisor import divisor
from detcore.zoo.parts.heat_maps import draw_peak, gaussian_radius, heat_loss, peaks
from detcore.zoo.parts.places import ignored_places, make_places
from detcore.zoo.parts.post.dense import DenseDetector
from detcore.zoo.spec import IMAGENET_MEAN, IMAGENET_STD, NoOptions

_STRIDE = 4
_WIDTHS = (64, 64, 96, 128)
_CORNERS = 100
"""So many of each kind are looked at in an image."""
_LEAST_IOU = 0.3
"""Of a box both of whose corners are off by the radius of a peak."""
_APART = 0.5
"""Corners whose embeddings differ by more are not of one object."""
_PULL_WEIGHT = _PUSH_WEIGHT = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class CornerAnswers:
    """Of one kind of corner, fp32: ``heat`` logits (B, K, rows, columns), ``tag`` (B, 1, rows, columns), the embedding, and ``offset`` (B, 2, rows,
    columns) of the corner from its cell's, in cells."""

    heat: Tensor
    tag: Tensor
    offset: Tensor


class _CornerHead(nn.Module):
    """Corner pooling along both edges, then the three answers."""

    def __init__(self, width: int, num_classes: int, *, lower: bool) -> None:
        super().__init__()
        self.lower = lower
        self.across, self.along = ConvBlock(width, width), ConvBlock(width, width)
        self.mix = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        self.side = nn.Sequential(nn.Conv2d(width, width, 1, bias=False), nn.BatchNorm2d(width))
        self.after = ConvBlock(width, width)
        self.heat, self.tag, self.offset = (_branch(width, outputs) for outputs in (num_classes, 1, 2))
        nn.init.constant_(cast("Tensor", self.heat[-1].bias), -2.19)

    def forward(self, features: Tensor) -> CornerAnswers:
        along_row, along_column = (leftward, upward) if self.lower else (rightward, downward)
        pooled = along_row(self.across(features)) + along_column(self.along(features))
        made = self.after(functional.relu(self.mix(pooled) + self.side(features)))
        return CornerAnswers(
            heat=self.heat(made).float(), tag=self.tag(made).float(), offset=self.offset(made).float()
        )


def _branch(width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(ConvBlock(width, width), nn.Conv2d(width, outputs, 1))


class CornerNet(DenseDetector):
    """One small hourglass at stride 4, where the paper has two large ones, with a head for upper left and one for lower right corners."""

    class_rows: Mapping[str, ClassRows] = {"corners.*.heat.1.*": ClassRows()}
    selection = Selection(nms_iou=0.5, suppression="soft-gaussian")

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        width = _WIDTHS[0]
        self.stem = nn.Sequential(ConvBlock(3, width // 2, 7, 2), ConvBlock(width // 2, width, 3, 2))
        self.hourglass = Hourglass(_WIDTHS)
        self.corners = nn.ModuleList(_CornerHead(width, num_classes, lower=lower) for lower in (False, True))
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD)[:, None, None], persistent=False)

    def stages(self) -> list[nn.Module]:
        return [self.stem, self.hourglass, *self.corners]

    def predict(self, images: Tensor) -> tuple[CornerAnswers, CornerAnswers]:
        """Of upper left and of lower right corners."""
        features = self.hourglass(self.stem((images - cast("Tensor", self.mean)) / cast("Tensor", self.std)))
        upper, lower = (head(features) for head in self.corners)
        return upper, lower

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        both = self.predict(images)
        with torch.autocast(images.device.type, enabled=False):
            return _losses(both, targets)

    def answers(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """A place is a pair of good corners."""
        upper, lower = self.predict(images)
        pairs = [_pairs(upper, lower, image) for image in range(len(images))]
        boxes, scores = zip(*pairs, strict=True)
        return torch.stack(boxes), torch.stack(scores)


def _losses(both: tuple[CornerAnswers, CornerAnswers], targets: list[Target]) -> dict[str, Tensor]:
    rows, columns = both[0].heat.shape[-2:]
    places = make_places([(rows, columns)], [_STRIDE], device=both[0].heat.device)
    norm = divisor(
        torch.tensor(float(sum(len(target["labels"]) for target in targets)), device=both[0].heat.device)
    )
    nothing = both[0].tag.sum() * 0
    heat = pull = push = offset = nothing
    for image, target in enumerate(targets):
        free = ~ignored_places(places.points, target["ignore"]).view(1, 1, rows, columns)
        boxes, labels = target["boxes"] / _STRIDE, target["labels"]
        tags: list[Tensor] = []
        for answers, corner in zip(both, (boxes[:, :2], boxes[:, 2:]), strict=True):
            goal = torch.zeros_like(answers.heat[image])
            cells = corner.floor().long()
            cells = torch.stack([cells[:, 0].clamp(0, columns - 1), cells[:, 1].clamp(0, rows - 1)], dim=1)
            for box, label, cell in zip(boxes, labels, cells, strict=True):
                side = box[2:] - box[:2]
                radius = gaussian_radius(float(side[0]), float(side[1]), _LEAST_IOU)
                draw_peak(goal[int(label)], int(cell[0]), int(cell[1]), radius)
            heat = heat + heat_loss(answers.heat[image : image + 1], goal[None], free)
            if len(labels):
                told = answers.offset[image, :, cells[:, 1], cells[:, 0]].T
                offset = offset + functional.smooth_l1_loss(told, corner - cells, reduction="sum")
                tags.append(answers.tag[image, 0, cells[:, 1], cells[:, 0]])
        if tags:
            near, apart = grouping(*tags)
            pull, push = pull + near, push + apart
    return {
        "heat": heat / norm,
        "offset": offset / norm,
        "pull": _PULL_WEIGHT * pull / len(targets),
        "push": _PUSH_WEIGHT * push / len(targets),
    }


def grouping(upper: Tensor, lower: Tensor) -> tuple[Tensor, Tensor]:
    """Of the embeddings (N,) of both corners of N objects: how far corners of one object are from their mean, and how much closer than 1 the
    means of two objects are, both over N, and over the pairs."""
    mean = (upper + lower) / 2
    pull = ((upper - mean).square() + (lower - mean).square()).mean()
    if len(mean) < 2:
        return pull, mean.sum() * 0
    closer = functional.relu(1 - (mean[:, None] - mean[None]).abs())
    pairs = len(mean) * (len(mean) - 1)
    return pull, (closer.sum() - closer.diagonal().sum()) / pairs


def _pairs(upper: CornerAnswers, lower: CornerAnswers, image: int) -> tuple[Tensor, Tensor]:
    """Boxes (A, 4) in pixels of all pairs of good corners, and scores (A, K): the mean of both where they are of one class, alike, and the right way
    round, else 0."""
    (score1, label1, tag1, point1), (score2, label2, tag2, point2) = (
        _best(answers, image) for answers in (upper, lower)
    )
    count, classes = len(score1), upper.heat.shape[1]
    boxes = torch.cat(
        [point1[:, None].expand(-1, count, -1), point2[None].expand(count, -1, -1)], dim=-1
    ).reshape(-1, 4)
    fits = (label1[:, None] == label2[None]) & ((tag1[:, None] - tag2[None]).abs() < _APART)
    fits &= ((point2[None] - point1[:, None]) > 0).all(dim=-1)
    chance = torch.where(fits, (score1[:, None] + score2[None]) / 2, 0.0).reshape(-1)
    label = label1[:, None].expand(-1, count).reshape(-1)
    return boxes * _STRIDE, functional.one_hot(label, classes) * chance[:, None]


def _best(answers: CornerAnswers, image: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The best corners of an image: scores, labels, embeddings (N,) and points (N, 2) in cells."""
    chance = peaks(answers.heat[image : image + 1].sigmoid())[0]
    rows, columns = chance.shape[-2:]
    score, at = chance.flatten().topk(min(_CORNERS, chance.numel()))
    label, cell = at // (rows * columns), at % (rows * columns)
    row, column = cell // columns, cell % columns
    offset = answers.offset[image, :, row, column].T
    return score, label, answers.tag[image, 0, row, column], torch.stack([column, row], dim=1) + offset


def build(num_classes: int, _image_size: int, _options: NoOptions) -> CornerNet:
    return CornerNet(num_classes)
