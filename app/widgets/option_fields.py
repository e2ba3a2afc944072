"""The options of a detector or a format as a form, made of its spec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtWidgets import QCheckBox, QFormLayout, QLabel, QWidget

from app.widgets.spin_boxes import Choice, DecimalNumber, WholeNumber
from detcore.options import Option

LABEL_WIDTH = 96
_Field = QCheckBox | Choice | WholeNumber | DecimalNumber


class OptionFields(QWidget):
    """One field an option, its name beside it or above; not there where there is none.

    Signals:
        changed(): the user has chosen something else.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None, *, names_above: bool = False) -> None:
        super().__init__(parent)
        self._names_above = names_above
        self._options: tuple[Option, ...] = ()
        self.fields: dict[str, _Field] = {}
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setVerticalSpacing(4 if names_above else 6)
        if names_above:
            self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
        self._form.setHorizontalSpacing(8)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.hide()

    def show_options(self, options: Iterable[Option], chosen: Mapping[str, Any]) -> None:
        """Other options; where nothing was chosen they have their defaults."""
        while self._form.rowCount():
            self._form.removeRow(0)
        self._options = tuple(options)
        self.fields = {item.name: _field(item) for item in self._options}
        for item in self._options:
            field = self.fields[item.name]
            field.setToolTip(item.help)
            if isinstance(field, QCheckBox):
                self._form.addRow(field)
            else:
                label = QLabel(item.label)
                if not self._names_above:
                    label.setFixedWidth(LABEL_WIDTH)
                label.setBuddy(field)
                self._form.addRow(label, field)
            _set(field, chosen.get(item.name, item.default))
            _signal(field).connect(self.changed)
        self.setVisible(bool(self._options))

    def values(self) -> dict[str, Any]:
        """What was chosen other than the defaults."""
        said = {item.name: (_get(self.fields[item.name]), item.default) for item in self._options}
        return {name: value for name, (value, default) in said.items() if value != default}


def _field(item: Option) -> _Field:
    if isinstance(item.default, bool):
        return QCheckBox(item.label)
    if isinstance(item.default, str):
        return Choice(dict(item.choices))
    if isinstance(item.default, int):
        return WholeNumber(int(item.low), int(item.high), step=int(item.step))
    decimals = max(0, len(f"{item.step:.10f}".rstrip("0").partition(".")[2]))
    return DecimalNumber(item.low, item.high, step=item.step, decimals=decimals)


def _signal(field: _Field) -> SignalInstance:
    if isinstance(field, QCheckBox):
        return field.toggled
    return field.currentIndexChanged if isinstance(field, Choice) else field.valueChanged


def _set(field: _Field, value: Any) -> None:
    if isinstance(field, QCheckBox):
        field.setChecked(value)
    elif isinstance(field, Choice):
        field.set_choice(value)
    else:
        field.setValue(value)


def _get(field: _Field) -> bool | str | int | float:
    if isinstance(field, QCheckBox):
        return field.isChecked()
    return field.choice() if isinstance(field, Choice) else field.value()
