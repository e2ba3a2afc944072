"""What there is to choose about a detector, a format or a training as a form, made of the declarations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QCheckBox, QFormLayout, QLabel, QLineEdit, QWidget

from app.widgets.file_text import FileText
from app.widgets.spin_boxes import Choice, DecimalNumber, WholeNumber
from detcore.options import Option, Value

LABEL_WIDTH = 96
_FAR = 2**31 - 1
"""Where numbers end that have no end of their own."""
_FINER = 2
"""Digits that can be typed behind those of a step."""
_Field = QCheckBox | QLineEdit | FileText | Choice | WholeNumber | DecimalNumber


class OptionFields(QWidget):
    """One field an option, its name beside it or above; not there where there is none.

    The fields are made when the form is first seen, or asked for: most forms are folded away, and stay so.

    Signals:
        changed(): the user has chosen something else.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None, *, names_above: bool = False) -> None:
        super().__init__(parent)
        self._names_above = names_above
        self._options: tuple[Option, ...] = ()
        self._chosen: dict[str, Any] = {}
        self._auto: Mapping[str, str] = {}
        self._decided: Mapping[str, Value] = {}
        self._fields: dict[str, _Field] = {}
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setVerticalSpacing(4 if names_above else 6)
        if names_above:
            self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
        self._form.setHorizontalSpacing(8)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.hide()

    @property
    def fields(self) -> Mapping[str, _Field]:
        """By the names of their options."""
        self._make()
        return self._fields

    def show_options(self, options: Iterable[Option], chosen: Mapping[str, Any]) -> None:
        """Other options; where nothing was chosen they have their defaults."""
        while self._form.rowCount():
            self._form.removeRow(0)
        self._options = tuple(options)
        self._chosen = {item.name: chosen.get(item.name, item.default) for item in self._options}
        self._fields = {}
        self.setVisible(bool(self._options))
        if self.isVisible():
            self._make()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._make()

    def _make(self) -> None:
        """The fields, unless they are there already."""
        for item in () if self._fields else self._options:
            value = self._chosen[item.name]
            field = self._fields[item.name] = _field(item, value)
            field.setToolTip(item.help)
            if isinstance(field, QCheckBox):
                self._form.addRow(field)
            else:
                label = QLabel(item.label)
                if not self._names_above:
                    label.setFixedWidth(LABEL_WIDTH)
                label.setBuddy(field)
                self._form.addRow(label, field)
                label.show()  # in a form that is seen already they would wait for the next turn of the event loop
            field.show()
            _set(field, item, value)
            _signal(field).connect(self._change)
        self._write_auto()
        self._show_rows()

    def _change(self) -> None:
        self._show_rows()
        self.changed.emit()

    def _show_rows(self) -> None:
        for item in self._options:
            if item.only_for and item.name in self._fields:
                self._form.setRowVisible(self._fields[item.name], self._matters(item))

    def _matters(self, item: Option) -> bool:
        """Whether an option does anything beside what the others are, as far as that is known here."""
        return all(self._is_one_of(name, values) for name, values in item.only_for.items())

    def _is_one_of(self, name: str, values: Collection[Value]) -> bool:
        other = next((item for item in self._options if item.name == name), None)
        value = None if other is None else self._value(other)
        value = self._decided.get(name) if value is None else value
        return value is None or value in values

    def say_auto(self, texts: Mapping[str, str], decided: Mapping[str, Value] | None = None) -> None:
        """What fields say, by their options, where something else decides; and what that has decided."""
        self._auto, self._decided = texts, decided or {}
        self._write_auto()
        self._show_rows()

    def _write_auto(self) -> None:
        for name in self._auto.keys() & self._fields.keys():
            field, text = self._fields[name], self._auto[name]
            if isinstance(field, WholeNumber | DecimalNumber):
                field.setSpecialValueText(text)
            elif isinstance(field, QLineEdit):
                field.setPlaceholderText(text)
            elif isinstance(field, Choice):
                field.setItemText(field.findData(""), text)

    def values(self) -> dict[str, Any]:
        """What was chosen other than the defaults; of what is hidden nothing."""
        shown = (item for item in self._options if self._matters(item))
        said = {item.name: (self._value(item), item.default) for item in shown}
        return {name: value for name, (value, default) in said.items() if value != default}

    def _value(self, item: Option) -> Any:
        field = self._fields.get(item.name)
        return self._chosen[item.name] if field is None else _get(field, item)


def _field(item: Option, value: Any) -> _Field:
    """A field that can show all that the option allows, and the value to its last digit."""
    auto = "Auto" if item.auto else ""
    if item.kind is bool and not auto:
        return QCheckBox(item.label)
    if item.file:
        return FileText(item.file)
    if item.kind is str and not item.choices:
        return QLineEdit(placeholderText=auto)
    if item.kind in (bool, str):
        entries = item.choices or {"true": "Yes", "false": "No"}
        return Choice({"": auto, **entries} if auto else dict(entries))
    numbers = [_scale(item) * number for number in (item.step, item.default, value) if number is not None]
    decimals = 0 if item.kind is int else _FINER + max(_decimals(cast("float", number)) for number in numbers)
    # the lowest place says "Auto"
    low = max(_scale(item) * item.low, -_FAR) + (item.above - item.auto) * 10.0**-decimals
    high, step = min(_scale(item) * item.high, _FAR), _scale(item) * item.step
    if item.kind is int:
        field = WholeNumber(round(low), int(high), step=int(step), auto=auto)
    else:
        field = DecimalNumber(low, high, step=step, decimals=decimals, auto=auto)
    field.setSuffix(f" {item.unit}" if item.unit else "")
    return field


def _scale(item: Option) -> int:
    return 100 if item.unit == "%" else 1


def _decimals(number: float) -> int:
    return len(f"{number:.10f}".rstrip("0").partition(".")[2])


def _signal(field: _Field) -> SignalInstance:
    if isinstance(field, QCheckBox):
        return field.toggled
    if isinstance(field, QLineEdit):
        return field.textChanged
    if isinstance(field, FileText):
        return field.changed
    return field.currentIndexChanged if isinstance(field, Choice) else field.valueChanged


def _set(field: _Field, item: Option, value: Any) -> None:
    if isinstance(field, QCheckBox):
        field.setChecked(value)
    elif isinstance(field, WholeNumber | DecimalNumber):
        field.set_number(None if value is None else _scale(item) * value)
    else:
        word = "" if value is None else str(value).lower() if isinstance(value, bool) else value
        if isinstance(field, FileText):
            field.set_text(word)
        else:
            field.setText(word) if isinstance(field, QLineEdit) else field.set_choice(word)


def _get(field: _Field, item: Option) -> Value | None:
    if isinstance(field, QCheckBox):
        return field.isChecked()
    if isinstance(field, WholeNumber):
        return field.number()
    if isinstance(field, DecimalNumber):
        number = field.number()
        return None if number is None else number / _scale(item)
    if isinstance(field, FileText):
        return field.text()
    word = field.text() if isinstance(field, QLineEdit) else field.choice()
    return None if item.auto and not word else item.parse(word)
