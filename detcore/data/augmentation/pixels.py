"""Changes of pixels that stay where they are."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from detcore.data.augmentation.labelled import Labelled, hide
from detcore.types import ImageArray

_BRIGHTNESS = 0.25
_CONTRAST = 0.25
_SATURATION = 0.4
_HUE = 0.015
_HUES = 180
"""What OpenCV has in the colour circle."""
_SIGMAS = (0.5, 2.0)
_DEVIATIONS = (3.0, 20.0)
_QUALITIES = (20, 80)
_ERASED = (0.02, 0.4)
_ERASED_ASPECT = 0.3
_TRIES = 40


def recolour(image: ImageArray, rng: np.random.Generator) -> ImageArray:
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


def shift_hsv(image: ImageArray, *, hue: float, saturation: float, value: float) -> ImageArray:
    """Hues moved by a share of the colour circle, saturation and value multiplied by 1 + theirs."""
    levels = np.arange(256, dtype=np.float64)
    tables = (
        np.round(levels + hue * _HUES) % _HUES,
        np.clip(np.round(levels * (1.0 + saturation)), 0, 255),
        np.clip(np.round(levels * (1.0 + value)), 0, 255),
    )
    table = np.stack(tables, axis=-1).astype(np.uint8)[None]
    changed = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), table)
    return cv2.cvtColor(changed, cv2.COLOR_HSV2RGB).astype(np.uint8, copy=False)


def blur(image: ImageArray, rng: np.random.Generator) -> ImageArray:
    """Out of focus: a Gaussian of half a pixel to two."""
    return cv2.GaussianBlur(image, (0, 0), float(rng.uniform(*_SIGMAS))).astype(np.uint8, copy=False)


def add_noise(image: ImageArray, rng: np.random.Generator) -> ImageArray:
    """Noise of a sensor: a Gaussian of 3 to 20 levels in each channel."""
    noise = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(*_DEVIATIONS))
    return np.clip(image + noise + 0.5, 0, 255).astype(np.uint8)


def compress(image: ImageArray, rng: np.random.Generator) -> ImageArray:
    """What JPEG of quality 20 to 80 leaves."""
    quality = int(rng.integers(_QUALITIES[0], _QUALITIES[1] + 1))
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    back = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert back is not None, "OpenCV reads what it has just written"
    return np.ascontiguousarray(back[..., ::-1], np.uint8)


def erase(item: Labelled, rng: np.random.Generator) -> Labelled:
    """A rectangle of random pixels over the image, of 2 to 40 % of it (Zhong et al. 2020). Boxes of which less than
    a quarter is left to see are dropped."""
    width, height = item.size
    for _ in range(_TRIES):
        area = rng.uniform(*_ERASED) * width * height
        aspect = rng.uniform(_ERASED_ASPECT, 1.0 / _ERASED_ASPECT)
        across, down = round(float(np.sqrt(area / aspect))), round(float(np.sqrt(area * aspect)))
        if across < width and down < height:
            break
    else:
        return item
    x1, y1 = int(rng.integers(width - across + 1)), int(rng.integers(height - down + 1))
    image = item.image.copy()
    image[y1 : y1 + down, x1 : x1 + across] = rng.integers(0, 256, (down, across, 3), np.uint8)
    return replace(hide(item, (x1, y1, x1 + across, y1 + down)), image=image)
