"""The six kinds of things on the sample's tables: one drawing function a class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detcore.sample.relief import Canvas, Color, Plane, Sprite

Rng = np.random.Generator

GOLD: Color = (0.90, 0.70, 0.28)
BRASS: Color = (0.87, 0.70, 0.40)
COPPER: Color = (0.76, 0.45, 0.29)
SILVER: Color = (0.79, 0.80, 0.82)
STEEL: Color = (0.67, 0.70, 0.75)
BLACKENED: Color = (0.30, 0.31, 0.34)
PLASTICS: tuple[Color, ...] = (
    (0.86, 0.22, 0.22),
    (0.16, 0.44, 0.78),
    (0.96, 0.72, 0.14),
    (0.20, 0.58, 0.42),
    (0.93, 0.90, 0.84),
    (0.48, 0.26, 0.56),
    (0.95, 0.52, 0.62),
    (0.18, 0.19, 0.23),
)
FOLIAGE: tuple[tuple[Color, Color], ...] = (
    ((0.28, 0.52, 0.16), (0.46, 0.66, 0.22)),
    ((0.20, 0.42, 0.17), (0.34, 0.55, 0.20)),
    ((0.80, 0.56, 0.12), (0.90, 0.74, 0.24)),
    ((0.70, 0.24, 0.10), (0.88, 0.48, 0.16)),
    ((0.52, 0.30, 0.14), (0.70, 0.46, 0.22)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A class of objects: how often it comes (relative), its half length in pixels of a picture 640
    wide, and what draws it."""

    name: str
    frequency: float
    radius: tuple[float, float]
    draw: Callable[[Canvas, Rng], Sprite]


def _choose(rng: Rng, choices: tuple[Color, ...]) -> Color:
    tint = rng.normal(0, 0.03) + rng.normal(0, 0.012, 3)
    red, green, blue = np.clip(np.array(choices[int(rng.integers(len(choices)))]) + tint, 0.02, 1)
    return (float(red), float(green), float(blue))


def _circle(radius: float, count: int, turn: float = 0.0) -> NDArray[np.float64]:
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False) + turn
    return np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1)


def _rectangle(x1: float, y1: float, x2: float, y2: float) -> NDArray[np.float64]:
    return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], dtype=np.float64)


def draw_coin(canvas: Canvas, rng: Rng) -> Sprite:
    """A struck disc: raised rim, beads, and a star, a wreath or rings in the middle."""
    mask = canvas.disc(0, 0, 1)
    height = canvas.bevel(mask, 0.07)
    height = height - 0.05 * canvas.disc(0, 0, 0.86)
    beads = int(rng.integers(28, 44))
    angle = np.arctan2(canvas.y, canvas.x)
    ring = np.hypot(canvas.x, canvas.y)
    height = height + 0.02 * np.clip(np.cos(beads * angle), 0, 1) * ((ring > 0.74) & (ring < 0.82))
    motif = int(rng.integers(3))
    if motif == 0:
        points = _circle(0.55, 10)
        points[1::2] *= 0.42
        height = height + 0.6 * canvas.bevel(canvas.polygon(points), 0.12)
    elif motif == 1:
        for turn in np.arange(6) * np.pi / 3:
            petal = np.stack(
                [0.3 + 0.22 * np.cos(np.linspace(0, 6.2, 24)), 0.12 * np.sin(np.linspace(0, 6.2, 24))]
            )
            turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ petal
            height = height + 0.5 * canvas.bevel(canvas.polygon(turned.T), 0.08)
        height = height + 0.5 * canvas.bevel(canvas.disc(0, 0, 0.14), 0.1)
    else:
        height = height + 0.05 * (canvas.disc(0, 0, 0.58) - canvas.disc(0, 0, 0.46))
        height = height + 0.5 * canvas.bevel(canvas.polygon(_circle(0.36, 3, float(rng.uniform(0, 6)))), 0.12)
    albedo = _choose(rng, (GOLD, GOLD, SILVER, COPPER))
    return canvas.finish(mask=mask, height=height, albedo=albedo, gloss=0.55, metal=0.85, thickness=0.13)


def draw_button(canvas: Canvas, rng: Rng) -> Sprite:
    """A glossy disc with a raised rim, a dished middle, and two or four holes."""
    count = 4 if rng.random() < 0.7 else 2
    holes = np.zeros_like(canvas.x)
    for x, y in _circle(0.25, count, np.pi / 4):
        holes = np.maximum(holes, canvas.disc(float(x), float(y), 0.105))
    disc = canvas.disc(0, 0, 1)
    ring = np.hypot(canvas.x, canvas.y)
    rim = np.exp(-(((ring - 0.82) / 0.12) ** 2))
    height = canvas.bevel(disc, 0.12) + 0.10 * rim - 0.5 * canvas.bevel(holes, 0.08)
    color = np.asarray(_choose(rng, PLASTICS), np.float32)
    marbled = 1 + 0.10 * np.sin(5 * canvas.x + 3 * np.sin(4 * canvas.y + float(rng.uniform(0, 6))))
    albedo = np.clip(color * marbled[..., None], 0, 1) * (1 - 0.82 * holes[..., None])
    return canvas.finish(mask=disc, height=height, albedo=albedo, gloss=0.6, thickness=0.2)


def draw_nut(canvas: Canvas, rng: Rng) -> Sprite:
    """A hexagon with chamfered corners and a threaded hole through which the table shows."""
    hexagon = canvas.polygon(_circle(1.0, 6))
    bore = canvas.disc(0, 0, 0.52)
    ring = np.hypot(canvas.x, canvas.y)
    height = canvas.bevel(hexagon, 0.1) - 0.35 * np.clip(ring - 0.84, 0, 1)
    height = height - 0.25 * np.clip(0.62 - ring, 0, 0.2)
    metal = _choose(rng, (STEEL, STEEL, BRASS, BLACKENED))
    thread = 1 - 0.5 * np.clip((0.58 - ring) / 0.08, 0, 1)
    albedo = np.asarray(metal, np.float32) * thread[..., None]
    mask = np.clip(hexagon - bore, 0, 1)
    return canvas.finish(mask=mask, height=height, albedo=albedo, gloss=0.5, metal=0.8, thickness=0.38)


def draw_bolt(canvas: Canvas, rng: Rng) -> Sprite:
    """A machine bolt lying on its side: head, collar, threaded shaft."""
    half = float(rng.uniform(0.15, 0.2))
    head_end = -0.62
    head = canvas.polygon(_rectangle(-0.98, -2.0 * half, head_end, 2.0 * half))
    collar = canvas.polygon(_rectangle(head_end - 0.02, -2.2 * half, head_end + 0.07, 2.2 * half))
    tip = np.array(
        [
            [head_end, -half],
            [0.9, -half],
            [1.0, -0.6 * half],
            [1.0, 0.6 * half],
            [0.9, half],
            [head_end, half],
        ]
    )
    shaft = canvas.polygon(tip)
    round_shaft = np.sqrt(np.clip(1 - (canvas.y / half) ** 2, 0, 1)) * half
    turns = float(rng.uniform(11, 16))
    phase = turns * 2 * np.pi * (canvas.x + 0.22 * canvas.y)
    thread = 0.035 * np.abs(((phase / (2 * np.pi)) % 1) - 0.5) * 2 * (canvas.x > head_end + 0.3)
    facets = 0.30 - 0.16 * np.clip(np.abs(canvas.y) - 0.9 * half, 0, 1) / half
    height = np.maximum(shaft * (round_shaft - thread), 0)
    height = np.maximum(height, head * facets - 0.5 * (0.08 - canvas.bevel(head, 0.08)) * head)
    height = np.maximum(height, collar * 0.34)
    mask = np.maximum(np.maximum(head, shaft), collar)
    albedo = _choose(rng, (STEEL, STEEL, SILVER, BRASS))
    return canvas.finish(
        mask=mask, height=height.astype(np.float32), albedo=albedo, gloss=0.6, metal=0.75, thickness=0.22
    )


def draw_key(canvas: Canvas, rng: Rng) -> Sprite:
    """A door key: a bow with a hole, a grooved blade, and its own row of teeth."""
    bow = canvas.disc(-0.66, 0, 0.33)
    if rng.random() < 0.5:
        bow = canvas.polygon(_circle(0.35, 8, np.pi / 8) + np.array([-0.64, 0.0]))
    hole = canvas.disc(-0.76, 0, 0.11)
    lower = [[0.96, 0.02], [0.9, 0.1]]
    steps = np.linspace(0.84, 0.02, 7)
    depths = rng.uniform(0.06, 0.17, 7)
    for x, depth in zip(steps, depths, strict=True):
        lower += [[float(x), 0.18 - float(depth) * 0.9], [float(x) - 0.06, 0.18 - float(depth) * 0.9]]
    outline = np.array([[-0.4, -0.12], [0.86, -0.12], *lower, [-0.12, 0.15], [-0.4, 0.15]])
    blade = canvas.polygon(outline)
    mask = np.clip(np.maximum(bow, blade) - hole, 0, 1)
    groove = canvas.polygon(_rectangle(-0.3, -0.055, 0.82, -0.01))
    dish = canvas.disc(-0.62, 0, 0.2)
    height = canvas.bevel(mask, 0.07) - 0.03 * groove - 0.018 * dish
    albedo = _choose(rng, (BRASS, BRASS, SILVER, GOLD))
    return canvas.finish(mask=mask, height=height, albedo=albedo, gloss=0.55, metal=0.8, thickness=0.08)


def draw_leaf(canvas: Canvas, rng: Rng) -> Sprite:
    """A toothed, veined, slightly curled leaf on its stalk."""
    breadth = float(rng.uniform(0.36, 0.5))
    bend = float(rng.uniform(-0.12, 0.12))
    teeth = float(rng.uniform(0.0, 0.035))
    along = np.linspace(-0.68, 1.0, 90)
    t = (along + 0.68) / 1.68
    width = breadth * np.clip(np.sin(np.pi * t**0.8), 0, 1) ** 0.85 + teeth * np.abs(
        np.sin(13 * np.pi * t)
    ) * np.sin(np.pi * t)
    middle = bend * np.sin(np.pi * t)
    outline = np.concatenate(
        [np.stack([along, middle - width], 1), np.stack([along, middle + width], 1)[::-1]]
    )
    blade = canvas.polygon(outline)
    stalk = canvas.stroke(np.array([[-1.0, -bend], [-0.85, -0.3 * bend], [-0.66, 0.0]]), 0.05)
    veins = canvas.stroke(np.stack([along, middle], 1), 0.03)
    for position in np.linspace(0.1, 0.82, 8):
        index = int(position * 89)
        start = np.array([along[index], middle[index]])
        reach = width[index] * 0.92
        for side in (-1.0, 1.0):
            end = start + np.array([0.75 * reach, side * reach])
            veins = np.maximum(veins, 0.7 * canvas.stroke(np.stack([start, (start + end) / 2, end]), 0.012))
    veins = veins * blade
    mask = np.maximum(blade, stalk)
    curl = 0.10 * np.cos(2.2 * canvas.y / breadth) + 0.03 * np.sin(9 * canvas.x + 2.0)
    height = canvas.bevel(mask, 0.05) + curl - 0.03 * cv2.GaussianBlur(veins, (0, 0), 0.012 * canvas.unit)
    dark, light = FOLIAGE[int(rng.choice(len(FOLIAGE), p=(0.34, 0.24, 0.18, 0.14, 0.10)))]
    albedo = _mottle(canvas, rng, dark, light)
    pale = np.asarray(light, np.float32) * 0.6 + 0.38
    albedo = albedo + (pale - albedo) * (0.75 * np.maximum(veins, stalk))[..., None]
    return canvas.finish(
        mask=mask, height=height.astype(np.float32), albedo=albedo, gloss=0.16, thickness=0.1
    )


def _mottle(canvas: Canvas, rng: Rng, dark: Color, light: Color) -> Plane:
    """Two colours mixed in soft patches."""
    patches = rng.random((9, 9), dtype=np.float32)
    size = canvas.x.shape[1], canvas.x.shape[0]
    mix = np.clip(np.asarray(cv2.resize(patches, size, interpolation=cv2.INTER_CUBIC), np.float32), 0, 1)
    start, end = np.asarray(dark, np.float32), np.asarray(light, np.float32)
    return start + (end - start) * mix[..., None]


KINDS: tuple[Kind, ...] = (
    Kind(name="coin", frequency=0.25, radius=(20, 38), draw=draw_coin),
    Kind(name="button", frequency=0.21, radius=(13, 32), draw=draw_button),
    Kind(name="nut", frequency=0.16, radius=(14, 30), draw=draw_nut),
    Kind(name="leaf", frequency=0.14, radius=(38, 80), draw=draw_leaf),
    Kind(name="bolt", frequency=0.13, radius=(34, 68), draw=draw_bolt),
    Kind(name="key", frequency=0.11, radius=(44, 78), draw=draw_key),
)
