"""Putting images into splits: the dialog asks how, and the images are divided."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QRadioButton, QWidget

from app.services.context import AppContext
from app.widgets.fitted_dialog import FittedDialog
from app.widgets.spin_boxes import WholeNumber
from detcore.jobs.preparing.material import split_ranks
from detcore.project.edits import Edit, set_split
from detcore.project.project import Project
from detcore.project.splits import divide_images, fill_splits
from detcore.types import SPLITS, Changes

DEFAULT_PERCENT = {"train": 70, "val": 15, "test": 15}


@dataclass(frozen=True, kw_only=True)
class SplitRequest:
    """``ratios`` by split, adding up to 1; ``everything``: images that have a split get another one."""

    ratios: dict[str, float]
    seed: int
    everything: bool = False


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
        self.seed = WholeNumber(0, 2**31 - 1)
        layout.addRow("Seed", self.seed)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.button(QDialogButtonBox.StandardButton.Ok).setText("Divide")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout.addRow(buttons)

    def answer(self) -> SplitRequest:
        ratios = {name: field.value() / 100 for name, field in self.shares.items()}
        return SplitRequest(ratios=ratios, seed=self.seed.value(), everything=self.everything.isChecked())

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


def divide(project: Project, request: SplitRequest) -> Edit:
    """The edit that divides the images. Those of a group that is in a split already follow it.

    Raises ConfigError when the shares make no sense.
    """
    make = divide_images if request.everything else fill_splits
    ranks = split_ranks(project.image_list())
    return set_split(project, dict(make(project.images(), request.ratios, seed=request.seed, ranks=ranks)))


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
        self._context.tasks.run(
            lambda: project.edit(divide, request),
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
        of_which = "" if self._context.document.shows(project) else f" of {project.folder.stem}"
        self._context.messages.error(error, doing=f"divide the images{of_which}")
