"""What the user decides about proposals: accept, accept as another class or moved, reject; and which is next."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject

from app.canvas.view import ImageCanvas
from app.label.assist.proposals import Proposals, rows_among
from app.label.editing import LabelEditing
from app.label.verifying import Verifying
from app.label.viewer import ImageViewer
from app.label.walk import ImageWalk
from app.services.context import AppContext, apply_edit
from detcore.assist.deciding import Accepted, accept, accept_and_verify, reject
from detcore.types import Box, FloatArray


class ProposalDecisions(QObject):
    """Makes labels of proposals, or verdicts that they are none; each time one step that can be undone.

    What is done concerns the selected proposals, or the one under the pointer where none is selected. Nothing is decided
    while the image is not there to be seen.
    """

    def __init__(
        self,
        context: AppContext,
        proposals: Proposals,
        canvas: ImageCanvas,
        viewer: ImageViewer,
        editing: LabelEditing,
        verifying: Verifying,
        walk: ImageWalk,
    ) -> None:
        super().__init__(canvas)
        self._context, self._proposals = context, proposals
        self._canvas, self._viewer = canvas, viewer
        self._editing, self._verifying, self._walk = editing, verifying, walk
        self._hovered = 0
        canvas.hovered.connect(self._note_hovered)
        canvas.proposal_clicked.connect(self.accept_one)
        proposals.proposer_changed.connect(lambda: self._note_hovered(max(self._hovered, 0)))

    @property
    def meant(self) -> list[int]:
        """Rows of the run's detections that a key is meant for."""
        return self._there(rows_among(self._context.view.selection) or rows_among([self._hovered]))

    @property
    def has_selected(self) -> bool:
        """Whether proposals are among what is selected; then keys are about them alone."""
        return bool(self._there(rows_among(self._context.view.selection)))

    def accept(self) -> None:
        """As they are. Where they were selected the next one is, then."""
        self._canvas.settle()
        rows, selected, order = self.meant, self.has_selected, self._order()
        if self._accept([Accepted(row=row) for row in rows]) is not None and selected:
            self._select_following(rows, order)

    def accept_as(self, class_id: int) -> None:
        """The selected ones, as objects of a class. The labels that they become are selected, for who meant another class
        after all."""
        self._canvas.settle()
        rows = self._there(rows_among(self._context.view.selection))
        self._accept_and_select([Accepted(row=row, class_id=class_id) for row in rows])

    def accept_one(self, box_id: int) -> None:
        """One that was clicked; the label that it becomes is selected."""
        self._accept_and_select([Accepted(row=row) for row in self._there(rows_among([box_id]))])

    def accept_moved(self, box_ids: Sequence[int], xyxy: FloatArray) -> None:
        """Those among the boxes (N) that were dragged to other edges (N, 4), with the labels among them."""
        there = set(self._order())
        accepted: list[Accepted] = []
        for box_id, edges in zip(box_ids, xyxy.tolist(), strict=True):
            x1, y1, x2, y2 = edges
            accepted += [
                Accepted(row=row, xyxy=(x1, y1, x2, y2)) for row in rows_among([box_id]) if row in there
            ]
        self._accept_and_select(accepted, moved=self._editing.moved(box_ids, xyxy))

    def reject(self) -> None:
        """They are not proposed again, by whichever run. Where they were selected the next one is, then."""
        self._canvas.settle()
        rows, selected, order = self.meant, self.has_selected, self._order()
        proposer = self._proposals.proposer
        if rows and proposer is not None:
            thresholds = proposer.thresholds
            done = apply_edit(self._context, reject, proposer.found, rows, thresholds=thresholds)
            if done is not None and selected:
                self._select_following(rows, order)

    def accept_all_and_go_on(self) -> None:
        """All that is proposed is right, and nothing is missing: the next image."""
        self._canvas.settle()
        rows, proposer = self._order(), self._proposals.proposer
        if rows and proposer is not None and self._verifying.may_verify():
            image_id = self._context.view.image_id
            if apply_edit(self._context, accept_and_verify, proposer.found, image_id, rows) is not None:
                self._walk.go(1)

    def step(self, by: int) -> None:
        """Select the proposal that follows the selected one, or comes before it; the surest one at first."""
        rows = self._order()
        if rows:
            selected = [row for row in rows_among(self._context.view.selection) if row in rows]
            at = (rows.index(selected[0]) + by) % len(rows) if selected else 0 if by > 0 else len(rows) - 1
            self._select(rows[at])

    def _order(self) -> list[int]:
        """Rows that are there to be decided about, the surest first."""
        return self._proposals.rows.tolist() if self._viewer.is_showing else []

    def _there(self, rows: Sequence[int]) -> list[int]:
        there = set(self._order())
        return [row for row in rows if row in there]

    def _select(self, row: int) -> None:
        self._context.view.select(frozenset({-row - 1}))
        self._canvas.bring_into_view(-row - 1)

    def _select_following(self, rows: Sequence[int], before: Sequence[int]) -> None:
        """Of those that are left the one that came after ``rows`` in the order ``before``, round and round."""
        last = max(before.index(row) for row in rows)
        left = self._there([*before[last + 1 :], *before[:last]])
        if left:
            self._select(left[0])

    def _accept(self, accepted: Sequence[Accepted], *, moved: Sequence[Box] = ()) -> frozenset[int] | None:
        """The ids of the labels that were made or moved; ``None`` where nothing was done."""
        proposer = self._proposals.proposer
        if not accepted or proposer is None:
            return None
        changes = apply_edit(self._context, accept, proposer.found, accepted, moved=moved)
        return None if changes is None else changes.boxes

    def _accept_and_select(self, accepted: Sequence[Accepted], *, moved: Sequence[Box] = ()) -> None:
        made = self._accept(accepted, moved=moved)
        if made is not None:
            self._context.view.select(made)

    def _note_hovered(self, box_id: int) -> None:
        is_other = box_id != self._hovered and min(box_id, self._hovered) < 0
        self._hovered = box_id
        if is_other:
            self._context.actions.refresh()
