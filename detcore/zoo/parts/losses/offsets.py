"""Losses of numbers that a head tells of a box, such as offsets from an anchor: L1, L2, smooth L1."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn import functional

Offset = Literal["l1", "l2", "smooth-l1"]


def offset_loss(told: Tensor, wanted: Tensor, kind: Offset, *, beta: float = 1.0) -> Tensor:
    """(N,) the sum over the four numbers of each row of (N, 4). ``smooth-l1`` (Girshick 2015) is half the square over
    ``beta`` up to ``beta``, then the distance less half of it; ``l2`` is half the square."""
    match kind:
        case "l1":
            loss = (told - wanted).abs()
        case "l2":
            loss = (told - wanted).square() / 2
        case _:
            loss = functional.smooth_l1_loss(told, wanted, reduction="none", beta=beta)
    return loss.sum(dim=-1)
