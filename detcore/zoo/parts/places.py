"""Where a dense detector looks, and what it says there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """A places, level by level, row by row; the anchors of a cell follow one another.

    ``points`` (A, 2) are the middles of their cells, ``anchors`` (A, 4) xyxy boxes around them, both in pixels of
    the batch, ``strides`` (A,) the pixels between cells, ``levels`` (A,) the number of the map, int64. ``each`` is how
    many there are in a cell. Without anchors the box of a place is its cell. Of cells that are not square, strides are those across.
    """

    points: Tensor
    anchors: Tensor
    strides: Tensor
    levels: Tensor
    each: int

    def at(self, rows: Tensor) -> Places:
        """Some of them, in the order of ``rows`` (N,)."""
        return Places(
            points=self.points[rows],
            anchors=self.anchors[rows],
            strides=self.strides[rows],
            levels=self.levels[rows],
            each=self.each,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a head says of B images at A places, fp32: ``logits`` (B, A, K), one more with background, ``raw`` (B, A, 4), which
    the head's code turns into ``boxes`` (B, A, 4) xyxy in pixels, and ``quality`` (B, A), the logit of
    how central or how sure a place is, where the head has it."""

    logits: Tensor
    raw: Tensor
    boxes: Tensor
    quality: Tensor | None = None


def make_places(
    sizes: Sequence[tuple[int, int]],
    strides: Sequence[float | tuple[float, float]],
    shapes: Sequence[Tensor] | None = None,
    *,
    device: torch.device | None = None,
) -> Places:
    """The places of maps of these ``sizes`` (rows, columns) at ``strides``, pairs (across, down) where cells are not square. ``shapes`` (N, 2)
    are widths and heights in pixels of the anchors of each map, as many on all; without them there is one place a cell."""
    points: list[Tensor] = []
    anchors: list[Tensor] = []
    steps: list[Tensor] = []
    levels: list[Tensor] = []
    pairs = [stride if isinstance(stride, tuple) else (stride, stride) for stride in strides]
    own = [torch.tensor([pair]) for pair in pairs] if shapes is None else shapes
    each = len(own[0])
    for level, ((rows, columns), pair, shape) in enumerate(zip(sizes, pairs, own, strict=True)):
        ys, xs = torch.meshgrid(
            torch.arange(rows, device=device), torch.arange(columns, device=device), indexing="ij"
        )
        step = torch.tensor(pair, dtype=torch.float32, device=device)
        middles = ((torch.stack([xs, ys], dim=-1).reshape(-1, 2) + 0.5) * step).repeat_interleave(each, dim=0)
        half = shape.to(middles).repeat(rows * columns, 1) / 2
        points.append(middles)
        anchors.append(torch.cat([middles - half, middles + half], dim=1))
        steps.append(torch.full((len(middles),), float(pair[0]), device=device))
        levels.append(torch.full((len(middles),), level, dtype=torch.int64, device=device))
    return Places(
        points=torch.cat(points),
        anchors=torch.cat(anchors),
        strides=torch.cat(steps),
        levels=torch.cat(levels),
        each=each,
    )


def ignored_places(points: Tensor, areas: Tensor) -> Tensor:
    """(A,) whether points (A, 2) lie in any of the areas (M, 4) that count neither as object nor as background."""
    inside = (points[:, None] > areas[None, :, :2]) & (points[:, None] < areas[None, :, 2:])
    return inside.all(dim=-1).any(dim=1)
