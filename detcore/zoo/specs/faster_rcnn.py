"""The card of torchvision's Faster R-CNN."""

from __future__ import annotations

from dataclasses import dataclass

from detcore.zoo.spec import Cost, DetectorSpec, InputRule, Recipe, WeightsInfo, option
from detcore.zoo.specs.torchvision_options import (
    FIRST,
    LICENCE,
    MOBILENET,
    RESNET,
    SECOND,
    WEIGHTS_TEXT,
    backbone_option,
    coco_file,
    freeze_norm_option,
    trunk_files,
    version_option,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FasterRcnnOptions:
    backbone: str = backbone_option()
    version: str = version_option()
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
    looked_at: int = option(
        1000,
        label="Looked at",
        help="How many proposals of an image the second stage looks at to predict. 150 are enough at 320 pixels.",
        low=10,
        high=4000,
        step=10,
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
            coco_file(
                "faster-rcnn-coco",
                "fasterrcnn_resnet50_fpn_coco-258fb6c6",
                159.743,
                backbone=RESNET,
                version=FIRST,
            ),
            coco_file(
                "faster-rcnn-v2-coco",
                "fasterrcnn_resnet50_fpn_v2_coco-dd69338a",
                167.104,
                backbone=RESNET,
                version=SECOND,
            ),
            coco_file(
                "faster-rcnn-mobilenet-coco",
                "fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7",
                74.239,
                backbone=MOBILENET,
                version=FIRST,
            ),
            coco_file(
                "faster-rcnn-mobilenet-320-coco",
                "fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9",
                74.239,
                backbone=MOBILENET,
                version=FIRST,
                looked_at=150,
            ),
            *trunk_files("faster-rcnn"),
        ),
        licence=LICENCE,
    ),
    paper="Ren et al., Faster R-CNN, 2015, arXiv:1506.01497; its pyramid is of Lin et al. 2017, arXiv:1612.03144.",
    wants="gpu",
    cost=Cost(macs=90.72, values=320.7),
    build="detcore.zoo.detectors.faster_rcnn:build",
    options=FasterRcnnOptions,
)
