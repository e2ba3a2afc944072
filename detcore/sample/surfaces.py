"""The tables on which the sample's objects lie: wood, a cutting mat, linen, slate, paper.

Each function gives (height, width, 3) colours from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from detcore.sample.relief import Color, Plane, size_of

Rng = np.random.Generator


def cloud(rng: Rng, *, width: int, height: int, cells: tuple[int, int]) -> Plane:
    """Smooth noise around 0, about -1 to 1, with that many cells across and down."""
    across, down = cells
    coarse = rng.normal(0, 0.5, (max(down, 2), max(across, 2))).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _tinted(base: Color, brightness: Plane) -> Plane:
    return np.asarray(base, np.float32) * (1 + brightness)[..., None]


def wood(rng: Rng, width: int, height: int) -> Plane:
    """Boards side by side, each with its own tone and grain."""
    bases: tuple[Color, ...] = (
        (0.76, 0.58, 0.40),
        (0.62, 0.44, 0.29),
        (0.42, 0.29, 0.20),
        (0.83, 0.71, 0.55),
    )
    base = bases[int(rng.integers(len(bases)))]
    board = int(height * rng.uniform(0.24, 0.36))
    start = int(rng.integers(board))
    tone = np.zeros((height, width), np.float32)
    top = -start
    while top < height:
        low, high = max(top, 0), min(top + board, height)
        rows = np.arange(low, high, dtype=np.float32)[:, None]
        warp = cloud(rng, width=width, height=high - low, cells=(5, 3)) * 9
        centre = top + board * float(rng.uniform(0.2, 0.8))
        rings = np.sin((np.abs(rows - centre) ** 0.9 + warp) * float(rng.uniform(0.35, 0.6)))
        streaks = cloud(rng, width=width, height=high - low, cells=(6, max(high - low, 2)))
        tone[low:high] = 0.045 * rings + 0.06 * streaks + float(rng.normal(0, 0.045))
        tone[max(high - 2, 0) : high] -= 0.34
        tone[low : low + 1] += 0.05
        top += board
    tone += 0.02 * cloud(rng, width=width, height=height, cells=(width // 2, height // 2))
    return _tinted(base, tone)


def cutting_mat(rng: Rng, width: int, height: int) -> Plane:
    """A self-healing mat: a grid, stronger every fifth line, and old cuts, lying a little askew."""
    bases: tuple[Color, ...] = ((0.10, 0.36, 0.33), (0.13, 0.30, 0.45), (0.22, 0.24, 0.27))
    base = bases[int(rng.integers(len(bases)))]
    reach = int(np.hypot(width, height)) + 8
    grid = np.zeros((reach, reach), np.uint8)
    step = int(rng.integers(22, 32))
    for index, place in enumerate(range(int(rng.integers(step)), reach, step)):
        strength = 120 if index % 5 == 0 else 44
        cv2.line(grid, (place, 0), (place, reach), strength, 1, cv2.LINE_AA)
        cv2.line(grid, (0, place), (reach, place), strength, 1, cv2.LINE_AA)
    turn = cv2.getRotationMatrix2D((reach / 2, reach / 2), float(rng.uniform(-14, 14)), 1.0)
    turn[:, 2] += (width - reach) / 2, (height - reach) / 2
    lines = cv2.warpAffine(grid, turn, (width, height), flags=cv2.INTER_AREA).astype(np.float32) / 255
    cuts = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(4, 9))):
        x1, x2 = (int(value) for value in rng.integers(0, width, 2))
        y1, y2 = (int(value) for value in rng.integers(0, height, 2))
        cv2.line(cuts, (x1, y1), ((x1 + x2) // 2, (y1 + y2) // 2), 60, 1, cv2.LINE_AA)
    grain = 0.05 * cloud(rng, width=width, height=height, cells=(width // 2, height // 2))
    surface = _tinted(base, grain + 0.06 * cloud(rng, width=width, height=height, cells=(4, 3)))
    pale = np.array([0.86, 0.90, 0.78], np.float32)
    surface = surface + (pale - surface) * (lines * 0.75)[..., None]
    return surface + (cuts.astype(np.float32) / 255 * 0.12)[..., None]


def linen(rng: Rng, width: int, height: int) -> Plane:
    """Woven cloth with uneven threads and soft folds."""
    bases: tuple[Color, ...] = (
        (0.80, 0.76, 0.68),
        (0.56, 0.63, 0.70),
        (0.72, 0.55, 0.50),
        (0.46, 0.52, 0.42),
    )
    base = bases[int(rng.integers(len(bases)))]
    columns = np.arange(width, dtype=np.float32)[None, :]
    rows = np.arange(height, dtype=np.float32)[:, None]
    wobble = cloud(rng, width=width, height=height, cells=(10, 8)) * 1.5
    weave = np.sin((columns + wobble) * 2 * np.pi / 4.4) * np.sin((rows + wobble) * 2 * np.pi / 4.1)
    warp = cloud(rng, width=width, height=height, cells=(width // 2, 4))
    weft = cloud(rng, width=width, height=height, cells=(4, height // 2))
    folds = cloud(rng, width=width, height=height, cells=(5, 2))
    return _tinted(base, 0.035 * weave + 0.05 * warp + 0.05 * weft + 0.06 * folds)


def slate(rng: Rng, width: int, height: int) -> Plane:
    """Split stone: layers, grains and faint scratches."""
    base: Color = (0.30, 0.33, 0.37) if rng.random() < 0.6 else (0.55, 0.54, 0.52)
    tone = 0.10 * cloud(rng, width=width, height=height, cells=(6, 9))
    tone += 0.07 * cloud(rng, width=width, height=height, cells=(26, 38))
    tone += 0.07 * cloud(rng, width=width, height=height, cells=(width // 2, height // 2))
    edges = np.abs(cloud(rng, width=width, height=height, cells=(7, 12)))
    tone -= 0.10 * np.clip(1 - edges * 26, 0, 1)
    return _tinted(base, tone)


def paper(rng: Rng, width: int, height: int) -> Plane:
    """A dotted notebook page, sometimes with the ring of a cup on it."""
    base: Color = (0.93, 0.92, 0.87) if rng.random() < 0.6 else (0.76, 0.68, 0.55)
    tone = 0.015 * cloud(rng, width=width, height=height, cells=(width // 2, height // 2))
    tone += 0.03 * cloud(rng, width=width, height=height, cells=(5, 4))
    surface = _tinted(base, tone)
    marks = np.zeros((height, width), np.uint8)
    step = int(rng.integers(20, 30))
    for y in range(int(rng.integers(step)), height, step):
        for x in range(int(rng.integers(step)), width, step):
            cv2.circle(marks, (x * 16, y * 16), 17, 150, -1, cv2.LINE_AA, 4)
    surface = surface * (1 - 0.35 * marks.astype(np.float32)[..., None] / 255)
    if rng.random() < 0.5:
        surface = _cup_ring(rng, surface)
    return surface


def _cup_ring(rng: Rng, surface: Plane) -> Plane:
    height, width = size_of(surface)
    x, y = float(rng.uniform(0, width)), float(rng.uniform(0, height))
    radius = float(rng.uniform(46, 70)) * width / 640
    rows = np.arange(height, dtype=np.float32)[:, None]
    columns = np.arange(width, dtype=np.float32)[None, :]
    uneven = cloud(rng, width=width, height=height, cells=(12, 9))
    distance = np.hypot(columns - x, rows - y) - radius - 2 * uneven
    ring = np.exp(-((distance / 2.6) ** 2)) * np.clip(0.55 + 0.5 * uneven, 0.1, 1)
    inside = np.clip(-distance / 6, 0, 1) * 0.08
    stain = np.clip(0.42 * ring + inside, 0, 1)[..., None]
    return surface * (1 - stain * (1 - np.array([0.55, 0.36, 0.20], np.float32)))


SURFACES: tuple[Callable[[Rng, int, int], Plane], ...] = (wood, cutting_mat, linen, slate, paper)
SURFACE_ODDS = (0.34, 0.24, 0.16, 0.13, 0.13)
