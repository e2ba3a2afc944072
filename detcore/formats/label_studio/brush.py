"""Masks that were painted in Label Studio: a run-length code of the picture's bytes, red, green, blue and alpha of each
pixel in rows.

The code, that of the library rle-pack: the number of bytes in 32 bits, the bits of a byte less one in 5, four lengths
less one in 4 each. Then runs follow: a bit that says whether all its bytes are the same, two bits that choose one of the
four lengths, the count less one in that many bits, and the byte, or all of them.
"""

from __future__ import annotations

from typing import Any, cast

from detcore.boxes import Xyxy

_MOST_BYTES = 1 << 21
"""Bytes of a code that are read: each is looked at in Python."""


def brush_bounds(code: Any, size: tuple[int, int]) -> Xyxy:
    """The edges of what is painted, in an image of this (width, height).

    Raises:
        ValueError: it is no such code of an image of this size, or nothing is painted.
    """
    width, height = size
    items = cast("list[Any]", code) if isinstance(code, list) else []
    if len(items) > _MOST_BYTES:
        raise ValueError("its mask is too long")
    if not items or not all(type(item) is int and 0 <= item < 256 for item in items):
        raise ValueError("its mask is no list of bytes")
    bits = _Bits(bytes(items))
    if bits.take(32) != 4 * width * height:
        raise ValueError(f"its mask is not one of {width}×{height} pixels")
    word = bits.take(5) + 1
    lengths = [bits.take(4) + 1 for _ in range(4)]
    left, top, right, bottom = width, height, 0, 0
    place, end = 0, 4 * width * height
    while place < end:
        same = bits.take(1)
        count = min(bits.take(lengths[bits.take(2)]) + 1, end - place)
        spans = [(place, place + count)] if same else [(one, one + 1) for one in range(place, place + count)]
        for start, stop in spans:
            # The alpha of a pixel is its fourth byte.
            first, last = start // 4, (stop - 4) // 4
            if bits.take(word) == 0 or first > last:
                continue
            rows = first // width, last // width
            top, bottom = min(top, rows[0]), max(bottom, rows[1] + 1)
            whole = rows[0] != rows[1]
            left = 0 if whole else min(left, first % width)
            right = width if whole else max(right, last % width + 1)
        place += count
    if right == 0:
        raise ValueError("its mask marks nothing")
    return float(left), float(top), float(right), float(bottom)


class _Bits:
    """Bits of some bytes, the highest of each first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def take(self, count: int) -> int:
        """The next bits as a number. Raises ValueError past the end."""
        start, self._place = self._place, self._place + count
        if self._place > 8 * len(self._data):
            raise ValueError("its mask is cut short")
        first, last = start // 8, (self._place + 7) // 8
        value = int.from_bytes(self._data[first:last], "big")
        return value >> (8 * last - self._place) & ((1 << count) - 1)
