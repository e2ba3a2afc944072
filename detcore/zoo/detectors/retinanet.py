"""torchvision's RetinaNet (Lin et al. 2017), as one of our detectors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torchvision.models.detection import RetinaNet  # pyright: ignore[reportMissingTypeStubs]
from torchvision.models.detection.retinanet import (  # pyright: ignore[reportMissingTypeStubs]
    RetinaNetHead,
)
from torchvision.ops.feature_pyramid_network import LastLevelP6P7  # pyright: ignore[reportMissingTypeStubs]

from detcore.zoo.base import MAX_DETECTIONS, SCORE_FLOOR, DenseNet, Detector, Look, Target
from detcore.zoo.class_rows import ClassRows
from detcore.zoo.parts.torchvision_nets import (
    PYRAMID_WIDTH,
    Normalise,
    answer_in_fp32,
    current_names,
    dense_looks,
    dense_net,
    named_losses,
    pyramid_backbone,
    pyramid_stages,
    trunk_width,
)
from detcore.zoo.specs.retinanet import SPEC, RetinaNetOptions
from detcore.zoo.specs.torchvision_options import SECOND

_NORM_GROUPS = 32
_OLD_TOWER = re.compile(r"_head\.conv\.(\d)\.(weight|bias)$")


class RetinaNetDetector(Detector):
    """Each class has a sigmoid of its own, so there is no background and labels stay as they are.

    Strides 8 to 128. Its losses know no ``ignore`` areas.
    """

    class_rows: Mapping[str, ClassRows] = {"net.head.classification_head.cls_logits.*": ClassRows()}

    def __init__(self, num_classes: int, options: RetinaNetOptions) -> None:
        super().__init__()
        self.num_classes = num_classes
        second = options.version == SECOND
        coarsest = trunk_width(options.backbone) if second else PYRAMID_WIDTH
        self.net = RetinaNet(
            pyramid_backbone(
                options.backbone,
                freeze_norm=options.freeze_norm,
                resnet_stages=[2, 3, 4],
                mobilenet_stages=[2, 3, 5],
                extra_blocks=LastLevelP6P7(coarsest, PYRAMID_WIDTH),
            ),
            num_classes,
            score_thresh=SCORE_FLOOR,
            detections_per_img=MAX_DETECTIONS,
        )
        if second:
            each: int = cast("Any", self.net).anchor_generator.num_anchors_per_location()[0]
            head = RetinaNetHead(
                PYRAMID_WIDTH, each, num_classes, norm_layer=partial(nn.GroupNorm, _NORM_GROUPS)
            )
            head.regression_head._loss_type = "giou"  # pyright: ignore[reportPrivateUsage]
            self.net.head = head
        self.net.transform = Normalise(SPEC.input)
        answer_in_fp32(cast("Any", self.net).head)

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        return named_losses(self.net, images, targets, shift=0)

    def look(self, images: Tensor) -> list[Look]:
        decode = cast("Any", self.net).box_coder.decode_single
        return dense_looks(self.net, images, shift=0, chances=_chances, decode=decode)

    def stages(self) -> list[nn.Module]:
        return pyramid_stages(self.net)

    def published(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """In files from before 0.13 the towers count their activations, too."""
        return {
            _OLD_TOWER.sub(lambda found: f"_head.conv.{int(found[1]) // 2}.0.{found[2]}", name): tensor
            for name, tensor in current_names(tensors).items()
        }


def _chances(answers: Mapping[str, Tensor]) -> Tensor:
    return torch.sigmoid(answers["cls_logits"])


def build(num_classes: int, _image_size: int, options: RetinaNetOptions) -> RetinaNetDetector:
    return RetinaNetDetector(num_classes, options)


def dense(detector: RetinaNetDetector, image_size: int) -> DenseNet:
    net = cast("Any", detector.net)
    return dense_net(net, image_size, chances=_chances, decode=net.box_coder.decode_single)
