"""The options that one format alone has, as its declaration lists them."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QVBoxLayout, QWidget

from detcore.formats.spec import FormatSpec, Option


class FormatOptions(QWidget):
    """A check box for each yes or no, a list for each choice.

    Signals:
        changed(): any of them is new.
    """

    changed = Signal()

    def __init__(self, spec: FormatSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spec = spec
        self.fields: dict[str, QCheckBox | QComboBox] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for item in spec.option_list():
            if item.choices:
                layout.addWidget(QLabel(item.label))
            field = self._field(item)
            field.setToolTip(item.help)
            self.fields[item.name] = field
            layout.addWidget(field)
        layout.addStretch(1)

    @property
    def value(self) -> Any:
        """An instance of the format's own class of options."""
        values = {
            name: field.isChecked() if isinstance(field, QCheckBox) else field.currentData()
            for name, field in self.fields.items()
        }
        return self._spec.options(**values)

    def _field(self, item: Option) -> QCheckBox | QComboBox:
        if not item.choices:
            box = QCheckBox(item.label)
            box.setChecked(item.default is True)
            box.toggled.connect(self.changed)
            return box
        combo = QComboBox()
        for value, label in item.choices.items():
            combo.addItem(label, value)
        combo.setCurrentIndex(combo.findData(item.default))
        combo.currentIndexChanged.connect(self.changed)
        return combo
