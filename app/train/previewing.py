"""The preview of training images: drawn in the pool, anew whenever a setting changes."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QWidget

from app.services.context import AppContext
from app.services.figures import count_text, counted
from app.services.timing import Debouncer
from app.train.widgets.preview_dialog import Box, PreviewDialog, PreviewPicture
from detcore.data.augmentation.labelled import Labelled
from detcore.data.preview import Preview, PreviewBatch
from detcore.errors import ConfigError
from detcore.jobs.config import TrainConfig
from detcore.project.project import Project
from detcore.project.snapshot import Snapshot, take_snapshot
from detcore.types import FloatArray

COUNT = 12
_PAUSE_MS = 150


class Previewing(QObject):
    """Binds Preview. One batch is drawn at a time; what changes meanwhile is drawn after it."""

    def __init__(self, context: AppContext, *, config: Callable[[], TrainConfig], parent: QWidget) -> None:
        super().__init__(parent)
        self._context, self._config, self._window = context, config, parent
        self.dialog: PreviewDialog | None = None
        self._project: Project | None = None
        self._source: tuple[Preview, Snapshot] | None = None
        self._number = 0
        self._drawing = self._outdated = False
        self._soon = Debouncer(self, self._draw, pause_ms=_PAUSE_MS)
        context.actions.bind("train.preview", self._open, when=lambda: context.document.is_open)
        context.document.closed.connect(self._close)

    def settings_changed(self) -> None:
        """Show the same images with the settings as they are now."""
        if self.dialog is not None:
            self._soon.ask()

    def _open(self) -> None:
        if self.dialog is None:
            self._project, self._source, self._number = self._context.document.project, None, 0
            self.dialog = PreviewDialog(self._context.theme, self._window)
            self.dialog.another_wanted.connect(self._show_next)
            self.dialog.finished.connect(self._forget)
            self._draw()
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def _close(self) -> None:
        if self.dialog is not None:
            self.dialog.close()

    def _forget(self) -> None:
        self._soon.stop()
        self.dialog = self._project = self._source = None

    def _show_next(self) -> None:
        self._number += 1
        self._draw()

    def _draw(self) -> None:
        project = self._project
        if self._drawing or project is None:
            self._outdated = True
            return
        try:
            config = self._config()
        except ConfigError as error:
            self._fail(project, error)
            return
        source, number = self._source, self._number
        self._drawing, self._outdated = True, False
        self._context.tasks.run(
            lambda: _drawn(project, source, config, number),
            done=lambda result: self._show(project, *result),
            failed=lambda error: self._fail(project, error),
        )

    def _show(
        self,
        project: Project,
        source: tuple[Preview, Snapshot],
        batch: PreviewBatch,
        pictures: list[PreviewPicture],
    ) -> None:
        self._drawing = False
        if self.dialog is not None and self._project is project:
            self._source = source
            if pictures:
                self.dialog.show_pictures(pictures, _about(batch))
            else:
                self.dialog.show_empty(
                    "image-broken-variant", "No training image can be read", str(batch.problems[0])
                )
        self._draw_again()

    def _fail(self, project: Project, error: Exception) -> None:
        self._drawing = False
        if self.dialog is not None and self._project is project:
            if isinstance(error, ConfigError):
                self.dialog.show_empty("vector-rectangle", "Nothing to show yet", str(error))
            else:
                self._context.messages.error(error, doing="draw training images")
        self._draw_again()

    def _draw_again(self) -> None:
        if self._outdated and self._project is not None:
            self._draw()


def _drawn(
    project: Project, source: tuple[Preview, Snapshot] | None, config: TrainConfig, number: int
) -> tuple[tuple[Preview, Snapshot], PreviewBatch, list[PreviewPicture]]:
    """Off the window's thread: a batch, and as pictures."""
    if source is None:
        snapshot = take_snapshot(project)
        source = Preview(snapshot), snapshot
    preview, snapshot = source
    batch = preview.batch(config, number=number, count=COUNT)
    colors = [QColor(item.color) for item in snapshot.classes]
    return source, batch, [_picture(item, colors) for item in batch.images]


def _picture(item: Labelled, colors: list[QColor]) -> PreviewPicture:
    width, height = item.size
    image = QImage(item.image.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    return PreviewPicture(
        image=image.copy(),  # which keeps its own bytes
        boxes=tuple(
            (_edges(box), colors[label]) for box, label in zip(item.boxes, item.labels.tolist(), strict=True)
        ),
        ignored=tuple(_edges(box) for box in item.ignore),
    )


def _edges(box: FloatArray) -> Box:
    x1, y1, x2, y2 = box.tolist()
    return x1, y1, x2, y2


def _about(batch: PreviewBatch) -> str:
    of = counted(batch.total, "training image")
    if batch.tiling is not None:
        of = f"{counted(batch.tiles, 'tile')} of {count_text(batch.tiling.side)} px, cut from {of}"
    text = f"{len(batch.images)} drawn from {of}, changed as the settings on the page say, with their sizes in pixels."
    if any(len(item.ignore) for item in batch.images):
        text += (
            " What lies in a dashed box is painted over, but for labelled boxes: this detector cannot leave it out."
            if batch.painted
            else " What lies in a dashed box is not learnt."
        )
    if batch.problems:
        text += f" {counted(len(batch.problems), 'file')} cannot be read."
    return text
