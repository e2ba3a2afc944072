"""JSON that a file brought, our own files included: anybody may have written them, or a disk damaged them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, cast

from detcore.collecting import no_collection

_OR = re.compile(r"\|(?![^\[]*\])")
"""The bar between alternatives, not one inside of brackets."""
_LARGE = 1 << 20
_WHOLE_LIMIT = 2**63
"""Whole numbers beyond fit neither numpy nor SQLite."""


def parse_json(
    text: str | bytes, *, object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None
) -> Any:
    """The value that a text holds.

    Raises:
        ValueError: and nothing else. ``json.JSONDecodeError`` where a line is to blame; nesting beyond what
            the interpreter can follow counts as bad JSON, too.
    """
    try:
        if len(text) < _LARGE:
            return json.loads(text, object_pairs_hook=object_pairs_hook)
        with no_collection():
            return json.loads(text, object_pairs_hook=object_pairs_hook)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except ValueError as error:
        if type(error) is not ValueError:
            raise
        raise ValueError("a number has more digits than can be read") from error


def read_object(path: Path) -> dict[str, Any]:
    """The object in a file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else.
    """
    value: Any = parse_json(path.read_bytes())
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    return cast("dict[str, Any]", value)


def fits(value: Any, annotation: str) -> bool:
    """Whether a JSON value is of the kind that an annotation such as ``float | None`` names.

    Numbers must be finite and whole ones fit 64 bits; a whole number is a ``float``, too. Of ``dict[str, …]``
    and ``list[…]`` the items are looked at; ``Any`` is anything.
    """
    return any(_fits_one(value, kind) for kind in _alternatives(annotation))


def fits_fields(record: Mapping[str, Any], kind: type) -> bool:
    """Whether the values of an object are those of the fields of a dataclass, all of them and no others."""
    kinds = {item.name: str(item.type) for item in fields(kind)}
    return record.keys() == kinds.keys() and all(fits(value, kinds[name]) for name, value in record.items())


@cache
def _alternatives(annotation: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in _OR.split(annotation))


def _fits_one(value: Any, kind: str) -> bool:
    if kind in ("int", "float") and type(value) is int:
        return abs(value) < _WHOLE_LIMIT
    if kind == "float":
        return type(value) is float and math.isfinite(value)
    if kind.startswith("dict[str, "):
        inner = kind.removeprefix("dict[str, ").removesuffix("]")
        return isinstance(value, dict) and all(
            fits(item, inner) for item in cast("dict[str, Any]", value).values()
        )
    if kind.startswith("list["):
        inner = kind.removeprefix("list[").removesuffix("]")
        return isinstance(value, list) and all(fits(item, inner) for item in cast("list[Any]", value))
    return kind == "Any" or type(value).__name__ == kind or (value is None and kind == "None")
