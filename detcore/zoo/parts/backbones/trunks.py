"""Trunks of Reticle's own detectors: from images to maps at strides 8, 16 and 32.

Stages are called alike, so that layers can be frozen and given rates by the same names: ``stem`` down to stride 4,
``stage3`` to 8, ``stage4`` to 16, ``stage5`` to 32.
"""

from __future__ import annotations

import re
from itertools import pairwise

from torch import Tensor, nn

from detcore.zoo.parts.blocks import ConvBlock, PoolPyramid, SplitStage
from detcore.zoo.parts.channels import Channels, Wiring

Maps = tuple[Tensor, Tensor, Tensor]

_LITE_REPEATS = (1, 2, 2, 3, 3, 4, 1)
_LITE_KERNELS = (3, 3, 5, 3, 5, 5, 3)
_LITE_STRIDES = (1, 2, 2, 2, 1, 2, 1)
_LITE_WIDTHS = (32, 16, 24, 40, 80, 112, 192, 320)
_LITE_EXPANSION = 6
_LITE_STAGES = {"stem": 2, "stage3": 1, "stage4": 2, "stage5": 2}
"""So many of the seven rows above lie in each of our stages."""
_PUBLISHED_LAYERS = {
    "expand_conv": "expand.conv",
    "bn0": "expand.norm",
    "depthwise_conv": "depthwise.conv",
    "bn1": "depthwise.norm",
    "project_conv": "project.conv",
    "bn2": "project.norm",
}


class Trunk(nn.Module):
    """(B, 3, H, W), as its detector's input rule says, to maps at strides 8, 16 and 32, which have ``widths`` channels."""

    widths: tuple[int, int, int]
    stem: nn.Sequential
    stage3: nn.Sequential
    stage4: nn.Sequential
    stage5: nn.Sequential

    def forward(self, images: Tensor) -> Maps:
        c3 = self.stage3(self.stem(images))
        c4 = self.stage4(c3)
        return c3, c4, self.stage5(c4)

    def own_name(self, published: str) -> str | None:
        """What a tensor of a published file is called here, where that differs; ``None`` for others."""
        return None


class SplitTrunk(Trunk):
    """Cross-stage-partial stages, small enough to learn from nothing."""

    def __init__(self, widths: tuple[int, int, int, int, int]) -> None:
        super().__init__()
        w1, w2, w3, w4, w5 = widths
        self.stem = nn.Sequential(ConvBlock(3, w1, 3, 2), ConvBlock(w1, w2, 3, 2), SplitStage(w2, w2, 1))
        self.stage3 = nn.Sequential(ConvBlock(w2, w3, 3, 2), SplitStage(w3, w3, 2))
        self.stage4 = nn.Sequential(ConvBlock(w3, w4, 3, 2), SplitStage(w4, w4, 2))
        self.stage5 = nn.Sequential(ConvBlock(w4, w5, 3, 2), SplitStage(w5, w5, 1), PoolPyramid(w5))
        self.widths = (w3, w4, w5)

    def wire(self, wiring: Wiring) -> list[list[Channels]]:
        """Tell which channels go where; those of the maps at strides 8, 16 and 32."""
        maps: list[list[Channels]] = []
        features = wiring.sequence(self.stem, ())
        for stage in (self.stage3, self.stage4, self.stage5):
            features = wiring.sequence(stage, features)
            maps.append(features)
        return maps


class LiteConv(nn.Sequential):
    """Convolution, BatchNorm and, if wanted, ReLU6, with the padding of TensorFlow: at stride 2, where height and width
    are even, a pixel less before than behind."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, *, groups: int = 1, relu: bool = True
    ) -> None:
        super().__init__()
        half = kernel // 2
        if stride == 2:
            self.add_module("pad", nn.ZeroPad2d((half - 1, half, half - 1, half)))
        padding = half if stride == 1 else 0
        self.add_module(
            "conv", nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        )
        self.add_module("norm", nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03))
        if relu:
            self.add_module("activation", nn.ReLU6(inplace=True))


class LiteBlock(nn.Module):
    """An inverted bottleneck (Sandler et al. 2018): wider by ``expansion``, filtered channel by channel, narrow again."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = LiteConv(inputs, wide, 1) if expansion > 1 else nn.Identity()
        self.depthwise = LiteConv(wide, wide, kernel, stride, groups=wide)
        self.project = LiteConv(wide, outputs, 1, relu=False)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        out: Tensor = self.project(self.depthwise(self.expand(features)))
        return features + out if self.shortcut else out


class LiteTrunk(Trunk):
    """EfficientNet-lite0 without its classifier (Tan and Le 2019; Google's ``efficientnet/lite`` of 2020: ReLU6, no
    squeeze and excitation). Heights and widths are multiples of 32. Published weights want pixels less 127, by 128."""

    def __init__(self) -> None:
        super().__init__()
        blocks: list[list[nn.Module]] = []
        rows = zip(pairwise(_LITE_WIDTHS), _LITE_REPEATS, _LITE_KERNELS, _LITE_STRIDES, strict=True)
        for (inputs, outputs), repeats, kernel, stride in rows:
            expansion = _LITE_EXPANSION if blocks else 1
            first = LiteBlock(inputs, outputs, kernel, stride, expansion)
            more = (LiteBlock(outputs, outputs, kernel, 1, expansion) for _ in range(1, repeats))
            blocks.append([first, *more])
        self._places: list[str] = []
        taken = 0
        for stage, count in _LITE_STAGES.items():
            own = [block for row in blocks[taken : taken + count] for block in row]
            first = [LiteConv(3, _LITE_WIDTHS[0], 3, 2)] if stage == "stem" else []
            self._places += [f"{stage}.{len(first) + number}" for number in range(len(own))]
            self.add_module(stage, nn.Sequential(*first, *own))
            taken += count
        self.widths = (40, 112, 320)

    def own_name(self, published: str) -> str | None:
        """From the names of ``efficientnet_pytorch``, such as ``_blocks.3._bn0.weight``."""
        stem = re.fullmatch(r"_(conv_stem|bn0)\.(\w+)", published)
        if stem:
            return f"stem.0.{'norm' if stem[1] == 'bn0' else 'conv'}.{stem[2]}"
        block = re.fullmatch(r"_blocks\.(\d+)\._(\w+)\.(\w+)", published)
        if block and block[2] in _PUBLISHED_LAYERS and int(block[1]) < len(self._places):
            return f"{self._places[int(block[1])]}.{_PUBLISHED_LAYERS[block[2]]}.{block[3]}"
        return None
