"""Values on their way into SQLite and out of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, TypeVar, cast

import numpy as np

from detcore.errors import ProjectDamagedError, ProjectError
from detcore.types import SPLITS, Extra, IntArray
from detcore.untrusted_json import parse_json

Word = TypeVar("Word", bound=StrEnum)
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode


def encode_extra(extra: Extra) -> str:
    """``extra`` as JSON, pure ASCII (a lone surrogate from an odd file would not be UTF-8)."""
    return _ENCODE(dict(extra)) if extra else "{}"


def decode_extra(text: str) -> dict[str, Any]:
    """Raises ProjectDamagedError for what ``encode_extra`` never wrote."""
    if text == "{}":
        return {}
    try:
        value: Any = parse_json(text)
    except ValueError as error:
        raise ProjectDamagedError(f"a value that is no JSON ({error})") from error
    if not isinstance(value, dict):
        raise ProjectDamagedError("a value that is no JSON object")
    return cast("dict[str, Any]", value)


def decode_word(words: type[Word], text: str) -> Word:
    """Raises ProjectDamagedError for a word that is none of these."""
    try:
        return words(text)
    except ValueError as error:
        raise ProjectDamagedError(f"{text!a:.40} in the place of {', '.join(words)}") from error


def id_list(ids: Iterable[int]) -> str:
    """Ids, numpy ones as well, as JSON for ``IN (SELECT value FROM json_each(?))``."""
    return json.dumps([int(item) for item in ids])


def integers(connection: sqlite3.Connection, query: str, *values: int | str) -> IntArray:
    """All numbers of the column ``value`` of a query, in any order.

    SQLite joins them to one text that numpy parses, since a Python object for each of them takes longer.
    """
    (text,) = connection.execute(f"SELECT group_concat(value, ' ') FROM ({query})", values).fetchone()
    return np.fromstring(text or "", dtype=np.int64, sep=" ")


def check_splits(names: Iterable[str | None]) -> None:
    """A split is a plain name, since exports make a folder of it.

    Raises:
        ProjectError: one is blank, ``.`` or ``..``, or holds a separator or a character that names cannot
            have.
    """
    for name in {name for name in names if name is not None} - set(SPLITS):
        if not name.strip() or name in {".", ".."} or not name.isprintable() or set(name) & set("/\\:"):
            raise ProjectError(
                f"{name!a} cannot be the name of a split", hint="Use a plain name such as “train”"
            )


def check_class_name(name: str) -> None:
    """Any text that shows something; YAML's words, digits and single characters are names like any other.

    Raises:
        ProjectError: the name is blank, or no valid Unicode.
    """
    if not name.strip():
        raise ProjectError("a class needs a name")
    if any("\ud800" <= character <= "\udfff" for character in name):
        raise ProjectError(f"the class name {name!a} is not valid Unicode", hint="Give it another name")
