"""COCO's JSON changed in places: entries of a list are changed, taken out or added, and every other character stays."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Json = dict[str, Any]

_BLANKS = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class JsonText:
    """The text of a JSON object whose values are lists of objects.

    Raises:
        ValueError: it is none.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        start = _skip(text, 1 if text.startswith("\ufeff") else 0)
        self._members = {key: begin for key, begin, _ in _members(text, start)}

    def entries(self, key: str) -> list[Json]:
        """The objects of a list; none where there is no such list."""
        return [value for _, _, value in self._elements(key)]

    def edited(self, key: str, changed: Mapping[int, Json | None], added: Sequence[Json]) -> JsonText:
        """The text with other values of some members of the entries of a list, by their places (``None`` takes an entry
        out), and entries behind the last one. Members that an entry has not are added to it.

        Raises:
            ValueError: there is no such list.
        """
        if key not in self._members:
            raise ValueError(f"there is no list “{key}”")
        text, begin = self.text, self._members[key]
        elements = self._elements(key)
        end = _DECODER.raw_decode(text, begin)[1]
        first = elements[0][0] if elements else begin + 1
        last = elements[-1][1] if elements else begin + 1
        comma = text[elements[-2][1] : elements[-1][0]] if len(elements) > 1 else ", "
        parts: list[str] = []
        for place, (start, stop, _) in enumerate(elements):
            change = changed.get(place, {})
            if change is not None:
                between = text[elements[place - 1][1] : start] if place else ""
                parts += [between if parts else "", _with_values(text[start:stop], change)]
        for entry in added:
            parts += [comma if parts else "", json.dumps(entry, ensure_ascii=False)]
        return JsonText(f"{text[:first]}{''.join(parts)}{text[last:end]}{text[end:]}")

    def _elements(self, key: str) -> list[tuple[int, int, Json]]:
        return list(_elements(self.text, self._members[key])) if key in self._members else []


def _with_values(text: str, values: Mapping[str, Any]) -> str:
    """The text of an object with other values of some members."""
    left = dict(values)
    pieces: list[str] = []
    done = 0
    for key, start, stop in _members(text, 0):
        if key in left:
            pieces += [text[done:start], json.dumps(left.pop(key), ensure_ascii=False)]
            done = stop
    rest = text[done:]
    if left:
        more = "".join(f", {json.dumps(key)}: {json.dumps(value)}" for key, value in left.items())
        rest = f"{rest[: rest.rindex('}')].rstrip()}{more}}}"
    return "".join(pieces) + rest


def _skip(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return at if found is None else found.end()


def _expect(text: str, at: int, characters: str) -> str:
    if text[at : at + 1] not in tuple(characters):
        raise ValueError(f"expected {' or '.join(characters)} at character {at}")
    return text[at]


def _decoded(text: str, at: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _members(text: str, at: int) -> Iterator[tuple[str, int, int]]:
    """Key, and begin and end of the value, of each member of the object that begins at ``at``."""
    _expect(text, at, "{")
    at = _skip(text, at + 1)
    while text[at : at + 1] != "}":
        key, at = _decoded(text, at)
        at = _skip(text, at)
        _expect(text, at, ":")
        start = _skip(text, at + 1)
        _, stop = _decoded(text, start)
        yield str(key), start, stop
        at = _skip(text, stop)
        if _expect(text, at, ",}") == ",":
            at = _skip(text, at + 1)


def _elements(text: str, at: int) -> Iterator[tuple[int, int, Json]]:
    """Begin, end and value of each object in the list that begins at ``at``."""
    _expect(text, at, "[")
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        value, stop = _decoded(text, at)
        if not isinstance(value, dict):
            raise ValueError(f"an entry that is no object at character {at}")
        yield at, stop, value  # pyright: ignore[reportUnknownVariableType]
        at = _skip(text, stop)
        if _expect(text, at, ",]") == ",":
            at = _skip(text, at + 1)
