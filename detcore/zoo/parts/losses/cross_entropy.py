"""Softmax with a background class, in three ways to live with far more background than objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from detcore.zoo.parts.losses.class_loss import IGNORED


def _by_place(logits: Tensor, labels: Tensor) -> Tensor:
    """(B, A) cross entropy, −ln p of the class that is right; 0 where ignored."""
    wanted = torch.where(labels == IGNORED, 0, labels + 1)
    loss = functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="none").view_as(labels)
    return loss * (labels != IGNORED)


@dataclass(frozen=True, slots=True)
class CrossEntropy:
    """The mean over all places that count: simple, and ruled by the background."""

    background: ClassVar[bool] = True

    def __call__(self, logits: Tensor, labels: Tensor, quality: Tensor, norm: Tensor) -> Tensor:
        return _by_place(logits, labels).sum() / (labels != IGNORED).sum().clamp(min=1)


@dataclass(frozen=True, slots=True)
class HardNegatives:
    """SSD's way (Liu et al. 2016): of the background of each image only the worst, ``ratio`` for each place of an object; of an
    image without objects ``least``."""

    background: ClassVar[bool] = True
    ratio: int = 3
    least: int = 10

    def __call__(self, logits: Tensor, labels: Tensor, quality: Tensor, norm: Tensor) -> Tensor:
        loss = _by_place(logits, labels)
        negative = labels == -1
        worst_first = torch.where(negative, loss.detach(), -torch.inf).argsort(dim=1, descending=True)
        rank = worst_first.argsort(dim=1)
        objects = (labels >= 0).sum(dim=1, keepdim=True)
        wanted = torch.where(objects > 0, objects * self.ratio, self.least)
        taken = (labels >= 0) | (negative & (rank < wanted))
        return (loss * taken).sum() / norm


@dataclass(frozen=True, slots=True)
class OnlineHard:
    """OHEM (Shrivastava et al. 2016): of all places of a batch, whatever they are, the worst; ``each`` for an image."""

    background: ClassVar[bool] = True
    each: int = 128

    def __call__(self, logits: Tensor, labels: Tensor, quality: Tensor, norm: Tensor) -> Tensor:
        loss = _by_place(logits, labels).flatten()
        count = min(self.each * len(labels), len(loss))
        return loss.topk(count).values.sum() / norm
