"""The Export page: choices left, what will be written right, the proof afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.context import AppContext
from app.dialogs.split_dialog import ask_split
from app.pages.apply_edit import apply_edit
from app.pages.page import Page
from app.tasks import ProgressCallback, Task
from app.widgets.export.form import ExportForm
from app.widgets.export.summary import ExportSummary
from detcore.errors import Cancelled, ReticleError
from detcore.exchange import export_dataset
from detcore.formats import FORMATS
from detcore.formats.base import ExportReport
from detcore.formats.copying import NOT_COPIED
from detcore.project.edits import set_split
from detcore.splits import make_splits

FORM_WIDTH = 360
PREVIEW_DELAY_MS = 250


class ExportPage(Page):
    """What is shown before an export is a dry run of it, so it cannot differ from what is written."""

    def __init__(self, context: AppContext) -> None:
        super().__init__("export", context)
        self.form = ExportForm()
        self.summary = ExportSummary()
        self.button = QPushButton("Export")
        self.button.setProperty("role", "primary")
        self._preview: Task | None = None
        self._done = False
        self._delay = QTimer(self, singleShot=True, interval=PREVIEW_DELAY_MS)
        self._delay.timeout.connect(self._start_preview)
        self._compose()
        self.removeToolBar(self.toolbar)
        action = context.actions.bind("export.start", self._export, when=self._can_export)
        self.button.clicked.connect(action.trigger)
        self.button.setToolTip(action.toolTip())
        self.form.changed.connect(self._refresh_soon)
        self.form.divide_requested.connect(self._divide)
        context.document.opened.connect(self._refresh_soon)
        context.document.closed.connect(self._refresh_soon)
        context.document.changed.connect(lambda _changes: self._refresh_soon())
        self._show_closed()

    @property
    def is_done(self) -> bool:
        """Whether what is shown is an export that was written and read back."""
        return self._done

    def entered(self) -> None:
        self._refresh_soon()
        self.form.setFocus()

    def left(self) -> None:
        self._cancel_preview()

    def _compose(self) -> None:
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        self.form.setProperty("role", "panel")
        self.form.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        scroll.setWidget(self.form)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        left = QWidget()
        left.setProperty("role", "side")
        left.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        left.setFixedWidth(FORM_WIDTH)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 1, 16)  # room for the line at the right
        column.addWidget(scroll, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(16, 0, 16, 0)
        self.button.setProperty("role", "primary")
        foot.addWidget(self.button)
        column.addLayout(foot)
        middle = QWidget()
        row = QHBoxLayout(middle)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(left)
        row.addWidget(self.summary, 100)
        row.addStretch(1)
        self.setCentralWidget(middle)

    def _can_export(self) -> bool:
        return self.context.document.is_open and self.form.folder is not None

    # ---- before: a dry run

    def _refresh_soon(self) -> None:
        self._cancel_preview()
        self._done = False
        if not self.context.document.is_open:
            self._show_closed()
        elif self.isVisible():
            project = self.context.document.project
            statistics = project.statistics()
            self.form.show_splits(statistics.splits, statistics.without_split)
            self.form.suggest_folder(project.folder.parent / f"{project.name}-{self.form.format}")
            self._delay.start()
        self.context.actions.refresh()

    def _show_closed(self) -> None:
        self.summary.show_text(
            "Nothing to export yet", "Open a folder of images and label some of them first."
        )

    def _cancel_preview(self) -> None:
        self._delay.stop()
        if self._preview is not None:
            self._preview.cancel()
            self._preview = None

    def _start_preview(self) -> None:
        with_images = self._work()

        def work() -> ExportReport:
            with tempfile.TemporaryDirectory() as folder:
                return with_images(Path(folder) / "preview", lambda _done, _total: not task.cancelled, False)

        task = self.context.tasks.run(
            work,
            done=lambda report: self._show_preview(task, report),
            failed=lambda error: self._fail_preview(task, error),
        )
        self._preview = task

    def _work(self) -> Callable[[Path, ProgressCallback, bool], ExportReport]:
        """The export as now chosen; the choices are read here, on the GUI thread."""
        project, form = self.context.document.project, self.form
        chosen, splits, options = form.format, form.chosen_splits, form.options

        def export(folder: Path, progress: ProgressCallback, copy_images: bool) -> ExportReport:
            return export_dataset(
                project,
                chosen,
                folder,
                splits=splits,
                options=replace(options, copy_images=options.copy_images and copy_images),
                progress=progress,
            )

        return export

    def _show_preview(self, task: Task, report: ExportReport) -> None:
        if task is self._preview:
            # The dry run leaves the images where they are, whatever the export is going to do.
            report = replace(report, notes=tuple(note for note in report.notes if note != NOT_COPIED))
            self._show_report(report, title="This will be written", subtitle=self._what(report))
            self.summary.show_proof("")

    def _fail_preview(self, task: Task, error: Exception) -> None:
        if task is not self._preview or isinstance(error, Cancelled):
            return
        if not isinstance(error, ReticleError):
            raise error
        self.summary.show_text("Nothing to export", str(error))

    def _show_report(self, report: ExportReport, *, title: str, subtitle: str) -> None:
        colors = {item.name: item.color for item in self.context.document.project.classes()}
        self.summary.show_report(report, colors, title=title, subtitle=subtitle)

    @staticmethod
    def _what(report: ExportReport) -> str:
        return f"{report.image_count:,} images and {report.box_count:,} boxes. Images that nobody has looked at are left out."

    # ---- the export and its proof

    def _export(self) -> None:
        folder = self.form.folder
        if folder is None:
            return
        self._cancel_preview()
        export, name = self._work(), self.form.format

        def work(progress: ProgressCallback) -> tuple[ExportReport, tuple[int, int, int]]:
            report = export(folder, progress, True)
            dataset, problems = FORMATS[name].read(report.out)
            return report, (len(dataset.images), dataset.box_count, len(problems))

        self.context.tasks.run_with_progress(
            f"Exporting to {folder.name}",
            work,
            done=lambda result: self._show_done(*result),
            failed=self._fail,
        )

    def _show_done(self, report: ExportReport, read_back: tuple[int, int, int]) -> None:
        self._done = True
        images, boxes, problems = read_back
        self._show_report(report, title="Exported", subtitle=f"{report.files:,} files in {report.out}")
        same = (images, boxes, problems) == (report.image_count, report.box_count, 0)
        verdict = "the same as in the project" if same else "not the same as written: please report this"
        self.summary.show_proof(f"<b>Read back:</b> {images:,} images and {boxes:,} boxes, {verdict}.")
        show = ("Show folder", lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(report.out))))
        text = f"Exported {report.image_count:,} images and {report.box_count:,} boxes."
        self.context.messages.success(text, action=show)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, Cancelled):
            self.context.messages.info("Export cancelled. Nothing was written.")
        else:
            self.context.messages.error(error, doing="export")

    # ---- splits

    def _divide(self) -> None:
        request = ask_split(self)
        if request is None or not self.context.document.is_open:
            return
        project = self.context.document.project
        images = project.images()
        groups = {image.id: image.group for image in images if image.group is not None}
        division = make_splits(
            [image.id for image in images], request.ratios, seed=request.seed, groups=groups
        )
        apply_edit(self.context, lambda: set_split(project, dict(division)))
