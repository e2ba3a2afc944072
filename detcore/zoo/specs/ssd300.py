"""The card of torchvision's SSD300."""

from __future__ import annotations

from detcore.zoo.spec import Cost, DetectorSpec, InputRule, Recipe, WeightsInfo
from detcore.zoo.specs.torchvision_options import LICENCE, WEIGHTS_TEXT, coco_file, imagenet_file

SPEC = DetectorSpec(
    id="ssd300-vgg16",
    title="SSD300 VGG16",
    family="torchvision",
    text="The classic of single-shot detectors, to compare with. Six maps of coarse to fine default boxes; small "
    "objects are not its strength. Start it from a torchvision weights file.",
    licence=LICENCE,
    parameters=24.0,
    input=InputRule(
        image_size=320,
        mean=(0.48235, 0.45882, 0.40784),
        std=(1 / 255, 1 / 255, 1 / 255),
        resize="stretch",
        one_size=True,
    ),
    # torchvision's reference: 0.002 for 32 images.
    recipe=Recipe(learning_rate=5e-4, batch_size=8, optimiser="sgd", weight_decay=5e-4, schedule="steps"),
    weights=WeightsInfo(
        text=WEIGHTS_TEXT,
        files=(
            coco_file("ssd300-vgg16-coco", "ssd300_vgg16_coco-b556d3b4", 135.988),
            imagenet_file("ssd300-vgg16-imagenet", "vgg16_features-amdegroot-88682ab5", 527.802),
        ),
        licence=LICENCE,
    ),
    paper="Liu et al., SSD: Single Shot MultiBox Detector, 2016, arXiv:1512.02325.",
    wants="weights",
    cost=Cost(macs=34.31, values=60.7),
    build="detcore.zoo.detectors.ssd300:build",
    deploy="detcore.zoo.detectors.ssd300:dense",
)
