"""The network that a `.cfg` describes."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from detcore.zoo.darknet.cfg import Section
from detcore.zoo.darknet.layers import (
    ACTIVATIONS,
    BATCH_NORM_EPS,
    BATCH_NORM_MOMENTUM,
    Activation,
    Flat,
    Local,
    MaxPool,
    MeanPool,
    Product,
    Reorg,
    Upsample,
    WeightedSum,
)
from detcore.zoo.darknet.plan import IMAGE, Layer, Plan
from detcore.zoo.darknet.shapes.boxes import HEADS
from detcore.zoo.darknet.shapes.joined import weights_of_shortcut
from detcore.zoo.darknet.shapes.pooled import pool_step
from detcore.zoo.darknet.shapes.shape import strides
from detcore.zoo.darknet.shapes.weighted import dilation_of, is_normed, padding_of


class DarknetNet(nn.Module):
    """The layers of a plan. ``blocks`` has a module for each layer, by its number; routes and shortcuts have none of
    their own."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        self.blocks = nn.ModuleDict()
        for layer in plan.layers:
            block = _block(layer, _head_behind(plan, layer))
            if block is not None:
                self.blocks[str(layer.index)] = block
        self._last_reader = {source: layer.index for layer in plan.layers for source in layer.inputs}

    def forward(self, images: Tensor) -> list[Tensor]:
        """What each head is given, before any activation of its own. Images are (B, 3, H, W) in 0..1."""
        kept: dict[int, Tensor] = {IMAGE: images}
        heads: list[Tensor] = []
        for layer in self.plan.layers:
            given = [kept[source] for source in layer.inputs]
            made = self._made(layer, given)
            if layer.kind in HEADS:
                heads.append(made)
            for source in layer.inputs:
                if self._last_reader[source] == layer.index:
                    kept.pop(source, None)
            if layer.index in self._last_reader:
                kept[layer.index] = made
        return heads

    def _made(self, layer: Layer, given: list[Tensor]) -> Tensor:
        section = layer.section
        index = str(layer.index)
        block = self.blocks[index] if index in self.blocks else None  # noqa: SIM401 - it has no get
        if block is not None:
            joins = layer.kind in ("shortcut", "scale_channels", "sam")
            return cast("Tensor", block(given if joins else given[0]))
        if layer.kind == "shortcut":
            return added(given)
        if layer.kind == "route":
            groups, part = section.whole("groups", 1), section.whole("group_id", 0)
            parts = [features.chunk(groups, dim=1)[part] for features in given] if groups > 1 else given
            return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
        return given[0]


class Shortcut(nn.Module):
    """A sum with weights or an activation."""

    def __init__(self, weights: WeightedSum | None, activation: list[nn.Module]) -> None:
        super().__init__()
        self.weights = weights
        self.activation = nn.Sequential(*activation)

    def forward(self, features: list[Tensor]) -> Tensor:
        parts = features if self.weights is None else cast("list[Tensor]", self.weights(features))
        return cast("Tensor", self.activation(added(parts)))


def added(features: list[Tensor]) -> Tensor:
    """The sum over the channels that the first of them has, of the others as far as these go."""
    total = features[0]
    for others in features[1:]:
        total = _plus(total, others)
    return total


def _plus(features: Tensor, others: Tensor) -> Tensor:
    """The sum over the channels that both have; the rest stays as it is."""
    channels, given = features.shape[1], others.shape[1]
    if given == channels:
        return features + others
    if given > channels:
        return features + others[:, :channels]
    return torch.cat([features[:, :given] + others, features[:, given:]], dim=1)


def _head_behind(plan: Plan, layer: Layer) -> Section | None:
    """The head that reads a layer, if the next one is."""
    following = plan.layers[layer.index + 1] if layer.index + 1 < len(plan.layers) else None
    return following.section if following is not None and following.kind in HEADS else None


def _block(layer: Layer, head: Section | None) -> nn.Module | None:
    """The module of a layer; None where there is nothing to be done."""
    section, before, after = layer.section, layer.before, layer.after
    match layer.kind:
        case "convolutional":
            across, down = strides(section)
            convolution = nn.Conv2d(
                before.channels,
                after.channels,
                section.whole("size", 1),
                (down, across),
                padding_of(section),
                dilation=dilation_of(section),
                groups=section.whole("groups", 1),
                bias=not is_normed(section),
            )
            nn.init.kaiming_normal_(convolution.weight, mode="fan_in")
            return _with_activation(convolution, section, nn.BatchNorm2d, after.channels, head)
        case "connected":
            linear = nn.Linear(before.size, after.channels, bias=not is_normed(section))
            return nn.Sequential(
                Flat(), *_with_activation(linear, section, nn.BatchNorm1d, after.channels, head)
            )
        case "local":
            local = Local(
                before.channels,
                after.channels,
                section.whole("size", 1),
                section.whole("stride", 1),
                section.whole("size", 1) // 2 if section.flag("pad") else 0,
                after.height,
                after.width,
            )
            return nn.Sequential(local, *_activation(section))
        case "maxpool":
            return MaxPool(pool_step(section))
        case "local_avgpool":
            return MeanPool(pool_step(section))
        case "avgpool":
            return nn.AdaptiveAvgPool2d(1)
        case "upsample":
            return Upsample(section.whole("stride", 2), section.number("scale", 1.0))
        case "reorg":
            return Reorg(section.whole("stride", 1))
        case "dropout":
            return nn.Dropout(section.number("probability", 0.5))
        case "shortcut":
            sizes = weights_of_shortcut(section, list(layer.shapes))
            weights = (
                None if sizes is None else WeightedSum(*sizes, section.text("weights_normalization", "none"))
            )
            activation = _activation(section, default="linear")
            return Shortcut(weights, activation) if weights is not None or activation else None
        case "scale_channels" | "sam":
            return nn.Sequential(Product(), *_activation(section, default="linear"))
        case "activation":
            return nn.Sequential(*_activation(section, default="linear")) or None
        case _:
            return None


def _with_activation(
    weights: nn.Module,
    section: Section,
    norm: type[nn.BatchNorm1d | nn.BatchNorm2d],
    channels: int,
    head: Section | None,
) -> nn.Sequential:
    parts: list[nn.Module] = [weights]
    if is_normed(section):
        parts.append(norm(channels, eps=BATCH_NORM_EPS, momentum=BATCH_NORM_MOMENTUM))
    return nn.Sequential(*parts, *_activation(section, head=head))


def _activation(
    section: Section, *, default: str = "logistic", head: Section | None = None
) -> list[nn.Module]:
    """At most one module. Heads with new coordinates want the numbers before the logistic function, which they take
    themselves."""
    name = section.text("activation", default)
    if name not in ACTIVATIONS:
        raise section.fault("activation", f"known are {', '.join(ACTIVATIONS)}")
    if head is not None and head.flag("new_coords"):
        if name != "logistic":
            raise section.fault("activation", "a layer before new_coords=1 is logistic")
        return []
    return [] if name == "linear" else [Activation(name)]
