"""The tables of several tools: what they have for columns, and what their numbers mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from detcore.formats.common.text import as_number, split_of_folder
from detcore.formats.csv.columns import Columns, find_columns, plain
from detcore.images.decoding import EXTENSIONS

Unit = Literal["auto", "pixels", "fractions"]

_SETS = frozenset({"train", "training", "validation", "validate", "test", "unassigned"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The tables of one tool. ``columns`` finds the columns by the first row, ``None`` where that is of another kind.
    ``class_list``: a table of two columns beside it has the classes, as a name and its number, or as an id and its name.
    """

    name: str
    title: str
    why: str
    columns: Callable[[Sequence[str]], Columns | None]
    unit: Unit
    class_list: Literal["", "numbers", "names"] = ""


def _openimages(first: Sequence[str]) -> Columns | None:
    headings = {plain(heading) for heading in first}
    return (
        find_columns(first) if {"imageid", "labelname", "xmin", "xmax", "ymin", "ymax"} <= headings else None
    )


def _automl(first: Sequence[str]) -> Columns | None:
    named = len(first) >= 9 and first[0].lower() in _SETS and _is_image(first[1])
    if not named or not all(_is_number_or_none(cell) for cell in first[3:]):
        return None
    corners = range(3, min(len(first), 11) // 2 * 2 + 1)
    return Columns(
        form="corners", box=corners, places={"split": 0, "file": 1, "class": 2}, others={}, headed=False
    )


def _keras_retinanet(first: Sequence[str]) -> Columns | None:
    if len(first) != 6 or not _is_image(first[0]):
        return None
    edges = first[1:5]
    if any(first[1:]) and not (all(edges) and all(map(_is_number_or_none, edges)) and first[5]):
        return None
    return Columns(form="edges", box=range(1, 5), places={"file": 0, "class": 5}, others={}, headed=False)


OPENIMAGES = Dialect(
    name="openimages",
    title="OpenImages",
    why="ImageID, LabelName and XMin to YMax",
    columns=_openimages,
    unit="fractions",
    class_list="names",
)
AUTOML = Dialect(
    name="automl",
    title="Google AutoML",
    why="set, path, label and corners",
    columns=_automl,
    unit="fractions",
)
KERAS_RETINANET = Dialect(
    name="keras-retinanet",
    title="keras-retinanet",
    why="path, x1, y1, x2, y2 and class",
    columns=_keras_retinanet,
    unit="pixels",
    class_list="numbers",
)


def split_named(cell: str) -> str | None:
    """The split that a cell names; none for ``UNASSIGNED``."""
    return split_of_folder((cell,))


def _is_image(cell: str) -> bool:
    return any(cell.lower().endswith(suffix) for suffix in EXTENSIONS)


def _is_number_or_none(cell: str) -> bool:
    try:
        as_number(cell or "0")
    except ValueError:
        return False
    return True
