"""A number with its name in small letters before it."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget


class Figure(QWidget):
    """Grows with its number and never shrinks, so that the figures behind it stay where they are."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        caption = QLabel(name)
        caption.setProperty("role", "muted")
        self.value = QLabel("–")
        self.value.setAccessibleName(name)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 12, 0)
        layout.setSpacing(6)
        layout.addWidget(caption)
        layout.addWidget(self.value)

    def show_text(self, text: str) -> None:
        self.value.setText(text)
        width = self.value.sizeHint().width()
        if width > self.value.minimumWidth():
            self.value.setMinimumWidth(width)
