"""What helps the simulated user: nothing, *Find similar*, or the learner beside the window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from PySide6.QtWidgets import QApplication

from app.label.page import LabelPage
from tests.benchmarks.effort_hands import Hands
from tests.benchmarks.effort_user import Does, Effort, Step, Thing, judge
from tests.benchmarks.windows import rest, wait_for

LEARNING_SHARE = 0.25
"""Of the user's seconds that the learner has."""
ALIKE_FROM = 2
"""Objects of a class that are missing, from which on it is worth a key to look for them."""
IMAGES_AHEAD = 20
"""On so many of the next images *Find similar* looks when it is asked to."""


class Helper(Protocol):
    """Is told what the user does, and does its part with their hands."""

    def after_step(self, step: Step, objects: Sequence[Thing]) -> None:
        """One was done that is not the last on its image, which has these objects."""
        ...

    def before_leaving(self, seconds: float) -> None:
        """All is labelled, and will have taken so long."""
        ...


class Nobody:
    """Labels are made by hand, or of what a run proposes."""

    def after_step(self, step: Step, objects: Sequence[Thing]) -> None:
        pass

    def before_leaving(self, seconds: float) -> None:
        pass


class FindSimilar:
    """Looks on the next images for what is like all labels of an image, on the first one and where these have been passed;
    and on an image, once for a class, for what is like a box that was drawn, where more are missing and none is proposed."""

    def __init__(self, app: QApplication, page: LabelPage, hands: Hands) -> None:
        self._app, self._page, self._hands = app, page, hands
        self._ahead = 0
        self._sought: set[int] = set()

    def after_step(self, step: Step, objects: Sequence[Thing]) -> None:
        self._wait()
        if step.does is not Does.DRAW or step.target is None:
            return
        class_id, seen = step.target.class_id, self._hands.see(objects)
        missed = [one for one in judge(seen).missed if one.class_id == class_id]
        proposed = any(one.class_id == class_id for one in seen.proposals)
        if len(missed) >= ALIKE_FROM and not proposed and class_id not in self._sought:
            self._sought.add(class_id)
            wrong = len(judge(seen).wrong)
            self._hands.press("label.find_similar")
            self._wait()
            more = len(judge(self._hands.see(objects)).wrong) - wrong
            self._hands.effort += Effort(boxes=max(more, 0))

    def before_leaving(self, seconds: float) -> None:
        self._ahead -= 1
        self._sought.clear()
        if self._ahead < 0 and self._hands.see([]).labels:
            self._ahead = IMAGES_AHEAD
            self._hands.press("label.select_all")
            self._hands.press("label.similar_on_next")
            self._hands.strike("Return")  # twenty are what its menu offers
            self._wait()

    def _wait(self) -> None:
        wait_for(self._app, lambda: not self._page.similar.is_busy)


class Learner:
    """Learns for its share of the user's time, and sleeps else."""

    def __init__(self, page: LabelPage, hands: Hands) -> None:
        self._page = page
        hands.press("label.learn")

    def after_step(self, step: Step, objects: Sequence[Thing]) -> None:
        pass

    def before_leaving(self, seconds: float) -> None:
        self._page.learning.pause(False)
        rest(LEARNING_SHARE * seconds)
        self._page.learning.pause(True)
