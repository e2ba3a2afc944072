"""Says of a box that was just drawn which classes it may have."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QTimer

from app.canvas.view import ImageCanvas
from app.label.assist.proposals import Proposals
from app.label.current_boxes import CurrentBoxes
from app.label.editing import LabelEditing
from app.label.widgets.class_chips import Chip, ClassChips
from app.services.context import AppContext
from detcore.assist.guessing import LABELS, SURE, Guess, guess_by_size, guess_class
from detcore.project.project import Project
from detcore.types import Box, GroundTruth

SHOWN_MS = 6000


class ClassSuggesting(QObject):
    """Shows the classes beside the box for some seconds, or until something else is done; a number key or a click gives
    one of them. It changes nothing by itself."""

    def __init__(
        self,
        context: AppContext,
        canvas: ImageCanvas,
        boxes: CurrentBoxes,
        editing: LabelEditing,
        proposals: Proposals,
    ) -> None:
        super().__init__(canvas)
        self._context, self._canvas = context, canvas
        self._boxes, self._editing, self._proposals = boxes, editing, proposals
        self._box: Box | None = None
        self.pause = QTimer(self, singleShot=True, interval=SHOWN_MS)
        self.chips = ClassChips(canvas)
        self.chips.chosen.connect(editing.set_class)
        self.pause.timeout.connect(self.end)
        editing.drawn.connect(self.begin)
        canvas.camera.moved.connect(self._place)
        context.view.selection_changed.connect(self.end)
        context.view.image_changed.connect(self.end)
        context.document.changed.connect(self.end)

    def begin(self) -> None:
        """A box was drawn, and is selected. Where no run has found anything there, other labels are asked, in the pool."""
        drawn = self._editing.selected()
        if not self._context.settings.suggest_classes or len(drawn) != 1:
            return
        self._box = box = drawn[0]
        guesses = guess_class(box.xyxy, self._proposals.found_here(), self._boxes.classes.keys())
        if guesses:
            self._show(box, guesses, "By what a run has found there")
            return
        project = self._context.document.project
        self._context.tasks.run(
            lambda: guess_by_size(box.xyxy, _other_labels(project, box)),
            done=lambda made: self._show(box, made, "By the sizes of other labels"),
            failed=lambda error: self._context.messages.error(error, doing="suggest a class"),
        )

    def _show(self, box: Box, guesses: Sequence[Guess], why: str) -> None:
        """Unless something else was done meanwhile, or there is nothing to say."""
        if self._box is not box or all(guess.class_id == box.class_id for guess in guesses):
            return
        classes = self._boxes.classes
        self.chips.show_chips(
            [
                Chip(
                    item=classes[guess.class_id],
                    probability=guess.probability,
                    is_doubt=guess.probability >= SURE and guess.class_id != box.class_id,
                    why=why,
                )
                for guess in guesses
            ]
        )
        self._canvas.viewport().installEventFilter(self)
        self._place()
        self.pause.start()

    def end(self) -> None:
        """Something else is done, or nobody wants any of them."""
        if self._box is not None:
            self._box = None
            self._canvas.viewport().removeEventFilter(self)
            self.pause.stop()
            self.chips.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.Hide):
            self.end()
        return False

    def _place(self) -> None:
        if self._box is not None:
            area = self._canvas.viewport().rect()
            self.chips.place(self._canvas.rect_in_view(self._box.xyxy) & area, area)


def _other_labels(project: Project, box: Box) -> GroundTruth:
    """Labels of the images that were added last and of the box's own, as many as are compared with, without the box."""
    images = project.image_list()
    image_ids = images.ids[images.labelled][-LABELS:].tolist()
    labels = project.ground_truth(sorted({*image_ids, box.image_id}))
    return labels.take(labels.ids != box.id)
