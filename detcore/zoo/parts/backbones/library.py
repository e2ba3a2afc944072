"""Backbones of timm and torchvision: from images to maps of halved sides, fine ones first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, cast

from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import shufflenet_v2_x1_0  # pyright: ignore[reportMissingTypeStubs]

from detcore.errors import ConfigError

_STRIDES = (8, 16, 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimmNet:
    """One of timm by its ``name`` there, made with some ``more`` arguments; ``single`` ones have all maps at one stride, as plain transformers do.
    One whose convolutions do not pad gets ``frame`` pixels before and behind each side, and of its maps those cells that
    lie on the image."""

    name: str
    single: bool = False
    frame: tuple[int, int] = (0, 0)
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])


TIMM_NETS: Mapping[str, TimmNet] = {
    "vgg16": TimmNet(name="vgg16_bn"),
    "resnet18": TimmNet(name="resnet18"),
    "resnet50": TimmNet(name="resnet50"),
    "resnet101": TimmNet(name="resnet101"),
    "resnext50": TimmNet(name="resnext50_32x4d"),
    "densenet121": TimmNet(name="densenet121"),
    # Its maps of 2n + 1 places, at stride 16, and 4n + 3, at 8, become n: 43 pixels more than 32 n make it so, and
    # with 34 of them before, the middle of a cell at stride 8 is where it belongs, to half a pixel.
    "inception-v3": TimmNet(name="inception_v3", frame=(34, 9)),
    "mobilenet-v1": TimmNet(name="mobilenetv1_100"),
    "mobilenet-v2": TimmNet(name="mobilenetv2_100"),
    "mobilenet-v3": TimmNet(name="mobilenetv3_large_100"),
    "ghostnet": TimmNet(name="ghostnet_100"),
    "efficientnet-b0": TimmNet(name="efficientnet_b0"),
    "efficientnet-lite0": TimmNet(name="efficientnet_lite0"),
    "darknet53": TimmNet(name="darknet53"),
    "csp-darknet53": TimmNet(name="cspdarknet53"),
    "csp-resnext50": TimmNet(name="cspresnext50"),
    "repvgg-a0": TimmNet(name="repvgg_a0"),
    # Both take images of any size: windows are padded, and position embeddings resized.
    "swin-tiny": TimmNet(name="swin_tiny_patch4_window7_224", more={"strict_img_size": False}),
    "vit-tiny": TimmNet(
        name="vit_tiny_patch16_224", single=True, more={"dynamic_img_size": True, "out_indices": (-1,)}
    ),
}
"""What users call them, and what timm does."""


class TimmBackbone(nn.Module):
    """A network of timm, random, as (B, 3, H, W) to maps at strides 8, 16 and 32 of ``widths`` channels."""

    widths: list[int]

    def __init__(self, key: str) -> None:
        super().__init__()
        net = TIMM_NETS[key]
        self.net: Any = timm_features(net.name, **net.more)
        self.frame = net.frame
        self._own_names = {_in_one(name): f"net.{name}" for name in self.net.state_dict()}
        channels, reductions = _channels_and_strides(self.net)
        if net.single:
            self.widths, self._chosen = [channels[-1]] * len(_STRIDES), (-1,)
            self.pyramid = SinglePyramid(channels[-1])
            return
        self._chosen = tuple(
            max(at for at, step in enumerate(reductions) if step == stride) for stride in _STRIDES
        )
        self.widths, self.pyramid = [channels[at] for at in self._chosen], None

    def forward(self, images: Tensor) -> list[Tensor]:
        height, width = images.shape[-2:]
        made: Sequence[Tensor] = self.net(
            functional.pad(images, self.frame * 2) if any(self.frame) else images
        )
        chosen = [made[at] for at in self._chosen]
        maps = [_channels_first(one, own) for one, own in zip(chosen, self.widths, strict=False)]
        if self.pyramid is not None:
            return cast("list[Tensor]", self.pyramid(maps[0]))
        return [
            features[..., -height // stride :, -width // stride :]
            for features, stride in zip(maps, _STRIDES, strict=True)
        ]

    def own_name(self, published: str) -> str | None:
        """What a tensor of a published classifier, of timm or of torchvision where that has the same names, is called here;
        ``None`` for others."""
        return self._own_names.get(_in_one(published))


def _in_one(name: str) -> str:
    """A name without what timm changes when it lets a network give maps: blocks become children of the whole, as ``blocks_0`` of
    ``blocks.0``, or all goes into a ``model``."""
    return name.removeprefix("model.").replace(".", "_")


class ShuffleNet(nn.Module):
    """ShuffleNet v2 (Ma et al. 2018) of torchvision, random, as (B, 3, H, W) to maps at strides 8, 16 and 32 of ``widths`` channels."""

    def __init__(self) -> None:
        super().__init__()
        net = shufflenet_v2_x1_0(weights=None)
        self.conv1, self.maxpool = net.conv1, net.maxpool
        self.stage2, self.stage3, self.stage4 = net.stage2, net.stage3, net.stage4
        self.widths = [116, 232, 464]

    def forward(self, images: Tensor) -> list[Tensor]:
        fine: Tensor = self.stage2(self.maxpool(self.conv1(images)))
        middle: Tensor = self.stage3(fine)
        return [fine, middle, self.stage4(middle)]

    def own_name(self, published: str) -> str | None:
        """What a tensor of torchvision's classifier is called here: the same; ``None`` for others."""
        return published if published in self.state_dict() else None


class SinglePyramid(nn.Module):
    """Maps at half and twice the stride of one (ViTDet, Li et al. 2022): a transposed convolution, the map itself, a max pooling."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.finer = nn.ConvTranspose2d(width, width, 2, 2)
        self.coarser = nn.MaxPool2d(2, ceil_mode=True)

    def forward(self, features: Tensor) -> list[Tensor]:
        return [self.finer(features), features, self.coarser(features)]


def timm_features(name: str, **more: Any) -> Any:
    """A network of timm that gives maps, random. Raises ConfigError where timm is not installed."""
    try:
        timm: Any = import_module("timm")
    except ImportError as error:
        raise ConfigError(
            f"timm, which has the backbone {name}, is not installed",
            hint="Install it with: pip install 'reticle[timm]'",
        ) from error
    return timm.create_model(name, pretrained=False, features_only=True, **more)


def _channels_and_strides(net: Any) -> tuple[list[int], list[int]]:
    return list(net.feature_info.channels()), list(net.feature_info.reduction())


def _channels_first(features: Tensor, width: int) -> Tensor:
    """Swin's maps have their channels last."""
    return features if features.shape[1] == width else features.permute(0, 3, 1, 2).contiguous()
