"""The cards of detectors that are written here on the same parts: classics, to learn from and to compare with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from detcore.zoo.anchors import Progress, Sizes
from detcore.zoo.spec import Anchors, Cost, DetectorSpec, FromBoxes, InputRule, Recipe, WeightsInfo
from detcore.zoo.specs.compose import (
    ComposeOptions,
    anchors,
    anchors_option,
    backbone_option,
    fit,
    from_boxes,
)

_LICENCE = "Apache-2.0"
_DEPLOY = "detcore.zoo.parts.post.dense:dense"
_NOTHING = WeightsInfo(text="Starts from nothing, or from the best weights of an earlier run.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DssdOptions:
    backbone: str = backbone_option()

    def parts(self) -> ComposeOptions:
        """DSSD's: the head and losses of SSD on a deconvolution neck (Fu et al. 2017)."""
        return ComposeOptions(
            backbone=self.backbone,
            neck="dssd",
            head="ssd",
            assigner="bipartite",
            box_loss="smooth-l1",
            class_loss="hard-negatives",
            levels=5,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class YoloOptions:
    backbone: str = backbone_option()
    anchors: str = anchors_option()

    def parts(self) -> ComposeOptions:
        """Anchors on a path aggregation neck, learned in neighbouring cells (as YOLOv5 does)."""
        return ComposeOptions(
            backbone=self.backbone,
            neck="pan",
            head="grid",
            assigner="neighbours",
            box_loss="ciou",
            class_loss="bce",
            anchors=self.anchors,
        )


def _fit(spec: DetectorSpec, options: DssdOptions | YoloOptions) -> DetectorSpec:
    return fit(spec, options.parts())


def _from_boxes(options: YoloOptions, sizes: Sizes, progress: Progress) -> FromBoxes:
    found = from_boxes(options.parts(), sizes, progress)
    return FromBoxes(options=replace(options, anchors=found.options.anchors), note=found.note)


def _anchors(options: YoloOptions) -> Anchors | None:
    return anchors(options.parts())


CENTERNET = DetectorSpec(
    id="centernet",
    title="CenterNet",
    text="An object is a peak of a heat map, at the middle of its box. For many small objects that do not lie on one another.",
    licence=_LICENCE,
    parameters=0.8,
    family="written here",
    input=InputRule(image_size=320),
    recipe=Recipe(learning_rate=2e-3, batch_size=8),
    weights=_NOTHING,
    paper="Zhou et al., Objects as Points, 2019, arXiv:1904.07850.",
    cost=Cost(macs=1.32, values=11.5),
    build="detcore.zoo.detectors.centernet:build",
    deploy=_DEPLOY,
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
    paper="Law and Deng, CornerNet: Detecting Objects as Paired Keypoints, 2018, arXiv:1808.01244.",
    wants="gpu",
    cost=Cost(macs=4.05, values=29.1),
    build="detcore.zoo.detectors.cornernet:build",
    suppression="soft-gaussian",
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
    paper="YOLOv5 has no paper; it goes back to Redmon and Farhadi, YOLOv3, 2018, arXiv:1804.02767.",
    cost=Cost(macs=0.41, values=6.5),
    build="detcore.zoo.detectors.presets:build",
    deploy=_DEPLOY,
    options=YoloOptions,
    fit=_fit,
    from_boxes=_from_boxes,
    anchors=_anchors,
    masks_ignored=True,
)

DSSD = DetectorSpec(
    id="dssd",
    title="DSSD",
    text="SSD whose fine maps are told what coarse ones mean: small objects are what SSD misses.",
    licence=_LICENCE,
    parameters=1.3,
    family="written here",
    input=InputRule(image_size=320),
    recipe=Recipe(learning_rate=1e-3, batch_size=8),
    weights=_NOTHING,
    paper="Fu et al., DSSD: Deconvolutional Single Shot Detector, 2017, arXiv:1701.06659.",
    cost=Cost(macs=0.6, values=8.2),
    build="detcore.zoo.detectors.presets:build",
    deploy=_DEPLOY,
    options=DssdOptions,
    fit=_fit,
    masks_ignored=True,
)

CARDS = (YOLO_V5, CENTERNET, CORNERNET, DSSD)
"""In the order in which they are offered."""
