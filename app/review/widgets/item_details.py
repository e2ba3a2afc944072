"""The box that is looked at: what it is, in words, and the verdicts that it can be given."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from app.review.models.error_model import cost_text, pair_text
from app.review.models.kind_looks import TYPE_TITLES, text_color
from app.review.models.suspicion_texts import suspicion_text
from app.review.models.verdict_titles import VERDICT_TITLES
from app.review.widgets.verdict_button import VerdictButton
from app.services.figures import count_text, counted, ratio_text
from app.services.theme import Theme
from detcore.review.entries import ErrorEntry
from detcore.review.verdicts import MOST_AT_ONCE


class ItemDetails(QWidget):
    """Text above buttons, one for each action handed in with what its button says. Verdicts are for all
    selected items, what ``moves`` names is not."""

    def __init__(
        self,
        theme: Theme,
        actions: dict[str, QAction],
        *,
        moves: Collection[str] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._entry: ErrorEntry | None = None
        self._other = ""
        self._text = QLabel()
        self._text.setTextFormat(Qt.TextFormat.RichText)
        self._text.setWordWrap(True)
        self._text.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.selected = QLabel()
        self.selected.setWordWrap(True)
        self.selected.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(4)
        column.addWidget(self._text)
        column.addSpacing(6)
        grid = QGridLayout()
        grid.setSpacing(4)
        buttons = {text: VerdictButton(action, text, theme) for text, action in actions.items()}
        for place, button in enumerate(buttons.values()):
            grid.addWidget(button, place // 2, place % 2)
        self._verdicts = [button for text, button in buttons.items() if text not in moves]
        column.addWidget(self.selected)
        column.addLayout(grid)
        theme.changed.connect(self._write)
        self._write()

    def show_entry(self, entry: ErrorEntry | None, other: str) -> None:
        """``other`` says which label or detection it lies on, "" for none."""
        self._entry, self._other = entry, other
        self._write()

    def show_selected(self, count: int) -> None:
        """Say that a verdict is for so many items; nothing below two."""
        what = (
            "A verdict is for all of them."
            if count <= MOST_AT_ONCE
            else f"A verdict is for at most {count_text(MOST_AT_ONCE)}: select fewer, or narrow the list."
        )
        self.selected.setText(f"<b>{counted(count, 'item')} selected.</b> {what}")
        self.selected.setVisible(count > 1)
        for button in self._verdicts:
            button.set_count(count)

    def text(self) -> str:
        return self._text.text()

    def _write(self) -> None:
        entry = self._entry
        muted = self._theme.tokens.text_muted
        if entry is None:
            self._text.setText(
                f'<span style="color:{muted}">Choose a box in the list or on the image.</span>'
            )
            return
        color = text_color(self._theme, entry.kind).name()
        width, height = entry.xyxy[2] - entry.xyxy[0], entry.xyxy[3] - entry.xyxy[1]
        rows = [
            f'<span style="color:{color}; font-weight:600">{TYPE_TITLES[entry.type]}</span>',
            f"<b>{_escape(pair_text(entry))}</b>",
            _confidence(entry),
            f"{width:.0f} × {height:.0f} px",
        ]
        if self._other:
            rows.append(_escape(self._other))
        if entry.cost:
            rows.append(f"Costs {cost_text(entry)}")
        if entry.suspicion is not None:
            rows.append(suspicion_text(entry.suspicion))
        if entry.verdict is not None:
            rows.append(f"✓ {VERDICT_TITLES[entry.verdict.kind]}, {_escape(entry.verdict.run)}")
        self._text.setText(
            rows[0]
            + "<br>"
            + rows[1]
            + "".join(f'<br><span style="color:{muted}">{row}</span>' for row in rows[2:])
        )


def _confidence(entry: ErrorEntry) -> str:
    if entry.is_detection:
        return f"Confidence {ratio_text(entry.score or 0.0, digits=3)}"
    if entry.score is None:
        return "Not found at any threshold"
    return f"Found from {ratio_text(entry.score, digits=3)} down"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
