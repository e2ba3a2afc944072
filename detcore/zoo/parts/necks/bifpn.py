"""Weighted pyramid in both directions (EfficientDet, Tan et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from detcore.zoo.parts.blocks import ConvBlock
from detcore.zoo.parts.necks.neck import Neck, grown


class BiFpn(Neck):
    """``depth`` rounds of going down and up. Maps are added with weights that are learned, w_i / (Σ w + ε) with w_i ≥ 0, and go through a
    convolution that is split by channel; on the way up each inner map gets what came in as well."""

    def __init__(self, inputs: Sequence[int], width: int, *, depth: int = 2) -> None:
        super().__init__()
        self.width = width
        self.laterals = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in inputs)
        self.rounds = nn.ModuleList(_Round(len(inputs), width) for _ in range(depth))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        made = [lateral(features) for lateral, features in zip(self.laterals, maps, strict=True)]
        for one in self.rounds:
            made = one(made)
        return made


class _Fuse(nn.Module):
    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.ones(count))
        self.mix = nn.Sequential(ConvBlock(width, width, 3, groups=width), nn.Conv2d(width, width, 1))

    def forward(self, parts: Sequence[Tensor]) -> Tensor:
        weights = self.weights.relu()
        weights = weights / (weights.sum() + 1e-4)
        total = torch.stack([weight * part for weight, part in zip(weights, parts, strict=True)]).sum(dim=0)
        made: Tensor = self.mix(functional.silu(total))
        return made


class _Round(nn.Module):
    def __init__(self, levels: int, width: int) -> None:
        super().__init__()
        self.down = nn.ModuleList(_Fuse(2, width) for _ in range(levels - 1))
        self.up = nn.ModuleList(_Fuse(2 if level == levels - 1 else 3, width) for level in range(1, levels))

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        inner = [maps[-1]]
        for fuse, features in zip(self.down, reversed(maps[:-1]), strict=True):
            inner.insert(0, fuse([features, grown(inner[0], features)]))
        made = [inner[0]]
        for level, fuse in enumerate(self.up, start=1):
            shrunk = functional.adaptive_max_pool2d(made[-1], maps[level].shape[-2:])
            last = level == len(maps) - 1
            made.append(fuse([maps[level], shrunk] if last else [maps[level], inner[level], shrunk]))
        return made
