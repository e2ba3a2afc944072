"""Which detections of another program, or labels of another person, and how they are to be understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
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

from app.services.figures import count_text, counted, ratio_text
from app.services.tasks import Tasks
from app.shell.latest_look import LatestLook
from app.shell.problems_dialog import ProblemsDialog
from app.widgets.fitted_dialog import FittedDialog
from detcore.errors import ConfigError, ReticleError
from detcore.exchange.detections import (
    DETECTION_FORMATS,
    FoundDetections,
    LookedAt,
    find_detections,
    label_formats,
    recognised,
    usual_name,
)
from detcore.exchange.formats import AUTO
from detcore.project.imported_run import check_name
from detcore.project.project import Project

_LOOKED_AT: Mapping[LookedAt, str] = {
    LookedAt.SPLITS: "All of the splits that are named",
    LookedAt.LISTED: "Those that are named",
    LookedAt.ALL: "All of the project",
}
_SHOWN_CLASSES = 3


@dataclass(frozen=True, kw_only=True)
class DetectionsRequest:
    """What was ``found``, and what it is to become: a run of that ``name``; with classes that the project does not have, or
    without; of images that were ``looked_at``."""

    found: FoundDetections
    name: str
    add_classes: bool
    looked_at: LookedAt


class DetectionsDialog(FittedDialog):
    """Asks for a source, reads it in the pool, and says what was understood before anything is taken in."""

    def __init__(self, tasks: Tasks, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._disk = LatestLook(tasks, self)
        self.finished.connect(self._disk.leave)
        self._found: FoundDetections | None = None
        self._named_for = ""  # the source that a name was proposed for
        self.setWindowTitle("Import detections")
        self.setMinimumWidth(600)
        self.source = QLineEdit(placeholderText="Detections of another program, or labels of another person")
        self.format = QComboBox()
        self.format.setPlaceholderText("Choose what it is")
        for name, chosen in DETECTION_FORMATS.items():
            self.format.addItem(chosen.title, name)
        for name, spec in label_formats().items():
            self.format.addItem(f"Labels of a person: {spec.full_title}", name)
        self.coco = QLineEdit(placeholderText="Not needed if it was imported into this project")
        self.looked_at = QComboBox()
        self.looked_at.setToolTip("Only these are counted: elsewhere every object would seem missed")
        for choice, text in _LOOKED_AT.items():
            self.looked_at.addItem(text, choice)
        self.leave, self.add = QRadioButton(), QRadioButton("Add them to the classes of the project")
        self.name = QLineEdit()
        self.summary = QLabel(wordWrap=True, textFormat=Qt.TextFormat.RichText)
        self.summary.linkActivated.connect(lambda _address: self._show_problems())
        self.name_note = QLabel(wordWrap=True)
        for label in (self.summary, self.name_note):
            label.setProperty("role", "muted")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.accept_button = buttons.addButton("Import", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self._compose(buttons)
        self.source.textChanged.connect(lambda _text: self._look(AUTO))
        self.coco.textChanged.connect(lambda _text: self._look(self.format.currentData() or AUTO))
        self.format.activated.connect(lambda _row: self._look(self.format.currentData()))
        self.name.textChanged.connect(lambda _text: self._check())
        self._look(AUTO)

    def _compose(self, buttons: QDialogButtonBox) -> None:
        folder, file, coco = QPushButton("Folder…"), QPushButton("File…"), QPushButton("File…")
        folder.clicked.connect(self._ask_folder)
        file.clicked.connect(lambda: self._ask_file(self.source, "Detections"))
        coco.clicked.connect(lambda: self._ask_file(self.coco, "COCO file"))
        self.classes = QWidget()
        choice = QVBoxLayout(self.classes)
        choice.setContentsMargins(0, 0, 0, 0)
        choice.setSpacing(4)
        choice.addWidget(self.leave)
        choice.addWidget(self.add)
        self.leave.setChecked(True)
        self._form = layout = QFormLayout()
        layout.setSpacing(8)
        layout.addRow("Detections", _row(self.source, folder, file))
        layout.addRow("Format", self.format)
        self._coco_row = _row(self.coco, coco)
        layout.addRow("Ids are of", self._coco_row)
        layout.addRow(self.summary)
        layout.addRow("Other classes", self.classes)
        layout.addRow("Looked at", self.looked_at)
        layout.addRow("Name of the run", self.name)
        layout.addRow("", self.name_note)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(16, 16, 16, 16)
        outer.setSpacing(12)
        outer.addLayout(layout)
        outer.addStretch(1)
        outer.addWidget(buttons)
        for row in (self._coco_row, self.classes, self.looked_at, self.name, self.name_note):
            layout.setRowVisible(row, False)

    def answer(self) -> DetectionsRequest | None:
        """``None`` while there is nothing to import."""
        if self._found is None:
            return None
        return DetectionsRequest(
            found=self._found,
            name=self.name.text().strip(),
            add_classes=self.add.isChecked(),
            looked_at=LookedAt(self.looked_at.currentData()),
        )

    def _ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder with detections or labels")
        if chosen:
            self.source.setText(chosen)

    def _ask_file(self, edit: QLineEdit, title: str) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, title)
        if chosen:
            edit.setText(chosen)

    def _look(self, format_name: str) -> None:
        source, coco, project = self.source.text().strip(), self.coco.text().strip(), self._project
        self._found = None
        self.summary.setText(
            "Reading…" if source else "Nothing is taken in before you have seen what was understood."
        )
        self._check()
        self._disk.ask(lambda: _see(project, source, format_name, coco), self._show)

    def _show(self, seen: _Seen) -> None:
        self._found = found = seen.found
        self.format.setCurrentIndex(self.format.findData(seen.format))
        is_coco = seen.format in DETECTION_FORMATS and DETECTION_FORMATS[seen.format].by_ids
        self._form.setRowVisible(self._coco_row, is_coco)
        self._form.setRowVisible(self.classes, found is not None and bool(found.unknown))
        for row in (self.looked_at, self.name):
            self._form.setRowVisible(row, found is not None)
        if found is not None:
            self._show_found(found, seen)
        elif seen.problem:
            self.summary.setText(escape(seen.problem))
        else:
            self.summary.setText("Nothing is taken in before you have seen what was understood.")
        self._check()

    def _show_found(self, found: FoundDetections, seen: _Seen) -> None:
        self.summary.setText(_summary(found))
        self.leave.setText(f"Leave out {_unknown_text(found)}")
        for row, choice in enumerate(_LOOKED_AT):
            self.looked_at.setItemText(row, f"{_LOOKED_AT[choice]} ({count_text(seen.images[choice])})")
        self.looked_at.setCurrentIndex(self.looked_at.findData(found.usual))
        if self._named_for != self.source.text():
            self._named_for = self.source.text()
            self.name.setText(usual_name(found.source))

    def _check(self) -> None:
        """Whether it can be imported under that name."""
        try:
            check_name(self.name.text().strip())
            fault = ""
        except ConfigError as error:
            fault = error.hint or ""
        wanted = self._found is not None
        self.name_note.setText(fault if wanted else "")
        self._form.setRowVisible(self.name_note, bool(wanted and fault))
        self.accept_button.setEnabled(wanted and not fault)

    def _show_problems(self) -> None:
        if self._found is not None:
            ProblemsDialog(self._found.problems, self).open()


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What the disk says: what was ``found`` in which ``format``, or the ``problem`` in words; how many ``images`` were looked at
    by each choice."""

    format: str = ""
    found: FoundDetections | None = None
    problem: str = ""
    images: Mapping[LookedAt, int] = field(default_factory=dict[LookedAt, int])


def _see(project: Project, source: str, format_name: str, coco: str) -> _Seen:
    if not source:
        return _Seen()
    path = Path(source)
    if not path.exists():
        return _Seen(format=format_name, problem="There is no such file or folder.")
    name = (recognised(path) or "") if format_name == AUTO else format_name
    if not name:
        return _Seen(problem="Neither detections nor labels are recognised here: choose the format.")
    try:
        is_coco = name in DETECTION_FORMATS and DETECTION_FORMATS[name].by_ids
        coco_file = Path(coco) if coco and is_coco else None
        found = find_detections(project, path, format_name=name, coco_file=coco_file)
    except ReticleError as error:
        return _Seen(format=name, problem=_words(error, path))
    images = project.image_list()
    counts = {choice: len(found.looked_at(images, choice)) for choice in LookedAt}
    return _Seen(format=name, found=found, images=counts)


def _words(error: ReticleError, source: Path) -> str:
    """An error without the path that stands above it."""
    where = "" if error.path is None or Path(error.path) == source else f"{Path(error.path).name}: "
    line = "" if error.line is None else f"Line {error.line}: "
    parts = [f"{where}{line}{error.message}", *([error.hint] if error.hint else [])]
    return " ".join(f"{part[:1].upper()}{part[1:].rstrip('.')}." for part in parts)


def _summary(found: FoundDetections) -> str:
    """What was understood, in rich text."""
    count, scores = len(found.detections), found.detections.scores
    images = counted(len(set(found.detections.image_ids.tolist())), "image")
    if found.origin.by_person:
        parts = [f"<b>{counted(count, 'box', 'boxes')} of a person on {images}.</b>"]
    else:
        parts = [f"<b>{counted(count, 'detection')} on {images}.</b>"]
        if count:
            low, high = (ratio_text(float(value)) for value in (scores.min(), scores.max()))
            parts.append(f"Scores reach from {low} to {high}.")
    lines = [" ".join(parts), " ".join(escape(note) for note in found.notes)]
    if found.problems:
        many = counted(len(found.problems), "thing is", "things are")
        lines.append(f'{many} odd or left out. <a href="problems">Show</a>')
    return "<br>".join(line for line in lines if line)


def _unknown_text(found: FoundDetections) -> str:
    names = list(found.unknown)
    shown = ", ".join(names[:_SHOWN_CLASSES]) + (", …" if len(names) > _SHOWN_CLASSES else "")
    boxes = counted(sum(found.unknown.values()), "box", "boxes")
    return f"{boxes} of {counted(len(names), 'class', 'classes')} that the project does not have: {shown}"


def _row(edit: QLineEdit, *buttons: QPushButton) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(edit, 1)
    for button in buttons:
        layout.addWidget(button)
    return row
