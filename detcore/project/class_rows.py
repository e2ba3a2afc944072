"""The SQL of the class table, and its rows as ``ObjectClass``."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from detcore.project.values import decode_extra, encode_extra
from detcore.types import ObjectClass

COLUMNS = ("name", "color", "key", "position", "source_id", "extra")


def encode(item: ObjectClass) -> tuple[Any, ...]:
    """The values of ``COLUMNS``."""
    return (
        item.name,
        item.color.lower(),
        None if item.key is None else int(item.key),
        int(item.position),
        None if item.source_id is None else int(item.source_id),
        encode_extra(item.extra),
    )


def decode(row: Sequence[Any]) -> ObjectClass:
    """A class of the id and the values of ``COLUMNS``."""
    return ObjectClass(
        id=row[0],
        name=row[1],
        color=row[2],
        key=row[3],
        position=row[4],
        source_id=row[5],
        extra=decode_extra(row[6]),
    )


def rows(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """Ids and values of all classes, by position."""
    return connection.execute(f"SELECT id, {', '.join(COLUMNS)} FROM class ORDER BY position, id").fetchall()
