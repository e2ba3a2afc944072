"""The Export page: choices left, what will be written right, the proof afterwards."""

from __future__ import annotations

import tempfile
import threading
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.export.form import ExportForm
from app.export.summary import MAXIMUM_WIDTH, ExportSummary
from app.export.writing import ExportChoice, Exported, ExportWriting
from app.services.actions import ActionTip
from app.services.context import AppContext
from app.services.figures import contents_text, counted
from app.services.tasks import Task
from app.services.timing import Debouncer
from app.widgets.page import Page
from detcore.errors import ReticleError
from detcore.formats.base import ExportReport
from detcore.formats.common.copying import NOT_COPIED
from detcore.project.reading import Statistics

FORM_WIDTH = 360
PREVIEW_DELAY_MS = 250


class ExportPage(Page):
    """What is shown before an export is a dry run of it, so it cannot differ from what is written."""

    def __init__(self, context: AppContext) -> None:
        super().__init__("export", context)
        self.form = ExportForm()
        self.homes = (self.form,)
        self.summary = ExportSummary()
        self.writing = ExportWriting(context, self)
        self.button = QPushButton("Export")
        self.button.setProperty("role", "primary")
        self._preview: Task | None = None
        self._stop_preview = threading.Event()
        self._exported: Exported | None = None
        self._delay = Debouncer(self, self._start_preview, pause_ms=PREVIEW_DELAY_MS)
        self._compose()
        self.removeToolBar(self.toolbar)
        action = context.actions.bind("export.start", self._export, when=self._can_export)
        self.button.clicked.connect(action.trigger)
        ActionTip(action, self.button)
        self.form.changed.connect(self._refresh_soon)
        self.form.divide_requested.connect(context.actions["global.divide"].trigger)
        context.document.opened.connect(self._refresh_soon)
        context.document.closed.connect(self._refresh_soon)
        self.writing.changed.connect(context.actions.refresh)
        self.writing.done.connect(self._show_done)
        context.document.changed.connect(lambda _changes: self._refresh_soon())
        self._show_closed()

    @property
    def is_done(self) -> bool:
        """Whether what is shown is an export that was written and read back."""
        return self._exported is not None

    def entered(self) -> None:
        """An export that was written stays on the screen as long as nothing has changed since."""
        if self._exported is None:
            self._refresh_soon()
        super().entered()

    def left(self) -> None:
        self._cancel_preview()

    def _compose(self) -> None:
        self.form.setProperty("role", "panel")
        self.form.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        scroll = _scrolled(self.form)
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
        told = _scrolled(self.summary)
        told.setMaximumWidth(MAXIMUM_WIDTH)
        row.addWidget(told, 100)
        row.addStretch(1)
        self.setCentralWidget(middle)

    def _can_export(self) -> bool:
        form = self.form
        is_ready = self.context.document.is_open and not self.writing.busy
        return is_ready and form.folder is not None and form.contents.chosen_splits != []

    def _choice(self) -> ExportChoice:
        """The export as now chosen."""
        project, form = self.context.document.project, self.form
        return ExportChoice(
            project=project,
            format=form.format,
            preset=form.preset,
            splits=form.contents.chosen_splits,
            options=form.options,
            colors={item.name: item.color for item in project.classes()},
        )

    # ---- before: a dry run

    def _refresh_soon(self) -> None:
        self._cancel_preview()
        self._exported = None
        if not self.context.document.is_open:
            self._show_closed()
        elif self.isVisible():
            project = self.context.document.project
            self.form.suggest_folder(project.folder.parent / f"{project.name}-{self._suffix()}")
            self._delay.ask()
        self.context.actions.refresh()

    def _suffix(self) -> str:
        """What the suggested folder is called after."""
        preset = self.form.preset
        return self.form.format if preset is None else preset.name

    def _show_closed(self) -> None:
        self.summary.show_text(
            "Nothing to export yet", "Open a folder of images and label some of them first."
        )

    def _cancel_preview(self) -> None:
        self._delay.stop()
        if self._preview is not None:
            self._stop_preview.set()
            self._preview = None

    def _start_preview(self) -> None:
        """Count and write for show; both in the pool, since a large project takes its time for either."""
        choice = self._choice()
        stop = self._stop_preview = threading.Event()

        def work() -> tuple[Statistics, ExportReport | ReticleError]:
            with tempfile.TemporaryDirectory() as folder:
                out = Path(folder) / "preview"
                try:
                    report = choice.write(out, lambda _d, _t: not stop.is_set(), dry=True)
                except ReticleError as error:
                    return choice.project.statistics(), error
            return choice.project.statistics(), report

        task = self.context.tasks.run(
            work,
            done=lambda result: self._show_preview(task, choice, *result),
            failed=lambda error: self._fail_preview(task, error),
        )
        self._preview = task

    def _show_preview(
        self, task: Task, choice: ExportChoice, statistics: Statistics, report: ExportReport | ReticleError
    ) -> None:
        if task is not self._preview:
            return
        self.form.contents.show_counts(statistics)
        if isinstance(report, ReticleError):
            self.summary.show_text("Nothing to export", _reason(choice, report))
            return
        # The dry run leaves the images where they are, whatever the export is going to do.
        report = replace(report, notes=tuple(note for note in report.notes if note != NOT_COPIED))
        what = f"{contents_text(report.image_count, report.box_count)}."
        self.summary.show_report(report, choice.colors, title="This will be written", subtitle=what)

    def _fail_preview(self, task: Task, error: Exception) -> None:
        if task is self._preview:
            self.context.messages.error(error, doing="look at what would be exported")

    # ---- the export and its proof

    def _export(self) -> None:
        folder = self.form.folder
        if folder is not None:
            self._cancel_preview()
            self.writing.start(self._choice(), folder)

    def _show_done(self, exported: Exported) -> None:
        self._cancel_preview()
        self._exported = exported
        report = exported.report
        self.summary.show_report(
            report,
            exported.choice.colors,
            title="Exported",
            subtitle=f"{counted(report.files, 'file')} in {report.out}",
        )
        self.summary.show_proof(report)
        self.summary.show_use(exported.choice.preset, report)


def _scrolled(widget: QWidget) -> QScrollArea:
    """A widget that may be higher than the window; its fields have the focus."""
    area = QScrollArea(widgetResizable=True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(widget)
    return area


def _reason(choice: ExportChoice, error: ReticleError) -> str:
    """Why there is nothing, without the folder of the dry run, which is nobody's business."""
    if choice.splits == []:
        return "Choose at least one split."
    reason = error.message[:1].upper() + error.message[1:]
    return ". ".join(part.rstrip(".") for part in (reason, error.hint) if part) + "."
