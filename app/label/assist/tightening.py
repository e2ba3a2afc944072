"""Loose boxes made to fit: seen first, taken when the user says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtGui import QColor

from app.canvas.display import DisplayBoxes, LineStyle
from app.canvas.style import lightened
from app.canvas.view import ImageCanvas
from app.label.assist.proposals import Proposals, rows_among
from app.label.current_boxes import CurrentBoxes
from app.label.viewer import ImageViewer
from app.services.context import AppContext
from app.services.figures import counted
from app.services.tasks import Task
from detcore.assist.tighten import Fit, Loose, Unchanged, tighten
from detcore.boxes import Xyxy
from detcore.errors import Cancelled
from detcore.images.decoding import read_image
from detcore.types import Changes, FloatArray

_HINT = "Enter takes it, Esc leaves it"
_SAME = 0.5
"""Pixels by which an edge has to move to be worth a question."""
_WHY: Mapping[Unchanged, str] = {
    Unchanged.UNCLEAR: "nothing in or around it stands out clearly.",
    Unchanged.FAR: "what seems to fit has more than 1.5 times its width or height, or less than half.",
}


@dataclass(frozen=True, kw_only=True)
class _Selected:
    """A selected box by its id on the canvas, as it is now."""

    id: int
    loose: Loose


class Tightening(QObject):
    """Makes the selected boxes fit what they hold, labels and proposals.

    The edges are found in the pool and lie beside the boxes then, until the user takes them, with Enter or by asking again,
    or does anything else.
    """

    def __init__(
        self,
        context: AppContext,
        canvas: ImageCanvas,
        viewer: ImageViewer,
        boxes: CurrentBoxes,
        proposals: Proposals,
        *,
        reshape: Callable[[Sequence[int], FloatArray], None],
    ) -> None:
        """``reshape`` gives the boxes (N) of the canvas other edges (N, 4)."""
        super().__init__(canvas)
        self._context, self._canvas, self._viewer = context, canvas, viewer
        self._boxes, self._proposals, self._reshape = boxes, proposals, reshape
        self._working: Task | None = None
        self._found: Mapping[int, Xyxy] = {}
        context.view.image_changed.connect(self.drop)
        context.view.selection_changed.connect(self.drop)
        context.document.changed.connect(self._follow)
        canvas.ghosts_answered.connect(self._answer)

    @property
    def is_possible(self) -> bool:
        return self._viewer.is_showing and bool(self._context.view.selection) and not self._canvas.is_busy

    def go_on(self) -> None:
        """Look for the edges of the selected boxes; take them where they are seen already."""
        if self._found:
            self._answer(wanted=True)
        elif self._working is None:
            self._canvas.settle()
            self._look()

    def drop(self) -> None:
        """Forget what was found, or is being looked for."""
        if self._working is not None:
            self._working.cancel()
        self._working = None
        if self._found:
            self._found = {}
            self._canvas.show_ghosts(DisplayBoxes.empty())

    def _look(self) -> None:
        selected = self._selected()
        project, seen = self._context.document.project, self._proposals.found_here()
        path = project.image_path(project.image(self._context.view.image_id))

        def done(fits: list[Fit]) -> None:
            if self._working is task:
                self._working = None
                self._show(selected, fits)

        def failed(error: Exception) -> None:
            if self._working is task:
                self._working = None
                if not isinstance(error, Cancelled):
                    self._context.messages.error(error, doing="make the boxes fit")

        loose = [box.loose for box in selected]
        task = self._context.tasks.run_with_progress(
            "Tightening",
            lambda progress: tighten(loose, seen, lambda: read_image(path), progress=progress),
            done=done,
            failed=failed,
        )
        self._working = task

    def _selected(self) -> list[_Selected]:
        selection, proposer = self._context.view.selection, self._proposals.proposer
        found = [
            _Selected(id=box.id, loose=Loose(class_id=box.class_id, xyxy=box.xyxy))
            for box in self._boxes.boxes
            if box.id in selection
        ]
        if proposer is None:
            return found
        dets = proposer.found.detections
        for row in rows_among(selection):
            x1, y1, x2, y2 = dets.boxes[row].tolist()
            loose = Loose(class_id=int(dets.labels[row]), xyxy=(x1, y1, x2, y2))
            found.append(_Selected(id=-row - 1, loose=loose))
        return found

    def _show(self, selected: Sequence[_Selected], fits: Sequence[Fit]) -> None:
        """What is tighter as ghosts, and of the others why they stay."""
        classes = self._boxes.classes
        tighter = [
            (box, fit)
            for box, fit in zip(selected, fits, strict=True)
            if not isinstance(fit, Unchanged)
            and max(abs(new - old) for new, old in zip(fit, box.loose.xyxy, strict=True)) >= _SAME
        ]
        self._say([fit for fit in fits if isinstance(fit, Unchanged)], len(selected), len(tighter))
        if not tighter:
            return
        self._found = {box.id: fit for box, fit in tighter}
        colors = [lightened(QColor(classes[box.loose.class_id].color)).rgba() for box, _ in tighter]
        self._canvas.show_ghosts(
            DisplayBoxes(
                ids=np.array(list(self._found), np.int64),
                boxes=np.array(list(self._found.values()), np.float64),
                colors=np.array(colors, np.uint32),
                styles=np.full(len(tighter), LineStyle.DASHED, np.uint8),
                hatched=np.zeros(len(tighter), np.bool_),
                names=[_HINT, *[""] * (len(tighter) - 1)],
                editable=np.zeros(len(tighter), np.bool_),
            )
        )

    def _say(self, left: Sequence[Unchanged], count: int, tighter: int) -> None:
        messages, applies = self._context.messages, self._context.document.until_next_edit()
        if left:
            boxes = (
                "The box stays as it was"
                if count == 1
                else f"{counted(len(left), 'box', 'boxes')} of {count} stay as drawn"
            )
            messages.info(f"{boxes}: {_WHY[left[0]]}", applies=applies)
        elif not tighter:
            messages.info("It fits already." if count == 1 else "They fit already.", applies=applies)

    def _answer(self, wanted: bool) -> None:
        found = self._found
        self.drop()
        if wanted and found:
            self._reshape(list(found), np.array(list(found.values()), np.float64))

    def _follow(self, changes: Changes) -> None:
        if changes.classes or self._context.view.image_id in changes.box_images:
            self.drop()
