"""Shares of train, val and test, and the seed."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QRadioButton, QWidget

from app.services.fitted_dialog import FittedDialog
from app.widgets.spin_boxes import WholeNumber
from detcore.types import SPLITS

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
