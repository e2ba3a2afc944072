"""Asks where to write a file that can be of several kinds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget


def ask_where_to_save(parent: QWidget, title: str, suggested: Path, kinds: Mapping[str, str]) -> Path | None:
    """A path that ends in one of the suffixes; ``None`` if the person does not want to.

    ``kinds`` are filters with their suffixes ("PDF (*.pdf)": ".pdf"). A name follows when another kind is chosen, so
    that the dialog asks about the file that would be replaced.
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
    accepted = dialog.exec() == QFileDialog.DialogCode.Accepted
    chosen = [Path(name) for name in dialog.selectedFiles()]
    dialog.deleteLater()
    return chosen[0] if accepted and chosen else None
