"""Classics as what they are put together of."""

from __future__ import annotations

from detcore.zoo.detectors.composed import Composed
from detcore.zoo.specs.compose import ComposeOptions
from detcore.zoo.specs.written_here import BackboneOption


def yolo_anchors(num_classes: int, _image_size: int, options: BackboneOption) -> Composed:
    """Anchors on a path aggregation neck, learned in neighbouring cells (as YOLOv5 does)."""
    parts = ComposeOptions(
        backbone=options.backbone,
        neck="pan",
        head="grid",
        assigner="neighbours",
        box_loss="ciou",
        class_loss="bce",
    )
    return Composed(num_classes, parts)


def dssd(num_classes: int, _image_size: int, options: BackboneOption) -> Composed:
    """SSD's head and losses on a deconvolution neck (Fu et al. 2017)."""
    parts = ComposeOptions(
        backbone=options.backbone,
        neck="dssd",
        head="ssd",
        assigner="bipartite",
        box_loss="smooth-l1",
        class_loss="hard-negatives",
        levels=5,
    )
    return Composed(num_classes, parts)
