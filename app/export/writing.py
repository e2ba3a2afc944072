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
from detcore.exchange import export_dataset
from detcore.exchange.presets import Preset
from detcore.formats.base import ExportOptions, ExportReport, Images
from detcore.project.project import Project


@dataclass(frozen=True, kw_only=True)
class ExportChoice:
    """``preset`` is the tool that it is for; ``splits`` is ``None`` for all images; ``colors`` are those of the classes by
    name."""

    project: Project
    format: str
    preset: Preset | None = None
    splits: list[str] | None
    options: ExportOptions
    colors: Mapping[str, str]

    def write(self, folder: Path, progress: ProgressCallback, *, dry: bool = False) -> ExportReport:
        """Write the dataset and read it again, in the pool; a ``dry`` run writes labels alone, which nobody reads. Raises
        ReticleError, Cancelled among it."""
        options = replace(self.options, images=Images.REFERENCE) if dry else self.options
        return export_dataset(
            self.project,
            self.format,
            folder,
            splits=self.splits,
            options=options,
            proof=not dry,
            progress=progress,
        )


@dataclass(frozen=True, kw_only=True)
class Exported:
    """An export that was written, with the proof of it in its report."""

    choice: ExportChoice
    report: ExportReport


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
            return Exported(choice=choice, report=choice.write(folder, progress))

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
        place = report.out if report.out.is_dir() else report.out.parent
        show = ("Show folder", lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(place))))
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
