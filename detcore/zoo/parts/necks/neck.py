"""What every neck is called with and gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional


class Neck(nn.Module, ABC):
    """Maps of a backbone, fine ones first, each of half the sides of the one before, to as many of ``width`` channels."""

    width: int

    @abstractmethod
    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]: ...


def grown(features: Tensor, like: Tensor) -> Tensor:
    """A map at the sides of a finer one; each place is repeated."""
    return functional.interpolate(features, size=like.shape[-2:], mode="nearest")
