"""Writing the sample's pictures and its truth to a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from detcore.errors import Cancelled, ProjectError
from detcore.sample.objects import KINDS
from detcore.sample.scene import paint_scene
from detcore.sample.spoil import spoil_labels
from detcore.sample.truth import SampleImage, SampleTruth
from detcore.types import ImageArray

Progress = Callable[[int, int], bool]
"""Called with how many are done and how many there are; False stops the work."""

DEFAULT_IMAGES = 120
DEFAULT_SEED = 1
UNLABELLED = 0.1
"""The fraction of pictures, at the end of the list, that nobody has labelled yet."""

TRUTH_FILE = "truth.json"
IMAGE_FOLDER = "images"
_JPEG_QUALITY = 93


def generate_sample(
    folder: Path,
    *,
    images: int = DEFAULT_IMAGES,
    seed: int = DEFAULT_SEED,
    width: int = 640,
    height: int = 480,
    progress: Progress | None = None,
) -> SampleTruth:
    """Paint pictures of small things on tables, and label them with some errors.

    Writes ``images/001.jpg`` … and ``truth.json`` below ``folder``. The same seed gives the same pixels
    and labels.

    Raises:
        ProjectError: the folder cannot be written.
        Cancelled: ``progress`` said so.
    """
    truth = SampleTruth(
        seed=seed,
        classes=tuple(kind.name for kind in KINDS),
        images=tuple(
            _one_image(folder, seed, number, images, (width, height), progress) for number in range(images)
        ),
    )
    try:
        truth.save(folder / TRUTH_FILE)
    except OSError as error:
        raise ProjectError(f"cannot write ({error.strerror})", path=folder / TRUTH_FILE) from error
    return truth


def _one_image(
    folder: Path, seed: int, number: int, total: int, size: tuple[int, int], progress: Progress | None
) -> SampleImage:
    if progress is not None and not progress(number, total):
        raise Cancelled("the sample was not finished")
    width, height = size
    rng = np.random.default_rng([seed, number])
    pixels, objects = paint_scene(rng, width=width, height=height)
    verified = number < total - round(UNLABELLED * total)
    labels, errors = spoil_labels(rng, objects, width=width, height=height) if verified else ((), ())
    file = f"{IMAGE_FOLDER}/{number + 1:03}.jpg"
    _write_jpeg(folder / file, pixels)
    return SampleImage(
        file=file,
        width=width,
        height=height,
        verified=verified,
        objects=objects,
        labels=labels,
        errors=errors,
    )


def _write_jpeg(path: Path, pixels: ImageArray) -> None:
    # imencode and not imwrite: OpenCV cannot open paths beyond the ANSI code page on Windows.
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        raise ProjectError(f"cannot write the image ({error.strerror})", path=path) from error
