"""The card of a detector that is put together of parts, and which parts go together."""

from __future__ import annotations

from dataclasses import dataclass

from detcore.errors import ConfigError
from detcore.zoo.spec import DetectorSpec, InputRule, Recipe, WeightsInfo, option

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
SUPPRESSIONS = {
    "classwise": "Hard, within a class",
    "hard": "Hard, over all classes",
    "soft-linear": "Soft, linear",
    "soft-gaussian": "Soft, Gaussian",
    "diou": "DIoU",
    "none": "None",
}
_WITH_BACKGROUND = ("ce", "hard-negatives", "ohem")
_FOR_ANCHORS = ("max-iou", "bipartite", "neighbours")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeOptions:
    backbone: str = option(
        "split", label="Backbone", help="What makes features of an image.", choices=BACKBONES
    )
    neck: str = option("pan", label="Neck", help="What joins features of several sizes.", choices=NECKS)
    head: str = option("fcos", label="Head", help="What tells classes and boxes.", choices=HEADS)
    assigner: str = option(
        "tal", label="Assigner", help="Which places learn which objects.", choices=ASSIGNERS
    )
    box_loss: str = option("ciou", label="Box loss", choices=BOX_LOSSES)
    class_loss: str = option("bce", label="Class loss", choices=CLASS_LOSSES)
    nms: str = option(
        "classwise",
        label="Suppression",
        help="What drops boxes that lie on better ones.",
        choices=SUPPRESSIONS,
    )
    width: int = option(64, label="Width", help="Channels of neck and head.", low=16, high=512, step=16)
    levels: int = option(
        3, label="Levels", help="Maps at strides 8, 16, 32, and coarser ones.", low=3, high=5
    )
    anchors: str = option(
        "",
        label="Anchors",
        help="Widths and heights in pixels between commas, small ones first, as many for each level. Empty: by formula.",
        only_for={"head": ("retina", "ssd", "grid")},
        advanced=True,
    )


def check_parts(options: ComposeOptions) -> None:
    """Raises ConfigError for parts that make no sense together; it says why."""
    if options.assigner in _FOR_ANCHORS and options.head == "fcos":
        raise ConfigError(
            f"assigner {options.assigner} compares objects with anchors, and the head {options.head} has none",
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
    if options.nms == "none" and options.assigner != "hungarian":
        raise ConfigError(
            "without suppression each object is told many times, unless each has one place",
            hint="Choose the assigner hungarian, or a suppression",
        )


SPEC = DetectorSpec(
    id="compose",
    title="Put together",
    text="A detector of your own choice of parts: to learn what each does, and to try what suits your images.",
    licence="Apache-2.0",
    parameters=1.1,
    input=InputRule(image_size=320),
    recipe=Recipe(learning_rate=2e-3, batch_size=8),
    weights=WeightsInfo(text="It starts from nothing."),
    build="detcore.zoo.detectors.composed:build",
    deploy="detcore.zoo.detectors.composed:dense",
    options=ComposeOptions,
    masks_ignored=True,
)
