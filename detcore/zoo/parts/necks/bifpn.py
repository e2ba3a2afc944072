"""Weighted pyramid in both directions (EfficientDet, Tan et al. 2020)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from detcore.zoo.parts.blocks import SamePool, SeparableConv
from detcore.zoo.parts.necks.neck import Neck, grown

Activation = Callable[[], nn.Module]


class BiFpn(Neck):
    """``depth`` rounds of going down and up over the maps that come in and ``more`` coarser ones, each half of the one before.
    Maps that meet are added with weights that are learned, w_i / (Σ w + ε) with w_i ≥ 0 (``weighted``; else they are just added), and go
    through an activation and a convolution that is split by channel; on the way up each inner map gets what came in as well. Coarse
    maps are repeated to the finer one's sides, fine ones halved by max pooling.

    Tensors are called as in the published files of EfficientDet; those have a ``bias`` before each BatchNorm too.
    """

    def __init__(
        self,
        inputs: Sequence[int],
        width: int,
        *,
        depth: int = 2,
        more: int = 0,
        weighted: bool = True,
        activation: Activation = nn.SiLU,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.width = width
        widths = list(inputs)
        self.resample = nn.ModuleDict()
        for level in range(len(inputs), len(inputs) + more):
            self.resample[str(level)] = _resample(widths[-1], width, halved=True, bias=bias)
            widths.append(width)
        self.cell = nn.ModuleList()
        for _ in range(depth):
            self.cell.append(_Round(widths, width, weighted=weighted, activation=activation, bias=bias))
            widths = [width] * len(widths)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        made = list(maps)
        for coarser in self.resample.values():
            made.append(coarser(made[-1]))
        for one in self.cell:
            made = one(made)
        return made


class _Round(nn.Module):
    """Maps of ``widths`` channels, fine ones first, to as many of ``width``. Each node makes one map of some of those that
    there are by then: what came in, then what the nodes before it made."""

    def __init__(
        self, widths: Sequence[int], width: int, *, weighted: bool, activation: Activation, bias: bool
    ) -> None:
        super().__init__()
        self.count = len(widths)
        self.fnode = nn.ModuleList()
        known, levels = list(widths), list(range(self.count))

        def add(level: int, sources: Sequence[int]) -> None:
            parts = {source: (known[source], levels[source] < level) for source in sources}
            self.fnode.append(_Node(parts, width, weighted=weighted, activation=activation, bias=bias))
            known.append(width)
            levels.append(level)

        def last(level: int) -> int:
            return len(levels) - 1 - levels[::-1].index(level)

        for level in reversed(range(self.count - 1)):
            add(level, [level, last(level + 1)])
        for level in range(1, self.count):
            own = [source for source, at in enumerate(levels) if at == level]
            add(level, [*own, last(level - 1)])

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        made = list(maps)
        for node in self.fnode:
            made.append(node(made))
        return made[-self.count :]


class _Node(nn.Module):
    """One map of several; ``parts`` are the channels of each by its place among all maps, and whether it is finer. The first has the
    sides of the new one."""

    def __init__(
        self,
        parts: dict[int, tuple[int, bool]],
        width: int,
        *,
        weighted: bool,
        activation: Activation,
        bias: bool,
    ) -> None:
        super().__init__()
        self.combine = _Sum(parts, width, weighted=weighted, bias=bias)
        convolution = SeparableConv(width, width, bias=bias, norm=True)
        self.after_combine = nn.Sequential(OrderedDict(act=activation(), conv=convolution))

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        made: Tensor = self.after_combine(self.combine(maps))
        return made


class _Sum(nn.Module):
    def __init__(self, parts: dict[int, tuple[int, bool]], width: int, *, weighted: bool, bias: bool) -> None:
        super().__init__()
        self.places = list(parts)
        self.resample = nn.ModuleDict(
            {
                str(place): _resample(channels, width, halved=finer, bias=bias)
                for place, (channels, finer) in parts.items()
            }
        )
        self.edge_weights = nn.Parameter(torch.ones(len(parts))) if weighted else None

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        parts = [
            resample(maps[place]) for place, resample in zip(self.places, self.resample.values(), strict=True)
        ]
        parts = [parts[0], *(grown(part, parts[0]) for part in parts[1:])]
        if self.edge_weights is None:
            return torch.stack(parts).sum(dim=0)
        weights = self.edge_weights.relu()
        shares = weights / (weights.sum() + 1e-4)
        return torch.stack([share * part for share, part in zip(shares, parts, strict=True)]).sum(dim=0)


def _resample(inputs: int, width: int, *, halved: bool, bias: bool) -> nn.Sequential:
    """To ``width`` channels where there are others, then to half of the sides."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if inputs != width:
        convolution = nn.Conv2d(inputs, width, 1, bias=bias)
        norm = nn.BatchNorm2d(width, eps=1e-3, momentum=0.03)
        layers["conv"] = nn.Sequential(OrderedDict(conv=convolution, bn=norm))
    if halved:
        layers["downsample"] = SamePool()
    return nn.Sequential(layers)
