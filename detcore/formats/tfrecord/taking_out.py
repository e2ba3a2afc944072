"""Images that lie inside of other files, written to a folder of their own."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path

from PIL import Image as PillowImage

from detcore.atomic import atomic_write
from detcore.errors import FormatError, disk_error
from detcore.formats.common.text import foreign_parts
from detcore.images.decoding import EXTENSIONS, UNREADABLE

_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "BMP": ".bmp", "WEBP": ".webp", "TIFF": ".tif"}


class TakenOut:
    """Images written to ``folder``. No file there is ever replaced: one with the same content is the image, another one
    makes the image get a number."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: list[Path] = []

    def put(self, name: str, data: bytes) -> Path | None:
        """Where an image called ``name`` is now; ``None`` where the data are no image.

        Raises:
            FormatError: it cannot be written.
        """
        suffix = suffix_inside(data)
        if suffix is None:
            return None
        path = self._folder.joinpath(*foreign_parts(name))
        if path.suffix.lower() not in EXTENSIONS:
            path = path.with_name(path.name + suffix)
        number, free = 1, path
        try:
            while free.exists():
                if free.is_file() and free.stat().st_size == len(data) and free.read_bytes() == data:
                    return free
                number += 1
                free = path.with_stem(f"{path.stem}_{number}")
            free.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(free) as temporary:
                temporary.write_bytes(data)
        except OSError as error:
            raise FormatError(
                f"an image cannot be written ({error.strerror})", path=free, hint=disk_error(error).hint
            ) from error
        self._made.append(free)
        return free

    def undo(self) -> None:
        """Remove what was written; folders stay."""
        for path in self._made:
            with suppress(OSError):
                path.unlink()


def suffix_inside(data: bytes) -> str | None:
    """The extension for an image of this content; ``None`` for what is none."""
    try:
        with PillowImage.open(io.BytesIO(data), formats=tuple(_SUFFIXES)) as image:
            return _SUFFIXES[image.format or ""]
    except (*UNREADABLE, KeyError):
        return None


def size_inside(data: bytes) -> tuple[int, int] | None:
    """Width and height of an image as stored, from its header; ``None`` for what is none."""
    try:
        with PillowImage.open(io.BytesIO(data), formats=tuple(_SUFFIXES)) as image:
            return image.size
    except UNREADABLE:
        return None
