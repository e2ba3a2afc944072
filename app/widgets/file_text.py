"""A text that comes from a file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from detcore.errors import ConfigError
from detcore.options import read_option_file
from detcore.wording import counted


class FileText(QWidget):
    """The text of a file that the user chooses, or none.

    Signals:
        changed(): another file was chosen, or left out.
    """

    changed = Signal()

    def __init__(self, suffix: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._suffix = suffix
        self._text = ""
        self.button = QPushButton()
        self.without = QPushButton("Leave out")
        self.without.setProperty("role", "link")
        self.fault = QLabel(wordWrap=True)
        self.fault.setProperty("role", "caution")
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self.button, 1)
        row.addWidget(self.without)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row)
        layout.addWidget(self.fault)
        self.setFocusProxy(self.button)
        self.button.clicked.connect(self._choose)
        self.without.clicked.connect(lambda: self._take("", ""))
        self.set_text("")

    def text(self) -> str:
        """ "" where there is none."""
        return self._text

    def set_text(self, text: str) -> None:
        """Show a text whose file is not known any more."""
        self._show(text, counted(len(text.splitlines()), "line"))

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Choose a file", "", f"*{self._suffix} (*{self._suffix});;All files (*)"
        )
        if not path:
            return
        try:
            self._take(read_option_file(Path(path)), Path(path).name)
        except ConfigError as error:
            self.fault.setText(str(error))
            self.fault.show()

    def _take(self, text: str, name: str) -> None:
        self._show(text, name)
        self.changed.emit()

    def _show(self, text: str, name: str) -> None:
        self._text = text
        self.button.setText(name if text else "Choose a file…")
        self.without.setVisible(bool(text))
        self.fault.hide()
