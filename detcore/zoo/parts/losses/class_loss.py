"""What every loss of classes is called with."""

from __future__ import annotations

from typing import ClassVar, Protocol

import torch
from torch import Tensor

BACKGROUND, IGNORED = -1, -2


class ClassLoss(Protocol):
    """A loss of classes over all places of a batch. With ``background`` the first logit stands for none of the classes, and
    they exclude one another."""

    background: ClassVar[bool]

    def __call__(self, logits: Tensor, labels: Tensor, quality: Tensor, norm: Tensor) -> Tensor:
        """A scalar.

        ``logits`` (B, A, K), one more with ``background``; ``labels`` (B, A) from 0, ``BACKGROUND`` or ``IGNORED``;
        ``quality`` (B, A) 0..1, how well the box of a place fits; ``norm`` is the number of objects' places.
        """
        ...


def wanted_scores(logits: Tensor, labels: Tensor, values: Tensor) -> Tensor:
    """(B, A, K) of ``values`` (B, A) at the classes of the places that have one, else 0."""
    wanted = torch.zeros_like(logits)
    images, places = torch.nonzero(labels >= 0, as_tuple=True)
    wanted[images, places, labels[images, places]] = values[images, places].to(wanted.dtype)
    return wanted
