"""Accepting what a run proposes on all images without labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QWidget

from app.label.assist.everywhere_dialog import EverywhereDialog
from app.label.assist.proposals import Proposals, Proposer
from app.services.context import AppContext
from app.services.figures import counted
from app.services.tasks import ProgressCallback
from app.widgets.crops import crops
from detcore.assist.everywhere import accept_everywhere, proposed_everywhere
from detcore.errors import Cancelled
from detcore.project.project import Project
from detcore.types import Changes, IntArray

_NOTHING = "Nothing is proposed on images without labels that {run} has looked at."


class AcceptingEverywhere:
    """Finds what there is in the pool, asks, and makes one edit of it there."""

    def __init__(self, context: AppContext, proposals: Proposals, window: QWidget) -> None:
        self._context, self._proposals, self._window = context, proposals, window
        self._crops = crops(context.tasks, window)
        self._busy = False
        context.document.closed.connect(self._crops.clear)

    @property
    def is_possible(self) -> bool:
        return self._proposals.run_proposes and not self._busy

    def ask(self) -> None:
        proposer, project = self._proposals.proposer, self._context.document.project
        if proposer is None:
            return
        self._set_busy(True)
        self._context.tasks.run_with_progress(
            "Looking for proposals",
            lambda progress: _found(project, proposer, progress),
            done=lambda found: self._offer(project, proposer, *found),
            failed=lambda error: self._fail(project, error, "look for proposals"),
        )

    def _offer(self, project: Project, proposer: Proposer, rows: IntArray, paths: dict[int, Path]) -> None:
        self._set_busy(False)
        if not self._context.document.shows(project):
            return
        # one may have been deleted since
        class_ids = [item.id for item in project.classes()]
        rows = rows[np.isin(proposer.found.detections.labels[rows], class_ids)]
        if not len(rows):
            self._context.messages.info(_NOTHING.format(run=proposer.found.run))
            return
        dialog = EverywhereDialog(self._context, proposer, rows, paths, self._crops, self._window)
        dialog.wanted.connect(lambda wanted: self._accept(project, proposer, wanted))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _accept(self, project: Project, proposer: Proposer, rows: list[int]) -> None:
        if not self._context.document.shows(project):
            return
        self._set_busy(True)
        self._context.tasks.run_with_progress(
            "Accepting proposals",
            lambda _progress: project.edit(accept_everywhere, proposer.found, rows),
            done=lambda changes: self._tell(project, changes),
            failed=lambda error: self._fail(project, error, "accept the proposals"),
        )

    def _tell(self, project: Project, changes: Changes) -> None:
        self._set_busy(False)
        document = self._context.document
        if document.shows(project):
            document.announce(changes)
            boxes = counted(len(changes.boxes), "proposal is a label", "proposals are labels")
            images = counted(len(changes.box_images), "image")
            self._context.messages.success(
                f"{boxes} now, on {images}.",
                ("Undo", lambda: document.take_back(changes)),
                applies=document.until_next_edit(),
            )

    def _fail(self, project: Project, error: Exception, doing: str) -> None:
        self._set_busy(False)
        if isinstance(error, Cancelled):
            self._context.messages.info("Cancelled. Nothing was accepted.")
        elif self._context.document.shows(project):
            self._context.messages.error(error, doing=doing)

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        self._context.actions.refresh()


def _found(
    project: Project, proposer: Proposer, progress: ProgressCallback
) -> tuple[IntArray, dict[int, Path]]:
    """Rows that could be accepted, and the files of their images."""
    rows = proposed_everywhere(project, proposer.found.with_others({}), progress=progress)
    image_ids: list[int] = sorted(set(proposer.found.detections.image_ids[rows].tolist()))
    return rows, {image.id: project.image_path(image) for image in project.images(image_ids)}
