"""What most people leave alone, folded away below a line that says what it is."""

from __future__ import annotations

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
        summary: QWidget | None = None,
        tool: QWidget | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """With a ``summary`` it is a bar from edge to edge, in which that stands as long as it is folded, and ``tool`` as
        long as it is not."""
        super().__init__(parent)
        self._summary, self._tool = summary, tool
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
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8 if summary is None else 0)
        layout.addLayout(head)
        layout.addWidget(self._body)
        if summary is not None:
            head.setContentsMargins(12, 3, 12, 3)
            head.addWidget(summary, 1)
            keeps_place = summary.sizePolicy()
            keeps_place.setRetainSizeWhenHidden(True)
            summary.setSizePolicy(keeps_place)
        if tool is not None:
            head.addWidget(tool)
        self.button.toggled.connect(self._unfold)
        self._unfold(False)

    def _unfold(self, unfolded: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if unfolded else Qt.ArrowType.RightArrow)
        if self._summary is not None:
            self._summary.setVisible(not unfolded)
        if self._tool is not None:
            self._tool.setVisible(unfolded)
        self.unfolded.emit(unfolded)
        self._body.setVisible(unfolded)
