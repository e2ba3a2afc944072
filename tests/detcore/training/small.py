"""A detector that learns in no time."""

from __future__ import annotations

import torch

from detcore.zoo.base import Target
from detcore.zoo.detectors.reticle import Reticle
from detcore.zoo.parts.trunks import SplitTrunk


def small_detector() -> Reticle:
    """The same one each time, of two classes."""
    torch.manual_seed(3)
    return Reticle(2, backbone=SplitTrunk((4, 8, 8, 16, 16)), neck_width=16)


def small_batch(*, side: int = 64, count: int = 2) -> tuple[torch.Tensor, list[Target]]:
    """Images of noise, each with an object of the second class."""
    images = torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1))
    boxes = torch.tensor([[8.0, 8.0, 40.0, 48.0]])
    target = Target(boxes=boxes, labels=torch.tensor([1]), ignore=torch.zeros(0, 4))
    return images, [target] * count
