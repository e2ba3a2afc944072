"""Words beside the icons of a tool bar, as many as it has room for."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QToolBar, QToolButton


class ToolWords(QObject):
    """Groups of actions lose their words together, the last group first; icons and their tooltips stay."""

    def __init__(self, toolbar: QToolBar) -> None:
        super().__init__(toolbar)
        self._toolbar = toolbar
        self._groups: list[Sequence[QAction]] = []
        toolbar.installEventFilter(self)

    def add(self, actions: Sequence[QAction]) -> None:
        """Actions that are in the tool bar; their words go before those of the groups added earlier."""
        self._groups.append(actions)
        self.fit()

    def fit(self) -> None:
        """Show the words that there is room for."""
        has_room = True
        self._show(self._groups, words=False)
        for group in self._groups:
            if has_room:
                self._show([group], words=True)
                has_room = self._toolbar.sizeHint().width() <= self._toolbar.width()
                if not has_room:
                    self._show([group], words=False)

    def _show(self, groups: Sequence[Sequence[QAction]], *, words: bool) -> None:
        style = (
            Qt.ToolButtonStyle.ToolButtonTextBesideIcon if words else Qt.ToolButtonStyle.ToolButtonIconOnly
        )
        for button in (self._toolbar.widgetForAction(action) for group in groups for action in group):
            if isinstance(button, QToolButton):
                button.setToolButtonStyle(style)
        layout = self._toolbar.layout()
        if layout is not None:
            layout.invalidate()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.fit()
        return False
