"""Channels of hidden layers, and a network without some of them.

A channel of BatchNorm whose scale is small changes little behind it, so those with the smallest can be taken out
(network slimming, Liu et al. 2017). What goes has to go everywhere: from the convolutions and norms that make it,
alike in all that a shortcut adds up, and from the inputs of what reads it, at each place that joining gave it there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn

from detcore.errors import ConfigError
from detcore.wording import counted
from detcore.zoo.parts.blocks import Bottleneck, ConvBlock, PoolPyramid, SplitStage

_LEAST = 0.5
"""Of the share that stays in the whole network, what stays in each layer however small its scales are."""


@dataclass(slots=True, eq=False)
class Channels:
    """``width`` channels that come and go together. ``makers`` are the blocks whose outputs they are, from a channel on;
    ``readers`` the convolutions whose inputs they are, likewise."""

    width: int
    makers: list[tuple[ConvBlock, int]] = field(default_factory=list[tuple[ConvBlock, int]])
    readers: list[tuple[nn.Conv2d, int]] = field(default_factory=list[tuple[nn.Conv2d, int]])

    def scales(self) -> Tensor:
        """(width,) the largest size of scale that a maker gives each channel."""
        parts = [
            _norm(block).weight.detach()[start : start + self.width].abs() for block, start in self.makers
        ]
        return torch.stack(parts).amax(dim=0)


class Wiring:
    """Which channels go where in a network, told from its inputs on; a feature map is a row of ``Channels``, and images are an
    empty one. ``channels`` are all hidden ones, in the order in which they were told."""

    def __init__(self) -> None:
        self.channels: list[Channels] = []

    def made(self, block: ConvBlock, *, start: int = 0, width: int | None = None) -> Channels:
        """New channels: the outputs of a block, or some of them."""
        found = Channels(_conv(block).out_channels if width is None else width)
        found.makers.append((block, start))
        self.channels.append(found)
        return found

    def read(self, conv: nn.Conv2d, inputs: Sequence[Channels]) -> None:
        """A convolution looks at a feature map."""
        start = 0
        for part in inputs:
            part.readers.append((conv, start))
            start += part.width

    def block(self, block: ConvBlock, inputs: Sequence[Channels]) -> list[Channels]:
        """What a block makes of a feature map."""
        self.read(_conv(block), inputs)
        return [self.made(block)]

    def split_stage(self, stage: SplitStage, inputs: Sequence[Channels]) -> list[Channels]:
        """Each half of what enters has channels of its own; a shortcut adds to those that go through."""
        self.read(_conv(stage.enter), inputs)
        past = _conv(stage.enter).out_channels - stage.through
        parts = [self.made(stage.enter, width=past), self.made(stage.enter, start=past, width=stage.through)]
        for bottleneck in cast("Sequence[Bottleneck]", stage.blocks):
            first, second = cast("tuple[ConvBlock, ConvBlock]", tuple(bottleneck.body))
            self.read(_conv(second), self.block(first, parts[-1:]))
            if bottleneck.shortcut:
                parts[-1].makers.append((second, 0))
                parts.append(parts[-1])
            else:
                parts.append(self.made(second))
        return self.block(stage.leave, parts)

    def pool_pyramid(self, pyramid: PoolPyramid, inputs: Sequence[Channels]) -> list[Channels]:
        """Pooling leaves channels as they are, four times side by side."""
        return self.block(pyramid.leave, 4 * self.block(pyramid.enter, inputs))

    def sequence(self, parts: nn.Sequential, inputs: Sequence[Channels]) -> list[Channels]:
        """Blocks, stages and pyramids one after the other, and a convolution without norm at the end, which makes no hidden
        channels."""
        features = list(inputs)
        for part in parts:
            match part:
                case ConvBlock():
                    features = self.block(part, features)
                case SplitStage():
                    features = self.split_stage(part, features)
                case PoolPyramid():
                    features = self.pool_pyramid(part, features)
                case nn.Conv2d():
                    self.read(part, features)
                    features = []
                case _:
                    raise TypeError(f"channels of a {type(part).__name__} are not known")
        return features


def strongest(channels: Sequence[Channels], keep: float) -> list[Tensor]:
    """For each of these (width,) bool which channels stay: the share ``keep`` of all that has the largest scales, and of
    each layer at least half that share."""
    scales = [part.scales() for part in channels]
    joined = torch.cat(scales)
    chosen = torch.zeros(len(joined), dtype=torch.bool)
    chosen[joined.argsort(descending=True, stable=True)[: round(keep * len(joined))]] = True
    kept = list(torch.split(chosen, [part.width for part in channels]))
    for mask, own in zip(kept, scales, strict=True):
        mask[own.argsort(descending=True, stable=True)[: math.ceil(_LEAST * keep * len(own))]] = True
    return kept


def first_ones(channels: Sequence[Channels], widths: str) -> list[Tensor]:
    """For each of these (width,) bool which channels stay so that as many are left as a text says, such as ``"12 30 7"``.

    Raises:
        ConfigError: it has no such numbers, or not as many.
    """
    words = widths.split()
    counts = [int(word) if word.isascii() and word.isdecimal() and len(word) < 6 else 0 for word in words]
    if len(counts) != len(channels) or any(
        not 1 <= count <= part.width for count, part in zip(counts, channels, strict=False)
    ):
        most = " ".join(str(part.width) for part in channels)
        raise ConfigError(
            f"widths {widths:.40} do not fit this detector",
            hint=f"Leave them empty, or give {counted(len(channels), 'number')} of at least 1, up to {most}",
        )
    return [torch.arange(part.width) < count for part, count in zip(channels, counts, strict=True)]


def take_out(channels: Sequence[Channels], kept: Sequence[Tensor]) -> None:
    """Leave in the network only those that are ``kept``, with the weights that they have. What was told of its wiring is
    true no more."""
    outputs: dict[ConvBlock, Tensor] = {}
    inputs: dict[nn.Conv2d, Tensor] = {}
    for part, mask in zip(channels, kept, strict=True):
        for block, start in part.makers:
            whole = outputs.setdefault(block, torch.ones(_conv(block).out_channels, dtype=torch.bool))
            whole[start : start + part.width] = mask
        for conv, start in part.readers:
            whole = inputs.setdefault(conv, torch.ones(conv.in_channels, dtype=torch.bool))
            whole[start : start + part.width] = mask
    for conv, mask in inputs.items():
        conv.weight = nn.Parameter(conv.weight.detach()[:, mask])
        conv.in_channels = int(mask.sum())
    for block, mask in outputs.items():
        conv, norm = _conv(block), _norm(block)
        conv.weight = nn.Parameter(conv.weight.detach()[mask])
        conv.out_channels = norm.num_features = int(mask.sum())
        norm.weight, norm.bias = (
            nn.Parameter(norm.weight.detach()[mask]),
            nn.Parameter(norm.bias.detach()[mask]),
        )
        for name in ("running_mean", "running_var"):
            setattr(norm, name, cast("Tensor", getattr(norm, name))[mask])


def _conv(block: ConvBlock) -> nn.Conv2d:
    return cast("nn.Conv2d", block[0])


def _norm(block: ConvBlock) -> nn.BatchNorm2d:
    return cast("nn.BatchNorm2d", block[1])
