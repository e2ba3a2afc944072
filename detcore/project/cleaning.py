"""What has become of the boxes since they were imported: the journal, read backwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from detcore.project import box_rows, journal
from detcore.project.operations import is_import, words
from detcore.project.reading import ProjectReader
from detcore.project.row_change import Edit, RowChange
from detcore.project.verdicts import read_verdicts
from detcore.types import Box

FLAGS = ("difficult", "truncated", "occluded", "crowd")
CHANGE_KINDS: tuple[str, ...] = ("added", "removed", "moved", "relabelled", "marked")

_Values = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxState:
    """A box as it was or is: the name of its class, edges in pixels of the image as shown, the flags that are set."""

    name: str
    xyxy: tuple[float, float, float, float]
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxChange:
    """One box that is another than it was imported. Without ``before`` it was added, without ``after`` removed.

    ``image`` is the path of the image in the project, ``width`` and ``height`` its size when known. ``origin``, ``run`` and
    ``score`` are where the box came from; ``operation`` and ``time`` (Unix) are the last edit of it; ``verdict`` and
    ``verdict_run`` the last decision about it, "" without.
    """

    image: str
    width: int | None
    height: int | None
    before: BoxState | None
    after: BoxState | None
    origin: str
    run: str | None
    score: float | None
    operation: str
    time: float
    verdict: str = ""
    verdict_run: str = ""

    @property
    def kinds(self) -> tuple[str, ...]:
        """What happened to it, of ``CHANGE_KINDS``."""
        if self.before is None:
            return ("added",)
        if self.after is None:
            return ("removed",)
        pairs = (
            ("moved", self.before.xyxy != self.after.xyxy),
            ("relabelled", self.before.name != self.after.name),
            ("marked", self.before.flags != self.after.flags),
        )
        return tuple(kind for kind, happened in pairs if happened)


def changes_since_import(project: ProjectReader) -> list[BoxChange]:
    """The boxes that were added, removed or changed by edits that are in force and are no imports, by image and box.

    What the journal does not reach back to counts as imported.
    """
    past = _Past()
    query = "SELECT id, time FROM edit WHERE id <= (SELECT position FROM journal) ORDER BY id DESC"
    with project.database.read() as connection:
        for step, time in connection.execute(query).fetchall():
            edit = journal.load(connection, step)
            if edit is not None:
                past.go_back(edit, time)
        now = {
            box_id: dict(zip(box_rows.COLUMNS, row, strict=True))
            for box_id, row in box_rows.rows_by_id(connection, list(past.boxes)).items()
        }
    classes = {item.id: item.name for item in project.classes()}
    renamed = {
        key
        for key, row in past.classes.items()
        if row and row.get("name", classes.get(key)) != classes.get(key)
    }
    if renamed:
        boxes = (box for box in project.each_box() if box.class_id in renamed and box.id not in now)
        now |= {box.id: _values(box) for box in boxes}
    return _Comparison(project, past, now, classes).changes()


def counts_of(changes: Iterable[BoxChange]) -> dict[str, int]:
    """How many boxes each of ``CHANGE_KINDS`` happened to; one that was moved and relabelled counts for both."""
    counts = dict.fromkeys(CHANGE_KINDS, 0)
    for change in changes:
        for kind in change.kinds:
            counts[kind] += 1
    return counts


@dataclass(slots=True)
class _Past:
    """Rows as they were imported, as far as they are others now: by id the values that were other, ``None`` for a row
    that was not there. ``last`` are words and time of the last edit of a box."""

    boxes: dict[int, _Values | None] = field(default_factory=dict[int, "_Values | None"])
    classes: dict[int, _Values | None] = field(default_factory=dict[int, "_Values | None"])
    images: dict[int, _Values | None] = field(default_factory=dict[int, "_Values | None"])
    last: dict[int, tuple[str, float]] = field(default_factory=dict[int, tuple[str, float]])
    class_edits: dict[int, tuple[str, float]] = field(default_factory=dict[int, tuple[str, float]])
    gone: dict[int, _Values] = field(default_factory=dict[int, _Values])
    _settled: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])

    def go_back(self, edit: Edit, time: float) -> None:
        """One edit further back."""
        imports = is_import(edit.text)
        tables = {"box": self.boxes, "class": self.classes, "image": self.images}
        for change in reversed(edit.changes):
            if change.table not in tables:
                continue
            if imports:
                self._settled.update((change.table, row_id) for row_id in change.ids)
            else:
                self._undo(change, tables[change.table], (words(edit.text), time))

    def _undo(self, change: RowChange, rows: dict[int, _Values | None], by: tuple[str, float]) -> None:
        last = {"box": self.last, "class": self.class_edits}.get(change.table, {})
        for place, row_id in enumerate(change.ids):
            last.setdefault(row_id, by)
            if (change.table, row_id) in self._settled:
                continue
            if change.before is None:
                rows[row_id] = None
                continue
            before = dict(zip(change.columns, change.before[place], strict=True))
            rows[row_id] = {**(rows.get(row_id) or {}), **before}
            if change.after is None and change.table == "box":
                self.gone.setdefault(row_id, before)


@dataclass(slots=True)
class _Comparison:
    """Boxes as they were and as they are."""

    project: ProjectReader
    past: _Past
    now: Mapping[int, _Values]
    names: Mapping[int, str]
    old_names: Mapping[int, str] = field(init=False)

    def __post_init__(self) -> None:
        old = {key: row["name"] for key, row in self.past.classes.items() if row and "name" in row}
        self.old_names = {**self.names, **old}

    def changes(self) -> list[BoxChange]:
        images = {image.id: (image.path, image.width, image.height) for image in self.project.images()}
        for image_id, row in self.past.images.items():
            if row and "path" in row and image_id not in images:
                images[image_id] = (row["path"], row.get("width"), row.get("height"))
        verdicts = {
            verdict.box_id: verdict for verdict in read_verdicts(self.project) if verdict.box_id is not None
        }
        found: list[tuple[int, int, BoxChange]] = []
        for box_id in sorted({*self.past.boxes, *self.now}):
            before, after = self._states(box_id)
            if before == after:
                continue
            row = self.now.get(box_id) or self.past.gone.get(box_id) or {}
            path, width, height = images.get(row.get("image_id", 0), ("", None, None))
            operation, time = self._by(box_id, row)
            verdict = verdicts.get(box_id)
            change = BoxChange(
                image=path,
                width=width,
                height=height,
                before=before,
                after=after,
                origin=str(row.get("origin", "")),
                run=row.get("run"),
                score=row.get("score"),
                operation=operation,
                time=time,
                verdict="" if verdict is None else verdict.kind.value,
                verdict_run="" if verdict is None else verdict.run,
            )
            found.append((row.get("image_id", 0), box_id, change))
        return [change for _, _, change in sorted(found, key=lambda item: item[:2])]

    def _by(self, box_id: int, row: _Values) -> tuple[str, float]:
        known = self.past.last.get(box_id)
        return known or self.past.class_edits.get(row.get("class_id", 0), ("", 0.0))

    def _states(self, box_id: int) -> tuple[BoxState | None, BoxState | None]:
        now = self.now.get(box_id)
        after = None if now is None else self._state(now, self.names)
        past = self.past.boxes.get(box_id, {})
        if past is None:
            return None, after
        return self._state({**(now or {}), **past}, self.old_names), after

    def _state(self, row: _Values, names: Mapping[int, str]) -> BoxState:
        x1, y1, x2, y2 = (float(row[edge]) for edge in ("x1", "y1", "x2", "y2"))
        flags = frozenset(flag for flag in FLAGS if row[flag])
        return BoxState(name=names.get(row["class_id"], ""), xyxy=(x1, y1, x2, y2), flags=flags)


def _values(box: Box) -> _Values:
    return dict(zip(box_rows.COLUMNS, box_rows.encode(box), strict=True))
