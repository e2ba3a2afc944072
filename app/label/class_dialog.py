"""Name, colour and key of a class."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QColorDialog,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from app.widgets.fitted_dialog import FittedDialog
from app.widgets.painting import swatch
from detcore.types import ObjectClass


class ClassDialog(FittedDialog):
    """Asks for the visible properties of a class; the boxes keep pointing at it.

    A name that one of the ``others`` has is an offer to merge the two.
    """

    def __init__(self, item: ObjectClass, others: Set[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Edit class")
        self._item, self._others = item, others
        self._color = QColor(item.color)
        self.name = QLineEdit(item.name)
        self.color_button = QPushButton()
        self.key = QComboBox()
        self.key.addItems(["No key", *map(str, range(1, 10))])
        self.key.setCurrentIndex(item.key or 0)
        self.merge_note = QLabel(wordWrap=True)
        self.merge_note.setProperty("role", "caution")
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self.ok_button = buttons.button(QDialogButtonBox.StandardButton.Ok)
        layout = QFormLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        layout.addRow("Name", self.name)
        layout.addRow(self.merge_note)
        self._form = layout
        layout.addRow("Colour", self.color_button)
        layout.addRow("Key", self.key)
        layout.addRow(buttons)
        self.color_button.clicked.connect(self._ask_color)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.name.textChanged.connect(self._follow_name)
        self._follow_name(item.name)
        self._show_color()
        self.name.selectAll()

    def answer(self) -> ObjectClass:
        """The class as it should be."""
        return replace(
            self._item,
            name=self.name.text().strip(),
            color=self._color.name(),
            key=self.key.currentIndex() or None,
        )

    def _follow_name(self, text: str) -> None:
        name = text.strip()
        merges = name in self._others
        self.merge_note.setText(
            f"There is a class “{name}” already. Merge gives it all boxes of “{self._item.name}”; undo parts"
            " them again."
        )
        self._form.setRowVisible(self.merge_note, merges)
        self.ok_button.setText("Merge" if merges else "OK")
        self.ok_button.setEnabled(bool(name))
        for field in (self.color_button, self.key):
            field.setEnabled(not merges)

    def _ask_color(self) -> None:
        color = QColorDialog.getColor(self._color, self, "Colour of the class")
        if color.isValid():
            self._color = color
            self._show_color()

    def _show_color(self) -> None:
        self.color_button.setIcon(swatch(self._color.name()))
        self.color_button.setText(self._color.name())


def ask_class(parent: QWidget, item: ObjectClass, others: Set[str]) -> ObjectClass | None:
    """Show the dialog; ``None`` when it was cancelled. ``others`` are the names of the other classes."""
    dialog = ClassDialog(item, others, parent)
    try:
        return dialog.answer() if dialog.exec() == QDialog.DialogCode.Accepted else None
    finally:
        dialog.deleteLater()
