"""Backbones of timm and torchvision: from images to maps of halved sides, fine ones first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor, nn

_STRIDES = (8, 16, 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryNet:
    """One of timm by its ``name`` there; ``single`` ones have all maps at one stride, as plain transformers do."""

    name: str
    single: bool = False
    fixed_size: bool = False


NETS: Mapping[str, LibraryNet] = {
    "vgg16": LibraryNet(name="vgg16_bn"),
    "resnet18": LibraryNet(name="resnet18"),
    "resnet50": LibraryNet(name="resnet50"),
    "resnet101": LibraryNet(name="resnet101"),
    "resnext50": LibraryNet(name="resnext50_32x4d"),
    "densenet121": LibraryNet(name="densenet121"),
    "inception-v3": LibraryNet(name="inception_v3"),
    "mobilenet-v1": LibraryNet(name="mobilenetv1_100"),
    "mobilenet-v2": LibraryNet(name="mobilenetv2_100"),
    "mobilenet-v3": LibraryNet(name="mobilenetv3_large_100"),
    "ghostnet": LibraryNet(name="ghostnet_100"),
    "efficientnet-b0": LibraryNet(name="efficientnet_b0"),
    "efficientnet-lite0": LibraryNet(name="efficientnet_lite0"),
    "darknet53": LibraryNet(name="darknet53"),
    "csp-darknet53": LibraryNet(name="cspdarknet53"),
    "csp-resnext50": LibraryNet(name="cspresnext50"),
    "repvgg-a0": LibraryNet(name="repvgg_a0"),
    "swin-tiny": LibraryNet(name="swin_tiny_patch4_window7_224", fixed_size=True),
    "vit-tiny": LibraryNet(name="vit_tiny_patch16_224", single=True, fixed_size=True),
}
"""What users call them, and what timm does."""


class LibraryBackbone(nn.Module):
    """A network of timm or torchvision's ShuffleNet v2, random, as (B, 3, H, W) to maps at strides 8, 16 and 32 of ``widths`` channels."""

    widths: list[int]

    def __init__(self, key: str) -> None:
        super().__init__()
        net = NETS[key]
        created: Any = _created(net)
        info = created.feature_info
        self.single = net.single
        if net.single:
            width = info.channels()[-1]
            self.net, self.widths, self._chosen = created, [width] * len(_STRIDES), (-1,)
            self.pyramid = SinglePyramid(width)
            return
        reductions: list[int] = list(info.reduction())
        self._chosen = tuple(
            max(at for at, step in enumerate(reductions) if step == stride) for stride in _STRIDES
        )
        self.net, self.widths = created, [info.channels()[at] for at in self._chosen]

    def forward(self, images: Tensor) -> list[Tensor]:
        maps: Sequence[Tensor] = self.net(images)
        if self.single:
            return cast("list[Tensor]", self.pyramid(_channels_first(maps[-1], self.widths[-1])))
        return [_channels_first(maps[at], width) for at, width in zip(self._chosen, self.widths, strict=True)]


def _created(net: LibraryNet) -> Any:
    import timm  # pyright: ignore

    more: dict[str, Any] = {"out_indices": (-1,)} if net.single else {}
    if net.fixed_size:
        more |= {"dynamic_img_size": True} if net.single else {"strict_img_size": False}
    return timm.create_model(net.name, pretrained=False, features_only=True, **more)


def _channels_first(features: Tensor, width: int) -> Tensor:
    """Swin's maps have their channels last."""
    return features if features.shape[1] == width else features.permute(0, 3, 1, 2).contiguous()


class SinglePyramid(nn.Module):
    """Maps at half and twice the stride of one (ViTDet, Li et al. 2022): a transposed convolution, the map itself, a max pooling."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.finer = nn.ConvTranspose2d(width, width, 2, 2)
        self.coarser = nn.MaxPool2d(2, ceil_mode=True)

    def forward(self, features: Tensor) -> list[Tensor]:
        return [self.finer(features), features, self.coarser(features)]
