"""Folders of very many image files that take little space and time: hard links onto a few real pictures.

python -m tests.benchmarks.make_images FOLDER COUNT [--size 1280x720] [--unique 20]
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

import cv2
import numpy as np

from detcore.sample.scene import paint_scene

_PAINTED_WIDTH = 960
_JPEG_QUALITY = 88


def make_images(folder: Path, count: int, *, width: int = 1280, height: int = 720, unique: int = 20) -> None:
    """``count`` JPEG files named ``photo_000000.jpg`` and on, of ``unique`` different pictures.

    Files that are there already are left as they are, so an interrupted or repeated call costs little.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sources = [folder / f"photo_{number:06}.jpg" for number in range(min(unique, count))]
    for number, path in enumerate(sources):
        if not path.exists():
            path.write_bytes(_photo(number, width=width, height=height))
    present = {entry.name for entry in os.scandir(folder)}
    for number in range(len(sources), count):
        name = f"photo_{number:06}.jpg"
        if name not in present:
            _link(sources[number % len(sources)], folder / name)


def _photo(seed: int, *, width: int, height: int) -> bytes:
    """A picture of that size with the noise of a camera, so that it decodes as slowly as a photo does."""
    rng = np.random.default_rng([seed, width, height])
    small_height = round(_PAINTED_WIDTH * height / width)
    painted, _ = paint_scene(rng, width=_PAINTED_WIDTH, height=small_height)
    large = cv2.resize(painted, (width, height), interpolation=cv2.INTER_CUBIC)
    noise = np.zeros((height, width), np.int16)
    cv2.setRNGSeed(seed)
    cv2.randn(noise, 0, 5)
    noisy = np.clip(large.astype(np.int16) + noise[..., None], 0, 255).astype(np.uint8)
    _, encoded = cv2.imencode(".jpg", noisy[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return encoded.tobytes()


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        # Some file systems know no hard links, others limit how many a file may have.
        shutil.copyfile(source, target)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.make_images", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--size", default="1280x720", help="width x height in pixels")
    parser.add_argument("--unique", type=int, default=20, help="how many different pictures")
    options = parser.parse_args()
    width, height = (int(side) for side in options.size.split("x"))
    make_images(options.folder, options.count, width=width, height=height, unique=options.unique)


if __name__ == "__main__":
    main()
