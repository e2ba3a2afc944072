"""What to export, in which format, where to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.services.figures import count_text
from app.widgets.option_fields import OptionFields
from detcore.formats import all_formats
from detcore.formats.base import ExportOptions
from detcore.types import SPLITS

NO_SPLIT = "no split"


class ExportForm(QWidget):
    """Format, splits, options, folder.

    Signals:
        changed(): any choice is new.
        divide_requested(): the user wants to divide the images into splits.
    """

    changed = Signal()
    divide_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder_chosen = False
        self._specs = [spec for spec in all_formats().values() if spec.writer is not None]
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(16, 12, 16, 12)
        self._layout.setSpacing(4)
        self._add_formats()
        self._add_splits()
        self._add_options()
        self._add_folder()
        self._layout.addStretch(1)
        self._show_options()

    @property
    def format(self) -> str:
        return next(name for name, button in self.formats.items() if button.isChecked())

    @property
    def chosen_splits(self) -> list[str] | None:
        """The splits to write; ``None`` means all images, also those without a split."""
        boxes = self.splits
        if all(box.isChecked() for box in boxes.values()):
            return None
        return [name for name in SPLITS if boxes[name].isChecked()]

    @property
    def options(self) -> ExportOptions:
        own = all_formats()[self.format].options(**self.format_options[self.format].values())
        return ExportOptions(own=own, copy_images=self.copy_images.isChecked())

    @property
    def folder(self) -> Path | None:
        text = self.folder_field.text().strip()
        return Path(text).expanduser() if text else None

    def show_splits(self, counts: Mapping[str, int], without: int) -> None:
        """Numbers of images of each split and of none."""
        for name, box in self.splits.items():
            number = without if name == NO_SPLIT else counts.get(name, 0)
            box.setText(f"{name.capitalize()}  ({count_text(number)})")
            with QSignalBlocker(box):
                box.setEnabled(number > 0)

    def choose_folder(self, folder: Path) -> None:
        """Fill in a folder that stays."""
        self._folder_chosen = True
        self.folder_field.setText(str(folder))

    def suggest_folder(self, folder: Path) -> None:
        """Fill in a folder as long as the user has not typed one."""
        if not self._folder_chosen:
            with QSignalBlocker(self.folder_field):
                self.folder_field.setText(str(folder))

    def _section(self, text: str) -> None:
        label = QLabel(text)
        label.setProperty("role", "section")
        label.setContentsMargins(0, 12 if self._layout.count() else 0, 0, 2)
        self._layout.addWidget(label)

    def _add_formats(self) -> None:
        self._section("Format")
        group = QButtonGroup(self)
        self.formats: dict[str, QRadioButton] = {}
        for spec in self._specs:
            button = QRadioButton(spec.title)
            button.setToolTip(spec.text)
            note = QLabel(spec.text, wordWrap=True)
            note.setProperty("role", "small")
            note.setContentsMargins(24, 0, 0, 4)
            group.addButton(button)
            self.formats[spec.name] = button
            self._layout.addWidget(button)
            self._layout.addWidget(note)
        self.formats["coco"].setChecked(True)
        group.buttonToggled.connect(lambda _button, checked: self._change_format() if checked else None)

    def _add_splits(self) -> None:
        self._section("Images")
        self.splits: dict[str, QCheckBox] = {}
        for name in (*SPLITS, NO_SPLIT):
            box = QCheckBox(name.capitalize())
            box.setChecked(True)
            box.toggled.connect(self.changed)
            self.splits[name] = box
            self._layout.addWidget(box)
        divide = QPushButton("Divide the images…")
        divide.setToolTip("Put the images into train, val and test by chance, from a seed")
        divide.clicked.connect(self.divide_requested)
        row = QHBoxLayout()
        row.addWidget(divide)
        row.addStretch(1)
        self._layout.addLayout(row)

    def _add_options(self) -> None:
        self._section("Options")
        self.copy_images = QCheckBox("Copy the images")
        self.copy_images.setChecked(True)
        self.copy_images.setToolTip("Off: only label files are written")
        self.copy_images.toggled.connect(self.changed)
        self._layout.addWidget(self.copy_images)
        self._pages = QStackedWidget()
        self.format_options: dict[str, OptionFields] = {}
        for spec in self._specs:
            page = OptionFields(self._pages, names_above=True)
            page.show_options(spec.option_list(), {})
            page.changed.connect(self.changed)
            self.format_options[spec.name] = page
            self._pages.addWidget(page)
        self._layout.addWidget(self._pages)

    def _add_folder(self) -> None:
        self._section("Folder")
        self.folder_field = QLineEdit(placeholderText="An empty or new folder")
        choose = QPushButton("Choose…")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.folder_field, 1)
        row.addWidget(choose)
        self._layout.addLayout(row)
        self.folder_field.textEdited.connect(self._keep_folder)
        self.folder_field.textChanged.connect(self.changed)
        choose.clicked.connect(self._choose_folder)

    def _keep_folder(self) -> None:
        self._folder_chosen = True

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Export into this folder")
        if chosen:
            self.choose_folder(Path(chosen))

    def _change_format(self) -> None:
        self._show_options()
        self.changed.emit()

    def _show_options(self) -> None:
        self._pages.setCurrentWidget(self.format_options[self.format])
