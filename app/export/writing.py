"""An export that is being written, and the proof of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from app.services.context import AppContext
from app.services.figures import contents_text
from app.services.tasks import ProgressCallback, Task
from app.widgets.questions import may_be_copied
from detcore.errors import Cancelled, OutsideImagesError, ReticleError
from detcore.exchange import export_dataset, format_named
from detcore.formats.base import ExportOptions, ExportReport
from detcore.project.project import Project


@dataclass(frozen=True, kw_only=True)
class ExportChoice:
    """``splits`` is ``None`` for all images; ``colors`` are those of the classes by name."""

    project: Project
    format: str
    splits: list[str] | None
    options: ExportOptions
    colors: Mapping[str, str]

    def write(self, folder: Path, progress: ProgressCallback, *, copy_images: bool = True) -> ExportReport:
        """Write the dataset, in the pool. Raises ReticleError, Cancelled among it."""
        options = replace(self.options, copy_images=self.options.copy_images and copy_images)
        return export_dataset(
            self.project, self.format, folder, splits=self.splits, options=options, progress=progress
        )


@dataclass(frozen=True, kw_only=True)
class Exported:
    """``images`` and ``boxes`` are what was read back from the files."""

    choice: ExportChoice
    report: ExportReport
    images: int
    boxes: int

    @property
    def proof(self) -> str:
        """What reading the files back has shown. How the files are read is no matter here: a file that only
        holds the val split is odd to a reader, and right all the same."""
        same = (self.images, self.boxes) == (self.report.image_count, self.report.box_count)
        verdict = "the same as in the project" if same else "not the same as written: please report this"
        return f"<b>Read back:</b> {contents_text(self.images, self.boxes)}, {verdict}."


class ExportWriting(QObject):
    """One export at a time, of the project that was open when it began.

    Signals:
        changed(): ``busy`` is new.
        done(object): an ``Exported`` of the project that is open.
    """

    changed = Signal()
    done = Signal(object)

    def __init__(self, context: AppContext, window: QWidget) -> None:
        super().__init__(window)
        self._context = context
        self._window = window
        self._task: Task | None = None
        context.document.closed.connect(self._leave_project)

    @property
    def busy(self) -> bool:
        """Whether an export is being written; another one would have to wait."""
        return self._task is not None

    def start(self, choice: ExportChoice, folder: Path) -> None:
        """Write and read back, in the pool."""
        if self.busy:
            return

        def work(progress: ProgressCallback) -> Exported:
            report = choice.write(folder, progress)
            dataset, _problems = format_named(choice.format).read(report.out)
            return Exported(choice=choice, report=report, images=len(dataset.images), boxes=dataset.box_count)

        self._task = self._context.tasks.run_with_progress(
            f"Exporting to {folder.name}",
            work,
            done=self._finish,
            failed=lambda error: self._fail(choice, folder, error),
        )
        self.changed.emit()

    def _is_shown(self, choice: ExportChoice) -> bool:
        document = self._context.document
        return document.is_open and document.project is choice.project

    def _leave_project(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _finish(self, exported: Exported) -> None:
        self._task = None
        self.changed.emit()
        report = exported.report
        if self._is_shown(exported.choice):
            self.done.emit(exported)
        show = ("Show folder", lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(report.out))))
        text = f"Exported {contents_text(report.image_count, report.box_count)}."
        self._context.messages.success(text, action=show)

    def _fail(self, choice: ExportChoice, folder: Path, error: Exception) -> None:
        self._task = None
        self.changed.emit()
        if not self._is_shown(choice) and isinstance(error, ReticleError):
            text = f"Exporting to {folder.name} was cancelled because another project was opened."
            self._context.messages.info(text)
        elif isinstance(error, Cancelled):
            self._context.messages.info("Export cancelled. Nothing was written.")
        elif isinstance(error, OutsideImagesError):
            self._ask_outside(choice, folder, error)
        else:
            self._context.messages.error(error, doing="export")

    def _ask_outside(self, choice: ExportChoice, folder: Path, error: OutsideImagesError) -> None:
        if not may_be_copied(error, self._window):
            self._context.messages.info("Export cancelled. Nothing was written.")
        elif self._is_shown(choice):
            self.start(replace(choice, options=replace(choice.options, outside=True)), folder)
