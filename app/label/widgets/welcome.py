"""What a window without a project says: what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.label.models.recent_project import RecentProject, look_into
from app.label.widgets.project_card import ProjectCard
from app.services.actions import Actions, ActionTip
from app.services.tasks import Tasks
from app.services.theme import Theme
from app.widgets.flow_layout import FlowLayout
from app.widgets.pictures import thumbnails

BUTTONS = ("global.open_folder", "global.import", "global.sample")
GAP = 12


class Welcome(QScrollArea):
    """Drop target text, three ways to begin, recent projects.

    Signals:
        recent_chosen(object): the ``Path`` of a project.
    """

    recent_chosen = Signal(object)

    def __init__(self, actions: Actions, theme: Theme, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._tasks = theme, tasks
        self._thumbnails = thumbnails(tasks, self)
        self.cards: list[ProjectCard] = []
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self._picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        title = QLabel("Drop a folder of images here", alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        title.setProperty("role", "title")
        text = QLabel(
            "Reticle makes a project of it. The images stay where they are and are never changed.",
            alignment=Qt.AlignmentFlag.AlignCenter,
            wordWrap=True,
        )
        text.setProperty("role", "muted")
        buttons = FlowLayout(spacing=8, align="centre")
        for number, action_id in enumerate(BUTTONS):
            action = actions[action_id]
            button = QPushButton(action.text())
            ActionTip(action, button)
            button.setProperty("role", "primary" if number == 0 else "plain")
            button.clicked.connect(action.trigger)
            buttons.addWidget(button)
            if number == 0:
                self.setFocusProxy(button)
        self._head = QLabel("RECENT PROJECTS", alignment=Qt.AlignmentFlag.AlignCenter)
        self._head.setProperty("role", "section")
        self._shelf = QWidget()
        self._flow = FlowLayout(self._shelf, spacing=GAP, align="centre")
        whole = QWidget()
        layout = QVBoxLayout(whole)
        layout.setSpacing(12)
        layout.addStretch(2)
        layout.addWidget(self._picture)
        layout.addWidget(title)
        layout.addWidget(text)
        layout.addSpacing(4)
        layout.addLayout(buttons)
        layout.addSpacing(12)
        layout.addWidget(self._head)
        layout.addWidget(self._shelf)
        layout.addStretch(3)
        self.setWidget(whole)
        theme.changed.connect(self._paint_icon)
        self._paint_icon()
        self.show_recent([])

    def show_recent(self, projects: Sequence[Path]) -> None:
        """A card each, which are looked into one after the other in the background."""
        for card in self.cards:
            self._flow.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = [ProjectCard(path, self._theme, self._thumbnails, self._shelf) for path in projects]
        for card in self.cards:
            card.clicked.connect(lambda _checked=False, path=card.folder: self.recent_chosen.emit(path))
            self._flow.addWidget(card)
            card.show()
        self._thumbnails.clear()
        self._head.setVisible(bool(projects))
        self._shelf.setVisible(bool(projects))
        self._look(self.cards)

    def _look(self, cards: Sequence[ProjectCard]) -> None:
        """Look into the first of these cards, then into the others."""
        if not cards:
            return
        first, shown = cards[0], self.cards

        def show(project: RecentProject) -> None:
            if self.cards is shown:
                first.show_project(project)
                self._look(cards[1:])

        def fail(error: Exception) -> None:
            raise error

        folder = first.folder
        self._tasks.run(lambda: look_into(folder), done=show, failed=fail)

    def _paint_icon(self) -> None:
        self._picture.setPixmap(self._theme.icon("image-multiple-outline").pixmap(56, 56))
