"""The cards of detectors that are written here on the same parts: classics, to learn from and to compare with."""

from __future__ import annotations

from dataclasses import dataclass

from detcore.zoo.spec import DetectorSpec, InputRule, Recipe, WeightsInfo, option
from detcore.zoo.specs.compose import BACKBONES

_LICENCE = "Apache-2.0"
_NOTHING = WeightsInfo(text="Starts from nothing, or from the best weights of an earlier run.")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneOption:
    backbone: str = option(
        "split", label="Backbone", help="What makes features of an image.", choices=BACKBONES
    )


CENTERNET = DetectorSpec(
    id="centernet",
    title="CenterNet",
    text="An object is a peak of a heat map, at the middle of its box. For many small objects that do not lie on one another.",
    licence=_LICENCE,
    parameters=1.0,
    family="written here",
    input=InputRule(image_size=320),
    recipe=Recipe(learning_rate=2e-3, batch_size=8),
    weights=_NOTHING,
    build="detcore.zoo.detectors.centernet:build",
    deploy="detcore.zoo.detectors.centernet:dense",
    masks_ignored=True,
)

CORNERNET = DetectorSpec(
    id="cornernet",
    title="CornerNet",
    text="An object is a pair of corners that were found apart. To learn from: slow, and it needs many images.",
    licence=_LICENCE,
    parameters=1.2,
    family="written here",
    input=InputRule(image_size=320),
    recipe=Recipe(learning_rate=2e-3, batch_size=8),
    weights=_NOTHING,
    build="detcore.zoo.detectors.cornernet:build",
    masks_ignored=True,
)

YOLO_V5 = DetectorSpec(
    id="yolo-anchors",
    title="YOLO with anchors",
    text="As the fifth YOLO learns: anchors in neighbouring cells, an objectness that is as sure as the box is good.",
    licence=_LICENCE,
    parameters=0.8,
    family="written here",
    input=InputRule(image_size=320),
    recipe=Recipe(learning_rate=2e-3, batch_size=8),
    weights=_NOTHING,
    build="detcore.zoo.detectors.presets:yolo_anchors",
    deploy="detcore.zoo.detectors.composed:dense",
    options=BackboneOption,
    masks_ignored=True,
)

DSSD = DetectorSpec(
    id="dssd",
    title="DSSD",
    text="SSD whose fine maps are told what coarse ones mean: small objects are what SSD misses.",
    licence=_LICENCE,
    parameters=1.0,
    family="written here",
    input=InputRule(image_size=320),
    recipe=Recipe(learning_rate=1e-3, batch_size=8),
    weights=_NOTHING,
    build="detcore.zoo.detectors.presets:dssd",
    deploy="detcore.zoo.detectors.composed:dense",
    options=BackboneOption,
    masks_ignored=True,
)

CARDS = (YOLO_V5, CENTERNET, CORNERNET, DSSD)
"""In the order in which they are offered."""
