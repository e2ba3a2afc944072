"""Long tasks in the status bar: what runs, how far it is, Cancel."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QToolButton, QWidget

from app.services.tasks import Task
from app.services.theme import Theme

SHOW_AFTER_MS = 150


class JobBar(QWidget):
    """Shows the latest of the running tasks."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tasks: list[Task] = []
        self.title = QLabel()
        self.progress = QProgressBar(textVisible=False)
        self.progress.setFixedWidth(160)
        self.cancel_button = QToolButton()
        self.cancel_button.setToolTip("Cancel")
        self._delay = QTimer(self, singleShot=True, interval=SHOW_AFTER_MS)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 0, 8, 0)
        layout.setSpacing(8)
        layout.addWidget(self.title)
        layout.addWidget(self.progress)
        layout.addWidget(self.cancel_button)
        self.cancel_button.clicked.connect(self._cancel)
        self._delay.timeout.connect(self._refresh)
        theme.changed.connect(self._paint_icons)
        self._paint_icons()
        self.hide()

    def add(self, task: Task) -> None:
        """Follow a task until it has finished."""
        self._tasks.append(task)
        task.progressed.connect(lambda done, total: self._show_progress(task, done, total))
        task.finished.connect(lambda: self._remove(task))
        self._delay.start()

    def _show_progress(self, task: Task, done: int, total: int) -> None:
        if self._tasks and self._tasks[-1] is task:
            self.progress.setRange(0, total)
            self.progress.setValue(done)

    def _remove(self, task: Task) -> None:
        self._tasks.remove(task)
        self._refresh()

    def _refresh(self) -> None:
        self.setVisible(bool(self._tasks))
        if self._tasks:
            others = f" (+{len(self._tasks) - 1})" if len(self._tasks) > 1 else ""
            self.title.setText(self._tasks[-1].title + others)
            self.progress.setRange(0, 0)

    def _cancel(self) -> None:
        if self._tasks:
            self._tasks[-1].cancel()
            self.title.setText("Cancelling…")

    def _paint_icons(self) -> None:
        self.cancel_button.setIcon(self._theme.icon("close"))
