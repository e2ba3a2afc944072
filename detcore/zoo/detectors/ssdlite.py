"""torchvision's SSDlite with a MobileNetV3 backbone, as one of our detectors."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torchvision.models.detection import ssdlite320_mobilenet_v3_large  # pyright: ignore[reportMissingTypeStubs]
from torchvision.models.detection.transform import (  # pyright: ignore[reportMissingTypeStubs]
    GeneralizedRCNNTransform,
)

from detcore.zoo.base import MAX_DETECTIONS, SCORE_FLOOR, Detector, Found, Look, Target
from detcore.zoo.spec import NoOptions
from detcore.zoo.specs.ssdlite import SPEC


class SsdLite(Detector):
    """Label 0 is background inside, so labels are shifted by one on the way in and out.

    Frames are stretched to a square of ``image_size``. ``ignore`` areas are not known to it.
    """

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
        self.net.transform = GeneralizedRCNNTransform(
            image_size,
            image_size,
            list(SPEC.input.mean),
            list(SPEC.input.std),
            size_divisible=1,
            fixed_size=(image_size, image_size),
        )
        cast("nn.Module", self.net.head).register_forward_hook(_to_fp32)

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        shifted = [{"boxes": target["boxes"], "labels": target["labels"] + 1} for target in targets]
        found = cast("dict[str, Tensor]", self.net(list(images), shifted))
        return {"class": found["classification"], "box": found["bbox_regression"]}

    def look(self, images: Tensor) -> list[Look]:
        """The steps of torchvision's SSD, which keeps its answers to itself."""
        net = cast("Any", self.net)
        height, width = images.shape[-2:]
        shown, _ = net.transform(list(images))
        features = list(net.backbone(shown.tensors).values())
        answers = net.head(features)
        anchors = net.anchor_generator(shown, features)
        found = net.postprocess_detections(answers, anchors, shown.image_sizes)
        found = net.transform.postprocess(found, shown.image_sizes, [(height, width)] * len(images))
        chances = torch.softmax(answers["cls_logits"], dim=-1)[..., 1:]
        looks: list[Look] = []
        for place, item in enumerate(found):
            boxes = net.box_coder.decode_single(answers["bbox_regression"][place], anchors[place])
            shown_height, shown_width = shown.image_sizes[place]
            stretch = boxes.new_tensor([width / shown_width, height / shown_height] * 2)
            kept = Found(boxes=item["boxes"], labels=item["labels"] - 1, scores=item["scores"].float())
            looks.append(Look(found=kept, boxes=boxes * stretch, scores=chances[place]))
        return looks


def build(num_classes: int, image_size: int, _options: NoOptions) -> SsdLite:
    return SsdLite(num_classes, image_size=image_size)


def _to_fp32(_head: nn.Module, _inputs: Any, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Decoding and losses in fp32, whatever the convolutions ran in."""
    return {name: value.to(torch.float32) for name, value in outputs.items()}
