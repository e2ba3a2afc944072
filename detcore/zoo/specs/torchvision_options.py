"""Options that several of torchvision's detectors have."""

from __future__ import annotations

from typing import Any

from detcore.zoo.spec import PublishedFile, option

RESNET, MOBILENET = "resnet50", "mobilenet_v3_large"
LICENCE = "BSD-3-Clause"
WEIGHTS_TEXT = (
    "Takes a torchvision file (COCO weights) or an earlier run; layers that do not fit are listed and start afresh. "
    "From nothing it needs many thousand steps."
)


def backbone_option() -> str:
    return option(
        RESNET,
        label="Backbone",
        help="What looks at the image. MobileNetV3 is several times faster and finds less.",
        choices={RESNET: "ResNet-50", MOBILENET: "MobileNetV3 large"},
    )


def freeze_norm_option() -> bool:
    return option(
        False,
        label="Freeze batch norm",
        help="Keep the statistics of the weights that it starts from, which is better with few images a step. "
        "From nothing leave it off.",
        advanced=True,
    )


def coco_file(name: str, stem: str, mebibytes: float, **options: Any) -> PublishedFile:
    """A file as ``torchvision.models.detection`` describes it; its size is that of ``_file_size`` there."""
    return PublishedFile(
        name=name,
        url=f"https://download.pytorch.org/models/{stem}.pth",
        size=round(mebibytes * 2**20),
        sha256=stem.rsplit("-", 1)[1],
        learnt="COCO",
        options=options,
    )
