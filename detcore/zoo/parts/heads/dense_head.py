"""What every head over maps is called with and gives."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from detcore.zoo.class_rows import ClassRows
from detcore.zoo.parts.box_codes import BoxCode

Outputs = tuple[Tensor, Tensor, Tensor | None]
_PRIOR = 0.01


class DenseHead(nn.Module, ABC):
    """Maps (B, C, rows, columns), fine ones first, to class logits (B, A, K), box numbers (B, A, 4) in its ``code``, and the logit of
    a quality (B, A) where it has one. ``each`` places are in a cell. With ``background`` the first logit is for none of the classes."""

    code: BoxCode
    each: int
    background: bool = False
    class_rows: Mapping[str, ClassRows]
    """As of ``Detector``."""

    @abstractmethod
    def forward(self, maps: Sequence[Tensor]) -> Outputs: ...

    def scores(self, logits: Tensor, quality: Tensor | None) -> Tensor:
        """(B, A, K) in 0..1."""
        return logits.softmax(dim=-1)[..., 1:] if self.background else logits.sigmoid()


def rows_of(output: Tensor, numbers: int) -> Tensor:
    """(B, each · numbers, rows, columns) to (B, rows · columns · each, numbers), the anchors of a cell one after the other."""
    return output.permute(0, 2, 3, 1).reshape(output.shape[0], -1, numbers)


def joined(parts: Sequence[Tensor]) -> Tensor:
    """The levels of (B, A, …) in a row, fp32."""
    return torch.cat(list(parts), dim=1).float()


def tower(width: int, depth: int, *, groups: int = 0) -> nn.Sequential:
    """``depth`` convolutions of 3×3 with ReLU; with GroupNorm (Wu and He 2018) where ``groups`` are given, whose statistics do
    not depend on the other levels."""
    layers: list[nn.Module] = []
    for _ in range(depth):
        convolution = nn.Conv2d(width, width, 3, padding=1, bias=not groups)
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        layers += [convolution, *([nn.GroupNorm(groups, width)] if groups else []), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def class_layer(width: int, outputs: int, *, sigmoid: bool) -> nn.Conv2d:
    """The last convolution to class logits; with a ``sigmoid`` it begins at scores of 0.01, so that the background does not
    drown all else at first (Lin et al. 2017)."""
    layer = nn.Conv2d(width, outputs, 3, padding=1)
    nn.init.normal_(layer.weight, std=0.01)
    assert layer.bias is not None
    nn.init.constant_(layer.bias, -math.log((1 - _PRIOR) / _PRIOR) if sigmoid else 0.0)
    return layer


def box_layer(width: int, outputs: int) -> nn.Conv2d:
    """The last convolution to box numbers."""
    layer = nn.Conv2d(width, outputs, 3, padding=1)
    nn.init.normal_(layer.weight, std=0.01)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
