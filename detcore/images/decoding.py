"""Reading image files: always RGB, 8 bit, three channels, EXIF orientation applied.

Files are only ever opened for reading.
"""

from __future__ import annotations

import io
import logging
import os
import re
import struct
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageOps
from PIL.TiffImagePlugin import TiffImageFile

from detcore.errors import ImageError, ImageMissingError
from detcore.images.deep_pixels import decode_deep
from detcore.images.pointers import POINTER_TEXT, is_pointer, is_pointer_file
from detcore.types import ImageArray
from detcore.wording import counted

log = logging.getLogger(__name__)

# Sizes are read of far larger images than Pillow decodes by itself: it refuses at twice this number.
PillowImage.MAX_IMAGE_PIXELS = _MOST_PIXELS = 1 << 30
# Once, since filters that are set for a while in one thread get lost in another. What is odd about a
# file but can be read (strange EXIF, large images) is nobody's concern.
warnings.filterwarnings("ignore", module=r"PIL\.")

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
UNREADABLE = (OSError, ValueError, SyntaxError, PillowImage.DecompressionBombError)
"""What Pillow raises on files that are no images, or broken ones."""

_ORIENTATION_TAG = 0x0112
_WIDTH_TAG = 0x0100
_HEIGHT_TAG = 0x0101
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNKS = frozenset({b"IHDR", b"eXIf", b"acTL"})
_MOST_CHUNKS = 100_000
_MOST_READ = 1 << 16
_FRAMED_EXTENSIONS = frozenset({".tif", ".tiff", ".gif", ".webp"})
_WITH_FRAMES = frozenset({"TIFF", "GIF", "WEBP"})
_MOST_DECODED = 1 << 28
"""Pixels up to which the kinds that OpenCV leaves to Pillow are decoded."""
_DIGITS = re.compile(r"(\d+)")
_BETWEEN = "\0"  # in no name
_SHAPE = str.maketrans("123456789", "0" * 9)


def find_images(folder: Path) -> list[str]:
    """Paths of all images below ``folder``, posix and relative to it, in natural order.

    Hidden files and folders and Reticle projects are passed over, and names that are not valid text,
    which no project or dataset could hold; links to folders are not followed.

    Raises:
        ImageError: the folder itself cannot be read; one below it is passed over.
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
            if not prefix:
                raise ImageError(f"cannot read the folder ({error.strerror})", path=path) from error
            log.warning("passed over the folder %s, which cannot be read (%s)", path, error.strerror)
    keys = natural_keys(found)
    return [found[at] for at in sorted(range(len(found)), key=keys.__getitem__)]


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
    """Sort key under which ``img2`` comes before ``img10``; of numbers however long."""
    return [
        (0, len(number := part.lstrip("0")), number) if part.isdecimal() else (1, 0, part)
        for part in _DIGITS.split(path.lower())
        if part
    ]


def natural_keys(paths: Sequence[str]) -> list[Any]:
    """Sort keys that put these paths in the order of ``natural_key``."""
    # Names of one shape, such as img_000123.jpg, sort the same letter by letter, and many times faster. All
    # in one text are looked at several times faster than one by one.
    text = _BETWEEN.join(paths)
    if len(set(text.translate(_SHAPE).split(_BETWEEN))) > 1:
        return [natural_key(path) for path in paths]
    return list(paths) if text == text.lower() else [path.lower() for path in paths]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageHeader:
    """``width`` and ``height`` of an image as shown, the EXIF ``orientation`` (1 to 8) it is stored in, and how
    many pages or ``frames`` the file holds, of which the first is the image."""

    width: int
    height: int
    orientation: int
    frames: int = 1


def read_header(path: Path) -> ImageHeader:
    """Size, orientation and frames without decoding; an orientation that makes no sense counts as 1.

    The orientation is that of EXIF, as for whoever decodes: what XMP or a text says of it turns nothing.

    Raises:
        ImageError: the file is missing or not an image.
    """
    try:
        stored = _read_png_header(path) or _read_other_header(path)
    except FileNotFoundError as error:
        raise ImageMissingError("image not found", path=path) from error
    except (*UNREADABLE, KeyError) as error:
        reason = POINTER_TEXT if is_pointer_file(path) else f"cannot read the image ({error})"
        raise ImageError(reason, path=path) from error
    return _as_shown(stored)


def header_inside(data: bytes) -> ImageHeader:
    """The same of an image in memory, which lies inside of another file.

    Raises:
        ImageError: it is no image.
    """
    try:
        return _as_shown(_read_other_header(io.BytesIO(data)))
    except (*UNREADABLE, KeyError) as error:
        raise ImageError(f"cannot read the image ({error})") from error


def _as_shown(stored: ImageHeader) -> ImageHeader:
    if stored.orientation < 5:
        return stored
    return replace(stored, width=stored.height, height=stored.width)


def _read_other_header(source: Path | BinaryIO) -> ImageHeader:
    """The header of an image as stored, by Pillow."""
    with PillowImage.open(source) as image:
        width, height = image.size
        if isinstance(image, TiffImageFile):  # newer Pillows turn the size of these, and of no others
            tags = image.tag_v2
            width, height, orientation = tags[_WIDTH_TAG], tags[_HEIGHT_TAG], tags.get(_ORIENTATION_TAG, 1)
        else:
            orientation = exif_orientation(image.info.get("exif", b""))
        frames = getattr(image, "n_frames", 1) if image.format in _WITH_FRAMES else 1
    orientation = orientation if orientation in range(1, 9) else 1
    return ImageHeader(width=int(width), height=int(height), orientation=int(orientation), frames=int(frames))


def _read_png_header(path: Path) -> ImageHeader | None:
    """The header of a PNG as stored, by walking its chunks, which Pillow would decode for the EXIF behind them;
    ``None`` for what is none, or is to be looked at by Pillow."""
    with path.open("rb", buffering=0) as file:
        if file.read(8) != _PNG_SIGNATURE:
            return None
        orientation, frames, size = 1, 1, None
        for _ in range(_MOST_CHUNKS):
            head = file.read(8)
            if len(head) < 8:
                break
            length, kind = struct.unpack(">I4s", head)
            content = file.read(min(length, _MOST_READ)) if kind in _PNG_CHUNKS else b""
            if kind == b"IHDR" and len(content) >= 8:
                size = struct.unpack_from(">II", content)
            elif kind == b"eXIf":
                orientation = exif_orientation(content)
            elif kind == b"acTL" and len(content) >= 4:
                (frames,) = struct.unpack_from(">I", content)
            elif kind == b"IEND":
                break
            file.seek(length + 4 - len(content), os.SEEK_CUR)
    if size is None or not 0 < size[0] * size[1] <= 2 * _MOST_PIXELS:
        return None
    return ImageHeader(width=size[0], height=size[1], orientation=orientation, frames=max(frames, 1))


def files_with_frames(folder: Path, names: Sequence[str]) -> list[str]:
    """Those of the names below ``folder`` whose files hold more pages or frames than the one that is the image. Only
    kinds are looked into that usually may; what cannot be read is passed over."""
    found: list[str] = []
    for name in names:
        if name[name.rfind(".") :].lower() not in _FRAMED_EXTENSIONS:
            continue
        try:
            if read_header(folder / name).frames > 1:
                found.append(name)
        except ImageError:
            continue
    return found


def frames_text(names: Sequence[str]) -> str:
    """A sentence about such files."""
    if len(names) == 1:
        return f"{names[0]} holds further pages or frames: the first is the image."
    return f"{counted(len(names), 'file holds', 'files hold')} further pages or frames: the first of each is the image (as in {names[0]})."


def exif_orientation(exif: bytes) -> int:
    """The orientation (1 to 8) that a block of EXIF tells; 1 where it tells none, or is damaged."""
    data = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, start)
        for place in range(start + 2, start + 2 + 12 * count, 12):
            (tag,) = struct.unpack_from(order + "H", data, place)
            if tag == _ORIENTATION_TAG:
                (value,) = struct.unpack_from(order + "H", data, place + 8)
                return value if value in range(1, 9) else 1
    except struct.error:
        return 1
    return 1


def read_size(path: Path) -> tuple[int, int]:
    """(width, height) after orientation, from the header alone.

    Raises:
        ImageError: the file is missing or not an image.
    """
    header = read_header(path)
    return header.width, header.height


def read_image(path: Path) -> ImageArray:
    """Decode a file to (height, width, 3) RGB; more than 8 bit a sample are spread over the range in use.

    Raises:
        ImageError: the file is missing, broken, or of a kind that cannot be decoded.
    """
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except FileNotFoundError as error:
        raise ImageMissingError("image not found", path=path) from error
    except OSError as error:
        raise ImageError(f"cannot read the image ({error.strerror})", path=path) from error
    if data.size == 0:
        raise ImageError("the file is empty", path=path)
    if is_pointer(data[:100].tobytes()):
        raise ImageError(POINTER_TEXT, path=path)
    decoded = _decode(data)
    return _read_with_pillow(path) if decoded is None else decoded.astype(np.uint8, copy=False)


def check_frame(path: Path, size: tuple[int, int], frame: tuple[int, int] | None) -> None:
    """Refuse an image whose boxes were drawn at another (width, height) than the ``size`` it has now: they
    would lie elsewhere. Nobody can tell by the size alone whether it was scaled or cut; the user can.

    Raises:
        ImageError: the sizes differ.
    """
    if frame is not None and size != frame:
        raise ImageError(
            f"the image is {size[0]}×{size[1]} now, its boxes were drawn at {frame[0]}×{frame[1]}",
            path=path,
            hint="Choose on the Label page, or by the command `sizes`, if they are to be scaled",
        )


def check_image(path: Path, frame: tuple[int, int] | None) -> None:
    """Whether a file can be learnt from and judged: it can be decoded, and has the (width, height) that its
    boxes were drawn at.

    Raises:
        ImageError: it cannot, and why.
    """
    height, width = read_image(path).shape[:2]
    check_frame(path, (width, height), frame)


def _decode(data: ImageArray) -> NDArray[Any] | None:
    try:
        deep = decode_deep(data)
        return cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if deep is None else deep
    except cv2.error:
        return None


def _read_with_pillow(path: Path) -> ImageArray:
    """The kinds that OpenCV does not decode (some palettes, CMYK, GIF)."""
    try:
        with PillowImage.open(path) as image:
            if image.width * image.height > _MOST_DECODED:
                raise ImageError(f"the image of {image.width}×{image.height} is too large to open", path=path)
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"), dtype=np.uint8)
    except UNREADABLE as error:
        raise ImageError(
            f"broken image ({error})", path=path, hint="Replace the file or remove it from the project"
        ) from error
