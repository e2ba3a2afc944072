"""Number fields that can say "Auto" and do not change under a passing wheel."""

from __future__ import annotations

from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QDoubleSpinBox, QSizePolicy, QSpinBox

from app.services.theme import CONTROL_HEIGHT

TEXT_MARGIN = 6


class WholeNumber(QSpinBox):
    """An integer, or ``None`` at the lowest value when there is a text for that."""

    def __init__(self, low: int, high: int, *, step: int = 1, auto: str = "") -> None:
        super().__init__()
        self.setRange(low, high)
        self.setSingleStep(step)
        self.setSpecialValueText(auto)
        _settle(self)

    def number(self) -> int | None:
        return None if self.specialValueText() and self.value() == self.minimum() else self.value()

    def set_number(self, value: int | None) -> None:
        self.setValue(self.minimum() if value is None else value)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class DecimalNumber(QDoubleSpinBox):
    """A number without needless zeros, or ``None`` at the lowest value when there is a text for that."""

    def __init__(
        self, low: float, high: float, *, step: float = 1.0, decimals: int = 1, auto: str = ""
    ) -> None:
        super().__init__()
        self.setDecimals(decimals)
        self.setRange(low, high)
        self.setSingleStep(step)
        self.setSpecialValueText(auto)
        _settle(self)

    def number(self) -> float | None:
        return None if self.specialValueText() and self.value() == self.minimum() else self.value()

    def set_number(self, value: float | None) -> None:
        self.setValue(self.minimum() if value is None else value)

    def textFromValue(self, value: float) -> str:
        return QLocale().toString(value, "g", 6)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class Choice(QComboBox):
    """Entries with a value each."""

    def __init__(self, entries: dict[str, str] | None = None) -> None:
        super().__init__()
        _settle(self)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        for value, text in (entries or {}).items():
            self.addItem(text, value)

    def choice(self) -> str:
        return str(self.currentData() or "")

    def set_choice(self, value: str) -> None:
        """Choose the entry of a value; one that is not there leaves the choice as it is."""
        row = self.findData(value)
        if row >= 0:
            self.setCurrentIndex(row)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


def _settle(field: QAbstractSpinBox | QComboBox) -> None:
    """One height and margin for all, any width, and no focus by the wheel."""
    field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    field.setFixedHeight(CONTROL_HEIGHT)
    field.setMinimumWidth(72)
    field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    if isinstance(field, QAbstractSpinBox):
        field.lineEdit().setTextMargins(TEXT_MARGIN, 0, 0, 0)
