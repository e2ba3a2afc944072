"""The objectness of a grid, weighed by level as YOLOv5 does."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from detcore.zoo.parts.places import Places

_BALANCE = (4.0, 1.0, 0.4, 0.1, 0.025)
"""By level, fine ones first: a coarse level has fewer places, so each of them weighs more in its mean."""
_SIDE = 640.0


def objectness_loss(logits: Tensor, quality: Tensor, counts: Tensor, places: Places) -> Tensor:
    """Binary cross entropy with the ``quality`` (B, A), how well the box of a place fits its object, 0 without one: the mean over the places of
    each level that ``counts`` (B, A) names, weighed by level and by the area of the image over 640².
    """
    loss = functional.binary_cross_entropy_with_logits(logits, quality, reduction="none") * counts
    area = (places.strides[0] ** 2 * (places.levels == 0).sum() / places.each) / _SIDE**2
    total = loss.new_zeros(())
    for level, weight in enumerate(_BALANCE[: int(places.levels[-1]) + 1]):
        own = places.levels == level
        total = total + weight * loss[:, own].sum() / counts[:, own].sum().clamp(min=1)
    return area * total
