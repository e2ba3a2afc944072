"""How Reticle 0.1 drew and changed training images, as it was written then: what defaults are held against."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from detcore.data.augmentation.labelled import Labelled
from detcore.data.letterbox import PAD_VALUE
from detcore.jobs.settings.augmentation import Augmentation
from detcore.types import ImageArray, IntArray

_MIN_SIDE = 2.0
_MIN_VISIBLE = 0.25
_BRIGHTNESS = 0.25
_CONTRAST = 0.25
_SATURATION = 0.4
_HUE = 0.015
_MOSAIC_JITTER = 0.3


def augment(
    item: Labelled, plan: Augmentation, rng: np.random.Generator, *, width: int, height: int
) -> Labelled:
    """The image flipped, zoomed and shifted into a frame of that size, then re-coloured.

    Boxes are clipped to the frame; those of which less than a quarter is left are dropped.
    """
    image_height, image_width = item.image.shape[:2]
    zoom = 1.0 + rng.uniform(-plan.scale_jitter, plan.scale_jitter) if plan.scale_jitter else 1.0
    flip_x = plan.flip_horizontal and rng.random() < 0.5
    flip_y = plan.flip_vertical and rng.random() < 0.5
    # Where the frame has room the image goes anywhere in it; where it is larger, any part is seen.
    room = np.array([width - image_width * zoom, height - image_height * zoom])
    shift = rng.uniform(0.0, 1.0, 2) * room if plan.scale_jitter else np.zeros(2)
    matrix = np.array(
        [
            [-zoom if flip_x else zoom, 0.0, shift[0] + (image_width * zoom if flip_x else 0.0)],
            [0.0, -zoom if flip_y else zoom, shift[1] + (image_height * zoom if flip_y else 0.0)],
        ]
    )
    image = _warp(item.image, matrix, width=width, height=height)
    if plan.colour_jitter:
        image = _recolour(image, rng)
    boxes, kept = _move(item.boxes, matrix, width=width, height=height)
    ignore, _ = _move(item.ignore, matrix, width=width, height=height, any_part=True)  # which came later
    return Labelled(image=image, boxes=boxes, labels=item.labels[kept], ignore=ignore)


def mosaic(
    items: tuple[Labelled, Labelled, Labelled, Labelled], plan: Augmentation, rng: np.random.Generator
) -> Labelled:
    """Four images side by side about a random cross, at the size of the first one; flipped each as
    planned."""
    height, width = items[0].image.shape[:2]
    cross_x = int(width * rng.uniform(0.35, 0.65))
    cross_y = int(height * rng.uniform(0.35, 0.65))
    canvas = np.full((height, width, 3), PAD_VALUE, np.uint8)
    boxes: list[NDArray[np.float32]] = []
    labels: list[IntArray] = []
    ignore: list[NDArray[np.float32]] = []
    part_plan = replace(plan, scale_jitter=_MOSAIC_JITTER, colour_jitter=False, mosaic=0.0)
    corners = ((0, 0, cross_x, cross_y), (cross_x, 0, width, cross_y))
    corners += ((0, cross_y, cross_x, height), (cross_x, cross_y, width, height))
    for item, (left, top, right, bottom) in zip(items, corners, strict=True):
        part = augment(item, part_plan, rng, width=right - left, height=bottom - top)
        canvas[top:bottom, left:right] = part.image
        shift = np.array([left, top, left, top], np.float32)
        boxes.append(part.boxes + shift)
        labels.append(part.labels)
        ignore.append(part.ignore + shift)
    return Labelled(
        image=canvas,
        boxes=np.concatenate(boxes),
        labels=np.concatenate(labels),
        ignore=np.concatenate(ignore),
    )


def _warp(image: ImageArray, matrix: NDArray[np.float64], *, width: int, height: int) -> ImageArray:
    """The image under a map of continuous coordinates (pixel centres are at half pixels)."""
    centred = matrix.copy()
    centred[:, 2] += matrix[:, :2].sum(axis=1) * 0.5 - 0.5
    grey = (PAD_VALUE, PAD_VALUE, PAD_VALUE)
    warped = cv2.warpAffine(
        image,
        centred,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=grey,
    )
    return warped.astype(np.uint8, copy=False)


def _move(
    boxes: NDArray[np.float32],
    matrix: NDArray[np.float64],
    *,
    width: int,
    height: int,
    any_part: bool = False,
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Boxes under the same map, clipped to the frame, and the rows that are left."""
    corners = boxes.reshape(-1, 2, 2).astype(np.float64) * matrix.diagonal() + matrix[:, 2]
    moved = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    clipped = np.clip(moved, 0.0, np.array([width, height, width, height], np.float64))
    sides = clipped[:, 2:] - clipped[:, :2]
    before = np.maximum((moved[:, 2:] - moved[:, :2]).prod(axis=1), 1e-9)
    enough = (sides.min(axis=1) >= _MIN_SIDE) & (sides.prod(axis=1) / before >= _MIN_VISIBLE)
    kept = np.flatnonzero(sides.min(axis=1) > 0 if any_part else enough)
    return clipped[kept].astype(np.float32), kept


def _recolour(image: ImageArray, rng: np.random.Generator) -> ImageArray:
    """Brightness, contrast, saturation and hue, as one 3×3 matrix on RGB (hue turned about grey)."""
    brightness = 255.0 * rng.uniform(-_BRIGHTNESS, _BRIGHTNESS) * 0.5
    contrast = 1.0 + rng.uniform(-_CONTRAST, _CONTRAST)
    saturation = 1.0 + rng.uniform(-_SATURATION, _SATURATION)
    angle = 2.0 * np.pi * rng.uniform(-_HUE, _HUE)
    grey = np.full((3, 3), 1.0 / 3.0)
    cosine, sine = np.cos(angle), np.sin(angle) / np.sqrt(3.0)
    cross = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])
    turn = grey + cosine * (np.eye(3) - grey) + sine * cross
    mix = contrast * (grey + saturation * (turn - grey))
    offset = brightness + 127.5 * (1.0 - contrast)
    matrix = np.concatenate([mix, np.full((3, 1), offset)], axis=1)
    return cv2.transform(image, matrix).astype(np.uint8, copy=False)
