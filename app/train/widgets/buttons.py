"""The large buttons below the settings, and what there is to train on."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.services.actions import ActionTip
from app.widgets.flow_layout import FlowLayout

_MARGIN = 12
"""A link has it as its own padding, so that its text begins where other texts do."""


class ActionButton(QPushButton):
    """A large button that does what an action does, and is enabled with it.

    Signals:
        switched(bool): it can be pressed now, or no longer, and whether it had the focus until then.
    """

    switched = Signal(bool)

    def __init__(self, action: QAction, *, primary: bool) -> None:
        super().__init__(action.text())
        self._action = action
        self.setProperty("role", "primary" if primary else "plain")
        self.setStyleSheet("QPushButton { min-height: 38px } QPushButton:focus { min-height: 36px }")
        self.clicked.connect(action.trigger)
        action.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        had_focus = self.hasFocus()
        self.setEnabled(self._action.isEnabled())
        self.setToolTip(self._action.toolTip())
        self.switched.emit(had_focus)


class TrainButtons(QWidget):
    """Train; while a training runs, Stop and keep, and Finish now. Above them what there is to learn from, and
    links to divide it and to look at it."""

    def __init__(
        self,
        start: QAction,
        stop: QAction,
        finish: QAction,
        divide: QAction,
        preview: QAction,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.start = ActionButton(start, primary=True)
        self.stop = ActionButton(stop, primary=True)
        self.finish = ActionButton(finish, primary=False)
        self.data = QLabel(wordWrap=True)
        self.data.setProperty("role", "muted")
        self.data.setContentsMargins(_MARGIN, 0, 0, 0)
        self.data.setTextInteractionFlags(Qt.TextInteractionFlag.LinksAccessibleByMouse)
        self.divide, self.preview = _link("Divide…", divide), _link("Preview…", preview)
        links = FlowLayout(spacing=0)
        links.addWidget(self.divide)
        links.addWidget(self.preview)
        row = QHBoxLayout()
        row.setContentsMargins(_MARGIN, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.start, 1)
        row.addWidget(self.stop, 3)
        row.addWidget(self.finish, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 10, _MARGIN, 12)
        layout.setSpacing(8)
        layout.addWidget(self.data)
        layout.addLayout(links)
        layout.addLayout(row)
        self._buttons = (self.start, self.stop, self.finish)
        for button in self._buttons:
            button.switched.connect(self._keep_focus)
        self.show_training(False)

    def show_data(self, text: str) -> None:
        self.data.setText(text)
        self.data.setVisible(bool(text))
        self.divide.setVisible(bool(text))
        self.preview.setVisible(bool(text))

    def show_training(
        self, training: bool, *, start_text: str = "Train", stop_text: str = "Stop and keep"
    ) -> None:
        """One button or two; the focus stays on a button."""
        had_focus = any(button.hasFocus() for button in self._buttons)
        if had_focus:
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.start.setText(start_text)
        self.stop.setText(stop_text)
        self.start.setVisible(not training)
        self.stop.setVisible(training)
        self.finish.setVisible(training)
        self._keep_focus(had_focus)

    def _keep_focus(self, had_focus: bool) -> None:
        """Until a button can be pressed again the focus waits here: left to Qt it would wander to the rail."""
        if any(button.hasFocus() for button in self._buttons) or not (had_focus or self.hasFocus()):
            return
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        wanted = self.start if self.stop.isHidden() else self.stop
        wanted.setFocus(Qt.FocusReason.OtherFocusReason)


def _link(text: str, action: QAction) -> QPushButton:
    link = QPushButton(text)
    link.setAccessibleName(action.text())
    ActionTip(action, link)
    link.setProperty("role", "link")
    link.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    link.clicked.connect(action.trigger)
    return link
