"""Distribution focal loss (Li et al. 2020)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def distribution_loss(logits: Tensor, distances: Tensor) -> Tensor:
    """Distribution focal loss (Li et al. 2020): cross entropy with the two bins beside the distance.

    ``logits`` (N, 4, bins), ``distances`` (N, 4) in bins; returns (N,), the mean over the four sides.
    """
    bins = logits.shape[-1]
    distances = distances.clamp(0, bins - 1 - 0.01)
    left = distances.floor().long()
    right_share = distances - left
    flat = logits.flatten(0, 1)
    left_loss = functional.cross_entropy(flat, left.flatten(), reduction="none").view_as(distances)
    right_loss = functional.cross_entropy(flat, left.flatten() + 1, reduction="none").view_as(distances)
    return (left_loss * (1 - right_share) + right_loss * right_share).mean(dim=-1)
