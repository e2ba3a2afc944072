"""Large images in parts: which square tiles cover an image, and where each lies."""

from __future__ import annotations

import math
from dataclasses import dataclass

TOUCH = 4
"""Pixels of a tile as the detector sees it: what ends no further than this from a border of the tile touches it, for
boxes of detectors are not exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A part of an image, in whole pixels of the image that it is cut from. ``shared`` says how many pixels it has in
    common with the next tile to the left, at the top, to the right and at the bottom; 0 where the image ends."""

    left: int
    top: int
    right: int
    bottom: int
    shared: tuple[int, int, int, int] = (0, 0, 0, 0)

    def is_last(self, *, width: int, height: int) -> bool:
        """Whether no further tile of an image of that size follows."""
        return (self.right, self.bottom) == (width, height)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiling:
    """How large images are looked at: in square tiles of ``side`` pixels of the original, of which neighbours have at
    least ``overlap`` pixels in common. A detector sees each tile at its image size, so that an object has one
    size for it whatever the size of the image; smaller images than a tile are not enlarged to one.

    Raises:
        ValueError: the overlap is more than half a tile.
    """

    side: int
    overlap: int

    def __post_init__(self) -> None:
        if not 0 <= 2 * self.overlap <= self.side or self.side < 1:
            raise ValueError(f"tiles of {self.side} pixels cannot overlap by {self.overlap}")

    def scale(self, image_size: int) -> float:
        """Pixels that the detector sees for one of the original."""
        return image_size / self.side

    def cover(self, *, width: int, height: int, image_size: int) -> tuple[Tile, ...]:
        """The tiles of an image of that size, which is scaled by ``scale`` already, row by row.

        All are as large as the first: they lie evenly, so that none at the end is a sliver, and overlap
        by what is left over if that is more than asked for.
        """
        overlap = min(image_size // 2, math.ceil(self.overlap * self.scale(image_size)))
        columns = _spans(width, image_size, overlap)
        rows = _spans(height, image_size, overlap)
        return tuple(
            Tile(left=left, top=top, right=right, bottom=bottom, shared=(before, above, after, below))
            for top, bottom, above, below in rows
            for left, right, before, after in columns
        )


def _spans(length: int, side: int, overlap: int) -> list[tuple[int, int, int, int]]:
    """Begin and end of each tile along one direction, and what it shares with the one before and after."""
    if length <= side:
        return [(0, length, 0, 0)]
    count = -(-(length - overlap) // (side - overlap))
    begins = [(length - side) * number // (count - 1) for number in range(count)]
    shared = [0, *(before + side - after for before, after in zip(begins, begins[1:], strict=False)), 0]
    return [(begin, begin + side, shared[row], shared[row + 1]) for row, begin in enumerate(begins)]
