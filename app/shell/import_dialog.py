"""Which dataset, in which format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
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

from app.services.figures import counted
from app.services.tasks import Tasks
from app.shell.dataset_reading import DatasetReading
from app.shell.dataset_view import DatasetView
from app.shell.latest_look import LatestLook
from app.widgets.fitted_dialog import FittedDialog
from app.widgets.option_fields import OptionFields
from detcore.errors import ProjectError, ReticleError
from detcore.exchange import FoundDataset, ImportOptions, Inspection
from detcore.exchange.inspection import sure_text
from detcore.formats import Recognised, all_formats, recognise
from detcore.project.opening import project_folder_for
from detcore.project.project import Project

TEXT_WIDTH = 480
"""Sentences are at least so wide: Qt keeps the height that they would need in a narrower column."""
READ_AFTER_MS = 300
"""After an option was typed the dataset is read again."""


@dataclass(frozen=True, kw_only=True)
class ImportRequest:
    """``format`` is the name of one; ``source`` a folder, or a file; ``images`` the folder where
    the images are, ``None`` when they lie beside the labels or where the project has its own. ``options`` is
    what is only taken in when asked; ``into_open``: the labels go into the project that is open, if one is; ``found``
    is the dataset where it was read already.
    """

    format: str
    source: Path
    images: Path | None = None
    options: ImportOptions = field(default_factory=ImportOptions)
    into_open: bool = True
    found: FoundDataset | None = field(default=None, compare=False, repr=False)

    @property
    def root(self) -> Path:
        """The folder of images for a project that is made for this dataset."""
        if self.images is not None:
            return self.images
        return self.source if self.source.is_dir() else self.source.parent


class ImportDialog(FittedDialog):
    """Asks for a source, and which project the labels are for. The format is found by looking, and can be overruled;
    what the dataset holds is read and shown before anything is written."""

    def __init__(self, tasks: Tasks, project: Project | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._disk = LatestLook(tasks, self)
        self._reading = DatasetReading(tasks, self)
        self._project = project
        self._open = None if project is None else project.folder
        self._seen: _Seen | None = None
        self._inspection: Inspection | None = None
        self._looked_at = ""  # a format that was chosen stays while only the images change
        self.finished.connect(self._disk.leave)
        self.finished.connect(self._reading.stop)
        self.setWindowTitle("Import dataset")
        self.setMinimumWidth(640)
        self.resize(920, 640)
        self._readable = [spec for spec in all_formats().values() if spec.reader is not None]
        self.source = QLineEdit(placeholderText="Folder of the dataset, or the file of its labels")
        folder = QPushButton("Folder…")
        file = QPushButton("File…")
        self.format = QComboBox()
        self.format.setPlaceholderText("Choose the format")
        self._offer_formats(None)
        self.images = QLineEdit(placeholderText="Beside the labels, or where the project has them")
        elsewhere = QPushButton("Folder…")
        self.format_options = OptionFields()
        self._later = QTimer(self, singleShot=True, interval=READ_AFTER_MS)
        self.missing = QCheckBox("Also images whose files are not there")
        self.missing.setToolTip("For labels that come before their images")
        self.scale = QCheckBox("Scale the boxes to the files")
        self.scale.setToolTip("For images that were made larger or smaller after they had been labelled")
        self.scale.hide()
        self.note = QLabel(wordWrap=True)
        # They name elements such as <svg>, which are no markup.
        self.reasons = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.into_open = QRadioButton()
        self.into_new = QRadioButton()
        self.into_note = QLabel(wordWrap=True)
        for label in (self.note, self.reasons, self.into_note):
            label.setProperty("role", "muted")
            label.setMinimumWidth(TEXT_WIDTH)
        if project is not None:
            self.into_open.setText(f"{project.name}, the project that is open ({project.folder.parent})")
        self.into_open.setVisible(project is not None)
        self.into_new.setVisible(project is not None)
        self.into_note.setVisible(project is None)
        self.into_open.setChecked(True)
        self.view = DatasetView()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.accept_button = buttons.addButton("Import", QDialogButtonBox.ButtonRole.AcceptRole)
        self._lay_out((self.source, folder, file), (self.images, elsewhere), buttons)
        folder.clicked.connect(self._ask_folder)
        file.clicked.connect(self._ask_file)
        elsewhere.clicked.connect(self._ask_images)
        self.source.textChanged.connect(self._look)
        self.images.textChanged.connect(self._look)
        self.format.currentIndexChanged.connect(self._choose_format)
        self.format_options.changed.connect(self._read_later)
        self._later.timeout.connect(self._read)
        self.into_open.toggled.connect(self._read)
        self.missing.toggled.connect(self._refresh)
        self.view.stopped.connect(self._stop)
        self.view.again.connect(self._read)
        self._reading.progressed.connect(self.view.show_progress)
        self._reading.read.connect(self._show_inspection)
        self._reading.failed.connect(self._show_failure)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self._look()

    def answer(self) -> ImportRequest:
        images = self.images.text().strip()
        return ImportRequest(
            format=self.format.currentData() or "",
            source=Path(self.source.text().strip()),
            images=Path(images) if images else None,
            options=ImportOptions(
                missing=self.missing.isChecked(), scale=self.scale.isChecked(), own=self._own_options()
            ),
            into_open=self.into_open.isChecked(),
            found=None if self._inspection is None else self._inspection.found,
        )

    def _lay_out(
        self, source: Sequence[QWidget], images: Sequence[QWidget], buttons: QDialogButtonBox
    ) -> None:
        form = QFormLayout()
        form.setSpacing(8)
        form.addRow("Dataset", _row(*source))
        form.addRow("Format", self.format)
        told = QVBoxLayout()
        told.setSpacing(2)
        told.addWidget(self.note)
        told.addWidget(self.reasons)
        form.addRow("", told)
        form.addRow("", self.format_options)
        form.addRow("Images", _row(*images))
        ticks = QHBoxLayout()
        ticks.setSpacing(16)
        ticks.addWidget(self.missing)
        ticks.addWidget(self.scale)
        ticks.addStretch(1)
        form.addRow("", ticks)
        into = QVBoxLayout()
        into.setSpacing(4)
        for widget in (self.into_open, self.into_new, self.into_note):
            into.addWidget(widget)
        form.addRow("Into", into)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        layout.addLayout(form)
        layout.addWidget(self.view, 1)
        layout.addWidget(buttons)

    def _offer_formats(self, looks: Recognised | None) -> None:
        """All formats, first those that it may be and how surely; the one that was chosen stays."""
        chosen = self.format.currentData()
        like = [] if looks is None else looks.like
        with QSignalBlocker(self.format):
            self.format.clear()
            for spec, found in like:
                self.format.addItem(f"{spec.full_title}: {sure_text(found.confidence)}", spec.name)
            if like:
                self.format.insertSeparator(self.format.count())
            named = {spec.name for spec, _ in like}
            for spec in self._readable:
                if spec.name not in named:
                    self.format.addItem(spec.full_title, spec.name)
            self.format.setCurrentIndex(self.format.findData(chosen) if chosen else -1)

    def _ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of the dataset")
        if chosen:
            self.source.setText(chosen)

    def _ask_file(self) -> None:
        suffixes = dict.fromkeys(suffix for spec in self._readable for suffix in spec.suffixes)
        patterns = " ".join(f"*{suffix}" for suffix in suffixes)
        chosen, _ = QFileDialog.getOpenFileName(
            self, "Dataset file", filter=f"Datasets ({patterns});;All files (*)"
        )
        if chosen:
            self.source.setText(chosen)

    def _ask_images(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of the images")
        if chosen:
            self.images.setText(chosen)

    def _look(self) -> None:
        text, images = self.source.text().strip(), self.images.text().strip()
        self._forget()
        self._disk.ask(lambda: _see(text, images), lambda seen: self._show(text, seen))

    def _forget(self) -> None:
        """What was read is not of what is asked for any more."""
        self._later.stop()
        self._reading.stop()
        self._inspection = None
        self._refresh()

    def _show(self, text: str, seen: _Seen) -> None:
        self._seen = seen
        looks = seen.looks
        self._offer_formats(looks)
        if looks is not None and self._looked_at != text:
            best = -1 if looks.best is None or looks.is_tied else self.format.findData(looks.best.name)
            with QSignalBlocker(self.format):
                self.format.setCurrentIndex(best)
        self._looked_at = text
        is_open = self._open is not None and seen.project == self._open
        with QSignalBlocker(self.into_open):
            if is_open:
                self.into_open.setChecked(True)
            self.into_new.setVisible(self._open is not None and not is_open)
        self.into_new.setText(seen.place)
        self.into_note.setText(seen.place)
        if not seen.has_images:
            note = "There is no such folder of images."
        elif looks is None:
            note = "Images and labels stay where they are; they are only read."
        else:  # one format stands above already
            note = "" if len(looks.like) == 1 else looks.verdict
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self._choose_format()

    def _choose_format(self) -> None:
        """Offer what there is to choose about the reading of a format, and read."""
        name = self.format.currentData()
        spec = next((spec for spec in self._readable if spec.name == name), None)
        self.format_options.show_options(() if spec is None else spec.reading_list(), {})
        self._read()

    def _own_options(self) -> Any:
        """The options of the format for reading; ``None`` where it has none."""
        spec = next((spec for spec in self._readable if spec.name == self.format.currentData()), None)
        if spec is None or not spec.reading_list():
            return None
        return spec.reading(**self.format_options.values())

    def _read_later(self) -> None:
        """Read when nothing more is typed."""
        self._forget()
        self._later.start()

    def _read(self) -> None:
        """Read what is asked for, once it is known what and as what."""
        self._forget()
        seen, name = self._seen, self.format.currentData()
        looks = None if seen is None else seen.looks
        sniffed = None if looks is None or not name else looks.sniffed(name)
        reasons = "" if looks is None else looks.reasons
        if not reasons and sniffed is not None:
            reasons = f"Told by {sniffed.why}." if sniffed.confidence > 0 else f"But {sniffed.why}."
        self.reasons.setText(reasons)
        self.reasons.setVisible(bool(reasons))
        if looks is None or seen is None or not seen.has_images:
            self.view.show_text("What is in it is shown here before anything is written.")
        elif not name:
            self.view.show_text("Choose the format, and what is in it is shown here.")
        else:
            request = self.answer()
            self.view.show_reading(request.source.name)
            project = self._project if request.into_open else None
            self._reading.begin(
                name,
                request.source,
                images=request.images,
                project=project,
                own=request.options.own,
            )

    def _stop(self) -> None:
        self._reading.stop()
        self.view.show_stopped()

    def _show_inspection(self, inspection: Inspection) -> None:
        self._inspection = inspection
        self.view.show_inspection(inspection)
        resized = inspection.resized
        self.scale.setText(f"Scale the boxes of {counted(resized, 'image')} to the size of the file")
        self._refresh()

    def _show_failure(self, error: Exception) -> None:
        if not isinstance(error, ReticleError | OSError):
            raise error
        self.view.show_text(f"{error}\nNothing was changed.")

    def _refresh(self) -> None:
        """What can be chosen follows from what was found."""
        found = self._inspection
        self.scale.setVisible(found is not None and found.resized > 0)
        self.accept_button.setEnabled(
            found is not None
            and (found.images > found.missing or found.matched > 0 or self.missing.isChecked())
        )


def _row(*widgets: QWidget) -> QHBoxLayout:
    """Widgets beside one another, the first as wide as it can be."""
    row = QHBoxLayout()
    for place, widget in enumerate(widgets):
        row.addWidget(widget, 1 if place == 0 else 0)
    return row


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
