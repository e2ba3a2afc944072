"""What torchvision's detectors have in common: how images, targets and answers go in and out, and backbones."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torchvision.models import resnet18, resnet50  # pyright: ignore[reportMissingTypeStubs]
from torchvision.models.detection.backbone_utils import (  # pyright: ignore[reportMissingTypeStubs]
    BackboneWithFPN,
    mobilenet_backbone,
)
from torchvision.models.detection.image_list import ImageList  # pyright: ignore[reportMissingTypeStubs]
from torchvision.models.detection.transform import (  # pyright: ignore[reportMissingTypeStubs]
    GeneralizedRCNNTransform,
)
from torchvision.ops import FrozenBatchNorm2d  # pyright: ignore[reportMissingTypeStubs]
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock  # pyright: ignore[reportMissingTypeStubs]

from detcore.zoo.base import DenseNet, Found, Look, Selection, Target
from detcore.zoo.spec import InputRule

Heard = dict[nn.Module, Any]
PYRAMID_WIDTH = 256
_RESNETS: Mapping[str, Callable[..., nn.Module]] = {"resnet50": resnet50, "resnet18": resnet18}
_ALL_MOBILENET_STAGES = 6


class Normalise(GeneralizedRCNNTransform):
    """Values as a card wants them; images keep their size, or are stretched to a square of ``side`` pixels."""

    def __init__(self, rule: InputRule, *, side: int | None = None) -> None:
        low, high = rule.value_range
        super().__init__(
            min_size=1,
            max_size=1,
            image_mean=[(mean - low) / (high - low) for mean in rule.mean],
            image_std=[std / (high - low) for std in rule.std],
            size_divisible=1,
            fixed_size=None if side is None else (side, side),
        )

    def resize(
        self, image: Tensor, target: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor] | None]:
        if self.fixed_size is None:
            return image, target
        return super().resize(image, target)


def pyramid_backbone(
    name: str,
    *,
    freeze_norm: bool,
    resnet_stages: list[int],
    mobilenet_stages: list[int],
    extra_blocks: ExtraFPNBlock | None = None,
    norm_pyramid: bool = False,
) -> nn.Module:
    """A feature pyramid over ``resnet50``, ``resnet18`` or ``mobilenet_v3_large``, random, all of it trained.

    Stages are counted as torchvision does. With ``freeze_norm`` batch norms of the trunk are fixed, as suits pretrained
    weights and few images a step. With ``norm_pyramid`` the pyramid of a ResNet has some of its own, which learn.
    """
    norm = FrozenBatchNorm2d if freeze_norm else nn.BatchNorm2d
    if name in _RESNETS:
        trunk = _RESNETS[name](weights=None, norm_layer=norm)
        narrowest = trunk_width(name) // 8
        return BackboneWithFPN(
            trunk,
            {f"layer{stage}": str(place) for place, stage in enumerate(resnet_stages)},
            [narrowest * 2 ** (stage - 1) for stage in resnet_stages],
            PYRAMID_WIDTH,
            extra_blocks=extra_blocks,
            norm_layer=nn.BatchNorm2d if norm_pyramid else None,
        )
    return mobilenet_backbone(
        backbone_name=name,
        fpn=True,
        trainable_layers=_ALL_MOBILENET_STAGES,
        returned_layers=mobilenet_stages,
        weights=None,
        norm_layer=norm,
        extra_blocks=extra_blocks,
    )


def trunk_width(name: str) -> int:
    """Channels of the coarsest map of a trunk."""
    return {"resnet50": 2048, "resnet18": 512}.get(name, 960)


def pyramid_stages(net: Any) -> list[nn.Module]:
    """The stages of the trunk below the pyramid that ``pyramid_backbone`` made for a net."""
    return [stage for stage in net.backbone.body.children() if any(stage.children())]


def named_losses(net: nn.Module, images: Tensor, targets: list[Target], *, shift: int) -> dict[str, Tensor]:
    """torchvision's losses under its own names. ``shift`` is 1 where label 0 is background."""
    own = [{"boxes": target["boxes"], "labels": target["labels"] + shift} for target in targets]
    return cast("dict[str, Tensor]", net(list(images), own))


def detect_and_hear(
    net: nn.Module, images: Tensor, *parts: nn.Module, shift: int
) -> tuple[list[Found], Heard]:
    """What torchvision's net finds, and what each of its ``parts`` said on the way, which it keeps to itself."""
    heard: Heard = {}

    def hear(part: nn.Module, _inputs: Any, output: Any) -> None:
        heard[part] = output

    handles = [part.register_forward_hook(hear) for part in parts]
    try:
        found = cast("list[dict[str, Tensor]]", net(list(images)))
    finally:
        for handle in handles:
            handle.remove()
    return [
        Found(boxes=item["boxes"], labels=item["labels"] - shift, scores=item["scores"].float())
        for item in found
    ], heard


def dense_looks(
    net: Any,
    images: Tensor,
    *,
    shift: int,
    chances: Callable[[Mapping[str, Tensor]], Tensor],
    decode: Callable[[Tensor, Tensor], Tensor],
) -> list[Look]:
    """How a net with one head over anchors sees images.

    ``chances`` gives scores (B, A, K) of what the head says; ``decode`` boxes (A, 4) of what it says of one image's
    boxes and of the anchors.
    """
    found, heard = detect_and_hear(net, images, net.head, net.anchor_generator, shift=shift)
    answers: Mapping[str, Tensor] = heard[net.head]
    scores = chances(answers)
    height, width = images.shape[-2:]
    side = net.transform.fixed_size
    stretch = scores.new_tensor([width / side[1], height / side[0]] * 2 if side else [1.0] * 4)
    return [
        Look(found=item, boxes=decode(regression, anchors) * stretch, scores=image_scores)
        for item, regression, anchors, image_scores in zip(
            found, answers["bbox_regression"], heard[net.anchor_generator], scores, strict=True
        )
    ]


class _DenseAnswers(nn.Module):
    """What ``dense_looks`` says of squares of one size, for any number of them at a time: the anchors are fixed."""

    def __init__(
        self,
        net: Any,
        *,
        side: int,
        chances: Callable[[Mapping[str, Tensor]], Tensor],
        decode: Callable[[Tensor, Tensor], Tensor],
    ) -> None:
        super().__init__()
        self.net, self.chances, self.decode = net, chances, decode
        images = torch.zeros(1, 3, side, side)
        with torch.no_grad():
            maps = list(net.backbone(images).values())
        self.register_buffer("anchors", net.anchor_generator(ImageList(images, [(side, side)]), maps)[0])
        for name in ("mean", "std"):
            values = torch.tensor(getattr(net.transform, f"image_{name}"))
            self.register_buffer(name, values[:, None, None])

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        normal = (images - cast("Tensor", self.mean)) / cast("Tensor", self.std)
        answers: Mapping[str, Tensor] = self.net.head(list(self.net.backbone(normal).values()))
        count = images.shape[0]
        anchors = cast("Tensor", self.anchors).expand(count, -1, -1).reshape(-1, 4)
        boxes = self.decode(answers["bbox_regression"].reshape(-1, 4), anchors)
        return boxes.reshape(count, -1, 4), self.chances(answers)


def dense_net(
    net: Any,
    image_size: int,
    *,
    chances: Callable[[Mapping[str, Tensor]], Tensor],
    decode: Callable[[Tensor, Tensor], Tensor],
) -> DenseNet:
    """A net with one head over anchors as it leaves the program; functions as in ``dense_looks``. torchvision limits
    the candidates of a level or a class, a ``Selection`` those of an image."""
    side = image_size if net.transform.fixed_size is None else net.transform.fixed_size[0]
    selection = Selection(
        score_floor=net.score_thresh, nms_iou=net.nms_thresh, max_detections=net.detections_per_img
    )
    answers = _DenseAnswers(net.eval(), side=side, chances=chances, decode=decode)
    return DenseNet(net=answers, side=side, selection=selection)


def softmax_chances(answers: Mapping[str, Tensor]) -> Tensor:
    """Scores of the classes where label 0 is background."""
    return torch.softmax(answers["cls_logits"], dim=-1)[..., 1:]


def answer_in_fp32(*parts: nn.Module) -> None:
    """Let what follows after these parts, decoding and losses, be in fp32, whatever the convolutions ran in."""
    for part in parts:
        part.register_forward_hook(lambda _part, _inputs, output: _to_fp32(output))


def _to_fp32(output: Any) -> Any:
    if isinstance(output, Tensor):
        return output.float()
    if isinstance(output, dict):
        return {name: _to_fp32(value) for name, value in cast("dict[str, Any]", output).items()}
    return type(output)(_to_fp32(value) for value in output)


def current_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a published file under the names that torchvision has today: until 0.13 convolutions of
    pyramids and proposal heads were not wrapped."""
    rules = (
        (r"\bfpn\.(inner|layer)_blocks\.(\d+)\.(weight|bias)$", r"fpn.\1_blocks.\2.0.\3"),
        (r"\brpn\.head\.conv\.(weight|bias)$", r"rpn.head.conv.0.0.\1"),
    )
    return {_renamed(name, rules): tensor for name, tensor in tensors.items()}


def _renamed(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name
