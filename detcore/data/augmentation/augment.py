"""The random changes that are made to one training image.

What is drawn first, and by the generator itself, is what Reticle has always drawn; every later kind of change has a
generator of its own. So a change that is switched on leaves all the others as they were.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import cast

import numpy as np

from detcore.data.augmentation.geometry import Pose, crop_window, place, warp
from detcore.data.augmentation.labelled import Labelled, crop
from detcore.data.augmentation.pixels import add_noise, blur, compress, erase, recolour, shift_hsv
from detcore.jobs.settings.augmentation import Augmentation

_LARGEST_CANVAS = 4.0


class Draw(IntEnum):
    """What has a generator of its own. A number is for ever: it says what is drawn."""

    CROP = 1
    TURN = 2
    ZOOM_OUT = 3
    HSV = 4
    ERASE = 5
    BLUR = 6
    NOISE = 7
    JPEG = 8
    MIXUP = 9
    CUTMIX = 10
    COPY_PASTE = 11


def apart(rng: np.random.Generator, kind: Draw) -> np.random.Generator:
    """A generator for one kind of change; it follows from the seed of ``rng``, whatever that has drawn."""
    seed = cast("np.random.SeedSequence", rng.bit_generator.seed_seq)
    return np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, kind)))


def chance(rng: np.random.Generator, kind: Draw, share: float) -> np.random.Generator | None:
    """The generator for a change that a share of the images gets, or none where this image does not."""
    own = apart(rng, kind) if share else None
    return own if own is not None and own.random() < share else None


def augment(
    item: Labelled,
    plan: Augmentation,
    rng: np.random.Generator,
    *,
    width: int,
    height: int,
    scale: float = 1.0,
) -> Labelled:
    """The image cut, turned, zoomed and shifted into a frame of that size, then re-coloured and spoilt; ``scale`` times
    as large as the plan alone would make it.

    Boxes are clipped to the frame; those of which less than a quarter is left are dropped.
    """
    moved = _change_place(item, plan, rng, width=width, height=height, scale=scale)
    return _change_pixels(moved, plan, rng)


def _change_place(
    item: Labelled, plan: Augmentation, rng: np.random.Generator, *, width: int, height: int, scale: float
) -> Labelled:
    zoom = 1.0 + rng.uniform(-plan.scale_jitter, plan.scale_jitter) if plan.scale_jitter else 1.0
    flip_x = bool(plan.flip_horizontal and rng.random() < 0.5)
    flip_y = bool(plan.flip_vertical and rng.random() < 0.5)
    at = rng.uniform(0.0, 1.0, 2) if plan.scale_jitter else None
    size = item.size
    cropping = chance(rng, Draw.CROP, plan.crop)
    if cropping is not None:
        item = crop(item, crop_window(item, cropping))
    quarters, degrees = _turn(plan, rng)
    leaving = chance(rng, Draw.ZOOM_OUT, plan.zoom_out)
    if leaving is not None:
        zoom /= leaving.uniform(1.0, _LARGEST_CANVAS)
        at = leaving.uniform(0.0, 1.0, 2)
    # what is cut out or lies on its side is made to fit where the whole image was
    across, down = item.size if quarters % 2 == 0 else item.size[::-1]
    fit = min(size[0] / across, size[1] / down)
    pose = Pose(zoom=zoom * fit * scale, flip_x=flip_x, flip_y=flip_y, quarters=quarters, degrees=degrees)
    matrix = place(pose, size=item.size, frame=(width, height), at=at)
    return warp(item, matrix, width=width, height=height)


def _turn(plan: Augmentation, rng: np.random.Generator) -> tuple[int, float]:
    """Quarter turns and degrees."""
    if not plan.quarter_turns and not plan.rotation:
        return 0, 0.0
    own = apart(rng, Draw.TURN)
    quarters, degrees = int(own.integers(4)), plan.rotation * float(own.uniform(-1.0, 1.0))
    return quarters if plan.quarter_turns else 0, degrees


def _change_pixels(item: Labelled, plan: Augmentation, rng: np.random.Generator) -> Labelled:
    image = recolour(item.image, rng) if plan.colour_jitter else item.image
    if plan.hue or plan.saturation or plan.brightness:
        hue, saturation, value = apart(rng, Draw.HSV).uniform(-1.0, 1.0, 3).tolist()
        image = shift_hsv(
            image,
            hue=hue * plan.hue,
            saturation=saturation * plan.saturation,
            value=value * plan.brightness,
        )
    for kind, share, change in (
        (Draw.BLUR, plan.blur, blur),
        (Draw.NOISE, plan.noise, add_noise),
        (Draw.JPEG, plan.jpeg, compress),
    ):
        own = chance(rng, kind, share)
        if own is not None:
            image = change(image, own)
    item = replace(item, image=image)
    erasing = chance(rng, Draw.ERASE, plan.erase)
    return item if erasing is None else erase(item, erasing)
