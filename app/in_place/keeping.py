"""Keeping the label files and the project in agreement while a project is open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.in_place.changes_dialog import ChangesDialog
from app.services.context import AppContext
from app.services.figures import counted
from app.widgets.pictures import thumbnails
from detcore.errors import FormatError, ReticleError
from detcore.exchange.in_place.linked import LinkedFolder, OutsideChange
from detcore.formats import recognise
from detcore.formats.base import Problem
from detcore.project.project import Project
from detcore.types import Changes

LOOK_SECONDS = 3
"""Between two looks at the files."""


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What came of something that was done with the files, on its way to the GUI thread."""

    link: _Link
    call: Callable[[Any], None]
    value: Any


class _Link:
    """The files of one project, used by one thread alone, in the order asked."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.folder: LinkedFolder | None = None
        self.is_ending = False
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="label files")

    def open(self) -> bool:
        self.folder = LinkedFolder.open(self.project)
        return self.folder is not None

    def link(self, folder: Path) -> list[Problem]:
        looks = recognise(folder)
        if looks.best is None:
            raise FormatError(
                "no labels recognised here", path=folder, hint="Choose the folder of the label files"
            )
        linked, problems = LinkedFolder.link(self.project, looks.best.name, folder)
        self._close()
        self.folder = linked
        return problems

    def write(self, changes: Changes) -> list[Problem]:
        return [] if self.folder is None else self.folder.write_changes(changes)

    def look(self) -> list[OutsideChange]:
        """What others changed; nothing once the project is being closed."""
        return [] if self.folder is None or self.is_ending else self.folder.look()

    def take(self, image_ids: Sequence[int]) -> tuple[Changes, list[Problem]]:
        return (Changes(), []) if self.folder is None else self.folder.take(image_ids)

    def refuse(self, image_ids: Sequence[int]) -> tuple[list[Path], list[Problem]]:
        return ([], []) if self.folder is None else self.folder.refuse(image_ids)

    def catch_up(self) -> list[Problem]:
        return [] if self.folder is None else self.folder.catch_up()

    def end(self) -> None:
        """Finish what was asked, then leave the files."""
        self.is_ending = True
        self.thread.submit(self._close)
        self.thread.shutdown(wait=True)

    def _close(self) -> None:
        if self.folder is not None:
            self.folder.close()
            self.folder = None


class LabelFilesInPlace(QObject):
    """Writes each edit into its label file, notices what others change, and shows it."""

    _answered = Signal(object)

    def __init__(self, context: AppContext, window: QWidget) -> None:
        super().__init__(window)
        self._context, self._window = context, window
        self._link: _Link | None = None
        self._is_linked = self._is_looking = False
        self._changes: list[OutsideChange] = []
        self.dialog = ChangesDialog(context.theme, thumbnails(context.tasks, self), window)
        self._timer = QTimer(self, interval=LOOK_SECONDS * 1000)
        self._timer.timeout.connect(self.look)
        self._answered.connect(self._receive)
        self.dialog.take_asked.connect(self._take)
        self.dialog.refuse_asked.connect(self._refuse)
        document = context.document
        document.opened.connect(self._enter)
        document.changed.connect(self._write)
        document.closed.connect(self._leave)
        context.actions.bind("global.link_files", self.ask_folder, when=lambda: document.is_open)
        context.actions.bind("global.file_changes", self.show, when=lambda: document.is_open)

    def ask_folder(self) -> None:
        """Choose the folder whose label files are edited in their place from now on."""
        root = str(self._context.document.project.image_root)
        chosen = QFileDialog.getExistingDirectory(self._window, "Folder of the label files", root)
        if chosen:
            self.link(Path(chosen))

    def link(self, folder: Path) -> None:
        self._ask(lambda link: link.link(folder), lambda problems: self._linked(folder, problems))

    def show(self) -> None:
        self.look()
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def look(self) -> None:
        """See what others have changed since; one look at a time."""
        if self._is_linked and not self._is_looking:
            self._is_looking = True
            self._ask(lambda link: link.look(), self._show)

    def _enter(self) -> None:
        self._link = _Link(self._context.document.project)
        if not self._link.project.read_only:
            self._ask(lambda link: link.open(), self._opened)

    def _opened(self, is_linked: bool) -> None:
        self._is_linked = is_linked
        if is_linked:
            self._ask(lambda link: link.catch_up(), self._tell)
            self.look()
            self._timer.start()

    def _linked(self, folder: Path, problems: Sequence[Problem]) -> None:
        self._is_linked = True
        self._timer.start()
        self._ask(lambda link: link.catch_up(), self._tell)
        if problems:
            images = counted(len(problems), "image is", "images are")
            self._context.messages.warning(
                f"Each edit is written to the label files in {folder.name}. {images} left out: project and file differ.",
                details="\n".join(map(str, problems)),
            )
        else:
            self._context.messages.success(
                f"Each edit is written to the label files in {folder.name} from now on."
            )

    def _write(self, changes: Changes) -> None:
        if self._is_linked:
            self._ask(lambda link: link.write(changes), self._tell)

    def _take(self, image_ids: list[int]) -> None:
        self._ask(lambda link: link.take(image_ids), self._taken)

    def _taken(self, taken: tuple[Changes, list[Problem]]) -> None:
        changes, problems = taken
        self._context.document.announce(changes)
        self._tell(problems)
        self.look()

    def _refuse(self, image_ids: list[int]) -> None:
        self._ask(lambda link: link.refuse(image_ids), self._refused)

    def _refused(self, refused: tuple[list[Path], list[Problem]]) -> None:
        kept, problems = refused
        self._tell(problems)
        if kept:
            files = counted(len(kept), "file of theirs is", "files of theirs are")
            self._context.messages.info(f"Refused. {files} kept in {kept[0].parent}.")
        self.look()

    def _show(self, changes: list[OutsideChange]) -> None:
        self._is_looking = False
        known = {change.image_id for change in self._changes}
        fresh = [change for change in changes if change.image_id not in known]
        self._changes = changes
        self.dialog.show_changes(changes)
        if fresh and not self.dialog.isVisible():
            files = counted(len(changes), "label file was", "label files were")
            self._context.messages.warning(
                f"{files} changed by another program.",
                action=("Show", self.show),
                applies=lambda: bool(self._changes),
            )

    def _tell(self, problems: Sequence[Problem]) -> None:
        if problems:
            files = counted(len(problems), "label file")
            self._context.messages.warning(
                f"{files} not written: {problems[0].message}.",
                action=("Show", self.show),
                details="\n".join(map(str, problems)),
            )
            self.look()

    def _leave(self) -> None:
        self._timer.stop()
        if self._link is not None:
            self._link.end()
            self._link = None
        self._is_linked = self._is_looking = False
        self._changes = []
        self.dialog.close()

    def _ask(self, work: Callable[[_Link], Any], show: Callable[[Any], None]) -> None:
        link = self._link
        if link is None:
            return

        def hand_over(done: Future[Any]) -> None:
            error = done.exception()
            value, call = (error, self._fail) if error is not None else (done.result(), show)
            self._answered.emit(_Answer(link=link, call=call, value=value))

        link.thread.submit(work, link).add_done_callback(hand_over)

    def _receive(self, answer: _Answer) -> None:
        if answer.link is self._link:
            answer.call(answer.value)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, ReticleError | OSError):
            raise error
        self._is_looking = False
        self._context.messages.error(error, doing="work on the label files")
