"""The card of torchvision's RetinaNet."""

from __future__ import annotations

from dataclasses import dataclass

from detcore.zoo.spec import Cost, DetectorSpec, InputRule, Recipe, WeightsInfo
from detcore.zoo.specs.torchvision_options import (
    FIRST,
    LICENCE,
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
class RetinaNetOptions:
    backbone: str = backbone_option()
    version: str = version_option()
    freeze_norm: bool = freeze_norm_option()


SPEC = DetectorSpec(
    id="retinanet",
    title="RetinaNet",
    family="torchvision",
    text="One pass over anchors of all sizes with the focal loss; a solid baseline that papers compare with. "
    "Wants a GPU, and a torchvision weights file to start from.",
    licence=LICENCE,
    parameters=32.2,
    input=InputRule(image_size=640),
    # torchvision's reference: 0.01 for 16 images.
    recipe=Recipe(
        learning_rate=2.5e-3,
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
                "retinanet-coco",
                "retinanet_resnet50_fpn_coco-eeacb38b",
                130.267,
                backbone=RESNET,
                version=FIRST,
            ),
            coco_file(
                "retinanet-v2-coco",
                "retinanet_resnet50_fpn_v2_coco-5905b1c5",
                146.037,
                backbone=RESNET,
                version=SECOND,
            ),
            *trunk_files("retinanet"),
        ),
        licence=LICENCE,
    ),
    paper="Lin et al., Focal Loss for Dense Object Detection, 2017, arXiv:1708.02002.",
    wants="gpu",
    cost=Cost(macs=81.32, values=301.6),
    build="detcore.zoo.detectors.retinanet:build",
    deploy="detcore.zoo.detectors.retinanet:dense",
    options=RetinaNetOptions,
)
