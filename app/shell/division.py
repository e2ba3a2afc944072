"""Putting images into splits: the dialog asks how, and the images are divided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QRadioButton,
    QWidget,
)

from app.services.context import AppContext
from app.widgets.fitted_dialog import FittedDialog
from app.widgets.spin_boxes import WholeNumber
from detcore.curation.grouping import groups_of
from detcore.errors import Cancelled, ConfigError
from detcore.jobs.preparing.material import split_ranks
from detcore.project.edits import Edit, set_split
from detcore.project.project import Project
from detcore.project.splits import GroupBy, Grouping, divide_images, fill_splits
from detcore.types import SPLITS, Changes

TOGETHER = {
    GroupBy.NOTHING: "Nothing in particular",
    GroupBy.FOLDER: "Images of one folder",
    GroupBy.PATTERN: "Images with the same part of the path",
    GroupBy.TIME: "Photos taken shortly after each other",
    GroupBy.DUPLICATES: "Images that look the same",
}
DEFAULT_PERCENT = {"train": 70, "val": 15, "test": 15}


@dataclass(frozen=True, kw_only=True)
class SplitRequest:
    """``ratios`` by split, adding up to 1; ``everything``: images that have a split get another one; ``by_class``: each
    split gets its share of every class; ``together`` says which images stay in one split."""

    ratios: dict[str, float]
    seed: int
    everything: bool = False
    by_class: bool = False
    together: Grouping = Grouping()


class SplitDialog(FittedDialog):
    """Three shares in percent; the last one is what is left."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Divide the images")
        self.shares: dict[str, WholeNumber] = {}
        layout = QFormLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        text = QLabel(
            "Images are put into splits by chance. The same seed gives the same division; you can undo it."
        )
        text.setWordWrap(True)
        layout.addRow(text)
        self.free = QRadioButton("Only images without a split")
        self.free.setChecked(True)
        self.everything = QRadioButton("All images: splits they have now are replaced")
        layout.addRow(self.free)
        layout.addRow(self.everything)
        for name in SPLITS:
            field = WholeNumber(0, 100)
            field.setSuffix(" %")
            field.setValue(DEFAULT_PERCENT[name])
            field.valueChanged.connect(self._balance)
            self.shares[name] = field
            layout.addRow(name.capitalize(), field)
        self.shares["test"].setEnabled(False)
        self.by_class = QCheckBox("Each split gets its share of every class")
        self.by_class.setChecked(True)
        layout.addRow("", self.by_class)
        self.together = QComboBox()
        for by, text in TOGETHER.items():
            self.together.addItem(text, by)
        self.pattern = QLineEdit(placeholderText=r"A regular expression, such as ^(patient\d+)_")
        self.gap = WholeNumber(0, 24 * 3600)
        self.gap.setSuffix(" s")
        self.gap.setValue(60)
        self.odd = QLabel(wordWrap=True)
        self.odd.setProperty("role", "muted")
        layout.addRow("Keep together", self.together)
        layout.addRow("Part of the path", self.pattern)
        layout.addRow("Taken within", self.gap)
        layout.addRow("", self.odd)
        self.seed = WholeNumber(0, 2**31 - 1)
        layout.addRow("Seed", self.seed)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self.divide_button = buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.divide_button.setText("Divide")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout.addRow(buttons)
        self.together.currentIndexChanged.connect(self._show_grouping)
        self.pattern.textChanged.connect(self._show_grouping)
        self._show_grouping()

    def answer(self) -> SplitRequest:
        ratios = {name: field.value() / 100 for name, field in self.shares.items()}
        return SplitRequest(
            ratios=ratios,
            seed=self.seed.value(),
            everything=self.everything.isChecked(),
            by_class=self.by_class.isChecked(),
            together=self._grouping(),
        )

    def _grouping(self) -> Grouping:
        return Grouping(
            by=GroupBy(self.together.currentData()),
            pattern=self.pattern.text().strip(),
            gap=float(self.gap.value()),
        )

    def _show_grouping(self) -> None:
        by = GroupBy(self.together.currentData())
        layout = self.layout()
        assert isinstance(layout, QFormLayout)
        layout.setRowVisible(self.pattern, by is GroupBy.PATTERN)
        layout.setRowVisible(self.gap, by is GroupBy.TIME)
        try:
            self._grouping()
            odd = ""
        except ConfigError as error:
            odd = error.message[:1].upper() + error.message[1:] + "."
        layout.setRowVisible(self.odd, bool(odd))
        self.odd.setText(odd)
        self.divide_button.setEnabled(not odd)
        self.adjustSize()

    def _balance(self) -> None:
        train, val = self.shares["train"], self.shares["val"]
        val.setMaximum(100 - train.value())
        self.shares["test"].setValue(100 - train.value() - val.value())


def ask_split(parent: QWidget) -> SplitRequest | None:
    """Show the dialog; ``None`` when it was cancelled."""
    dialog = SplitDialog(parent)
    try:
        return dialog.answer() if dialog.exec() == QDialog.DialogCode.Accepted else None
    finally:
        dialog.deleteLater()


def divide(project: Project, request: SplitRequest, groups: Mapping[int, str]) -> Edit:
    """The edit that divides the images. Those of a group that is in a split already follow it.

    Raises ConfigError when the shares make no sense.
    """
    make = divide_images if request.everything else fill_splits
    ranks = split_ranks(project.image_list())
    classes = project.class_counts() if request.by_class else None
    images = project.images()
    divided = make(images, request.ratios, seed=request.seed, ranks=ranks, groups=groups, classes=classes)
    return set_split(project, dict(divided))


class Division(QObject):
    """Asks how, divides in the pool, and tells what came of it. One edit, which undo takes back."""

    def __init__(self, context: AppContext, window: QWidget) -> None:
        super().__init__(window)
        self._context, self._window = context, window
        context.actions.bind("global.divide", self.ask, when=lambda: context.document.is_open)

    def ask(self) -> None:
        request = ask_split(self._window)
        if request is not None and self._context.document.is_open:
            self.start(request)

    def start(self, request: SplitRequest) -> None:
        project = self._context.document.project
        self._context.tasks.run_with_progress(
            "Dividing the images",
            lambda progress: project.edit(
                divide, request, groups_of(project, request.together, progress=progress)
            ),
            done=lambda changes: self._show(project, changes),
            failed=lambda error: self._fail(project, error),
        )

    def _show(self, project: Project, changes: Changes) -> None:
        if not self._context.document.shows(project):
            return
        if changes:
            self._context.document.announce(changes)
        else:
            self._context.messages.info("Every image has a split already, so nothing was changed.")

    def _fail(self, project: Project, error: Exception) -> None:
        if isinstance(error, Cancelled):
            self._context.messages.info("Cancelled. The images were not divided.")
            return
        of_which = "" if self._context.document.shows(project) else f" of {project.folder.stem}"
        self._context.messages.error(error, doing=f"divide the images{of_which}")
