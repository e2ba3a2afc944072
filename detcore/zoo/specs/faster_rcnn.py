"""The card of torchvision's Faster R-CNN."""

from __future__ import annotations

from dataclasses import dataclass

from detcore.zoo.spec import DetectorSpec, InputRule, Recipe, WeightsInfo, option
from detcore.zoo.specs.torchvision_options import (
    LICENCE,
    MOBILENET,
    RESNET,
    WEIGHTS_TEXT,
    backbone_option,
    coco_file,
    freeze_norm_option,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FasterRcnnOptions:
    backbone: str = backbone_option()
    freeze_norm: bool = freeze_norm_option()
    regions: int = option(
        512,
        label="Regions",
        help="How many proposals of an image the second stage learns from. On a processor 64 to 128 are much faster.",
        low=16,
        high=2048,
        step=16,
        advanced=True,
    )


SPEC = DetectorSpec(
    id="faster-rcnn",
    title="Faster R-CNN",
    family="torchvision",
    text="In two stages: proposals first, then a look at each. Exact boxes, slow; the usual choice where precision "
    "counts more than speed. Wants a GPU, and a torchvision weights file to start from.",
    licence=LICENCE,
    parameters=41.4,
    input=InputRule(image_size=640),
    # torchvision's reference: 0.02 for 16 images.
    recipe=Recipe(
        learning_rate=5e-3,
        batch_size=4,
        largest_batch=8,
        optimiser="sgd",
        weight_decay=1e-4,
        schedule="steps",
    ),
    weights=WeightsInfo(
        text=WEIGHTS_TEXT,
        files=(
            coco_file("faster-rcnn-coco", "fasterrcnn_resnet50_fpn_coco-258fb6c6", 159.743, backbone=RESNET),
            coco_file(
                "faster-rcnn-mobilenet-coco",
                "fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7",
                74.239,
                backbone=MOBILENET,
            ),
        ),
        licence=LICENCE,
    ),
    build="detcore.zoo.detectors.faster_rcnn:build",
    options=FasterRcnnOptions,
)
