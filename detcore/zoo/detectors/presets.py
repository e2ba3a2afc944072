"""Classics as what they are put together of."""

from __future__ import annotations

from detcore.zoo.detectors.composed import Composed
from detcore.zoo.specs.written_here import DssdOptions, YoloOptions


def build(num_classes: int, _image_size: int, options: YoloOptions | DssdOptions) -> Composed:
    return Composed(num_classes, options.parts())
