"""The slim rail at the left: the four pages, settings and help."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QToolButton, QVBoxLayout, QWidget

from app.services.actions import Actions

WIDTH = 64
ICON = QSize(22, 22)
PAGES = ("label", "train", "review", "export")


class Rail(QWidget):
    """Buttons made of actions; the current page is checked."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "rail")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(WIDTH)
        group = QActionGroup(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 8, 4, 8)
        layout.setSpacing(4)
        for page in PAGES:
            action = actions[f"global.page_{page}"]
            group.addAction(action)
            layout.addWidget(self._button(action, with_text=True))
        layout.addStretch(1)
        for name in ("theme", "settings", "help"):
            layout.addWidget(self._button(actions[f"global.{name}"], with_text=False))

    def _button(self, action: QAction, *, with_text: bool) -> QToolButton:
        button = QToolButton()
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setIconSize(ICON)
        button.setDefaultAction(action)
        style = (
            Qt.ToolButtonStyle.ToolButtonTextUnderIcon if with_text else Qt.ToolButtonStyle.ToolButtonIconOnly
        )
        button.setToolButtonStyle(style)
        button.setFixedWidth(WIDTH - 8)
        return button
