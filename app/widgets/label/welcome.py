"""What a window without a project says: what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.actions import Actions
from app.theme import Theme

BUTTONS = ("global.open_folder", "global.import", "global.sample")


class Welcome(QWidget):
    """Drop target text, three ways to begin, recent projects.

    Signals:
        recent_chosen(object): the ``Path`` of a project.
    """

    recent_chosen = Signal(object)

    def __init__(self, actions: Actions, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        title = QLabel("Drop a folder of images here", alignment=Qt.AlignmentFlag.AlignCenter)
        title.setProperty("role", "title")
        text = QLabel(
            "Reticle makes a project of it. The images stay where they are and are never changed.",
            alignment=Qt.AlignmentFlag.AlignCenter,
            wordWrap=True,
        )
        text.setProperty("role", "muted")
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        for number, action_id in enumerate(BUTTONS):
            action = actions[action_id]
            button = QPushButton(action.text())
            button.setToolTip(action.toolTip())
            button.setProperty("role", "primary" if number == 0 else "plain")
            button.clicked.connect(action.trigger)
            buttons.addWidget(button)
            if number == 0:
                self.setFocusProxy(button)
        buttons.addStretch(1)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        layout = QVBoxLayout(self)
        layout.setSpacing(12)
        layout.addStretch(2)
        layout.addWidget(self._picture)
        layout.addWidget(title)
        layout.addWidget(text)
        layout.addSpacing(4)
        layout.addLayout(buttons)
        layout.addSpacing(12)
        layout.addLayout(self._recent)
        layout.addStretch(3)
        theme.changed.connect(self._paint_icon)
        self._paint_icon()

    def show_recent(self, projects: Sequence[Path]) -> None:
        while self._recent.count():
            item = self._recent.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None:
                widget.deleteLater()
        if not projects:
            return
        head = QLabel("RECENT PROJECTS", alignment=Qt.AlignmentFlag.AlignCenter)
        head.setProperty("role", "section")
        self._recent.addWidget(head)
        for path in projects:
            button = QPushButton(path.stem)
            button.setProperty("role", "link")
            button.setToolTip(str(path))
            button.clicked.connect(lambda _checked=False, chosen=path: self.recent_chosen.emit(chosen))
            self._recent.addWidget(button, alignment=Qt.AlignmentFlag.AlignHCenter)

    def _paint_icon(self) -> None:
        self._picture.setPixmap(self._theme.icon("image-multiple-outline").pixmap(56, 56))
