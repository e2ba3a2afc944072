"""Images of more than 8 bit a sample: which files hold them, and how they become 8 bit.

Cameras and scanners put 10, 12 or 14 bit into files of 16, whose upper part is then empty: taken as they are,
such images are black. So each image is spread over the range that it uses.
"""

from __future__ import annotations

import re
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from detcore.types import ImageArray

_TIFF_MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG_MARK = b"\x89PNG\r\n\x1a\n"
_PNG_DEPTH_AT = 24
_JP2_MARK = b"\0\0\0\x0cjP  "
_JP2_DEPTH_AFTER = 14
_JP2_DEPTHS_VARY = 255
_PNM = re.compile(rb"P[2356](?:\s+|#[^\n]*\n)+\d+(?:\s+|#[^\n]*\n)+\d+(?:\s+|#[^\n]*\n)+(\d+)")
_HEADER = 1024

_LEVELS = 1 << 16
_ODD = 1e-4
"""The share of samples at each end that says nothing about the range: dead and hot pixels."""


def decode_deep(data: ImageArray) -> ImageArray | None:
    """(height, width, 3) RGB of 8 bit from the bytes of a file that holds more; ``None`` for any other file.

    Raises:
        cv2.error: the file is broken.
    """
    if not _may_be_deep(data[:_HEADER].tobytes()):
        return None
    # cv2 gives None for what it cannot read, which its types do not say
    decoded: NDArray[Any] | None = cv2.imdecode(data, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    if decoded is None or decoded.dtype.itemsize == 1:
        return None
    spread = _spread_16_bit(decoded) if decoded.dtype == np.uint16 else _spread_others(decoded)
    colors = cv2.COLOR_GRAY2RGB if spread.ndim == 2 else cv2.COLOR_BGR2RGB
    return cv2.cvtColor(spread, colors).astype(np.uint8, copy=False)


def _may_be_deep(header: bytes) -> bool:
    """Whether the file says so, or, as with TIFF, only decoding tells."""
    if header.startswith(_PNG_MARK):
        return len(header) > _PNG_DEPTH_AT and header[_PNG_DEPTH_AT] > 8
    if header.startswith(_TIFF_MARKS):
        return True
    if header.startswith(_JP2_MARK):
        at = header.find(b"ihdr") + _JP2_DEPTH_AFTER
        return at < len(header) and (header[at] & 0x7F >= 8 or header[at] == _JP2_DEPTHS_VARY)
    largest = _PNM.match(header)
    return largest is not None and int(largest[1]) > 255


def _spread_16_bit(decoded: NDArray[Any]) -> ImageArray:
    """The range that is used, of all channels together, becomes 0 to 255.

    An image that uses more than half of the 65,536 values is as its maker meant it, and so is one of a single
    value.
    """
    flat = decoded.reshape(decoded.shape[0], -1)
    counts = cv2.calcHist([flat], [0], None, [_LEVELS], [0, _LEVELS]).ravel().astype(np.int64).cumsum()
    odd = int(_ODD * flat.size)
    low = int(np.searchsorted(counts, odd, side="right"))
    high = int(np.searchsorted(counts, flat.size - odd))
    if not 0 < high - low < _LEVELS // 2:
        low, high = 0, _LEVELS - 1
    levels = np.clip(np.arange(_LEVELS), low, high) - low
    return np.rint(levels * (255.0 / (high - low))).astype(np.uint8)[decoded]


def _spread_others(decoded: NDArray[Any]) -> ImageArray:
    """Floating point and signed numbers: what lies within 0 to 1 or 0 to 255 is a range as it is."""
    finite = decoded[np.isfinite(decoded)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if low >= 0.0 and high <= 1.0:
        low, high = 0.0, 1.0
    elif low >= 0.0 and high <= 255.0:
        low, high = 0.0, 255.0
    elif low == high:
        high = low + 1.0
    numbers = np.nan_to_num(decoded.astype(np.float64), nan=low, posinf=high, neginf=low)
    return np.rint((numbers - low) * (255.0 / (high - low))).astype(np.uint8)
