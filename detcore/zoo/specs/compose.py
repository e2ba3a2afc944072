"""The card of a detector that is put together of parts, and which parts go together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from detcore.errors import ConfigError
from detcore.wording import counted
from detcore.zoo.anchors import Progress, Sizes, anchors_of, anchors_text, fit_of, formula_anchors
from detcore.zoo.spec import (
    SUPPRESSIONS,
    Anchors,
    Cost,
    DetectorSpec,
    FromBoxes,
    InputRule,
    Recipe,
    Suppression,
    WeightsInfo,
    option,
)
from detcore.zoo.specs.torchvision_options import LICENCE, imagenet_file

BACKBONES = {
    "split": "Reticle's own, small",
    "vgg16": "VGG16",
    "resnet18": "ResNet-18",
    "resnet50": "ResNet-50",
    "resnet101": "ResNet-101",
    "resnext50": "ResNeXt-50",
    "densenet121": "DenseNet-121",
    "inception-v3": "Inception v3",
    "mobilenet-v1": "MobileNet v1",
    "mobilenet-v2": "MobileNet v2",
    "mobilenet-v3": "MobileNet v3",
    "shufflenet-v2": "ShuffleNet v2",
    "ghostnet": "GhostNet",
    "efficientnet-b0": "EfficientNet-B0",
    "efficientnet-lite0": "EfficientNet-lite0",
    "darknet53": "Darknet-53",
    "csp-darknet53": "CSPDarknet-53",
    "csp-resnext50": "CSPResNeXt-50",
    "repvgg-a0": "RepVGG-A0",
    "swin-tiny": "Swin-T",
    "vit-tiny": "ViT-Ti",
}
WITHOUT_TIMM = ("split", "shufflenet-v2")
"""The backbones that come with Reticle or torchvision."""
NECKS = {
    "fpn": "FPN",
    "pan": "PAN",
    "bifpn": "BiFPN",
    "spp": "SPP and FPN",
    "ssh": "FPN and SSH",
    "dssd": "Deconvolution, as DSSD",
}
HEADS = {
    "retina": "Anchors, as RetinaNet",
    "ssd": "Anchors, as SSD",
    "fcos": "Points, as FCOS",
    "grid": "Grid, as YOLO",
}
ASSIGNERS = {
    "max-iou": "By IoU",
    "bipartite": "SSD's",
    "atss": "ATSS",
    "ranges": "FCOS's ranges of sizes",
    "sim-ota": "SimOTA",
    "neighbours": "Likely anchors in neighbouring cells, as YOLOv5",
    "tal": "Task-aligned",
    "hungarian": "One to one (Hungarian)",
}
BOX_LOSSES = {
    "l1": "L1",
    "l2": "L2",
    "smooth-l1": "Smooth L1",
    "iou": "IoU",
    "giou": "GIoU",
    "diou": "DIoU",
    "ciou": "CIoU",
}
CLASS_LOSSES = {
    "ce": "Cross entropy",
    "hard-negatives": "Cross entropy, hard negatives 1:3",
    "ohem": "Cross entropy, hardest places (OHEM)",
    "bce": "Binary cross entropy",
    "focal": "Focal",
    "quality-focal": "Quality focal",
}
KMEANS = "kmeans"
FINEST_STRIDE = 8
_BASE = 4.0
"""The side of a level's smallest square anchor, in strides, by formula."""
_RATIOS = (0.5, 1.0, 2.0)
_WIDTH_STEP = 8
_WITH_BACKGROUND = ("ce", "hard-negatives", "ohem")
_FOR_ANCHORS = ("max-iou", "bipartite", "neighbours")


def backbone_option() -> str:
    """Which makes features of an image."""
    return option(
        "split",
        label="Backbone",
        help="What makes features of an image. All but the first and ShuffleNet v2 come with timm (pip install 'reticle[timm]').",
        choices=BACKBONES,
    )


def anchors_option(only_for: Mapping[str, Collection[str]] | None = None) -> str:
    """Which anchors there are."""
    return option(
        "",
        label="Anchors",
        help="Widths and heights in pixels between commas, small ones first, as many for each level; or kmeans, to find them from the boxes "
        "that are learned from. Empty: by formula.",
        only_for=only_for,
        advanced=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeOptions:
    backbone: str = backbone_option()
    neck: str = option("pan", label="Neck", help="What joins features of several sizes.", choices=NECKS)
    head: str = option("fcos", label="Head", help="What tells classes and boxes.", choices=HEADS)
    assigner: str = option(
        "tal", label="Assigner", help="Which places learn which objects.", choices=ASSIGNERS
    )
    box_loss: str = option("ciou", label="Box loss", choices=BOX_LOSSES)
    class_loss: str = option("bce", label="Class loss", choices=CLASS_LOSSES)
    nms: Suppression = option(
        "classwise",
        label="Suppression",
        help="What drops boxes that lie on better ones. An exported file can have the hard ones inside.",
        choices=SUPPRESSIONS,
    )
    width: int = option(64, label="Width", help="Channels of neck and head.", low=16, high=512, step=16)
    levels: int = option(
        3, label="Levels", help="Maps at strides 8, 16, 32, and coarser ones.", low=3, high=5
    )
    anchors: str = anchors_option(only_for={"head": ("retina", "ssd", "grid")})

    @property
    def strides(self) -> tuple[int, ...]:
        """Pixels between the places of each level, fine ones first."""
        return tuple(FINEST_STRIDE * 2**level for level in range(self.levels))

    def shapes(self) -> list[Sizes]:
        """(N, 2) widths and heights in pixels of the anchors of each level, as many on all. A head without anchors has one, of eight
        strides, for assigners that compare objects with it (Zhang et al. 2020).

        Raises:
            ConfigError: the numbers that were given make no sense.
        """
        if self.head == "fcos":
            return [formula_anchors(8.0 * stride, (1.0,), (1.0,)) for stride in self.strides]
        if self.anchors and self.anchors != KMEANS:
            return _read_anchors(self.anchors, self.levels)
        return [self._by_formula(_BASE * stride) for stride in self.strides]

    def _by_formula(self, side: float) -> Sizes:
        if self.anchors == KMEANS or self.head == "grid":
            return formula_anchors(side, (1.0,), _RATIOS)
        if self.head == "ssd":
            # and a square between this level's and the next (Liu et al. 2016)
            shapes = [*formula_anchors(side, (1.0,), _RATIOS), *formula_anchors(side, (2**0.5,), (1.0,))]
            return np.array(shapes)
        return formula_anchors(side, (1.0, 2 ** (1 / 3), 2 ** (2 / 3)), _RATIOS)


def _read_anchors(text: str, levels: int) -> list[Sizes]:
    hint = f"Give widths and heights such as 10,14, 23,27, …: as many for each of {levels} levels"
    try:
        numbers = np.array([float(word) for word in text.split(",") if word.strip()])
    except ValueError as error:
        raise ConfigError(f"the anchors {text!r} are no numbers", hint=hint) from error
    if not len(numbers) or len(numbers) % (2 * levels):
        raise ConfigError(f"{counted(len(numbers), 'number')} of anchors cannot be shared out", hint=hint)
    if not (np.isfinite(numbers) & (numbers > 0)).all():
        raise ConfigError("widths and heights of anchors are more than 0", hint=hint)
    return list(numbers.reshape(levels, -1, 2))


def check_parts(options: ComposeOptions) -> None:
    """Raises ConfigError for parts that make no sense together; it says why."""
    if options.width % _WIDTH_STEP:
        raise ConfigError(
            f"the width {options.width} cannot be divided into {_WIDTH_STEP} groups of channels",
            hint=f"Choose a multiple of {_WIDTH_STEP}",
        )
    if options.assigner in _FOR_ANCHORS and options.head == "fcos":
        raise ConfigError(
            f"assigner {options.assigner} compares objects with anchors, and the head fcos has none",
            hint="Choose ranges, atss, sim-ota, tal or hungarian, or the head retina",
        )
    if options.assigner == "ranges" and options.head != "fcos":
        raise ConfigError(
            f"assigner ranges gives a place by the distances to the edges; the head {options.head} has several anchors there "
            "and could not tell them apart",
            hint="Choose the head fcos, or another assigner",
        )
    if options.class_loss == "quality-focal" and options.head in ("fcos", "grid"):
        raise ConfigError(
            f"class loss quality-focal lets the score tell how good a box is, and the head {options.head} has a branch for that already",
            hint="Choose focal or bce, or the head retina",
        )
    if options.class_loss in _WITH_BACKGROUND and options.head == "grid":
        raise ConfigError(
            f"class loss {options.class_loss} has a class for the background, which the head grid tells by objectness",
            hint="Choose bce or focal",
        )
    if options.box_loss == "iou" and options.assigner == "hungarian":
        raise ConfigError(
            "box loss iou says nothing of boxes that do not touch, and hungarian pairs places and objects that may be far apart",
            hint="Choose the box loss giou, diou or ciou",
        )
    if options.nms == "none" and options.assigner != "hungarian":
        raise ConfigError(
            "without suppression each object is told many times, unless each has one place",
            hint="Choose the assigner hungarian, or a suppression",
        )
    options.shapes()


def fit(spec: DetectorSpec, options: ComposeOptions) -> DetectorSpec:
    """The card of these parts. Raises ConfigError for parts that make no sense together."""
    check_parts(options)
    extra = "" if options.backbone in WITHOUT_TIMM else "timm"
    return replace(spec, extra=extra, suppression=options.nms)


def from_boxes(options: ComposeOptions, sizes: Sizes, progress: Progress) -> FromBoxes:
    """Anchors from the boxes, where they are to be found by k-means.

    Raises:
        ConfigError: there are too few boxes.
        Cancelled: ``progress`` returned false.
    """
    if options.anchors != KMEANS or options.head == "fcos":
        return FromBoxes(options=options)
    formula = np.concatenate(options.shapes())
    try:
        found = anchors_of(sizes, len(formula), progress=progress)
    except ValueError as error:
        raise ConfigError(str(error), hint="Leave anchors empty, or label more") from error
    text = anchors_text(found.sizes)
    note = (
        f"Anchors by k-means from {counted(len(sizes), 'box', 'boxes')}: {text}; mean IoU {found.mean_iou:.2f}, "
        f"by formula {fit_of(sizes, formula).mean_iou:.2f}."
    )
    return FromBoxes(options=replace(options, anchors=text), note=note)


def anchors(options: ComposeOptions) -> Anchors | None:
    """Those of all levels; ``None`` for the head that has none."""
    if options.head == "fcos":
        return None
    return Anchors(sizes=np.concatenate(options.shapes()), from_boxes=options.anchors == KMEANS)


SPEC = DetectorSpec(
    id="compose",
    title="Put together",
    text="A detector of your own choice of parts: to learn what each does, and to try what suits your images.",
    licence="Apache-2.0",
    parameters=1.1,
    input=InputRule(image_size=320),
    recipe=Recipe(learning_rate=2e-3, batch_size=8),
    weights=WeightsInfo(
        text="Starts from nothing, from an earlier run, or its backbone from a classifier of torchvision or timm; all else is named and "
        "starts afresh.",
        licence=LICENCE,
        files=(
            imagenet_file("compose-resnet18-imagenet", "resnet18-f37072fd", 44.661, backbone="resnet18"),
            imagenet_file("compose-resnet50-imagenet", "resnet50-11ad3fa6", 97.79, backbone="resnet50"),
            imagenet_file(
                "compose-shufflenet-imagenet", "shufflenetv2_x1-5666bf0f80", 8.791, backbone="shufflenet-v2"
            ),
        ),
    ),
    cost=Cost(macs=1.04, values=9.7),
    build="detcore.zoo.detectors.composed:build",
    deploy="detcore.zoo.parts.post.dense:dense",
    options=ComposeOptions,
    fit=fit,
    from_boxes=from_boxes,
    anchors=anchors,
    masks_ignored=True,
)
