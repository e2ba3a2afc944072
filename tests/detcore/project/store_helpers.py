"""Shared by the tests of the store."""

from __future__ import annotations

from typing import Any

from detcore.project.project import Project
from detcore.types import Box

TABLES = ("image", "class", "box", "verdict")


def dump(project: Project) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that edits write to."""
    with project.database.read() as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall() for table in TABLES
        }


def box(image_id: int = 1, class_id: int = 1, *, x1: float = 10.0, x2: float = 50.0, **fields: Any) -> Box:
    values: dict[str, Any] = {"id": 0, "y1": 20.0, "y2": 60.0, **fields}
    return Box(image_id=image_id, class_id=class_id, x1=x1, x2=x2, **values)
