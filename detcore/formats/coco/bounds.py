"""The box of a COCO annotation: its ``bbox``, or the bounds of its polygons or mask."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from detcore.boxes import LARGEST, Xyxy


def read_bounds(entry: Mapping[str, Any]) -> tuple[Xyxy | None, str | None]:
    """Edges, and what is odd about them; without edges the reason."""
    numbers = as_numbers(entry.get("bbox"))
    if numbers is not None and len(numbers) == 4:
        left, top, width, height = numbers
        return (left, top, left + width, top + height), None
    segmentation: Any = entry.get("segmentation")
    if isinstance(segmentation, dict):
        bounds = _mask_bounds(cast("dict[str, Any]", segmentation))
        if bounds is not None:
            return bounds, "no bbox: the bounds of the mask were taken"
    outline = _outline(segmentation)
    if outline:
        xs, ys = outline[0::2], outline[1::2]
        return (min(xs), min(ys), max(xs), max(ys)), "no bbox: the bounds of the polygon were taken"
    return None, "no bbox of four numbers: left out"


def as_numbers(value: Any) -> list[float] | None:
    """A list of numbers, also of such as are written as text."""
    if not isinstance(value, list):
        return None
    try:
        return [float(item) for item in cast("list[Any]", value)]
    except (TypeError, ValueError, OverflowError):
        return None


def _outline(segmentation: Any) -> list[float]:
    if not isinstance(segmentation, list):
        return []
    points: list[float] = []
    for polygon in cast("list[Any]", segmentation):
        numbers = as_numbers(polygon)
        if numbers and len(numbers) % 2 == 0:
            points += numbers
    return points


def _mask_bounds(mask: Mapping[str, Any]) -> Xyxy | None:
    """The pixels of a mask in run lengths (COCO's RLE): column by column, background first.

    ``None`` when the runs are none, do not fill the mask, or hold no foreground.
    """
    size, counts = as_numbers(mask.get("size")), mask.get("counts")
    if size is None or len(size) != 2 or not all(0 < side <= LARGEST and side.is_integer() for side in size):
        return None
    height, width = int(size[0]), int(size[1])
    runs = list(_decoded(counts)) if isinstance(counts, str) else counts
    if not isinstance(runs, list) or not all(type(run) is int for run in cast("list[Any]", runs)):
        return None
    lengths = cast("Sequence[int]", runs)
    if any(length < 0 for length in lengths) or sum(lengths) != width * height:
        return None
    ends = list(itertools.accumulate(lengths))
    spans = [(end - length, end - 1) for length, end in zip(lengths[1::2], ends[1::2], strict=True) if length]
    if not spans:
        return None
    first, last = spans[0][0] // height, spans[-1][1] // height
    # A run that goes on in the next column touches the bottom and the top.
    whole = any(start // height != end // height for start, end in spans)
    top = 0 if whole else min(start % height for start, _ in spans)
    bottom = height if whole else max(end % height for _, end in spans) + 1
    return float(first), float(top), float(last + 1), float(bottom)


def _decoded(text: str) -> Iterator[int]:
    """The run lengths in COCO's text: little-endian groups of five bits from "0" on, the sixth bit for "goes
    on", the fifth of the last the sign; from the fourth number on the difference to the last but one."""
    before: list[int] = []
    value = shift = 0
    for character in text:
        group = ord(character) - 48
        if not 0 <= group < 64 or shift > 60:
            return
        value |= (group & 31) << shift
        shift += 5
        if group & 32:
            continue
        if group & 16:
            value -= 1 << shift
        if len(before) > 2:
            value += before[-2]
        before.append(value)
        yield value
        value = shift = 0
