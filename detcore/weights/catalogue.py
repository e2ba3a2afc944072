"""The published weights that Reticle knows."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from detcore.errors import ConfigError
from detcore.zoo.catalogue import find_detector
from detcore.zoo.specs.torchvision_options import MOBILENET, RESNET

_SIZE_ROUNDING = 1049
"""torchvision states sizes in thousandths of a MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsFile:
    """One file. ``name`` is what users and settings call it. It is for ``detector``, with these ``options`` where
    they matter; ``learnt`` says from what. ``size`` is in bytes, to about a KiB. ``sha256`` are the first digits of
    the sum, all 64 where the publisher tells them; torchvision puts eight into the names of its files.
    """

    name: str
    detector: str
    url: str
    size: int
    sha256: str
    licence: str
    learnt: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def file_name(self) -> str:
        """What the file is called, here as there."""
        return posixpath.basename(urlsplit(self.url).path)

    @property
    def host(self) -> str:
        """Where it comes from."""
        return urlsplit(self.url).hostname or ""

    @property
    def size_text(self) -> str:
        return f"{self.size / 1e6:.1f} MB"

    @property
    def sum_text(self) -> str:
        """What the sum of a right file is."""
        return f"sha256 {self.sha256}" + ("" if len(self.sha256) == 64 else "…")

    def may_have(self, size: int) -> bool:
        """Whether a file of so many bytes can be it."""
        return abs(size - self.size) <= _SIZE_ROUNDING

    @property
    def most_bytes(self) -> int:
        """No file of so many bytes or more is it."""
        return self.size + _SIZE_ROUNDING

    def has_sum(self, sha256: str) -> bool:
        """Whether a file of this sum is it."""
        return sha256.startswith(self.sha256)


@cache
def weights_files() -> Mapping[str, WeightsFile]:
    """All of them by name."""
    resnet = {"backbone": RESNET}
    found = (
        _torchvision("ssdlite320-coco", "ssdlite320", "ssdlite320_mobilenet_v3_large_coco-a79551df", 13.418),
        _torchvision("ssd300-vgg16-coco", "ssd300-vgg16", "ssd300_vgg16_coco-b556d3b4", 135.988),
        _torchvision(
            "retinanet-coco", "retinanet", "retinanet_resnet50_fpn_coco-eeacb38b", 130.267, **resnet
        ),
        _torchvision("fcos-coco", "fcos", "fcos_resnet50_fpn_coco-99b0c9b7", 123.608, **resnet),
        _torchvision(
            "faster-rcnn-coco", "faster-rcnn", "fasterrcnn_resnet50_fpn_coco-258fb6c6", 159.743, **resnet
        ),
        _torchvision(
            "faster-rcnn-mobilenet-coco",
            "faster-rcnn",
            "fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7",
            74.239,
            backbone=MOBILENET,
        ),
    )
    return {file.name: file for file in found}


def find_weights(name: str) -> WeightsFile:
    """Raises ConfigError where there are none of this name."""
    file = weights_files().get(name)
    if file is None:
        raise ConfigError(
            f"there are no published weights {name!r}", hint=f"There are {', '.join(weights_files())}"
        )
    return file


def weights_for(detector: str) -> tuple[WeightsFile, ...]:
    """Those that are for a detector."""
    return tuple(file for file in weights_files().values() if file.detector == detector)


def _torchvision(name: str, detector: str, stem: str, mebibytes: float, **options: Any) -> WeightsFile:
    """A file as ``torchvision.models.detection`` describes it; its size is that of ``_file_size`` there."""
    return WeightsFile(
        name=name,
        detector=detector,
        url=f"https://download.pytorch.org/models/{stem}.pth",
        size=round(mebibytes * 2**20),
        sha256=stem.rsplit("-", 1)[1],
        licence=find_detector(detector).weights.licence,
        learnt="COCO",
        options=options,
    )
