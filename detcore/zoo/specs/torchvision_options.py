"""Options that several of torchvision's detectors have."""

from __future__ import annotations

from typing import Any

from detcore.zoo.spec import PublishedFile, option

RESNET, RESNET18, MOBILENET = "resnet50", "resnet18", "mobilenet_v3_large"
FIRST, SECOND = "v1", "v2"
LICENCE = "BSD-3-Clause"
WEIGHTS_TEXT = (
    "Takes a torchvision file (COCO weights) or an earlier run; layers that do not fit are listed and start afresh. "
    "From nothing it needs many thousand steps."
)


def backbone_option() -> str:
    return option(
        RESNET,
        label="Backbone",
        help="What looks at the image. The other two are several times faster, for a processor, and find less.",
        choices={RESNET: "ResNet-50", RESNET18: "ResNet-18", MOBILENET: "MobileNetV3 large"},
    )


def version_option() -> str:
    return option(
        FIRST,
        label="Version",
        help="The second is torchvision's of 2022: more norms in the heads. It finds more after a long training.",
        choices={FIRST: "First", SECOND: "Second"},
    )


def freeze_norm_option() -> bool:
    return option(
        False,
        label="Freeze batch norm",
        help="Keep the statistics of the weights that it starts from, which is better with few images a step. "
        "From nothing leave it off.",
        advanced=True,
    )


def trunk_files(detector: str) -> tuple[PublishedFile, ...]:
    """Backbones that have learnt to classify, as ``torchvision.models`` describes them, for a detector that comes with any
    of the three."""
    return (
        imagenet_file(f"{detector}-resnet50-imagenet", "resnet50-11ad3fa6", 97.79, backbone=RESNET),
        imagenet_file(f"{detector}-resnet18-imagenet", "resnet18-f37072fd", 44.661, backbone=RESNET18),
        imagenet_file(
            f"{detector}-mobilenet-imagenet", "mobilenet_v3_large-5c1a4163", 21.107, backbone=MOBILENET
        ),
    )


def coco_file(name: str, stem: str, mebibytes: float, **options: Any) -> PublishedFile:
    """A file as ``torchvision.models.detection`` describes it; its size is that of ``_file_size`` there."""
    return _file(name, stem, mebibytes, "COCO", **options)


def imagenet_file(name: str, stem: str, mebibytes: float, **options: Any) -> PublishedFile:
    """The same of ``torchvision.models``: a classifier, whose last layers are left out."""
    return _file(name, stem, mebibytes, "ImageNet", **options)


def _file(name: str, stem: str, mebibytes: float, learnt: str, **options: Any) -> PublishedFile:
    return PublishedFile(
        name=name,
        url=f"https://download.pytorch.org/models/{stem}.pth",
        size=round(mebibytes * 2**20),
        sha256=stem.rsplit("-", 1)[1],
        learnt=learnt,
        options=options,
    )
