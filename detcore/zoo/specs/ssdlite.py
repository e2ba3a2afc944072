"""The card of torchvision's SSDlite."""

from __future__ import annotations

from detcore.zoo.spec import Cost, DetectorSpec, InputRule, Recipe, WeightsInfo
from detcore.zoo.specs.torchvision_options import coco_file

SPEC = DetectorSpec(
    id="ssdlite320",
    title="SSDlite MobileNetV3",
    family="torchvision",
    text="Fast at prediction and widely deployed. Learns slowly from scratch: give it a "
    "torchvision weights file, or many images.",
    licence="BSD-3-Clause",
    parameters=2.2,
    input=InputRule(
        image_size=320, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), resize="stretch", one_size=True
    ),
    # Its deepest maps are of one pixel, and there a batch norm knows no spread of a single image.
    recipe=Recipe(learning_rate=2e-3, batch_size=16, smallest_batch=2),
    weights=WeightsInfo(
        text="Takes a torchvision file (COCO weights) or an earlier run; layers that do not "
        "fit are listed and start afresh.",
        files=(coco_file("ssdlite320-coco", "ssdlite320_mobilenet_v3_large_coco-a79551df", 13.418),),
        licence="BSD-3-Clause",
    ),
    paper="Howard et al., Searching for MobileNetV3, 2019, arXiv:1905.02244; SSD is of Liu et al. 2016, arXiv:1512.02325.",
    wants="weights",
    cost=Cost(macs=0.41, values=27.2),
    build="detcore.zoo.detectors.ssdlite:build",
    deploy="detcore.zoo.detectors.ssdlite:dense",
)
