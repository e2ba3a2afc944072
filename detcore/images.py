"""Reading image files: always RGB, 8 bit, three channels, EXIF orientation applied.

Files are only ever opened for reading.
"""

from __future__ import annotations

import logging
import os
import re
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps

from detcore.errors import ImageError
from detcore.types import ImageArray

log = logging.getLogger(__name__)

EXTENSIONS = frozenset(
    {
        ".jpg",
        ".jpeg",
        ".jpe",
        ".png",
        ".bmp",
        ".dib",
        ".webp",
        ".tif",
        ".tiff",
        ".gif",
        ".ppm",
        ".pgm",
        ".jp2",
    }
)
_ORIENTATION_TAG = 0x0112
_DIGITS = re.compile(r"(\d+)")
_SHAPE = str.maketrans("123456789", "0" * 9)


def find_images(folder: Path) -> list[str]:
    """Paths of all images below ``folder``, posix and relative to it, in natural order.

    Hidden files and folders and Reticle projects are passed over, and names that are not valid text,
    which no project or dataset could hold; links to folders are not followed.

    Raises:
        ImageError: the folder cannot be read.
    """
    found: list[str] = []
    pending = [("", str(folder))]
    while pending:
        prefix, path = pending.pop()
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    name = entry.name
                    if name.startswith(".") or not _is_text(name):
                        continue
                    if name[name.rfind(".") :].lower() in EXTENSIONS and entry.is_file():
                        found.append(prefix + name)
                    elif entry.is_dir(follow_symlinks=False) and not name.endswith(".reticle"):
                        pending.append((f"{prefix}{name}/", entry.path))
        except OSError as error:
            raise ImageError(f"cannot read the folder ({error.strerror})", path=path) from error
    # Names of one shape, such as img_000123.jpg, sort the same letter by letter, and many times faster.
    shapes = {path.translate(_SHAPE) for path in found}
    found.sort(key=natural_key if len(shapes) > 1 else str.lower)
    return found


def _is_text(name: str) -> bool:
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        log.warning("passed over %r: its name is not valid text", name)
        return False
    return True


def natural_key(path: str) -> list[tuple[int, int, str]]:
    """Sort key under which ``img2`` comes before ``img10``."""
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in _DIGITS.split(path.lower()) if part
    ]


def read_size(path: Path) -> tuple[int, int]:
    """(width, height) after orientation, from the header alone.

    Raises:
        ImageError: the file is missing or not an image.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with PillowImage.open(path) as image:
                width, height = image.size
                turned = image.getexif().get(_ORIENTATION_TAG, 1) in (5, 6, 7, 8)
    except FileNotFoundError as error:
        raise ImageError("image not found", path=path) from error
    except (OSError, ValueError, SyntaxError, PillowImage.DecompressionBombError) as error:
        raise ImageError(f"cannot read the image ({error})", path=path) from error
    return (height, width) if turned else (width, height)


def read_image(path: Path) -> ImageArray:
    """Decode a file to (height, width, 3) RGB.

    Raises:
        ImageError: the file is missing, broken, or of a kind that cannot be decoded.
    """
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except FileNotFoundError as error:
        raise ImageError("image not found", path=path) from error
    except OSError as error:
        raise ImageError(f"cannot read the image ({error.strerror})", path=path) from error
    if data.size == 0:
        raise ImageError("the file is empty", path=path)
    try:
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    except cv2.error:
        decoded = None
    if decoded is not None:
        return decoded.astype(np.uint8, copy=False)
    return _read_with_pillow(path)


def _read_with_pillow(path: Path) -> ImageArray:
    """The kinds that OpenCV does not decode (some palettes, CMYK, GIF)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with PillowImage.open(path) as image:
                return np.asarray(ImageOps.exif_transpose(image).convert("RGB"), dtype=np.uint8)
    except (OSError, ValueError, SyntaxError, PillowImage.DecompressionBombError) as error:
        raise ImageError(
            f"broken image ({error})", path=path, hint="Replace the file or remove it from the project"
        ) from error
