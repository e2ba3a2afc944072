"""What the Object Detection API calls its features, and those that are kept without being used."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, cast

from detcore.formats.tfrecord.example import Feature

FILENAME = "image/filename"
ENCODED = "image/encoded"
FORMAT = "image/format"
DIGEST = "image/key/sha256"
SIDES = ("image/width", "image/height")
OBJECT = "image/object/"
EDGES = tuple(f"{OBJECT}bbox/{edge}" for edge in ("xmin", "ymin", "xmax", "ymax"))
TEXTS = f"{OBJECT}class/text"
LABELS = f"{OBJECT}class/label"
FLAGS = {
    "difficult": f"{OBJECT}difficult",
    "truncated": f"{OBJECT}truncated",
    "occluded": f"{OBJECT}occluded",
    "crowd": f"{OBJECT}is_crowd",
}
WRITTEN = frozenset({FILENAME, ENCODED, FORMAT, DIGEST, *SIDES, *EDGES, TEXTS, LABELS})
"""Those that are written from what Reticle knows."""


def as_json(feature: Feature) -> dict[str, Any]:
    """A feature as plain data: its list under ``text``, ``bytes`` (in base64), ``floats`` or ``numbers``."""
    if feature.floats:
        return {"floats": list(feature.floats)}
    if feature.numbers:
        return {"numbers": list(feature.numbers)}
    try:
        return {"text": [text.decode() for text in feature.texts]}
    except UnicodeDecodeError:
        return {"bytes": [base64.b64encode(text).decode("ascii") for text in feature.texts]}


def from_json(kept: Any) -> Feature | None:
    """The inverse; ``None`` for what that never made."""
    for kind, raw in cast("Mapping[str, Any]", kept).items() if isinstance(kept, dict) else ():
        values = cast("Sequence[Any]", raw) if isinstance(raw, list) else ()
        if kind == "floats" and all(type(value) in (int, float) and abs(value) < 3e38 for value in values):
            return Feature(floats=values)
        if kind == "numbers" and all(type(value) is int and -(2**63) <= value < 2**63 for value in values):
            return Feature(numbers=values)
        if kind in ("text", "bytes") and all(isinstance(value, str) for value in values):
            try:
                decoded = [value.encode() if kind == "text" else base64.b64decode(value) for value in values]
            except (binascii.Error, ValueError):
                return None
            return Feature(texts=decoded)
    return None


def part_of(feature: Feature, place: int) -> Feature:
    """The value at one place of a list, as a list."""
    return Feature(
        feature.texts[place : place + 1],
        feature.floats[place : place + 1],
        feature.numbers[place : place + 1],
    )


def joined(parts: Sequence[Feature | None]) -> Feature:
    """One list of the single values of several, all of the kind that the first has; nothing, or 0, where one has none."""
    first = next((part for part in parts if part is not None and part.values), Feature())
    if first.floats:
        return Feature(floats=[part.floats[0] if part and part.floats else 0.0 for part in parts])
    if first.numbers:
        return Feature(numbers=[part.numbers[0] if part and part.numbers else 0 for part in parts])
    return Feature(texts=[part.texts[0] if part and part.texts else b"" for part in parts])
