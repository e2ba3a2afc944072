"""torchvision's FCOS (Tian et al. 2019), as one of our detectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torchvision.models.detection import FCOS  # pyright: ignore[reportMissingTypeStubs]
from torchvision.ops.feature_pyramid_network import LastLevelP6P7  # pyright: ignore[reportMissingTypeStubs]

from detcore.zoo.base import MAX_DETECTIONS, SCORE_FLOOR, DenseNet, Detector, Look, Target
from detcore.zoo.class_rows import ClassRows
from detcore.zoo.parts.torchvision_nets import (
    Normalise,
    answer_in_fp32,
    current_names,
    dense_looks,
    dense_net,
    named_losses,
    pyramid_backbone,
    pyramid_stages,
)
from detcore.zoo.specs.fcos import SPEC, FcosOptions


class FcosDetector(Detector):
    """Each class has a sigmoid of its own, so there is no background and labels stay as they are; a score is the
    root of class times centredness.

    Strides 8 to 128. Its losses know no ``ignore`` areas.
    """

    class_rows: Mapping[str, ClassRows] = {"net.head.classification_head.cls_logits.*": ClassRows()}

    def __init__(self, num_classes: int, options: FcosOptions) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.net = FCOS(
            pyramid_backbone(
                options.backbone,
                freeze_norm=options.freeze_norm,
                resnet_stages=[2, 3, 4],
                mobilenet_stages=[2, 3, 5],
                extra_blocks=LastLevelP6P7(256, 256),
            ),
            num_classes,
            center_sampling_radius=options.centre_radius,
            score_thresh=SCORE_FLOOR,
            detections_per_img=MAX_DETECTIONS,
        )
        self.net.transform = Normalise(SPEC.input)
        answer_in_fp32(self.net.head)

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        return named_losses(self.net, images, targets, shift=0)

    def look(self, images: Tensor) -> list[Look]:
        decode = cast("Any", self.net).box_coder.decode
        return dense_looks(self.net, images, shift=0, chances=_chances, decode=decode)

    def stages(self) -> list[nn.Module]:
        return pyramid_stages(self.net)

    def published(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return current_names(tensors)


def _chances(answers: Mapping[str, Tensor]) -> Tensor:
    return (torch.sigmoid(answers["cls_logits"]) * torch.sigmoid(answers["bbox_ctrness"])).sqrt()


def build(num_classes: int, _image_size: int, options: FcosOptions) -> FcosDetector:
    return FcosDetector(num_classes, options)


def dense(detector: FcosDetector, image_size: int) -> DenseNet:
    net = cast("Any", detector.net)
    return dense_net(net, image_size, chances=_chances, decode=net.box_coder.decode)
