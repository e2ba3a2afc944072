"""A small strip beside a box: which classes it may have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from app.services.figures import count_text
from app.widgets.painting import swatch
from detcore.types import ObjectClass

_GAP = 6
_NAME_WIDTH = 110


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A class with its probability, 0..1, and why; ``is_doubt`` where it speaks against what was drawn."""

    item: ObjectClass
    probability: float
    why: str
    is_doubt: bool = False


class ClassChips(QFrame):
    """Lies on a canvas and leaves it the keyboard.

    Signals:
        chosen(int): the class that was clicked.
    """

    chosen = Signal(int)

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self.setProperty("role", "chips")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(4, 4, 4, 4)
        self._row.setSpacing(4)
        self.buttons: list[QPushButton] = []
        self.hide()

    def show_chips(self, chips: Sequence[Chip]) -> None:
        self.hide()  # what comes into a widget that is seen has no size yet
        for button in self.buttons:
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.buttons = [self._button(chip) for chip in chips]
        for button in self.buttons:
            self._row.addWidget(button)
        self.setVisible(bool(chips))
        self.adjustSize()

    def place(self, box: QRect, area: QRect) -> None:
        """Below what is seen of a box, where there is no room above it, and wholly in the area."""
        below, above = box.bottom() + 1 + _GAP, box.top() - _GAP - self.height()
        y = below if below + self.height() <= area.bottom() + 1 or above < area.top() else above
        self.move(
            QPoint(
                max(area.left(), min(box.left(), area.right() + 1 - self.width())),
                max(area.top(), min(y, area.bottom() + 1 - self.height())),
            )
        )

    def _button(self, chip: Chip) -> QPushButton:
        item, button = chip.item, QPushButton(self)
        name = button.fontMetrics().elidedText(item.name, Qt.TextElideMode.ElideMiddle, _NAME_WIDTH)
        share = f"{count_text(round(100 * chip.probability))} %"
        button.setText(" ".join([*([str(item.key)] if item.key else []), name.replace("&", "&&"), share]))
        button.setIcon(swatch(item.color))
        button.setProperty("role", "doubt" if chip.is_doubt else "chip")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setToolTip(f"<b>{item.name}</b><br>{chip.why}: {share}")
        button.setAccessibleName(f"{item.name}, {share}")
        button.clicked.connect(lambda: self.chosen.emit(item.id))
        return button
