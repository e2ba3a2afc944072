"""Which dataset, in which format."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from detcore.exchange import ImportOptions
from detcore.formats import FORMATS, detect_format

TITLES = {"voc": "Pascal VOC (XML)", "coco": "COCO (JSON)", "yolo": "YOLO (text)"}


@dataclass(frozen=True, kw_only=True)
class ImportRequest:
    """``format`` is a key of ``FORMATS``; ``source`` a folder, or a JSON file; ``images`` the folder where
    the images are, ``None`` when they lie beside the labels or where the project has its own. ``options`` is
    what is only taken in when asked."""

    format: str
    source: Path
    images: Path | None = None
    options: ImportOptions = field(default_factory=ImportOptions)

    @property
    def root(self) -> Path:
        """The folder of images for a project that is made for this dataset."""
        if self.images is not None:
            return self.images
        return self.source if self.source.is_dir() else self.source.parent


class ImportDialog(QDialog):
    """Asks for a source; the format is found by looking, and can be overruled."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import dataset")
        self.setMinimumWidth(560)
        self.source = QLineEdit(placeholderText="Folder of the dataset, or a COCO JSON file")
        folder = QPushButton("Folder…")
        file = QPushButton("File…")
        self.format = QComboBox()
        for name in FORMATS:
            self.format.addItem(TITLES.get(name, name.upper()), name)
        self.missing = QCheckBox("Also images whose files are not there")
        self.missing.setToolTip("For labels that come before their images")
        self.note = QLabel()
        self.note.setProperty("role", "muted")
        self._looked_at = ""  # a format that was chosen stays while only the images change
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.accept_button = buttons.addButton("Import", QDialogButtonBox.ButtonRole.AcceptRole)
        row = QHBoxLayout()
        row.addWidget(self.source, 1)
        row.addWidget(folder)
        row.addWidget(file)
        layout = QFormLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        self.images = QLineEdit(placeholderText="Beside the labels, or where the project has them")
        elsewhere = QPushButton("Folder…")
        images_row = QHBoxLayout()
        images_row.addWidget(self.images, 1)
        images_row.addWidget(elsewhere)
        layout.addRow("Dataset", row)
        layout.addRow("Format", self.format)
        layout.addRow("Images", images_row)
        layout.addRow("", self.missing)
        layout.addRow("", self.note)
        layout.addRow(buttons)
        folder.clicked.connect(self._ask_folder)
        file.clicked.connect(self._ask_file)
        elsewhere.clicked.connect(self._ask_images)
        self.source.textChanged.connect(self._look)
        self.images.textChanged.connect(self._look)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self._look()

    def answer(self) -> ImportRequest:
        images = self.images.text().strip()
        return ImportRequest(
            format=self.format.currentData(),
            source=Path(self.source.text().strip()),
            images=Path(images) if images else None,
            options=ImportOptions(missing=self.missing.isChecked()),
        )

    def _ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of the dataset")
        if chosen:
            self.source.setText(chosen)

    def _ask_file(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self, "Dataset file", filter="Datasets (*.json *.yaml *.yml *.data)"
        )
        if chosen:
            self.source.setText(chosen)

    def _ask_images(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of the images")
        if chosen:
            self.images.setText(chosen)

    def _look(self) -> None:
        text, images = self.source.text().strip(), self.images.text().strip()
        exists = bool(text) and Path(text).exists()
        no_images = bool(images) and not Path(images).is_dir()
        self.accept_button.setEnabled(exists and not no_images)
        found = detect_format(Path(text)) if exists else None
        if found is not None and self._looked_at != text:
            self.format.setCurrentIndex(self.format.findData(found))
        self._looked_at = text
        if no_images:
            self.note.setText("There is no such folder of images.")
        elif found is not None:
            self.note.setText(f"This looks like {TITLES.get(found, found)}.")
        elif exists:
            self.note.setText("No labels recognised here: choose the format.")
        else:
            self.note.setText("Images and labels stay where they are; they are only read.")


def ask_import(parent: QWidget) -> ImportRequest | None:
    """Show the dialog; ``None`` when it was cancelled."""
    dialog = ImportDialog(parent)
    try:
        return dialog.answer() if dialog.exec() == QDialog.DialogCode.Accepted else None
    finally:
        dialog.deleteLater()
