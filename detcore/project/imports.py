"""Large imports: written in slices that let other edits in between, and yet one step of the journal.

What a dataset says is first *staged*: written down beside the labels, where nothing sees it. Until then a cancel or
a kill leaves nothing. Then a short transaction *decides*: classes and settings of the dataset are in, and from here
on the import only goes forward, at the next opening if need be. It is *carried out* in slices, each an edit for the
rows that it finds, added to the step of the journal as one more part. What is edited meanwhile comes after the
import, so the waiting images that an edit is about are carried out before it.
"""

from __future__ import annotations

import contextlib
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from detcore.errors import Cancelled, ProjectError, UnfinishedImportError
from detcore.project import image_paths, image_rows, incoming, journal
from detcore.project.database import Database
from detcore.project.incoming import ImportStep, IncomingImage
from detcore.project.merging import Merged, merge
from detcore.project.operations import words
from detcore.project.reading import ProjectReader
from detcore.project.row_change import Edit
from detcore.project.values import check_splits
from detcore.types import Changes

Progress = Callable[[int, int], bool]
"""``progress(done, total)``; returns ``False`` to cancel."""

_SLICE_SECONDS = 0.006
"""How long a slice is to keep others from writing."""
_FIRST_SLICE, _LARGEST_SLICE, _GROWTH = 16, 500, 1.25
_ALONE, _MOST_SLICES = 16, 8
"""Transactions in a row that nobody waited for, for each further slice of a transaction; and the most of them."""
_SECONDS_BETWEEN_TIDYING = 0.25
_MOST_BEFORE_AN_EDIT = 100
"""Waiting images that are carried out before an edit that is about them; about more it has to wait."""


def unwatched(done: int, total: int) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A slice of an import that was carried out as a part of the journal's ``step`` (0 if nothing changed)."""

    step: int
    changes: Changes
    merged: Merged


@dataclass(kw_only=True)
class Imported:
    """What an import has come to."""

    merged: Merged = field(default_factory=Merged)
    changes: Changes = field(default_factory=Changes)


class Imports:
    """The import into a project that is under way, at most one, and what other edits owe to it.

    Safe to use from any thread.
    """

    def __init__(self, project: ProjectReader) -> None:
        self._project = project
        self._database = project.database
        self._turn = threading.Lock()
        self._under_way: _Sum | None = None

    def bring_in(
        self,
        images: Iterable[IncomingImage],
        count: int,
        decide: Callable[[ProjectReader], tuple[Edit, Sequence[int]]],
        *,
        text: str,
        progress: Progress,
    ) -> Imported:
        """Bring in all images as one step ``text`` of the journal, or none.

        ``images`` are at most ``count`` and differ in their paths. ``decide`` returns the edit of classes and
        settings, and the ids of the classes that the labels of boxes index; it is called in the transaction of
        that edit, after which ``progress`` cannot cancel any more.

        Raises:
            Cancelled: ``progress`` returned ``False``; nothing was changed.
            ProjectError: another import is under way, or the project cannot be written; nothing was changed.
            UnfinishedImportError: it could not go on once it was decided.
        """
        if not self._turn.acquire(blocking=False):
            raise ProjectError("another import is under way", hint="Start this one when it is done")
        try:
            self.finish()  # what could not go on before
            try:
                self._stage(images, lambda done: progress(done, 2 * count))
                self._decide(decide, text)
            except BaseException:
                with contextlib.suppress(ProjectError):  # else the next opening does it
                    self._drop()
                raise
            return self._carry_out(lambda done: progress(count + done, 2 * count))
        finally:
            self._turn.release()

    @property
    def is_under_way(self) -> bool:
        """Whether one was decided on and is not carried out yet."""
        return self._under_way is not None

    def finish(self, progress: Progress = unwatched) -> None:
        """Carry out what was decided, and forget what was not: so an opened project is put in order."""
        with self._database.read() as connection:
            step, waiting = incoming.decided(connection), incoming.count(connection)
        if step is not None:
            self._under_way = self._under_way or _Sum()
            self._carry_out(lambda done: progress(done, waiting))
        elif waiting:
            self._drop()

    def put_before(
        self, connection: sqlite3.Connection, build: Callable[[], Edit], parts: list[Part]
    ) -> Edit:
        """An edit that comes after the import under way. To ``parts`` is added what had to be carried out before
        it; ``note`` them once they are committed.

        Raises:
            ProjectError: the edit has to wait until the import is done.
        """
        edit = build()
        while (step := self._step(connection)) is not None:
            _check_classes(edit, step)
            paths = incoming.waiting(connection, _paths_of(connection, edit))
            if len(paths) > _MOST_BEFORE_AN_EDIT:
                raise _still_under_way(step, f"and has {len(paths):,} of these images still to bring")
            if not paths:
                break
            part = self._carry_out_some(connection, incoming.take_paths(connection, paths), step)
            # views have not heard of the classes of the import yet
            changes = replace(part.changes, classes=frozenset(step.class_ids))
            parts.append(replace(part, changes=changes))
            edit = build()
        return edit

    def check(self, connection: sqlite3.Connection, edit: Edit | None, *, undoes: int = 0) -> None:
        """Refuse an undo or redo that applied ``edit`` where the import under way rests on what that changes;
        ``undoes`` is the step that was undone.

        Raises:
            ProjectError: it has to wait until the import is done.
        """
        step = self._step(connection)
        if step is None or edit is None:
            return
        if undoes and step.edit_id == undoes:
            raise _still_under_way(step, "and cannot be undone yet")
        _check_classes(edit, step)

    def note(self, parts: Sequence[Part]) -> None:
        """Count parts that are committed. For a time when nobody else can write."""
        for part in parts:
            if self._under_way is not None:
                self._under_way.add(part)

    def _step(self, connection: sqlite3.Connection) -> ImportStep | None:
        return None if self._under_way is None else incoming.decided(connection)

    def _stage(self, images: Iterable[IncomingImage], progress: Callable[[int], bool]) -> None:
        # What is asked of each image happens inside of the transaction, too: Python runs one thread at a time,
        # so an edit that has its turn is quick only as long as this thread waits for the lock.
        rest, pace, staged = iter(images), _Pace(), 0
        while True:
            if not progress(staged):
                raise Cancelled("cancelled")
            before = staged
            with self._database.write() as connection:
                for size in pace.slices(self._database):
                    some = list(islice(rest, size))
                    image_paths.check_paths([image.path for image in some])
                    check_splits(image.split for image in some)
                    incoming.stage(connection, some)
                    staged += len(some)
            self._tidy(pace)
            if staged == before:
                return

    def _decide(self, decide: Callable[[ProjectReader], tuple[Edit, Sequence[int]]], text: str) -> None:
        total = _Sum()

        def begin() -> None:
            self._under_way = total

        with self._database.write(begin) as connection:
            edit, class_ids = decide(self._project)
            step = journal.record(connection, replace(edit, text=text)) if edit else None
            incoming.decide(connection, ImportStep(edit_id=step, text=text, class_ids=tuple(class_ids)))
            total.add(Part(step=step or 0, changes=edit.summary(), merged=Merged()))

    def _carry_out(self, progress: Callable[[int], bool]) -> Imported:
        pace, done = _Pace(), 0
        try:
            while count := self._carry_out_slice(pace):
                self._tidy(pace)
                done += count
                progress(done)
            return self._conclude()
        except ProjectError as error:
            raise UnfinishedImportError(
                f"the import is not finished ({error.message})",
                path=error.path,
                hint="The rest follows when the project is opened next",
            ) from error

    def _carry_out_slice(self, pace: _Pace) -> int:
        """Carry out the images that have waited longest; how many those were."""
        parts: list[Part] = []
        count = 0
        with self._database.write(lambda: self.note(parts)) as connection:
            for size in pace.slices(self._database):
                images, step = incoming.take(connection, size), self._step(connection)
                if images and step is not None:
                    parts.append(self._carry_out_some(connection, images, step))
                count += len(images)
        return count

    def _conclude(self) -> Imported:
        with self._database.write(self._end) as connection:
            incoming.conclude(connection)
            total = self._under_way or _Sum()
        return total.imported()

    def _end(self) -> None:
        self._under_way = None

    def _drop(self) -> None:
        pace, left = _Pace(), True
        while left:
            with self._database.write() as connection:
                for size in pace.slices(self._database):
                    left = incoming.drop(connection, size)

    def _tidy(self, pace: _Pace) -> None:
        if pace.is_time_to_tidy():
            self._database.tidy()

    def _carry_out_some(
        self, connection: sqlite3.Connection, images: Sequence[IncomingImage], step: ImportStep
    ) -> Part:
        edit, merged = merge(self._project, images, step.class_ids, text=step.text)
        edit_id = step.edit_id
        if edit and edit_id is None:
            edit_id = journal.record(connection, edit)
            incoming.decide(connection, replace(step, edit_id=edit_id))
        elif edit and edit_id is not None:
            journal.extend(connection, edit_id, edit)
        return Part(step=edit_id or 0, changes=edit.summary(), merged=merged)


def changes_of(parts: Sequence[Part]) -> Changes | None:
    """What views must refresh once these parts are committed; ``None`` without parts."""
    total = _Sum()
    for part in parts:
        total.add(part)
    return total.imported().changes if parts else None


class _Pace:
    """How many items a slice takes, so that it lasts as long as it should, and how many slices a transaction has."""

    def __init__(self) -> None:
        self._size = _FIRST_SLICE
        self._alone = 0
        self._started = 0.0
        self._tidied = time.perf_counter()

    def slices(self, database: Database) -> Iterator[int]:
        """The sizes of the slices of a transaction: of one, or of more the longer nobody else has wanted to write.
        It ends with the slice in which somebody does. The pages that every slice changes are written once."""
        for _ in range(1 + min(self._alone // _ALONE, _MOST_SLICES)):
            self._started = time.perf_counter()
            yield self._size
            self._follow()
            if database.is_wanted:
                self._alone = 0
                return
        self._alone += 1

    def _follow(self) -> None:
        took = max(time.perf_counter() - self._started, 1e-6)
        # At once smaller and slowly larger: on a busy machine the next slice may be interrupted again.
        wanted = self._size * min(_SLICE_SECONDS / took, _GROWTH)
        self._size = math.ceil(min(max(wanted, 1.0), _LARGEST_SLICE))

    def is_time_to_tidy(self) -> bool:
        now = time.perf_counter()
        due = now - self._tidied > _SECONDS_BETWEEN_TIDYING
        if due:
            self._tidied = now
        return due


class _Sum:
    """Parts of an import, added up."""

    def __init__(self) -> None:
        self._merged = Merged()
        self._text = ""
        self._step = 0
        self._images: set[int] = set()
        self._boxes: set[int] = set()
        self._box_images: set[int] = set()
        self._classes: set[int] = set()
        self._image_list = self._settings = False

    def add(self, part: Part) -> None:
        changes = part.changes
        self._merged.add(part.merged)
        self._text, self._step = changes.text or self._text, part.step or self._step
        self._images |= changes.images
        self._boxes |= changes.boxes
        self._box_images |= changes.box_images
        self._classes |= changes.classes
        self._image_list |= changes.image_list
        self._settings |= changes.settings

    def imported(self) -> Imported:
        changes = Changes(
            images=frozenset(self._images),
            boxes=frozenset(self._boxes),
            box_images=frozenset(self._box_images),
            classes=frozenset(self._classes),
            image_list=self._image_list,
            settings=self._settings,
            text=self._text,
            step=self._step,
        )
        return Imported(merged=self._merged, changes=changes)


def _check_classes(edit: Edit, step: ImportStep) -> None:
    for change in edit.changes:
        if change.table == "class" and change.after is None and set(change.ids) & set(step.class_ids):
            raise _still_under_way(step, "and brings boxes of this class")


def _still_under_way(step: ImportStep, why: str) -> ProjectError:
    return ProjectError(f"“{words(step.text)}” is still under way {why}", hint="Try again when it is done")


def _paths_of(connection: sqlite3.Connection, edit: Edit) -> set[str]:
    """The paths of the images that an edit is about, as they are and as they will be."""
    ids: set[int] = set()
    paths: set[str] = set()
    for change in edit.changes:
        if change.table == "image":
            ids.update(change.ids)
            if "path" in change.columns:
                at = change.columns.index("path")
                paths.update(row[at] for row in change.after or ())
        elif "image_id" in change.columns:
            at = change.columns.index("image_id")
            ids.update(row[at] for rows in (change.before, change.after) for row in rows or ())
    paths.update(row[1] for row in image_rows.rows(connection, sorted(ids)))
    return paths
