"""Says of a box that was just drawn which classes it may have."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QTimer

from app.canvas.view import ImageCanvas
from app.label.current_boxes import CurrentBoxes
from app.label.editing import LabelEditing
from app.label.proposals import Proposals
from app.label.widgets.class_chips import Chip, ClassChips
from app.services.context import AppContext
from detcore.assist.guessing import SURE, guess_class
from detcore.types import Box

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
        """A box was drawn, and is selected."""
        drawn = self._editing.selected()
        if self._context.settings.suggest_classes and len(drawn) == 1:
            chips = self._chips_of(drawn[0])
            if any(chip.item.id != drawn[0].class_id for chip in chips):
                self._box = drawn[0]
                self.chips.show_chips(chips)
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

    def _chips_of(self, box: Box) -> list[Chip]:
        classes = self._boxes.classes
        guesses = guess_class(box.xyxy, self._proposals.found_here(), classes.keys())
        return [
            Chip(
                item=classes[guess.class_id],
                probability=guess.probability,
                is_doubt=guess.probability >= SURE and guess.class_id != box.class_id,
            )
            for guess in guesses
        ]

    def _place(self) -> None:
        if self._box is not None:
            area = self._canvas.viewport().rect()
            self.chips.place(self._canvas.rect_in_view(self._box.xyxy) & area, area)
