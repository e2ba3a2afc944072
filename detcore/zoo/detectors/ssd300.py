"""torchvision's SSD300 with VGG16 (Liu et al. 2016), as one of our detectors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from torch import Tensor, nn
from torchvision.models.detection import ssd300_vgg16  # pyright: ignore[reportMissingTypeStubs]

from detcore.zoo.base import MAX_DETECTIONS, SCORE_FLOOR, DenseNet, Detector, Look, Target
from detcore.zoo.class_rows import ClassRows
from detcore.zoo.parts.torchvision_nets import (
    Normalise,
    answer_in_fp32,
    dense_looks,
    dense_net,
    named_losses,
    softmax_chances,
)
from detcore.zoo.spec import NoOptions
from detcore.zoo.specs.ssd300 import SPEC

SMALLEST_SIDE = 300
"""Below it the deepest map would have no pixel."""


_OF_CLASSIFIER = re.compile(r"^features\.(\d+)\.")
_SHARED_LAYERS = 23
"""Of VGG16, up to its fourth pooling."""


class Ssd300(Detector):
    """Label 0 is background inside, so labels are shifted by one on the way in and out.

    Frames are stretched to a square of ``image_size``, of 300 pixels at least. The default boxes of 300 pixels are
    those of the paper; those of larger squares are spread evenly over their maps. Its losses know no
    ``ignore`` areas. (With a small backbone it is SSDlite.)
    """

    class_rows: Mapping[str, ClassRows] = {"net.head.classification_head.module_list.*": ClassRows(before=1)}

    def __init__(self, num_classes: int, *, image_size: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.net = cast(
            "nn.Module",
            ssd300_vgg16(
                weights=None,
                weights_backbone=None,
                num_classes=num_classes + 1,
                score_thresh=SCORE_FLOOR,
                detections_per_img=MAX_DETECTIONS,
            ),
        )
        side = max(SMALLEST_SIDE, image_size)
        self.net.transform = Normalise(SPEC.input, side=side)
        if side != SMALLEST_SIDE:
            cast("Any", self.net.anchor_generator).steps = None
        answer_in_fp32(cast("nn.Module", self.net.head))

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        return named_losses(self.net, images, targets, shift=1)

    def look(self, images: Tensor) -> list[Look]:
        decode = cast("Any", self.net).box_coder.decode_single
        return dense_looks(self.net, images, shift=1, chances=softmax_chances, decode=decode)

    def published(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The last convolutions of a classifier are in front of the extra layers here."""
        return {_OF_CLASSIFIER.sub(_name_of_layer, name): tensor for name, tensor in tensors.items()}

    def stages(self) -> list[nn.Module]:
        backbone = cast("Any", self.net).backbone
        return [backbone.features, *backbone.extra]


def _name_of_layer(found: re.Match[str]) -> str:
    layer = int(found[1])
    if layer < _SHARED_LAYERS:
        return f"backbone.features.{layer}."
    return f"backbone.extra.0.{layer - _SHARED_LAYERS}."


def build(num_classes: int, image_size: int, _options: NoOptions) -> Ssd300:
    return Ssd300(num_classes, image_size=image_size)


def dense(detector: Ssd300, image_size: int) -> DenseNet:
    net = cast("Any", detector.net)
    return dense_net(net, image_size, chances=softmax_chances, decode=net.box_coder.decode_single)
