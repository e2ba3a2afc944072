"""The hands and eyes of a simulated user at the Label page: real events of keys and mouse, each counted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QStyle, QStyleOptionSlider

from app.canvas.handles import handle_at
from app.canvas.hit_testing import boxes_at
from app.canvas.style import HIT_TOLERANCE
from app.label.page import LabelPage
from detcore.assist.proposals import proposed_rows
from detcore.project.verdicts import read_verdicts
from tests.benchmarks.effort_user import Does, Effort, Seen, Step, Thing, corners_to_drag
from tests.benchmarks.windows import wait_for

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CORNERS = ((0, 0), (1, 1), (1, 0), (0, 1))
"""(0 left or 1 right, 0 top or 1 bottom)."""
_PLACES = (0.5, 0.25, 0.75, 0.1, 0.9)
"""Where in a box to point at it, as shares of its sides: the middle first."""


class Hands:
    """Does steps on the image that is shown, with the drawing tool.

    Attributes:
        effort: all that was done so far.
    """

    def __init__(self, app: QApplication, page: LabelPage) -> None:
        self._app, self._page, self._canvas = app, page, page.canvas
        self._view, self._viewport = page.context.view, page.canvas.viewport()
        self.effort = Effort()

    @property
    def can_slide(self) -> bool:
        """Whether there is a score from which is proposed."""
        return self._page.proposal_bar.slider.isVisible()

    @property
    def score(self) -> float:
        """That of the slider, 0 to 1."""
        slider = self._page.proposal_bar.slider
        return slider.value() / slider.maximum()

    def see(self, objects: Sequence[Thing], *, from_score: float | None = None) -> Seen:
        """The image now, whose true objects the user knows, or as it looks once the slider is at another score."""
        return Seen(
            objects=objects,
            labels=self._labels(),
            proposals=self._proposals(from_score),
            class_id=self._view.class_id,
        )

    def slide(self, score: float) -> None:
        """Drag the handle of the slider to a score, as near as its pixels allow."""
        slider = self._page.proposal_bar.slider
        option, wanted = QStyleOptionSlider(), round(score * slider.maximum())
        slider.initStyleOption(option)
        complex_control, handle = QStyle.ComplexControl.CC_Slider, QStyle.SubControl.SC_SliderHandle
        place = slider.style().subControlRect(complex_control, option, handle, slider).center()
        QTest.mousePress(slider, LEFT, NONE, place)
        way = 1 if wanted > slider.value() else -1
        while way * (wanted - slider.value()) > 0 and slider.rect().contains(place):
            place += QPoint(way, 0)
            QTest.mouseMove(slider, place)
        QTest.mouseRelease(slider, LEFT, NONE, place)
        self.effort += Effort(drags=1)
        self._app.processEvents()

    def do(self, step: Step) -> None:
        """Raises AssertionError where the window does not do what the step is for."""
        target, proposal = step.target, step.proposal
        match step.does:
            case Does.DRAW:
                assert target is not None
                self._draw(target, names=step.names)
            case Does.ADJUST:
                assert target is not None
                assert proposal is not None
                self._take(proposal)
                for corner in corners_to_drag(proposal.xyxy, target.xyxy):
                    self._drag_corner(corner, target)
            case Does.NAME:
                assert target is not None
                assert proposal is not None
                self._take(proposal)
                self._name(target.class_id)
            case Does.ACCEPT:
                assert proposal is not None
                self._take(proposal)
            case Does.REJECT:
                assert proposal is not None
                self._reject(proposal)
            case Does.ACCEPT_ALL:
                self._go_on("label.accept_all")
            case Does.VERIFY:
                self._go_on("label.verify")

    def press(self, action: str) -> None:
        """The first key of an action."""
        keys = self._page.context.actions[action].shortcut()
        assert not keys.isEmpty(), f"{action} has no key"
        self.strike(keys)

    def strike(self, keys: QKeySequence | str) -> None:
        """Keys for the menu that is open, else for what has the focus."""
        keys = QKeySequence(keys)
        modifiers = keys[0].keyboardModifiers().value
        wait_for(self._app, lambda: QApplication.focusWidget() is not None)
        QTest.keySequence(QApplication.activePopupWidget() or QApplication.focusWidget(), keys)
        self.effort += Effort(keys=1 + modifiers.bit_count())
        self._app.processEvents()

    def _go_on(self, action: str) -> None:
        """To the next image; on the last one it stays."""
        images, before = self._page.images, self._view.image_id
        row = images.row_of(before)
        self.press(action)
        following = images.image_id(row + 1) or before
        wait_for(self._app, lambda: self._view.image_id == following and self._page.viewer.is_showing)

    def _draw(self, target: Thing, *, names: bool) -> None:
        """From a corner at which no handle of the box that is selected would be taken."""
        known = self._labelled()
        free = [corner for corner in CORNERS if not self._is_handle(_corner(target, corner))]
        if not free:
            self.strike("Esc")
        across, down = free[0] if free else CORNERS[0]
        self._drag(_corner(target, (across, down)), _corner(target, (1 - across, 1 - down)))
        if names:
            self._name(target.class_id)
        made = self._labelled() - known
        assert len(made) == 1, f"nothing was drawn for {target}"

    def _name(self, class_id: int) -> None:
        """By the number key of the class."""
        classes = {item.id: item for item in self._page.class_model.classes}
        self.press(f"label.class_{classes[class_id].key}")
        assert self._view.class_id == class_id

    def _take(self, proposal: Thing) -> None:
        """Click a proposal, which makes a label of it and selects that; with Tab and its key where nothing of it can be
        met."""
        known, place = self._labelled(), self._free_place(proposal)
        if place is None:
            self._step_to(proposal)
            self.strike("Return")
        else:
            QTest.mouseMove(self._viewport, place)
            QTest.mouseClick(self._viewport, LEFT, NONE, place)
            self.effort += Effort(clicks=1)
            self._app.processEvents()
        assert self._view.selection == self._labelled() - known, f"{proposal} was not accepted"

    def _reject(self, proposal: Thing) -> None:
        place = self._free_place(proposal)
        if place is None:
            self._step_to(proposal)
        else:
            if any(box_id < 0 for box_id in self._view.selection):  # keys are for what is selected
                self.strike("Esc")
            QTest.mouseMove(self._viewport, place + QPoint(2, 2))
            QTest.mouseMove(self._viewport, place)
            self.effort += Effort(points=1)
        self.press("label.reject_proposal")
        shown = [one.xyxy for one in self._proposals() if one.class_id == proposal.class_id]
        assert proposal.xyxy not in shown, f"{proposal} was not rejected"

    def _step_to(self, proposal: Thing) -> None:
        """Select it by going from one to the next, while the canvas has the focus."""
        self._canvas.setFocus()
        for _ in self._proposals():
            self.press("label.next_proposal")
            if self._view.selection == {proposal.id}:
                return
        raise AssertionError(f"{proposal} cannot be selected")

    def _drag_corner(self, corner: tuple[int, int], target: Thing) -> None:
        (box_id,) = self._view.selection
        (box,) = (label for label in self._labels() if label.id == box_id)
        self._drag(_corner(box, corner), _corner(target, corner))

    def _drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        first, last = self._in_view(start), self._in_view(end)
        QTest.mouseMove(self._viewport, first)
        QTest.mousePress(self._viewport, LEFT, NONE, first)
        QTest.mouseMove(self._viewport, QRect(first, last).center())
        QTest.mouseMove(self._viewport, last)
        QTest.mouseRelease(self._viewport, LEFT, NONE, last)
        self.effort += Effort(drags=1)
        self._app.processEvents()

    def _labels(self) -> list[Thing]:
        boxes = self._page.context.document.project.boxes(self._view.image_id)
        return [Thing(class_id=box.class_id, xyxy=box.xyxy, id=box.id) for box in boxes]

    def _labelled(self) -> set[int]:
        return {label.id for label in self._labels()}

    def _proposals(self, from_score: float | None = None) -> list[Thing]:
        proposer = self._page.proposals.proposer
        if proposer is None:
            return []
        rows, dets = self._page.proposals.rows, proposer.found.detections
        if from_score is not None:
            project, image_id = self._page.context.document.project, self._view.image_id
            rows = proposed_rows(
                proposer.found,
                image_id,
                boxes=project.boxes(image_id),
                verdicts=read_verdicts(project, image_ids=[image_id]),
                thresholds=proposer.start.moved_to(from_score),
                class_ids=[item.id for item in project.classes()],
            )
        return [
            Thing(class_id=label, xyxy=(x1, y1, x2, y2), id=-row - 1)
            for row, label, (x1, y1, x2, y2) in zip(
                rows.tolist(), dets.labels[rows].tolist(), dets.boxes[rows].tolist(), strict=True
            )
        ]

    def _free_place(self, proposal: Thing) -> QPoint | None:
        """Where in the view a press meets the proposal, and neither a smaller box nor a handle; ``None`` where it is
        hidden everywhere."""
        things = [*self._proposals(), *self._labels()]
        boxes = np.array([thing.xyxy for thing in things], np.float64)
        x1, y1, x2, y2 = proposal.xyxy
        for across, down in product(_PLACES, _PLACES):
            place = self._in_view((x1 + across * (x2 - x1), y1 + down * (y2 - y1)))
            x, y = self._canvas.camera.to_image(QPointF(place))
            hits = boxes_at(boxes, x, y, tolerance=HIT_TOLERANCE / self._canvas.camera.zoom())
            if len(hits) and things[hits[0]].id == proposal.id and not self._is_handle((x, y)):
                return place
        return None

    def _is_handle(self, point: tuple[float, float]) -> bool:
        """Whether a press there would take a handle of the one selected box."""
        selection, zoom = self._view.selection, self._canvas.camera.zoom()
        selected = [one for one in (*self._labels(), *self._proposals()) if one.id in selection]
        if len(selected) != 1:
            return False
        x1, y1, x2, y2 = (edge * zoom for edge in selected[0].xyxy)
        x, y = self._canvas.camera.to_image(QPointF(self._in_view(point)))
        return handle_at((x1, y1, x2, y2), x * zoom, y * zoom, squares_only=True) is not None

    def _in_view(self, point: tuple[float, float]) -> QPoint:
        return self._canvas.mapFromScene(QPointF(*point))


def _corner(thing: Thing, corner: tuple[int, int]) -> tuple[float, float]:
    across, down = corner
    return thing.xyxy[2 * across], thing.xyxy[2 * down + 1]
