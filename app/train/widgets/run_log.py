"""What a run said, folded to its last line."""

from __future__ import annotations

import html

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from app.services.theme import Theme
from app.train.run_history import LogLine
from app.train.run_model import format_duration
from app.widgets.elided_label import ElidedLabel
from app.widgets.fold import Fold

MAX_LINES = 2000
LEAST_HEIGHT, MOST_HEIGHT = 72, 160
COLORS = {"warning": "warning", "error": "danger"}


class RunLog(QWidget):
    """Folded: the latest line. Unfolded: all of them, the latest at the end."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        self._lines: list[LogLine] = []
        self._shown = 0
        self.last = ElidedLabel(Qt.TextElideMode.ElideRight)
        self.last.setProperty("role", "muted")
        self.text = QPlainTextEdit(readOnly=True, maximumBlockCount=MAX_LINES)
        self.text.setAccessibleName("Log of the run")
        self.text.setMinimumHeight(LEAST_HEIGHT)
        self.text.setMaximumHeight(MOST_HEIGHT)
        fold = Fold("Log", self.text, summary=self.last)
        self.button = fold.button
        self.button.setToolTip("Show all that the run said")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(fold)
        fold.unfolded.connect(self._unfold)
        theme.changed.connect(self._rewrite)

    def show_lines(self, lines: list[LogLine]) -> None:
        """Show these lines; when they only grew, the new ones are added."""
        if lines is not self._lines or len(lines) < self._shown:
            self._lines, self._shown = lines, 0
            self.text.clear()
        self.last.set_text(_plain(lines[-1]) if lines else "")
        if self.button.isChecked():
            self._append_new()

    def _append_new(self) -> None:
        start = max(self._shown, len(self._lines) - MAX_LINES)
        for line in self._lines[start:]:
            self.text.appendHtml(self._html(line))
        self._shown = len(self._lines)

    def _html(self, line: LogLine) -> str:
        tokens = self._theme.tokens
        color = getattr(tokens, COLORS[line.level]) if line.level in COLORS else tokens.text
        time = "" if line.time is None else format_duration(line.time)
        mark = {"warning": "Warning: ", "error": "Error: "}.get(line.level, "")
        return (
            f'<span style="color:{tokens.text_muted}">{time}</span> '
            f'<span style="color:{color}">{mark}{html.escape(line.text)}</span>'
        )

    def _rewrite(self) -> None:
        self._shown = 0
        self.text.clear()
        if self.button.isChecked():
            self._append_new()

    def _unfold(self, unfolded: bool) -> None:
        if unfolded:
            self._append_new()


def _plain(line: LogLine) -> str:
    return line.text if line.time is None else f"{format_duration(line.time)}   {line.text}"
