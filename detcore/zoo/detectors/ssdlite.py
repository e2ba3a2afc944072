"""torchvision's SSDlite with a MobileNetV3 backbone, as one of our detectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from torch import Tensor, nn
from torchvision.models.detection import ssdlite320_mobilenet_v3_large  # pyright: ignore[reportMissingTypeStubs]

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
from detcore.zoo.specs.ssdlite import SPEC


class SsdLite(Detector):
    """Label 0 is background inside, so labels are shifted by one on the way in and out.

    Frames are stretched to a square of ``image_size``. Its losses know no ``ignore`` areas.
    """

    class_rows: Mapping[str, ClassRows] = {
        "net.head.classification_head.module_list.[0-9].1.*": ClassRows(before=1)
    }

    def __init__(
        self,
        num_classes: int,
        *,
        image_size: int,
        score_floor: float = SCORE_FLOOR,
        max_detections: int = MAX_DETECTIONS,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.net = cast(
            "nn.Module",
            ssdlite320_mobilenet_v3_large(
                weights=None,
                weights_backbone=None,
                num_classes=num_classes + 1,
                score_thresh=score_floor,
                detections_per_img=max_detections,
            ),
        )
        self.net.transform = Normalise(SPEC.input, side=image_size)
        answer_in_fp32(cast("nn.Module", self.net.head))

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        found = named_losses(self.net, images, targets, shift=1)
        return {"class": found["classification"], "box": found["bbox_regression"]}

    def look(self, images: Tensor) -> list[Look]:
        decode = cast("Any", self.net).box_coder.decode_single
        return dense_looks(self.net, images, shift=1, chances=softmax_chances, decode=decode)

    def stages(self) -> list[nn.Module]:
        backbone = cast("Any", self.net).backbone
        return [*backbone.features, *backbone.extra]


def build(num_classes: int, image_size: int, _options: NoOptions) -> SsdLite:
    return SsdLite(num_classes, image_size=image_size)


def dense(detector: SsdLite, image_size: int) -> DenseNet:
    net = cast("Any", detector.net)
    return dense_net(net, image_size, chances=softmax_chances, decode=net.box_coder.decode_single)
