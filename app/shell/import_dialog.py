"""Which dataset, in which format."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import Qt
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
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app.services.tasks import Tasks
from app.shell.latest_look import LatestLook
from app.widgets.fitted_dialog import FittedDialog
from detcore.errors import ProjectError
from detcore.exchange import ImportOptions
from detcore.formats import Recognised, all_formats, recognise
from detcore.project.opening import project_folder_for
from detcore.project.project import Project


@dataclass(frozen=True, kw_only=True)
class ImportRequest:
    """``format`` is the name of one; ``source`` a folder, or a file; ``images`` the folder where
    the images are, ``None`` when they lie beside the labels or where the project has its own. ``options`` is
    what is only taken in when asked; ``into_open``: the labels go into the project that is open, if one is.
    """

    format: str
    source: Path
    images: Path | None = None
    options: ImportOptions = field(default_factory=ImportOptions)
    into_open: bool = True

    @property
    def root(self) -> Path:
        """The folder of images for a project that is made for this dataset."""
        if self.images is not None:
            return self.images
        return self.source if self.source.is_dir() else self.source.parent


class ImportDialog(FittedDialog):
    """Asks for a source, and which project the labels are for; the format is found by looking, and can be
    overruled."""

    def __init__(self, tasks: Tasks, project: Project | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._disk = LatestLook(tasks, self)
        self._open = None if project is None else project.folder
        self.finished.connect(self._disk.leave)
        self.setWindowTitle("Import dataset")
        self.setMinimumWidth(560)
        self.source = QLineEdit(placeholderText="Folder of the dataset, or the file of its labels")
        folder = QPushButton("Folder…")
        file = QPushButton("File…")
        self.format = QComboBox()
        self._readable = [spec for spec in all_formats().values() if spec.reader is not None]
        for spec in self._readable:
            self.format.addItem(spec.full_title, spec.name)
        self.missing = QCheckBox("Also images whose files are not there")
        self.missing.setToolTip("For labels that come before their images")
        self.note = QLabel()
        self.note.setProperty("role", "muted")
        # They name elements such as <svg>, which are no markup.
        self.reasons = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.reasons.setProperty("role", "muted")
        self.reasons.hide()
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
        self.into_open = QRadioButton()
        self.into_new = QRadioButton()
        if project is not None:
            self.into_open.setText(f"{project.name}, the project that is open ({project.folder.parent})")
        self.into_open.setVisible(project is not None)
        self.into_new.setVisible(project is not None)
        self.into_open.setChecked(True)
        self.into_note = QLabel(wordWrap=True)
        self.into_note.setProperty("role", "muted")
        into = QVBoxLayout()
        into.setSpacing(4)
        for widget in (self.into_open, self.into_new, self.into_note):
            into.addWidget(widget)
        self.into_note.setVisible(project is None)
        layout.addRow("Into", into)
        layout.addRow("", self.note)
        layout.addRow("", self.reasons)
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
            into_open=self.into_open.isChecked(),
        )

    def _ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of the dataset")
        if chosen:
            self.source.setText(chosen)

    def _ask_file(self) -> None:
        patterns = " ".join(f"*{suffix}" for spec in self._readable for suffix in spec.suffixes)
        chosen, _ = QFileDialog.getOpenFileName(self, "Dataset file", filter=f"Datasets ({patterns})")
        if chosen:
            self.source.setText(chosen)

    def _ask_images(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of the images")
        if chosen:
            self.images.setText(chosen)

    def _look(self) -> None:
        text, images = self.source.text().strip(), self.images.text().strip()
        self.accept_button.setEnabled(False)
        self._disk.ask(lambda: _see(text, images), lambda seen: self._show(text, seen))

    def _show(self, text: str, seen: _Seen) -> None:
        looks = seen.looks
        self.accept_button.setEnabled(looks is not None and seen.has_images)
        if looks is not None and looks.best is not None and self._looked_at != text:
            self.format.setCurrentIndex(self.format.findData(looks.best.name))
        self._looked_at = text
        is_open = self._open is not None and seen.project == self._open
        if is_open:
            self.into_open.setChecked(True)
        self.into_new.setVisible(self._open is not None and not is_open)
        self.into_new.setText(seen.place)
        self.into_note.setText(seen.place)
        self.reasons.setText(looks.reasons if looks is not None else "")
        self.reasons.setVisible(bool(self.reasons.text()))
        if not seen.has_images:
            self.note.setText("There is no such folder of images.")
        elif looks is not None:
            self.note.setText(looks.verdict)
        else:
            self.note.setText("Images and labels stay where they are; they are only read.")


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What the disk says of what was typed: what the dataset ``looks`` like, ``None`` where there is nothing, whether
    it ``has_images`` where they are looked for, and the ``project`` that its folder has, or would get, in words the
    ``place``."""

    looks: Recognised | None
    has_images: bool
    project: Path | None
    place: str


def _see(source: str, images: str) -> _Seen:
    exists = bool(source) and Path(source).exists()
    looks = recognise(Path(source)) if exists else None
    request = ImportRequest(format="", source=Path(source), images=Path(images) if images else None)
    project, place = _beside(request.root) if exists else (None, "A new project beside the dataset")
    has_images = not images or Path(images).is_dir()
    return _Seen(looks=looks, has_images=has_images, project=project, place=place)


def _beside(images: Path) -> tuple[Path | None, str]:
    """The project that a folder of images has, or would get; ``None`` and the reason where there can be none."""
    try:
        folder = project_folder_for(images)
    except ProjectError as error:
        return None, str(error)
    return folder, f"The project {folder}" if folder.exists() else f"A new project, {folder}"


def ask_import(
    parent: QWidget, tasks: Tasks, project: Project | None = None, source: Path | None = None
) -> ImportRequest | None:
    """Show the dialog for the ``project`` that is open and a ``source`` that is known; ``None`` when it was
    cancelled."""
    dialog = ImportDialog(tasks, project, parent)
    if source is not None:
        dialog.source.setText(str(source))
    try:
        return dialog.answer() if dialog.exec() == QDialog.DialogCode.Accepted else None
    finally:
        dialog.deleteLater()
