"""torchvision's Faster R-CNN (Ren et al. 2015) with a feature pyramid, as one of our detectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN  # pyright: ignore[reportMissingTypeStubs]
from torchvision.models.detection.anchor_utils import AnchorGenerator  # pyright: ignore[reportMissingTypeStubs]
from torchvision.models.detection.faster_rcnn import (  # pyright: ignore[reportMissingTypeStubs]
    FastRCNNConvFCHead,
)
from torchvision.models.detection.rpn import RPNHead  # pyright: ignore[reportMissingTypeStubs]

from detcore.evaluation.label_answers import ANSWER_FLOOR
from detcore.zoo.base import MAX_DETECTIONS, SCORE_FLOOR, Detector, Look, Target
from detcore.zoo.class_rows import ClassRows
from detcore.zoo.parts.torchvision_nets import (
    PYRAMID_WIDTH,
    Normalise,
    answer_in_fp32,
    current_names,
    detect_and_hear,
    named_losses,
    pyramid_backbone,
    pyramid_stages,
)
from detcore.zoo.specs.faster_rcnn import SPEC, FasterRcnnOptions
from detcore.zoo.specs.torchvision_options import MOBILENET, SECOND

_RATIOS = (0.5, 1.0, 2.0)


class FasterRcnnDetector(Detector):
    """Label 0 is background inside, so labels are shifted by one on the way in and out.

    All variants are built as torchvision builds them, so that its files fit: strides 4 to 64 with a ResNet, 32
    and 64 with MobileNetV3. Its losses know no ``ignore`` areas.
    """

    class_rows: Mapping[str, ClassRows] = {
        "net.roi_heads.box_predictor.cls_score.*": ClassRows(before=1),
        "net.roi_heads.box_predictor.bbox_pred.*": ClassRows(before=1, each=4),
    }

    def __init__(self, num_classes: int, options: FasterRcnnOptions) -> None:
        super().__init__()
        self.num_classes = num_classes
        more: dict[str, Any] = {}
        anchors = AnchorGenerator(((32,), (64,), (128,), (256,), (512,)), (_RATIOS,) * 5)
        if options.backbone == MOBILENET:
            anchors = AnchorGenerator(((32, 64, 128, 256, 512),) * 3, (_RATIOS,) * 3)
            more["rpn_score_thresh"] = 0.05
        second = options.version == SECOND
        if second:
            each: int = anchors.num_anchors_per_location()[0]
            more["rpn_head"] = RPNHead(PYRAMID_WIDTH, each, conv_depth=2)
            more["box_head"] = FastRCNNConvFCHead(
                (PYRAMID_WIDTH, 7, 7), [PYRAMID_WIDTH] * 4, [1024], norm_layer=nn.BatchNorm2d
            )
        self.net = FasterRCNN(
            pyramid_backbone(
                options.backbone,
                freeze_norm=options.freeze_norm,
                resnet_stages=[1, 2, 3, 4],
                mobilenet_stages=[4, 5],
                norm_pyramid=second,
            ),
            num_classes + 1,
            box_score_thresh=SCORE_FLOOR,
            box_detections_per_img=MAX_DETECTIONS,
            box_batch_size_per_image=options.regions,
            rpn_anchor_generator=anchors,
            rpn_pre_nms_top_n_test=options.looked_at,
            rpn_post_nms_top_n_test=options.looked_at,
            **more,
        )
        self.net.transform = Normalise(SPEC.input)
        net = cast("Any", self.net)
        answer_in_fp32(net.rpn.head, net.roi_heads.box_predictor)

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        return named_losses(self.net, images, targets, shift=1)

    def look(self, images: Tensor) -> list[Look]:
        """A place is a proposal with one class, for each class has a box of its own; those that say less than
        ``ANSWER_FLOOR`` are left out, or there would be some ten thousand."""
        heads, rpn = cast("Any", self.net).roi_heads, self.net.rpn
        found, heard = detect_and_hear(self.net, images, rpn, heads.box_predictor, shift=1)
        proposals: list[Tensor] = heard[rpn][0]
        logits, regression = heard[heads.box_predictor]
        counts = [len(rows) for rows in proposals]
        boxes = heads.box_coder.decode(regression, proposals)[:, 1:].split(counts)
        scores: tuple[Tensor, ...] = cast("Any", torch.softmax(logits, dim=-1)[:, 1:]).split(counts)
        looks: list[Look] = []
        for item, image_boxes, image_scores in zip(found, boxes, scores, strict=True):
            rows, labels = torch.nonzero(image_scores >= ANSWER_FLOOR, as_tuple=True)
            said = image_scores.new_zeros(len(rows), self.num_classes)
            said[torch.arange(len(rows), device=rows.device), labels] = image_scores[rows, labels]
            looks.append(Look(found=item, boxes=image_boxes[rows, labels], scores=said))
        return looks

    def stages(self) -> list[nn.Module]:
        return pyramid_stages(self.net)

    def published(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return current_names(tensors)


def build(num_classes: int, _image_size: int, options: FasterRcnnOptions) -> FasterRcnnDetector:
    return FasterRcnnDetector(num_classes, options)
