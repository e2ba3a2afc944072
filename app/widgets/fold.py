"""What most people leave alone, folded away below a line that says what it is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget


class Fold(QWidget):
    """A button that shows and hides what is below it; folded at first.

    Signals:
        unfolded(bool): what is below is about to be shown, or to be hidden.
    """

    unfolded = Signal(bool)

    def __init__(
        self,
        title: str,
        content: QWidget,
        *,
        beside: Sequence[QWidget] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """With widgets ``beside`` the button, of which the first has the room, it is a bar from edge to edge."""
        super().__init__(parent)
        self._body = QWidget()
        inside = QVBoxLayout(self._body)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(content)
        self.button = QToolButton()
        self.button.setText(title)
        self.button.setCheckable(True)
        self.button.setProperty("role", "fold")
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        for number, widget in enumerate(beside or ()):
            head.addWidget(widget, 0 if number else 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8 if beside is None else 0)
        if beside is not None:
            head.setContentsMargins(12, 3, 12, 3)
        layout.addLayout(head)
        layout.addWidget(self._body)
        self.button.toggled.connect(self._unfold)
        self._unfold(False)

    def _unfold(self, unfolded: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if unfolded else Qt.ArrowType.RightArrow)
        self.unfolded.emit(unfolded)
        self._body.setVisible(unfolded)
