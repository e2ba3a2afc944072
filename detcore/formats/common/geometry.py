"""The pixels that the numbers in a file refer to."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from detcore.boxes import Xyxy
from detcore.errors import ImageError
from detcore.images.decoding import ImageHeader, read_header


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The pixels that the boxes of one image refer to.

    ``width`` and ``height`` are those of the image as shown. ``orientation`` is the EXIF orientation
    that still has to be applied to the boxes: 1 unless they were drawn on the image as stored. ``told`` is
    false where the image is stored turned and no size says which of the two the boxes were drawn on.
    ``frames`` counts the pages or frames of the file. ``file_size`` is the (width, height) of the file where that is
    not the size the boxes refer to.
    """

    width: int | None
    height: int | None
    orientation: int = 1
    told: bool = True
    frames: int = 1
    file_size: tuple[int, int] | None = None

    @property
    def drawn_on(self) -> tuple[int, int] | None:
        """Width and height of the image that the boxes were drawn on, when known: what shares of it are shares of."""
        if self.width is None or self.height is None:
            return None
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)

    def turn(self, box: Xyxy) -> Xyxy:
        """A box of the image as stored, as a box of the image as shown."""
        if self.width is None or self.height is None:
            return box
        x1, y1, x2, y2 = box
        width, height = self.width, self.height
        if self.orientation == 5:
            return (y1, x1, y2, x2)
        if self.orientation == 6:
            return (width - y2, x1, width - y1, x2)
        if self.orientation == 7:
            return (width - y2, height - x2, width - y1, height - x1)
        if self.orientation == 8:
            return (y1, height - x2, y2, height - x1)
        return box


def read_frame(
    path: Path | None, *, declared: tuple[int, int] | None = None
) -> tuple[Frame, str | None, bool]:
    """The frame of an image file, a message when something is odd, and whether the file can be read.

    ``declared`` is the (width, height) that the annotation names. Where it is the size of the image
    before its EXIF rotation, the boxes were drawn on the image as stored, and the frame says how to
    turn them. Where it is any other size the boxes refer to that one.
    """
    unread = Frame(width=declared[0], height=declared[1]) if declared else Frame(width=None, height=None)
    if path is None:
        return unread, "image not found", False
    try:
        header = read_header(path)
    except ImageError as error:
        return unread, error.message, False
    frame, message = frame_of(header, declared)
    return frame, message, True


def frame_of(header: ImageHeader, declared: tuple[int, int] | None) -> tuple[Frame, str | None]:
    """The frame of an image whose header is known, and a message when something is odd; see :func:`read_frame`."""
    width, height, orientation = header.width, header.height, header.orientation
    swaps = orientation >= 5 and width != height
    frame = Frame(
        width=width,
        height=height,
        told=orientation == 1 or (swaps and declared == (width, height)),
        frames=header.frames,
    )
    if declared is None or declared == (width, height):
        return frame, None
    if swaps and declared == (height, width):
        frame = replace(frame, orientation=orientation, told=True)
        return frame, "the boxes were drawn before the EXIF rotation of the image: turned with it"
    message = f"the annotation says {declared[0]}×{declared[1]}, the image is {width}×{height}"
    frame = replace(frame, width=declared[0], height=declared[1], file_size=(width, height))
    return frame, message


def span(low: float, high: float) -> float:
    """The difference ``s`` for which ``low + s`` is exactly ``high``, where there is one: between some pairs
    of numbers none exists, and the sum is off by the last bit."""
    span = float(high - low)
    for candidate in (span, math.nextafter(span, math.inf), math.nextafter(span, 0.0)):
        if low + candidate == high:
            return candidate
    return span
