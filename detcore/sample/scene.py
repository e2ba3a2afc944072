"""Composing a picture: a table, things on it with their shadows, the lamp's falloff, the camera's noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from detcore.boxes import areas, clip, iou
from detcore.sample.objects import KINDS, Kind, Rng
from detcore.sample.relief import Canvas, Plane, Sprite, size_of
from detcore.sample.surfaces import SURFACE_ODDS, SURFACES
from detcore.sample.truth import SampleBox
from detcore.types import FloatArray, ImageArray

_SHADOW = np.array([0.11, 0.09, 0.10], np.float32)
_MOST_COVERED = 0.22
_LEAST_INSIDE = 0.55


@dataclass(slots=True)
class _Table:
    """What lies on the table so far."""

    picture: Plane
    covered: Plane
    placed: list[SampleBox] = field(default_factory=list[SampleBox])


def paint_scene(rng: Rng, *, width: int, height: int) -> tuple[ImageArray, tuple[SampleBox, ...]]:
    """One picture (height, width, 3) RGB and all that is on it."""
    paint_surface = SURFACES[int(rng.choice(len(SURFACES), p=SURFACE_ODDS))]
    table = _Table(paint_surface(rng, width, height).copy(), np.zeros((height, width), np.float32))
    for kind, radius in _inventory(rng, zoom=width / 640):
        _try_to_place(rng, table, kind, radius)
    return _photograph(rng, table.picture), tuple(table.placed)


def _inventory(rng: Rng, *, zoom: float) -> list[tuple[Kind, float]]:
    """What to place, large things first: small ones then find room, and may lie on the large."""
    closeness = zoom * float(np.exp(rng.normal(0, 0.2)))
    count = int(np.clip(rng.poisson(10.0), 4, 22))
    odds = np.array([kind.frequency for kind in KINDS]) * rng.gamma(2.0, 0.5, len(KINDS))
    chosen = [KINDS[int(index)] for index in rng.choice(len(KINDS), count, p=odds / odds.sum())]
    if rng.random() < 0.3:
        handful = KINDS[int(rng.choice([0, 1, 2]))]
        chosen += [handful] * int(rng.integers(3, 7))
    sizes = [float(np.clip(rng.uniform(*kind.radius) * closeness, 9, 92 * zoom)) for kind in chosen]
    return sorted(zip(chosen, sizes, strict=True), key=lambda item: -item[1])


def _try_to_place(rng: Rng, table: _Table, kind: Kind, radius: float) -> None:
    height, width = size_of(table.covered)
    margin = 0.2 * radius
    for _ in range(12):
        x, y = _spot(rng, table, radius, margin=margin)
        canvas = Canvas(radius=radius, angle=float(rng.uniform(0, 2 * np.pi)), offset=(x % 1.0, y % 1.0))
        sprite = kind.draw(canvas, rng)
        left, top = int(x) - canvas.side // 2, int(y) - canvas.side // 2
        box = np.array([sprite.box]) + np.array([left, top, left, top])
        inside = clip(box, width=width, height=height)
        if float(areas(inside)[0] / areas(box)[0]) < _LEAST_INSIDE or _too_close(
            table, sprite, left, top, inside
        ):
            continue
        _blend(table, sprite, left, top)
        x1, y1, x2, y2 = (round(float(edge), 2) for edge in inside[0])
        cut = bool(np.abs(inside - box).max() > 0.5)
        table.placed.append(SampleBox(class_name=kind.name, xyxy=(x1, y1, x2, y2), truncated=cut))
        return


def _spot(rng: Rng, table: _Table, radius: float, *, margin: float) -> tuple[float, float]:
    """Anywhere on the table, or (one time in four) touching something that is there."""
    height, width = size_of(table.covered)
    if not table.placed or rng.random() < 0.75:
        return float(rng.uniform(margin, width - margin)), float(rng.uniform(margin, height - margin))
    x1, y1, x2, y2 = table.placed[int(rng.integers(len(table.placed)))].xyxy
    angle, distance = float(rng.uniform(0, 2 * np.pi)), 0.8 * radius + 0.42 * max(x2 - x1, y2 - y1)
    x = (x1 + x2) / 2 + distance * float(np.cos(angle))
    y = (y1 + y2) / 2 + distance * float(np.sin(angle))
    return min(max(x, margin), width - margin), min(max(y, margin), height - margin)


def _too_close(table: _Table, sprite: Sprite, left: int, top: int, box: FloatArray) -> bool:
    """Whether the new object would hide much of what is there, or lie nearly on one spot with it."""
    rows, columns, own_rows, own_columns = _windows(table.covered.shape, sprite.alpha.shape, left, top)
    alpha = sprite.alpha[own_rows, own_columns]
    hidden = float((alpha * table.covered[rows, columns]).sum() / max(float(alpha.sum()), 1.0))
    if hidden > _MOST_COVERED:
        return True
    others = np.array([other.xyxy for other in table.placed]).reshape(-1, 4)
    return bool(len(others) and iou(box, others).max() > 0.35)


def _blend(table: _Table, sprite: Sprite, left: int, top: int) -> None:
    reach = int(np.ceil(sprite.thickness * 1.6)) + 10
    padded = np.pad(sprite.alpha, reach)
    shadow = _shadow_of(padded, sprite.thickness)
    rows, columns, own_rows, own_columns = _windows(
        table.covered.shape, padded.shape, left - reach, top - reach
    )
    ground = table.picture[rows, columns]
    dark = shadow[own_rows, own_columns][..., None]
    ground[...] = ground * (1 - dark) + _SHADOW * ground * dark
    rows, columns, own_rows, own_columns = _windows(table.covered.shape, sprite.alpha.shape, left, top)
    alpha = sprite.alpha[own_rows, own_columns]
    ground = table.picture[rows, columns]
    ground[...] += (sprite.color[own_rows, own_columns] - ground) * alpha[..., None]
    table.covered[rows, columns] = np.maximum(table.covered[rows, columns], alpha)


def _shadow_of(alpha: Plane, thickness: float) -> Plane:
    """A tight dark line where the object touches the table, and a soft cast away from the lamp."""
    fall = max(1.2, 0.75 * thickness)
    moved = np.array([[1, 0, fall * 0.8], [0, 1, fall]], np.float32)
    size = alpha.shape[1], alpha.shape[0]
    cast = cv2.GaussianBlur(cv2.warpAffine(alpha, moved, size), (0, 0), 0.8 + 0.32 * fall)
    contact = cv2.GaussianBlur(alpha, (0, 0), 2.0)
    return np.clip(np.maximum(0.55 * cast, 0.5 * contact), 0, 1).astype(np.float32)


def _windows(
    whole: Sequence[int], part: Sequence[int], left: int, top: int
) -> tuple[slice, slice, slice, slice]:
    """Rows and columns of a part that sticks out of a whole: in the whole, and in the part."""
    height, width = whole[0], whole[1]
    x1, y1 = max(left, 0), max(top, 0)
    x2, y2 = max(min(left + part[1], width), x1), max(min(top + part[0], height), y1)
    return slice(y1, y2), slice(x1, x2), slice(y1 - top, y2 - top), slice(x1 - left, x2 - left)


def _photograph(rng: Rng, picture: Plane) -> ImageArray:
    """Lamp falloff, warmth, exposure and grain."""
    height, width = size_of(picture)
    rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    lamp_x, lamp_y = float(rng.uniform(-0.7, 0.1)), float(rng.uniform(-0.8, -0.1))
    falloff = 1.10 - 0.20 * np.hypot(columns - lamp_x, rows - lamp_y)
    warmth = np.array([1.0, 1.0, 1.0], np.float32) + np.float32(rng.normal(0, 0.025)) * np.array([1, 0.2, -1])
    exposed = picture * falloff[..., None] * (warmth * float(rng.uniform(0.94, 1.1))).astype(np.float32)
    grain = rng.normal(0, float(rng.uniform(0.006, 0.014)), (height, width, 1)).astype(np.float32)
    return np.clip(np.round((exposed + grain) * 255), 0, 255).astype(np.uint8)
