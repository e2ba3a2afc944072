"""Where on an image it looks like a template: correlation over places, sizes and shapes."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from detcore.assist.similar.channels import CELLS, CHANNELS, GRID, RIM, Appearances, Channels
from detcore.boxes import clip
from detcore.types import FloatArray

_OUTSIDE = 2
"""Cells of a box that may lie outside of the image."""
_SMALLEST = 150**-2
"""The share of the image below which nothing is looked for: there would be too many places, and hardly a thing to see at each."""


def peaks(
    channels: Channels, templates: Appearances, box_sizes: Iterable[tuple[float, float]], *, most: int
) -> FloatArray:
    """(N, 4) boxes, in pixels and cut to the image, where one of the templates (T, GRID, GRID, CHANNELS) has a higher correlation
    than at the places beside it, the highest first: at most so many. ``box_sizes`` are the widths and heights to look at."""
    boxes: list[FloatArray] = [np.zeros((0, 4))]
    heights: list[NDArray[np.float32]] = [np.zeros(0, np.float32)]
    width, height = channels.size
    for box_size in box_sizes:
        if box_size[0] * box_size[1] < _SMALLEST * width * height:
            continue
        margin = _OUTSIDE + RIM
        cells = channels.cells(box_size)
        step = np.array(channels.size) / (cells.shape[1], cells.shape[0])
        cells = np.pad(cells, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
        if min(cells.shape[:2]) < GRID:
            continue
        likeness = _correlated(cells, templates)
        rows, columns = np.nonzero(likeness >= cv2.dilate(likeness, np.ones((3, 3), np.uint8)))
        corner = (np.stack([columns, rows], axis=1) - _OUTSIDE) * step
        boxes.append(np.concatenate([corner, corner + CELLS * step], axis=1))
        heights.append(likeness[rows, columns])
    best = np.argsort(-np.concatenate(heights), kind="stable")[:most]
    found = clip(np.concatenate(boxes)[best], width=width, height=height)
    return found[(found[:, 2] > found[:, 0]) & (found[:, 3] > found[:, 1])]


def _correlated(cells: Appearances, templates: Appearances) -> NDArray[np.float32]:
    """(h - GRID + 1, w - GRID + 1) the highest correlation of the ``cells`` (h, w, CHANNELS) with any template."""
    rows, columns = cells.shape[0] - GRID + 1, cells.shape[1] - GRID + 1
    total = np.zeros((rows, columns, len(templates)), np.float32)
    for down in range(GRID):
        filters = templates[:, down].reshape(-1, CHANNELS).T
        part = (cells[down : down + rows].reshape(-1, CHANNELS) @ filters).reshape(
            rows, cells.shape[1], len(templates), GRID
        )
        for right in range(GRID):
            total += part[:, right : right + columns, :, right]
    return np.ascontiguousarray(total.max(axis=2))
