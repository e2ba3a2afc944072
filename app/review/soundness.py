"""Whether the run that is looked at may judge labels: said above the queue while that is its order."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QObject, Signal

from app.review.choice import ReviewChoice
from app.review.live.live_evaluation import LiveReview
from app.review.live.order_figures import OrderFigures
from app.review.widgets.linked_text import Caution
from app.services.context import AppContext
from app.services.figures import ratio_text
from detcore.evaluation.strength import is_too_weak
from detcore.project.cross_validation import MODEL_NAME as CROSS_VALIDATION
from detcore.review.filter import SortOrder

_CROSSVAL = "train.crossval"
_TRAIN, _CROSS_VALIDATE, _REVIEW = "train", "crossval", "review:"


class ReviewSoundness(QObject):
    """A run that has learnt the labels overlooks what is wrong with them; one that finds next to nothing
    suspects all of them. Each is said with the way out."""

    # The way out is on another page: its name.
    page_wanted = Signal(str)

    def __init__(
        self,
        context: AppContext,
        live: LiveReview,
        choice: ReviewChoice,
        figures: OrderFigures,
        caution: Caution,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._context, self._live, self._choice = context, live, choice
        self._figures, self._caution = figures, caution
        caution.text.linkActivated.connect(self._follow)
        choice.changed.connect(self._show)
        live.loaded.connect(self._show)
        figures.chosen.connect(lambda _order: self._show())
        figures.found.connect(self._show)

    def _show(self) -> None:
        """Bring the words up to date."""
        review, reached = self._live.review, self._figures.reached
        if review is None or review.unjudged or self._figures.order is not SortOrder.LABEL_ERRORS:
            self._caution.show_text("")
            return
        parts: list[str] = []
        known = self._choice.known_images()
        if known:
            parts.append(
                f"<b>{known}:</b> the model has learnt wrong labels there, too, and overlooks them. "
                f"{self._sound_run()}"
            )
        if reached is not None and is_too_weak(reached):
            parts.append(
                f"<b>Too weak to judge labels:</b> the AP50 of this run is {ratio_text(max(reached, 0.0))} here. "
                f"{_link(_TRAIN, 'Train longer…')}"
            )
        self._caution.show_text("<br>".join(parts))

    def _sound_run(self) -> str:
        """A link to a cross-validation, or to making one."""
        ready = [run for run in self._choice.runs if run.model == CROSS_VALIDATION and run.has_detections]
        if ready:
            return _link(f"{_REVIEW}{ready[0].name}", f"Review {ready[0].name}")
        return _link(_CROSS_VALIDATE, "Cross-validate…")

    def _follow(self, address: str) -> None:
        if address.startswith(_REVIEW):
            self._context.view.show_run(address.removeprefix(_REVIEW))
            return
        self.page_wanted.emit("train")
        if address == _CROSS_VALIDATE:
            # asks how many folds; not while something else is being trained
            self._context.actions[_CROSSVAL].trigger()


def _link(address: str, text: str) -> str:
    return f'<a href="{escape(address)}">{escape(text)}</a>'
