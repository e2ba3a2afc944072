"""A sigmoid for each class: binary cross entropy, focal loss and quality focal loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from detcore.zoo.parts.losses.class_loss import IGNORED, wanted_scores


def _total(loss: Tensor, labels: Tensor, norm: Tensor) -> Tensor:
    return (loss.sum(dim=-1) * (labels != IGNORED)).sum() / norm


@dataclass(frozen=True, slots=True)
class BinaryCrossEntropy:
    """−q ln p − (1 − q) ln (1 − p), where q is the quality of the place at the class of its object, else 0, so that scores rank boxes;
    with ``hard`` q is 1 there."""

    background: ClassVar[bool] = False
    hard: bool = False

    def __call__(self, logits: Tensor, labels: Tensor, quality: Tensor, norm: Tensor) -> Tensor:
        wanted = wanted_scores(logits, labels, torch.ones_like(quality) if self.hard else quality)
        loss = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
        return _total(loss, labels, norm)


@dataclass(frozen=True, slots=True)
class Focal:
    """−α (1 − p)^γ ln p where the class is right, −(1 − α) p^γ ln (1 − p) elsewhere (Lin et al. 2017): what is easy
    hardly counts."""

    background: ClassVar[bool] = False
    alpha: float = 0.25
    gamma: float = 2.0

    def __call__(self, logits: Tensor, labels: Tensor, quality: Tensor, norm: Tensor) -> Tensor:
        wanted = wanted_scores(logits, labels, torch.ones_like(quality))
        plain = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
        chance = logits.sigmoid()
        right = chance * wanted + (1 - chance) * (1 - wanted)
        share = self.alpha * wanted + (1 - self.alpha) * (1 - wanted)
        return _total(share * (1 - right).pow(self.gamma) * plain, labels, norm)


@dataclass(frozen=True, slots=True)
class QualityFocal:
    """|q − p|^β times the binary cross entropy with q (Li et al. 2020): the score learns how well the box fits."""

    background: ClassVar[bool] = False
    beta: float = 2.0

    def __call__(self, logits: Tensor, labels: Tensor, quality: Tensor, norm: Tensor) -> Tensor:
        wanted = wanted_scores(logits, labels, quality)
        plain = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
        return _total((wanted - logits.sigmoid()).abs().pow(self.beta) * plain, labels, norm)
