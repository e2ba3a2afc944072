"""The card of torchvision's FCOS."""

from __future__ import annotations

from dataclasses import dataclass

from detcore.zoo.spec import Cost, DetectorSpec, InputRule, Recipe, WeightsInfo, option
from detcore.zoo.specs.torchvision_options import (
    LICENCE,
    RESNET,
    WEIGHTS_TEXT,
    backbone_option,
    coco_file,
    freeze_norm_option,
    trunk_files,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FcosOptions:
    backbone: str = backbone_option()
    freeze_norm: bool = freeze_norm_option()
    centre_radius: float = option(
        1.5,
        label="Centre radius",
        help="How far from the middle of an object, in strides, places learn it.",
        low=0.5,
        high=5.0,
        step=0.5,
        advanced=True,
    )


SPEC = DetectorSpec(
    id="fcos",
    title="FCOS",
    family="torchvision",
    text="Without anchors: each place tells the distances to the edges of its object. Good where objects are of "
    "uncommon shapes. Wants a GPU, and a torchvision weights file to start from.",
    licence=LICENCE,
    parameters=32.1,
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
            coco_file("fcos-coco", "fcos_resnet50_fpn_coco-99b0c9b7", 123.608, backbone=RESNET),
            *trunk_files("fcos"),
        ),
        licence=LICENCE,
    ),
    paper="Tian et al., FCOS: Fully Convolutional One-Stage Object Detection, 2019, arXiv:1904.01355.",
    wants="gpu",
    cost=Cost(macs=80.24, values=318.3),
    build="detcore.zoo.detectors.fcos:build",
    deploy="detcore.zoo.detectors.fcos:dense",
    options=FcosOptions,
)
