"""Points as peaks of heat maps (CornerNet, Law and Deng 2018; CenterNet, Zhou et al. 2019)."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

_LEAST_IOU = 0.7
_ALPHA, _BETA = 2.0, 4.0


def gaussian_radius(width: float, height: float, iou: float = _LEAST_IOU) -> float:
    """How far, in the unit of the sides, both corners of a box may be off so that it has at least this IoU with the true one: the least of the
    three ways there are, both outward, both inward, or one of each."""
    total, area = width + height, width * height
    one_each = _smaller_root(1.0, total, area * (1 - iou) / (1 + iou))
    inward = _smaller_root(4.0, 2 * total, (1 - iou) * area)
    outward = (-2 * iou * total + math.sqrt((2 * iou * total) ** 2 + 16 * iou * (1 - iou) * area)) / (8 * iou)
    return min(one_each, inward, outward)


def _smaller_root(a: float, b: float, c: float) -> float:
    """Of a x² − b x + c."""
    return (b - math.sqrt(b * b - 4 * a * c)) / (2 * a)


def draw_peak(heat: Tensor, column: int, row: int, radius: float) -> None:
    """Puts a Gaussian of a third of ``radius`` into a map (rows, columns), 1 at its middle, the larger where it meets others."""
    reach, sigma = int(radius), max((2 * int(radius) + 1) / 6, 1e-3)
    rows, columns = heat.shape
    top, bottom = max(0, row - reach), min(rows, row + reach + 1)
    left, right = max(0, column - reach), min(columns, column + reach + 1)
    ys = torch.arange(top, bottom, device=heat.device, dtype=torch.float32)[:, None] - row
    xs = torch.arange(left, right, device=heat.device, dtype=torch.float32)[None] - column
    peak = torch.exp(-(xs * xs + ys * ys) / (2 * sigma * sigma))
    part = heat[top:bottom, left:right]
    torch.maximum(part, peak, out=part)


def heat_loss(logits: Tensor, heat: Tensor, counts: Tensor) -> Tensor:
    """The sum of −(1 − p)² ln p at peaks and −(1 − h)⁴ p² ln (1 − p) elsewhere (focal loss, weaker near peaks). ``logits`` and ``heat`` (B, K, rows,
    columns); ``counts`` (B, 1, rows, columns) is 0 where background does not count."""
    chance = logits.sigmoid()
    peak = heat == 1
    near = functional.logsigmoid(logits) * (1 - chance).pow(_ALPHA)
    far = functional.logsigmoid(-logits) * chance.pow(_ALPHA) * (1 - heat).pow(_BETA) * counts
    return -torch.where(peak, near, far).sum()


def peaks(chance: Tensor) -> Tensor:
    """(B, K, rows, columns) chances, 0 where one of the eight neighbours is larger."""
    highest = functional.max_pool2d(chance, 3, stride=1, padding=1)
    return chance * (chance == highest)
