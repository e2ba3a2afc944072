"""Where the parts of a JSON text stand, for changing one of them and leaving the rest as it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()

Span = tuple[int, int]
"""Where a part begins, and where the text behind it does."""


def root_of(text: str) -> int:
    """Where the outermost value begins. The text has to be sound JSON, as are those below."""
    return _skip(text, 0)


def members(text: str, start: int) -> Iterator[tuple[str, Span]]:
    """The keys of the object that begins at ``start``, each with where its value stands."""
    place = _skip(text, start + 1)
    while text[place] != "}":
        key, place = _DECODER.raw_decode(text, place)
        place = _skip(text, _skip(text, place) + 1)  # over the colon
        end = _DECODER.raw_decode(text, place)[1]
        yield key, (place, end)
        place = _over_comma(text, end)


def elements(text: str, start: int) -> list[Span]:
    """Where the elements of the list stand that begins at ``start``."""
    found: list[Span] = []
    place = _skip(text, start + 1)
    while text[place] != "]":
        end = _DECODER.raw_decode(text, place)[1]
        found.append((place, end))
        place = _over_comma(text, end)
    return found


def _over_comma(text: str, place: int) -> int:
    place = _skip(text, place)
    return _skip(text, place + 1) if text[place] == "," else place


def _skip(text: str, place: int) -> int:
    found = _BLANK.match(text, place)
    return found.end() if found is not None else place
