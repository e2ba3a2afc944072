"""What to export, for which tool or in which format, where to."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
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

from app.export.contents import Contents
from app.widgets.option_fields import OptionFields
from app.widgets.spin_boxes import Choice
from detcore.exchange.presets import Preset, presets
from detcore.formats import all_formats
from detcore.formats.base import IMAGES_TEXT, ExportOptions, Images

_OWN_CHOICE = "Another tool: I choose the format"


class ExportForm(QWidget):
    """Tool or format, contents, options, folder.

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
        self._add_tools()
        self._add_formats()
        self._section("Images")
        self.contents = Contents()
        self.contents.changed.connect(self.changed)
        self.contents.divide_requested.connect(self.divide_requested)
        self._layout.addWidget(self.contents)
        self._add_options()
        self._add_folder()
        self._layout.addStretch(1)
        self._show_options()

    @property
    def format(self) -> str:
        return next(name for name, button in self.formats.items() if button.isChecked())

    @property
    def preset(self) -> Preset | None:
        """The tool that the export is for, where one was chosen."""
        return self._presets.get(self.tool.choice())

    @property
    def options(self) -> ExportOptions:
        own = all_formats()[self.format].options(**self.format_options[self.format].values())
        return self.contents.narrowed(ExportOptions(own=own, images=Images(self.images.choice())))

    @property
    def folder(self) -> Path | None:
        text = self.folder_field.text().strip()
        return Path(text).expanduser() if text else None

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

    def _add_tools(self) -> None:
        self._section("For")
        self._presets = presets()
        titles = {preset.name: preset.title for preset in self._presets.values()}
        self.tool = Choice({"": _OWN_CHOICE, **titles})
        self.tool.setToolTip("Sets format, options and images as the tool wants them")
        self.tool.currentIndexChanged.connect(self._choose_tool)
        self.tool_text = QLabel(wordWrap=True)
        self.tool_text.setProperty("role", "small")
        self._layout.addWidget(self.tool)
        self._layout.addWidget(self.tool_text)
        self.tool_text.hide()

    def _add_formats(self) -> None:
        self._format_list = QWidget()
        outer, self._layout = self._layout, QVBoxLayout(self._format_list)
        self._layout.setContentsMargins(0, 12, 0, 0)
        self._layout.setSpacing(4)
        self._section("Format")
        group = QButtonGroup(self)
        self.formats: dict[str, QRadioButton] = {}
        for spec in self._specs:
            button = QRadioButton(spec.title)
            button.setToolTip(spec.text)
            note = QLabel(spec.text, wordWrap=True)
            note.setProperty("role", "small")
            note.setContentsMargins(24, 0, 0, 4)
            note.hide()
            button.toggled.connect(note.setVisible)
            group.addButton(button)
            self.formats[spec.name] = button
            self._layout.addWidget(button)
            self._layout.addWidget(note)
        self.formats["coco"].setChecked(True)
        group.buttonToggled.connect(lambda _button, checked: self._change_format() if checked else None)
        self._layout = outer
        self._layout.addWidget(self._format_list)

    def _add_options(self) -> None:
        self._section("Options")
        label = QLabel("Images")
        self.images = Choice({str(kind): text for kind, text in IMAGES_TEXT.items()})
        self.images.setToolTip(
            "An image that EXIF turns, or that must be converted, is a copy instead of a link"
        )
        self.images.currentIndexChanged.connect(self.changed)
        label.setBuddy(self.images)
        self._layout.addWidget(label)
        self._layout.addWidget(self.images)
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

    def _choose_tool(self) -> None:
        """A tool's format, options and images; they can be changed afterwards."""
        preset = self.preset
        self._format_list.setVisible(preset is None)
        self.tool_text.setVisible(preset is not None)
        if preset is not None:
            spec = all_formats()[preset.format]
            self.tool_text.setText(f"Written as {spec.title}. {spec.text}")
            with QSignalBlocker(self.images):
                self.images.set_choice(str(preset.images))
            self.format_options[spec.name].show_options(spec.option_list(), preset.options)
            self.formats[spec.name].setChecked(True)
            self._show_options()
        self.changed.emit()

    def _change_format(self) -> None:
        self._show_options()
        self.changed.emit()

    def _show_options(self) -> None:
        self._pages.setCurrentWidget(self.format_options[self.format])
