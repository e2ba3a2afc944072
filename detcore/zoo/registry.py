"""The detectors by name. The cards that a person sees are in ``detcore.jobs.config``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from detcore.zoo.base import Detector
from detcore.zoo.detectors.reticle_s import ReticleS
from detcore.zoo.detectors.ssdlite import SsdLite

Builder = Callable[[int, int], Detector]
"""(number of classes, image size) to a detector with random weights."""

BUILDERS: Mapping[str, Builder] = {
    "reticle-s": lambda num_classes, _size: ReticleS(num_classes),
    "ssdlite320": lambda num_classes, size: SsdLite(num_classes, image_size=size),
}
