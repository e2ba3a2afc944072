"""A JSON list of equal flat records of numbers, read straight into arrays.

Result files of detectors are such lists, of half a million records; a general JSON reader spends most of its
time on making objects of them. Whatever looks different in any way is left to the general reader.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from detcore.types import FloatArray
from detcore.untrusted_json import parse_json

_NUMBER = b"0123456789+-.eE"
_FRAME = b"[]{}:,"
_SPACE = b" \t\r\n"
_BLANKS = bytes.maketrans(_FRAME, b" " * len(_FRAME))
_EXACT = 2.0**53  # whole numbers beyond are not exact as floats


def read_flat_records(content: bytes, widths: Mapping[str, int]) -> dict[str, FloatArray] | None:
    """(N, width) arrays of the wanted keys, each a number (width 1) or a list of so many numbers.

    ``None`` if this is anything but at least one record, all with the same keys in the same order and no
    other values than numbers and flat lists of numbers of equal length.
    """
    text = content.translate(None, _SPACE)
    head, brace, _ = text.partition(b"}")
    first = head[1:] + brace
    layout = _layout(first)
    if layout is None or any(layout.get(key) != width for key, width in widths.items()):
        return None
    count = text.count(b"}")
    record = first.translate(None, _NUMBER)
    if text.translate(None, _NUMBER) != b"[" + b",".join([record] * count) + b"]":
        return None
    # from here on with the spaces, which part numbers that should not be side by side
    text = content
    for key in layout:
        text = text.replace(json.dumps(key).encode(), b"")
    if text.translate(None, _NUMBER + _FRAME + _SPACE):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)
            numbers = np.fromstring(text.translate(_BLANKS), dtype=np.float64, sep=" ")
    except (DeprecationWarning, ValueError):
        return None
    per_record = sum(layout.values())
    if len(numbers) != count * per_record or not (np.abs(numbers) < _EXACT).all():
        return None
    table = numbers.reshape(count, per_record)
    found: dict[str, FloatArray] = {}
    start = 0
    for key, width in layout.items():
        found[key] = np.ascontiguousarray(table[:, start : start + width])
        start += width
    return found


def _layout(record: bytes) -> dict[str, int] | None:
    """How many numbers each key of a record holds, in its order."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) < len(pairs):
            raise ValueError("a key twice")
        return dict(pairs)

    try:
        values: Any = parse_json(record, object_pairs_hook=unique)
    except ValueError:
        return None
    if not isinstance(values, dict):
        return None
    layout: dict[str, int] = {}
    for key, value in cast("dict[str, Any]", values).items():
        parts = cast("list[Any]", value) if isinstance(value, list) else [value]
        if not all(type(part) in (int, float) for part in parts):
            return None
        layout[key] = len(parts)
    return layout
