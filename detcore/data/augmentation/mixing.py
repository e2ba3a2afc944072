"""Images made of several."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detcore.data.augmentation.augment import augment
from detcore.data.augmentation.labelled import Labelled, crop, hide, onto, overlay
from detcore.data.letterbox import PAD_VALUE
from detcore.jobs.settings.augmentation import Augmentation
from detcore.types import FloatArray

_MOSAIC_JITTER = 0.3
_EVENNESS = 32.0
_EDGE = 0.1
_EDGE_PIXELS = (2.0, 12.0)
_TRIES = 20
_MOST_HIDDEN = 0.3


def mosaic(
    items: tuple[Labelled, Labelled, Labelled, Labelled], plan: Augmentation, rng: np.random.Generator
) -> Labelled:
    """Four images side by side about a random cross, at the size of the first one; flipped each as
    planned."""
    width, height = items[0].size
    cross_x = int(width * rng.uniform(0.35, 0.65))
    cross_y = int(height * rng.uniform(0.35, 0.65))
    none = np.zeros((0, 4), np.float32)
    image = np.full((height, width, 3), PAD_VALUE, np.uint8)
    whole = Labelled(image=image, boxes=none, labels=items[0].labels[:0], ignore=none)
    part_plan = Augmentation(
        flip_horizontal=plan.flip_horizontal,
        flip_vertical=plan.flip_vertical,
        scale_jitter=_MOSAIC_JITTER,
        colour_jitter=False,
    )
    corners = ((0, 0, cross_x, cross_y), (cross_x, 0, width, cross_y))
    corners += ((0, cross_y, cross_x, height), (cross_x, cross_y, width, height))
    for item, (left, top, right, bottom) in zip(items, corners, strict=True):
        part = augment(item, part_plan, rng, width=right - left, height=bottom - top)
        image[top:bottom, left:right] = part.image
        whole = overlay(whole, part, left=left, top=top)
    return whole


def mixup(item: Labelled, other: Labelled, rng: np.random.Generator) -> Labelled:
    """The mean of two images with the boxes of both (Zhang et al. 2019): about half of each, since all boxes count
    in full."""
    other = onto(other, width=item.size[0], height=item.size[1])
    share = float(rng.beta(_EVENNESS, _EVENNESS))
    mixed = item.image * np.float32(share) + other.image * np.float32(1.0 - share) + np.float32(0.5)
    return replace(overlay(item, other), image=mixed.astype(np.uint8))


def cutmix(item: Labelled, other: Labelled, rng: np.random.Generator) -> Labelled:
    """A rectangle of one image in the same place of another (Yun et al. 2019), with the boxes of what is seen of
    each. Its share of the image is drawn evenly from 0 to 1, its middle anywhere."""
    width, height = item.size
    other = onto(other, width=width, height=height)
    side = np.sqrt(rng.uniform())
    centre = rng.uniform(0.0, 1.0, 2) * (width, height)
    half = side * np.array([width, height]) / 2.0
    x1, y1 = np.maximum(centre - half, 0.0).astype(int).tolist()
    x2, y2 = np.minimum(centre + half, (width, height)).astype(int).tolist()
    if x2 <= x1 or y2 <= y1:
        return item
    image = item.image.copy()
    image[y1:y2, x1:x2] = other.image[y1:y2, x1:x2]
    around = replace(hide(item, (x1, y1, x2, y2)), image=image)
    return overlay(around, crop(other, (x1, y1, x2, y2)), left=x1, top=y1)


def paste(
    item: Labelled, source: Labelled, row: int, rng: np.random.Generator, *, mirrored: bool
) -> Labelled:
    """A box of the source with what is in it, put where it hides no other by more than 30 %, its surroundings
    fading into the image over a tenth of its longer side. The image itself where twenty tries find no such
    place, or it has no room.

    After "Simple copy-paste" (Ghiasi et al. 2021), with boxes in place of masks.
    """
    x1, y1, x2, y2 = source.boxes[row].tolist()
    edge = float(np.clip(_EDGE * max(x2 - x1, y2 - y1), *_EDGE_PIXELS))
    left, top = int(max(x1 - edge, 0)), int(max(y1 - edge, 0))
    right, bottom = int(min(x2 + edge, source.size[0])), int(min(y2 + edge, source.size[1]))
    patch = crop(source, (left, top, right, bottom))
    core = (x1 - left, y1 - top, x2 - left, y2 - top)
    opacity = _fade(patch.size[1], core[1], core[3])[:, None] * _fade(patch.size[0], core[0], core[2])
    if mirrored:
        patch, opacity = _mirror(patch), opacity[:, ::-1]
        core = (patch.size[0] - core[2], core[1], patch.size[0] - core[0], core[3])
    room_x, room_y = item.size[0] - patch.size[0], item.size[1] - patch.size[1]
    if min(room_x, room_y) < 0 or not len(patch.boxes):
        return item
    for _ in range(_TRIES):
        x, y = int(rng.integers(room_x + 1)), int(rng.integers(room_y + 1))
        area = (core[0] + x, core[1] + y, core[2] + x, core[3] + y)
        if _hidden(item.boxes, area) <= _MOST_HIDDEN:
            break
    else:
        return item
    image = item.image.copy()
    place = image[y : y + patch.size[1], x : x + patch.size[0]]
    place[:] = place + (patch.image.astype(np.float32) - place) * opacity[..., None] + 0.5
    return overlay(replace(hide(item, area), image=image), patch, left=x, top=y)


def _fade(length: int, first: float, last: float) -> NDArray[np.float32]:
    """(length,) 1 from ``first`` to ``last``, falling to 0 at both ends; at an end that it begins at, it does not
    fall."""
    middles = np.arange(length, dtype=np.float32) + np.float32(0.5)
    before = middles / first if first > 0 else np.ones_like(middles)
    after = (length - middles) / (length - last) if last < length else np.ones_like(middles)
    # a pixel that the box has a part of is the box's
    inside = (middles > first - 0.5) & (middles < last + 0.5)
    return np.where(inside, np.float32(1), np.minimum(np.minimum(before, after), 1)).astype(np.float32)


def _mirror(item: Labelled) -> Labelled:
    def across(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], axis=1)

    width = item.size[0]
    return replace(item, image=item.image[:, ::-1], boxes=across(item.boxes), ignore=across(item.ignore))


def _hidden(boxes: NDArray[np.float32], area: tuple[float, float, float, float]) -> float:
    """The largest share of a box that an area hides."""
    if not len(boxes):
        return 0.0
    x1, y1, x2, y2 = area
    shared = np.minimum(boxes[:, 2:], (x2, y2)) - np.maximum(boxes[:, :2], (x1, y1))
    shares: FloatArray = shared.clip(0.0).prod(axis=1) / (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return float(shares.max())
