"""Copies of images for an export: the bytes as they are, or turned upright when EXIF says so."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from PIL import Image as PillowImage
from PIL import ImageOps

from detcore.errors import ImageError
from detcore.formats.base import DatasetImage, count
from detcore.formats.staging import Staging
from detcore.images import UNREADABLE, read_header

JPEG_QUALITY = 95
NOT_COPIED = "The images themselves were not copied."
_JPEG_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe"})


def is_jpeg(name: str) -> bool:
    """Whether a file name ends like that of a JPEG."""
    return Path(name).suffix.lower() in _JPEG_SUFFIXES


class ImageCopier:
    """Puts images into a staging folder and keeps count of what was not a plain copy."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._missing = 0
        self._turned = 0
        self._unturned = 0
        self._converted = 0
        self._resized: list[str] = []
        self._broken: list[str] = []

    def size_of(self, image: DatasetImage) -> tuple[int, int] | None:
        """(width, height) as shown: what the dataset says, else what the file says; ``None`` without
        either."""
        if image.width is not None and image.height is not None:
            return image.width, image.height
        try:
            header = read_header(image.path)
            return header.width, header.height
        except ImageError:
            self._broken.append(image.name)
            return None

    def copy(self, image: DatasetImage, staging: Staging, name: str) -> None:
        """Copy one image to ``name``; a JPEG name makes a JPEG of it. What cannot be copied is counted."""
        if not image.path.is_file():
            self._missing += 1
            return
        try:
            header = read_header(image.path)
            orientation = header.orientation
            if image.width is not None and (header.width, header.height) != (image.width, image.height):
                self._resized.append(image.name)
        except ImageError:
            self._broken.append(image.name)
            orientation = 1
        if not self._enabled:
            self._unturned += orientation != 1
            return
        convert = is_jpeg(name) and not is_jpeg(image.path.name)
        target = staging.path(name)
        if orientation == 1 and not convert:
            shutil.copyfile(image.path, target)
            return
        try:
            _copy_upright(image.path, target)
        except UNREADABLE:
            self._broken.append(image.name)
            shutil.copyfile(image.path, target)
            return
        self._turned += orientation != 1
        self._converted += convert

    def notes(self) -> list[str]:
        """Sentences about everything that was not a plain copy."""
        notes: list[str] = []
        if not self._enabled:
            notes.append(NOT_COPIED)
        if self._missing:
            notes.append(
                f"{count(self._missing, 'image file')} could not be found: only the labels were written."
            )
        if self._turned:
            notes.append(
                f"{count(self._turned, 'copy', 'copies')} turned upright as the EXIF orientation says."
            )
        if self._unturned:
            files = count(self._unturned, "original")
            notes.append(f"{files} with an EXIF rotation: the boxes fit the image as shown, not as stored.")
        if self._converted:
            notes.append(f"{count(self._converted, 'image')} converted to JPEG of quality {JPEG_QUALITY}.")
        if self._resized:
            images = count(len(self._resized), "image")
            notes.append(f"{images} of another size now than when labelled (first: {self._resized[0]}).")
        if self._broken:
            names = ", ".join(sorted(set(self._broken))[:5])
            notes.append(f"{count(len(set(self._broken)), 'broken image file')} (first: {names}).")
        return notes


def _copy_upright(source: Path, target: Path) -> None:
    """Write the image as shown, without an orientation tag; other metadata and the profile stay."""
    with PillowImage.open(source) as image:
        profile = image.info.get("icc_profile")
        upright = ImageOps.exif_transpose(image)
        options: dict[str, Any] = {"exif": upright.getexif().tobytes()}
        if profile:
            options["icc_profile"] = profile
        if is_jpeg(target.name):
            options |= {"quality": JPEG_QUALITY, "subsampling": 0, "format": "JPEG"}
            if upright.mode not in {"L", "RGB", "CMYK"}:
                upright = upright.convert("RGB")
        upright.save(target, **options)
