"""Images of an export: copies or links of the files as they are, or copies turned upright when EXIF says so."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from PIL import Image as PillowImage
from PIL import ImageOps

from detcore.errors import FormatError, ImageError, disk_error, is_disk_full
from detcore.formats.base import DatasetImage, Images
from detcore.formats.common.staging import Staging
from detcore.images.decoding import UNREADABLE, read_header
from detcore.wording import counted

JPEG_QUALITY = 95
NOT_COPIED = "The images themselves were not copied."
_LINKS = (Images.HARD_LINK, Images.SYM_LINK)
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
        self._links: dict[Images, int] = {}
        self._unlinked = 0
        self._baked = 0
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
        """Copy one image to ``name``; a JPEG name makes a JPEG of it. What cannot be copied is counted, and no
        file is copied that is no image, whatever it is called."""
        if not os.path.isfile(image.path):
            self._missing += 1
            return
        try:
            header = read_header(image.path)
        except ImageError:
            self._broken.append(image.name)
            return
        if image.width is not None and (header.width, header.height) != (image.width, image.height):
            self._resized.append(image.name)
        turn = header.orientation != 1
        if not self._enabled:
            self._unturned += turn
            return
        convert = is_jpeg(name) and not is_jpeg(image.path.name)
        if not turn and not convert:
            self._place(image, staging.path(name))
            return
        try:
            upright, options = _decode_upright(image.path, as_jpeg=is_jpeg(name))
        except UNREADABLE:
            self._broken.append(image.name)
            return
        upright.save(staging.path(name), **options)
        self._turned += turn
        self._converted += convert
        self._baked += image.placed in _LINKS

    def _place(self, image: DatasetImage, target: Path) -> None:
        """The file as it is: a copy, or a link where one was asked for and can be made.

        Raises:
            FormatError: symbolic links cannot be made here.
        """
        if image.placed is Images.SYM_LINK:
            _link_symbolically(image.path, target)
        elif image.placed is Images.COPY or not _link_hard(image.path, target):
            self._unlinked += image.placed is Images.HARD_LINK
            shutil.copyfile(image.path, target)
            return
        self._links[image.placed] = self._links.get(image.placed, 0) + 1

    def notes(self) -> list[str]:
        """Sentences about everything that was not a plain copy."""
        notes: list[str] = []
        if not self._enabled:
            notes.append(NOT_COPIED)
        notes += self._link_notes()
        if self._missing:
            notes.append(
                f"{counted(self._missing, 'image file')} could not be found: only the labels were written."
            )
        if self._turned:
            notes.append(
                f"{counted(self._turned, 'copy', 'copies')} turned upright as the EXIF orientation says."
            )
        if self._unturned:
            files = counted(self._unturned, "original")
            notes.append(f"{files} with an EXIF rotation: the boxes fit the image as shown, not as stored.")
        if self._converted:
            notes.append(f"{counted(self._converted, 'image')} converted to JPEG of quality {JPEG_QUALITY}.")
        if self._resized:
            images = counted(len(self._resized), "image")
            notes.append(f"{images} of another size now than when labelled (first: {self._resized[0]}).")
        if self._broken:
            broken = sorted(set(self._broken))
            files = counted(len(broken), "file")
            notes.append(
                f"{files} could not be read as an image and not copied (first: {', '.join(broken[:5])})."
            )
        return notes

    def _link_notes(self) -> list[str]:
        notes: list[str] = []
        hard, symbolic = (self._links.get(kind, 0) for kind in _LINKS)
        if hard:
            files = counted(hard, "image is a hard link", "images are hard links")
            notes.append(f"{files}: whoever changes such a file changes the original, too.")
        if symbolic:
            files = counted(symbolic, "image is a symbolic link", "images are symbolic links")
            notes.append(f"{files}: the originals must stay where they are.")
        if self._unlinked:
            files = counted(self._unlinked, "image")
            notes.append(f"{files} copied, as there can be no hard link from there to here.")
        if self._baked:
            files = counted(self._baked, "image")
            notes.append(f"{files} copied instead of linked, as the file had to be turned or converted.")
        return notes


def _link_hard(source: Path, target: Path) -> bool:
    """Whether a hard link could be made: not across file systems, nor on all of them."""
    try:
        os.link(os.path.realpath(source), target)
    except OSError as error:
        if is_disk_full(error):
            raise
        return False
    return True


def _link_symbolically(source: Path, target: Path) -> None:
    try:
        target.symlink_to(os.path.abspath(source))
    except OSError as error:
        if is_disk_full(error):
            raise
        advice = "Choose hard links or copies"
        if os.name == "nt":
            advice = f"Turn on the developer mode in the settings of Windows, or {advice.lower()}"
        message = f"symbolic links cannot be made here ({disk_error(error).message})"
        raise FormatError(message, path=target.parent, hint=advice) from error


def _decode_upright(path: Path, *, as_jpeg: bool) -> tuple[PillowImage.Image, dict[str, Any]]:
    """The image as shown, and how to save it: without an orientation tag; other metadata and the profile stay.

    Raises what ``UNREADABLE`` lists.
    """
    with PillowImage.open(path) as image:
        profile = image.info.get("icc_profile")
        upright = ImageOps.exif_transpose(image)
    options: dict[str, Any] = {"exif": upright.getexif().tobytes()}
    if profile:
        options["icc_profile"] = profile
    if as_jpeg:
        options |= {"quality": JPEG_QUALITY, "subsampling": 0, "format": "JPEG"}
        if upright.mode not in {"L", "RGB", "CMYK"}:
            upright = upright.convert("RGB")
    return upright, options
