"""Shared by the tests of the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from detcore.project.edits import Edit, add_class
from detcore.project.imports import Imported, Progress, unwatched
from detcore.project.incoming import IncomingBoxes, IncomingImage
from detcore.project.project import Project
from detcore.project.reading import ProjectReader
from detcore.types import Box, Status

TABLES = ("image", "class", "box", "verdict")
_NEW_SINCE = ("INDEX image_path", "TABLE edit_part", "TABLE incoming", "INDEX box_class")
"""What versions 3 and 4 have added."""


def turn_into_version(version: int, folder: Path) -> None:
    """Take away from a new project what that version (1 or 2) does not have."""
    connection = sqlite3.connect(folder / "project.db")
    for item in _NEW_SINCE:
        connection.execute(f"DROP {item}")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.commit()
    connection.close()


def dump(project: Project) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that edits write to."""
    with project.database.read() as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall() for table in TABLES
        }


def box(image_id: int = 1, class_id: int = 1, *, x1: float = 10.0, x2: float = 50.0, **fields: Any) -> Box:
    values: dict[str, Any] = {"id": 0, "y1": 20.0, "y2": 60.0, **fields}
    return Box(image_id=image_id, class_id=class_id, x1=x1, x2=x2, **values)


def arriving(paths: Iterable[str], *, boxes: int = 2) -> list[IncomingImage]:
    """Images of a dataset, 640x480, each with boxes of its classes 0 and 1 in turn."""
    return [
        IncomingImage(
            path=path,
            width=640,
            height=480,
            status=Status.IN_PROGRESS,
            split="train",
            extra="{}",
            boxes=IncomingBoxes.of(
                [
                    (at % 2, (10.0 + at, 20.0, 50.0 + at, 60.0), (False,) * 4, f'{{"n":{at}}}')
                    for at in range(boxes)
                ]
            ),
        )
        for path in paths
    ]


def bring_in(project: Project, images: Sequence[IncomingImage], progress: Progress = unwatched) -> Imported:
    """Import into the class cat (1), and a class hen that is made if there is none."""

    def decide(project: ProjectReader) -> tuple[Edit, list[int]]:
        known = {item.name: item.id for item in project.classes()}
        if "hen" in known:
            return Edit(text="", changes=()), [1, known["hen"]]
        edit = add_class(project, "hen")
        return edit, [1, edit.changes[-1].ids[0]]

    return project.bring_in(images, len(images), decide, text="Import birds", progress=progress)
