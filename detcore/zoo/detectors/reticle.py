"""Reticle's own detectors: compact and anchor-free, to learn from some hundred images without pretraining.

A trunk (a small cross-stage-partial one, or a pretrained one), a path-aggregation neck over strides 8, 16 and 32, and
one small head a level that predicts class scores and the distances to the four edges. Places are assigned to objects by
task alignment, scores learn the IoU of their box (so they rank boxes well), edges learn CIoU and a
distribution over bins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from detcore.zoo.base import Selection, Target
from detcore.zoo.class_rows import ClassRows
from detcore.zoo.parts.assigners.task_aligned import assign
from detcore.zoo.parts.backbones.trunks import LiteTrunk, Maps, SplitTrunk, Trunk
from detcore.zoo.parts.blocks import ConvBlock, SplitStage
from detcore.zoo.parts.channels import Channels, Wiring, first_ones, strongest, take_out
from detcore.zoo.parts.divisor import divisor
from detcore.zoo.parts.losses.distribution import distribution_loss
from detcore.zoo.parts.losses.iou import paired_iou
from detcore.zoo.parts.post.dense import DenseDetector
from detcore.zoo.spec import InputRule, NoOptions
from detcore.zoo.specs import reticle
from detcore.zoo.specs.reticle import ReticleOptions

_BINS = 16
_PRIOR = 0.01
_CLASS_WEIGHT, _BOX_WEIGHT, _BINS_WEIGHT = 1.0, 5.0, 0.5


class Neck(nn.Module):
    """Down and up again (PANet, Liu et al. 2018); all outputs have the same width."""

    def __init__(self, inputs: tuple[int, int, int], width: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(ConvBlock(channels, width, 1) for channels in inputs)
        self.top_down = nn.ModuleList(SplitStage(2 * width, width, 1, shortcut=False) for _ in range(2))
        self.down = nn.ModuleList(ConvBlock(width, width, 3, 2) for _ in range(2))
        self.bottom_up = nn.ModuleList(SplitStage(2 * width, width, 1, shortcut=False) for _ in range(2))

    def wire(self, wiring: Wiring, maps: Sequence[Sequence[Channels]]) -> list[list[Channels]]:
        """As ``forward``, of the channels."""
        laterals, down = (cast("Sequence[ConvBlock]", part) for part in (self.laterals, self.down))
        top_down, bottom_up = (cast("Sequence[SplitStage]", part) for part in (self.top_down, self.bottom_up))
        m3, m4, m5 = (
            wiring.block(lateral, features) for lateral, features in zip(laterals, maps, strict=True)
        )
        p4 = wiring.split_stage(top_down[0], [*m5, *m4])
        p3 = wiring.split_stage(top_down[1], [*p4, *m3])
        n4 = wiring.split_stage(bottom_up[0], [*wiring.block(down[0], p3), *p4])
        n5 = wiring.split_stage(bottom_up[1], [*wiring.block(down[1], n4), *m5])
        return [p3, n4, n5]

    def forward(self, maps: Maps) -> list[Tensor]:
        m3, m4, m5 = (lateral(features) for lateral, features in zip(self.laterals, maps, strict=True))
        p4 = self.top_down[0](torch.cat([_grow(m5, m4), m4], dim=1))
        p3 = self.top_down[1](torch.cat([_grow(p4, m3), m3], dim=1))
        n4 = self.bottom_up[0](torch.cat([self.down[0](p3), p4], dim=1))
        n5 = self.bottom_up[1](torch.cat([self.down[1](n4), m5], dim=1))
        return [p3, n4, n5]


def _grow(features: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(features, size=like.shape[-2:], mode="nearest")


class Head(nn.Module):
    """Class logits and edge distributions of one level."""

    def __init__(self, width: int, num_classes: int) -> None:
        super().__init__()
        self.classes = nn.Sequential(
            ConvBlock(width, width), ConvBlock(width, width), nn.Conv2d(width, num_classes, 1)
        )
        self.edges = nn.Sequential(
            ConvBlock(width, width), ConvBlock(width, width), nn.Conv2d(width, 4 * _BINS, 1)
        )
        bias = cast("Tensor", cast("nn.Conv2d", self.classes[-1]).bias)
        nn.init.constant_(bias, -math.log((1 - _PRIOR) / _PRIOR))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B, places, K) and (B, places, 4 · bins)."""
        logits, bins = self.classes(features), self.edges(features)
        return logits.flatten(2).transpose(1, 2), bins.flatten(2).transpose(1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """What the network says, fp32: ``logits`` (B, A, K), ``bins`` (B, A, 4, bins), ``boxes`` (B, A, 4)
    in pixels, ``points`` (A, 2), ``strides`` (A,)."""

    logits: Tensor
    bins: Tensor
    boxes: Tensor
    points: Tensor
    strides: Tensor


class Reticle(DenseDetector):
    """See the module. Unless another trunk and width are given it is the one of size S."""

    class_rows: Mapping[str, ClassRows] = {"heads.*.classes.2.*": ClassRows()}
    selection = Selection(nms_iou=0.6)

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: Trunk | None = None,
        input_rule: InputRule = reticle.S.input,
        neck_width: int = 64,
        strides: tuple[int, ...] = (8, 16, 32),
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.strides = strides
        self._mean, self._std = input_rule.mean[0], input_rule.std[0]
        self.backbone = backbone or SplitTrunk((16, 32, 64, 96, 128))
        self.neck = Neck(self.backbone.widths, neck_width)
        self.heads = nn.ModuleList(Head(neck_width, num_classes) for _ in strides)
        self.register_buffer("scale_bins", torch.arange(_BINS, dtype=torch.float32), persistent=False)

    def predict(self, images: Tensor) -> Raw:
        """The network's answer at every place."""
        maps = self.neck(self.backbone((images - self._mean) / self._std))
        logits: list[Tensor] = []
        bins: list[Tensor] = []
        points: list[Tensor] = []
        strides: list[Tensor] = []
        for features, head, stride in zip(maps, self.heads, self.strides, strict=True):
            level_logits, level_bins = head(features)
            logits.append(level_logits)
            bins.append(level_bins)
            height, width = features.shape[-2:]
            ys, xs = torch.meshgrid(
                torch.arange(height, device=images.device),
                torch.arange(width, device=images.device),
                indexing="ij",
            )
            points.append((torch.stack([xs, ys], dim=-1).reshape(-1, 2).float() + 0.5) * stride)
            strides.append(torch.full((height * width,), float(stride), device=images.device))
        all_bins = torch.cat(bins, dim=1).float().reshape(images.shape[0], -1, 4, _BINS)
        all_points, all_strides = torch.cat(points), torch.cat(strides)
        with torch.autocast(images.device.type, enabled=False):
            distances = (
                torch.softmax(all_bins, dim=-1) @ cast("Tensor", self.scale_bins) * all_strides[:, None]
            )
            boxes = torch.cat([all_points - distances[..., :2], all_points + distances[..., 2:]], dim=-1)
        return Raw(
            logits=torch.cat(logits, dim=1).float(),
            bins=all_bins,
            boxes=boxes,
            points=all_points,
            strides=all_strides,
        )

    @property
    def prunable(self) -> bool:
        """Whether it is known which of its channels go where."""
        return isinstance(self.backbone, SplitTrunk)

    def channels(self) -> list[Channels]:
        """All hidden channels, in the order of the network. Raises TypeError unless it is ``prunable``."""
        if not isinstance(self.backbone, SplitTrunk):
            raise TypeError("the channels of this trunk are not known")
        wiring = Wiring()
        maps = self.neck.wire(wiring, self.backbone.wire(wiring))
        for head, features in zip(cast("Sequence[Head]", self.heads), maps, strict=True):
            wiring.sequence(head.classes, features)
            wiring.sequence(head.edges, features)
        return wiring.channels

    def prune(self, keep: float) -> str:
        """Take out the channels with the smallest scales, so that the share ``keep`` of them stays; what to give ``narrow``
        for a detector of that shape."""
        channels = self.channels()
        take_out(channels, strongest(channels, keep))
        return " ".join(str(part.width) for part in self.channels())

    def narrow(self, widths: str) -> None:
        """Leave so many channels in each hidden layer, the first ones; all with "". Raises ConfigError as ``first_ones``."""
        if widths:
            channels = self.channels()
            take_out(channels, first_ones(channels, widths))

    def stages(self) -> list[nn.Module]:
        trunk = self.backbone
        return [trunk.stem, trunk.stage3, trunk.stage4, trunk.stage5, self.neck, *self.heads]

    def published(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        own = {name: self.backbone.own_name(name) for name in tensors}
        return {f"backbone.{own[name]}" if own[name] else name: tensor for name, tensor in tensors.items()}

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        raw = self.predict(images)
        with torch.autocast(images.device.type, enabled=False):
            return self._losses(raw, targets)

    def _losses(self, raw: Raw, targets: list[Target]) -> dict[str, Tensor]:
        gt_boxes, gt_labels, gt_valid = stack_targets(targets)
        sure = _stack_scores(targets, gt_valid)
        found = assign(
            raw.logits.detach().sigmoid(),
            raw.boxes.detach(),
            raw.points,
            raw.strides,
            gt_boxes,
            gt_labels,
            gt_valid,
        )
        wanted = torch.zeros_like(raw.logits)
        images, places = torch.nonzero(found.positive, as_tuple=True)
        rows = found.objects[images, places]
        quality = found.quality[images, places] * sure[images, rows]
        share = self.label_smoothing
        # as of a softmax (Szegedy et al. 2016), of the quality and only where there is an object
        wanted[images, places] = (quality * share / self.num_classes)[:, None]
        wanted[images, places, gt_labels[images, rows]] += quality * (1.0 - share)
        counts = ~_in_ignored(raw.points, targets) | found.positive
        class_loss = functional.binary_cross_entropy_with_logits(raw.logits, wanted, reduction="none")
        norm = divisor(quality.sum())
        boxes, gt = raw.boxes[images, places], gt_boxes[images, rows]
        box_loss = (1 - paired_iou(boxes, gt, "ciou")) * quality
        points, strides = raw.points[places], raw.strides[places]
        distances = torch.cat([points - gt[:, :2], gt[:, 2:] - points], dim=1) / strides[:, None]
        bins_loss = distribution_loss(raw.bins[images, places], distances) * quality
        with torch.no_grad():
            by_class = _CLASS_WEIGHT * torch.einsum("bak,ba->k", class_loss, counts.float())
            of_objects = _BOX_WEIGHT * box_loss + _BINS_WEIGHT * bins_loss
            self.class_losses = by_class.index_add(0, gt_labels[images, rows], of_objects) / norm
        return {
            "class": _CLASS_WEIGHT * (class_loss.sum(dim=-1) * counts).sum() / norm,
            "box": _BOX_WEIGHT * box_loss.sum() / norm,
            "edges": _BINS_WEIGHT * bins_loss.sum() / norm,
        }

    def answers(self, images: Tensor) -> tuple[Tensor, Tensor]:
        raw = self.predict(images)
        return raw.boxes, raw.logits.sigmoid()


def build_n(num_classes: int, _image_size: int, options: ReticleOptions) -> Reticle:
    return _narrowed(Reticle(num_classes, backbone=SplitTrunk((8, 16, 32, 64, 96)), neck_width=32), options)


def build_s(num_classes: int, _image_size: int, options: ReticleOptions) -> Reticle:
    return _narrowed(Reticle(num_classes), options)


def build_m(num_classes: int, _image_size: int, options: ReticleOptions) -> Reticle:
    return _narrowed(
        Reticle(num_classes, backbone=SplitTrunk((32, 64, 128, 192, 256)), neck_width=128), options
    )


def _narrowed(detector: Reticle, options: ReticleOptions) -> Reticle:
    detector.narrow(options.widths)
    return detector


def build_s_pretrained(num_classes: int, _image_size: int, _options: NoOptions) -> Reticle:
    return Reticle(num_classes, backbone=LiteTrunk(), input_rule=reticle.S_PRETRAINED.input)


def stack_targets(targets: list[Target]) -> tuple[Tensor, Tensor, Tensor]:
    """(B, G, 4) boxes, (B, G) labels, (B, G) which rows are real; G is the largest count, may be 0."""
    device = targets[0]["boxes"].device
    most = max(len(target["labels"]) for target in targets)
    boxes = torch.zeros(len(targets), most, 4, device=device)
    labels = torch.zeros(len(targets), most, dtype=torch.int64, device=device)
    valid = torch.zeros(len(targets), most, dtype=torch.bool, device=device)
    for row, target in enumerate(targets):
        count = len(target["labels"])
        boxes[row, :count] = target["boxes"]
        labels[row, :count] = target["labels"]
        valid[row, :count] = True
    return boxes, labels, valid


def _stack_scores(targets: list[Target], valid: Tensor) -> Tensor:
    """(B, G) how sure each object is, 1 where nothing is said; ``valid`` (B, G) are the rows that are objects."""
    scores = valid.float()
    for row, target in enumerate(targets):
        if "scores" in target:
            scores[row, : len(target["scores"])] = target["scores"]
    return scores


def _in_ignored(points: Tensor, targets: list[Target]) -> Tensor:
    """(B, A) places inside an area that counts neither as object nor as background."""
    rows: list[Tensor] = []
    for target in targets:
        areas = target["ignore"]
        inside = (points[:, None] > areas[None, :, :2]) & (points[:, None] < areas[None, :, 2:])
        rows.append(inside.all(dim=-1).any(dim=1))
    return torch.stack(rows)
