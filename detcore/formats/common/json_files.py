"""JSON files of labels: what they hold, with every value taken for what it is only after a look."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from detcore.boxes import Xyxy
from detcore.errors import FormatError
from detcore.formats.base import MARKER
from detcore.formats.common.collect import Gathering
from detcore.formats.common.shapes import Point
from detcore.formats.common.text import as_flag
from detcore.formats.losses import BOX_FLAGS
from detcore.wording import counted

Json = dict[str, Any]
Report = Callable[[str], None]
T = TypeVar("T")

_CLOSE = 1e-9


def json_files(found: Gathering) -> list[Path]:
    """The JSON files at or below the source, without our own.

    Raises:
        FormatError: there is none.
    """
    files = [path for path in found.files(found.source, (".json",)) if path.name != MARKER]
    if not files:
        raise FormatError("no JSON file here", path=found.source)
    return files


def label_files(found: Gathering, title: str, lacking: str, take: Callable[[Path, Any], T | None]) -> list[T]:
    """What ``take`` makes of the content of each JSON file; those of which it makes nothing are reported as no labels of
    the format ``title``, for they have no ``lacking``.

    Raises:
        FormatError: it makes nothing of any.
    """
    taken: list[T] = []
    for path in json_files(found):
        content: Any = found.json(path)
        file = take(path, content)
        if file is not None:
            taken.append(file)
        elif content is not None:
            found.problem(path, f"no labels of {title} (no {lacking}): passed over")
    if not taken:
        raise refuse_without(found, title)
    return taken


def refuse_without(found: Gathering, title: str) -> FormatError:
    """The error for a source without a file of the format ``title``, with the first reason."""
    reason = f" ({found.problems[0]})" if found.problems else ""
    return FormatError(f"no {title} labels here{reason}", path=found.source)


def as_object(value: Any) -> Json:
    """An object; an empty one in place of anything else."""
    return cast(Json, value) if isinstance(value, dict) else {}


def objects(value: Any, what: str, report: Report) -> list[Json]:
    """The objects of a list that is called ``what``; anything else is reported. ``None`` is an empty list."""
    if value is None:
        return []
    if not isinstance(value, list):
        report(f"“{what}” is no list: passed over")
        return []
    items = cast("list[Any]", value)
    found: list[Json] = [item for item in items if isinstance(item, dict)]
    if len(found) < len(items):
        entries = counted(len(items) - len(found), "entry that is no object", "entries that are no objects")
        report(f"“{what}” holds {entries}: left out")
    return found


def number(value: Any) -> float | None:
    """A number, also one that is written as text; ``None`` for anything else, and for what no float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def numbers(entry: Mapping[str, Any], *keys: str) -> list[float] | None:
    """The numbers under some keys, if all of them are there."""
    found = [number(entry.get(key)) for key in keys]
    return None if None in found else cast("list[float]", found)


def points(value: Any) -> tuple[Point, ...] | None:
    """A list of finite [x, y]; ``None`` for anything else."""
    found: list[Point] = []
    for item in cast("list[Any]", value) if isinstance(value, list) else [None]:
        pair = [number(part) for part in cast("list[Any]", item)] if isinstance(item, list) else []
        if (
            len(pair) != 2
            or pair[0] is None
            or pair[1] is None
            or not all(map(math.isfinite, (pair[0], pair[1])))
        ):
            return None
        found.append((pair[0], pair[1]))
    return tuple(found)


def pixel_size(width: Any, height: Any) -> tuple[int, int] | None:
    """(width, height) of an image, where both are whole numbers above 0."""
    sides = number(width), number(height)
    if any(side is None or not side.is_integer() or side <= 0 for side in sides):
        return None
    return cast("tuple[int, int]", tuple(int(cast(float, side)) for side in sides))


def take_flags(attributes: Json) -> dict[str, bool]:
    """The flags of a box that attributes of their names tell; these are removed from the attributes."""
    flags: dict[str, bool] = {}
    for name in BOX_FLAGS:
        told = as_flag(str(attributes[name])) if name in attributes else None
        if told is not None:
            flags[name] = told
            del attributes[name]
    return flags


def without(entry: Mapping[str, Any], *used: str) -> Json:
    """The fields that Reticle does not use."""
    return {key: value for key, value in entry.items() if key not in used}


def kept_for(extra: Mapping[str, Any], format_name: str) -> Json:
    """A copy of what an import of a format kept in an ``extra``."""
    return dict(as_object(extra.get(format_name)))


def put_back(items: Sequence[Any], kept: Any) -> list[Any]:
    """A list with the entries that an import kept as pairs of a place and an entry, each where it was."""
    filled = list(items)
    for pair in cast("list[Any]", kept) if isinstance(kept, list) else []:
        place = (
            cast("list[Any]", pair)[0]
            if isinstance(pair, list) and len(cast("list[Any]", pair)) == 2
            else None
        )
        if isinstance(place, int):
            filled.insert(max(place, 0), pair[1])
    return filled


def same_box(box: Xyxy, other: Xyxy) -> bool:
    """Whether a box is another one, but for the last digits."""
    return all(abs(mine - yours) <= 1e-6 for mine, yours in zip(box, other, strict=True))


def nearly_equal(value: Any, other: Any) -> bool:
    """Whether two JSON values are equal but for the last digits of their numbers."""
    if isinstance(value, dict) and isinstance(other, dict):
        mine, yours = cast(Json, value), cast(Json, other)
        return mine.keys() == yours.keys() and all(nearly_equal(mine[key], yours[key]) for key in mine)
    if isinstance(value, list | tuple) and isinstance(other, list | tuple):
        items, others = cast("list[Any]", value), cast("list[Any]", other)
        return len(items) == len(others) and all(map(nearly_equal, items, others))
    if isinstance(value, int | float) and isinstance(other, int | float):
        return math.isclose(value, other, rel_tol=_CLOSE, abs_tol=_CLOSE)
    return value == other
