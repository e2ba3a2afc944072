"""What keeps a run from learning, in a calm line."""

from __future__ import annotations

import html
from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from app.services.figures import counted
from app.services.theme import Theme
from detcore.jobs.diagnosis import Finding

ICON = 16


class FindingsBar(QWidget):
    """The first finding, the others when asked for; not there when there are none."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        self._findings: list[Finding] = []
        self._icon = QLabel()
        self.text = QLabel(wordWrap=True, textFormat=Qt.TextFormat.RichText)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.more = QToolButton()
        self.more.setCheckable(True)
        self.more.toggled.connect(lambda _open: self._write())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 12, 6)
        layout.setSpacing(8)
        top = Qt.AlignmentFlag.AlignTop
        layout.addWidget(self._icon, 0, top)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.more, 0, top)
        theme.changed.connect(self._write)
        self._write()

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Show these, the most harmful first."""
        if list(findings) != self._findings:
            self._findings = list(findings)
            self._write()

    def _write(self) -> None:
        findings, tokens = self._findings, self._theme.tokens
        self.setVisible(bool(findings))
        self._icon.setPixmap(
            self._theme.icon("lightbulb-on-outline", color=tokens.warning).pixmap(QSize(ICON, ICON))
        )
        shown = findings if self.more.isChecked() else findings[:1]
        self.text.setText(
            "<br>".join(
                f'{html.escape(item.text)} <span style="color:{tokens.text_muted}">{html.escape(item.advice)}</span>'
                for item in shown
            )
        )
        self.more.setVisible(len(findings) > 1)
        self.more.setText("Less" if self.more.isChecked() else counted(len(findings) - 1, "more", "more"))
