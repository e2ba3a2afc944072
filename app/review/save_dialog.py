"""Asks where to write a file that can be of several kinds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget


def ask_where_to_save(parent: QWidget, title: str, suggested: Path, kinds: Mapping[str, str]) -> Path | None:
    """A path that ends in one of the suffixes; ``None`` if the user does not want to.

    ``kinds`` are filters with their suffixes ("PDF (*.pdf)": ".pdf"). A name follows when another kind is
    chosen, so that the dialog asks about the file that would be replaced.
    """
    dialog = QFileDialog(parent, title, str(suggested.parent))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(list(kinds))
    dialog.setDefaultSuffix(suggested.suffix.removeprefix("."))
    dialog.selectFile(suggested.name)

    def follow(kind: str) -> None:
        dialog.setDefaultSuffix(kinds[kind].removeprefix("."))
        for chosen in dialog.selectedFiles():
            if Path(chosen).suffix in kinds.values():
                dialog.selectFile(Path(chosen).with_suffix(kinds[kind]).name)

    dialog.filterSelected.connect(follow)
    chosen = _ask(dialog, kinds)
    dialog.deleteLater()
    return chosen


def _ask(dialog: QFileDialog, kinds: Mapping[str, str]) -> Path | None:
    """Until the user gives a name that is free or says that the file may be replaced."""
    while dialog.exec() == QFileDialog.DialogCode.Accepted and dialog.selectedFiles():
        given = Path(dialog.selectedFiles()[0])
        if given.suffix.lower() in kinds.values():
            return given
        # a dot in the name ("run v1.2") looks like a suffix, and the dialog has asked about a file without
        # ours
        chosen = given.with_name(given.name + kinds[dialog.selectedNameFilter()])
        if not chosen.exists() or _may_replace(dialog, chosen):
            return chosen
        dialog.selectFile(chosen.name)
    return None


def _may_replace(dialog: QFileDialog, path: Path) -> bool:
    question = f"{path.name} already exists.\nDo you want to replace it?"
    answer = QMessageBox.warning(
        dialog,
        dialog.windowTitle(),
        question,
        QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
        QMessageBox.StandardButton.No,
    )
    return answer == QMessageBox.StandardButton.Yes
