"""The moving average of the weights, which is what is judged and kept."""

from __future__ import annotations

import copy

import torch

from detcore.zoo.base import Detector

_RAMP = 10


class Ema:
    """A second detector whose weights follow those of the first.

    The decay rises with the steps, (1 + n) / (10 + n), so that the random start is forgotten at once and
    short runs get a short memory, up to ``decay``. Integer buffers are copied.
    """

    def __init__(self, detector: Detector, *, decay: float = 0.9998) -> None:
        self._decay = decay
        self.detector = copy.deepcopy(detector).eval()
        for parameter in self.detector.parameters():
            parameter.requires_grad_(False)

    @torch.no_grad()
    def update(self, detector: Detector, step: int) -> None:
        """Take in the weights after ``step`` steps."""
        decay = min(self._decay, (1 + step) / (_RAMP + step))
        own = self.detector.state_dict()
        for name, value in detector.state_dict().items():
            if value.is_floating_point():
                own[name].lerp_(value, 1.0 - decay)
            else:
                own[name].copy_(value)
