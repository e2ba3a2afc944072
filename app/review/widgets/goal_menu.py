"""The menu of the threshold column: what the thresholds are chosen for, and in which order the classes
stand."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from app.review.models.threshold_goal import GOALS

ORDERS = {
    "Classes as listed": None,
    "Highest threshold first": Qt.SortOrder.DescendingOrder,
    "Lowest threshold first": Qt.SortOrder.AscendingOrder,
}


class GoalMenu(QMenu):
    """One goal and one order are ticked."""

    # The user chose what thresholds are for.
    goal_chosen = Signal(object)
    # The user chose an order: Qt.SortOrder, or None for that of the classes.
    order_chosen = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Best threshold", parent)
        goals, orders = QActionGroup(self), QActionGroup(self)
        for number, goal in enumerate(GOALS):
            action = self._add(goals, goal.title, ticked=number == 0)
            action.setToolTip(goal.explanation)
            action.triggered.connect(lambda _on, goal=goal: self.goal_chosen.emit(goal))
        for one, next_one in pairwise(range(len(GOALS))):
            if GOALS[one].measure is not GOALS[next_one].measure:
                self.insertSeparator(goals.actions()[next_one])
        self.addSeparator()
        for title, order in ORDERS.items():
            action = self._add(orders, title, ticked=order is None)
            action.triggered.connect(lambda _on, order=order: self.order_chosen.emit(order))
        self.setToolTipsVisible(True)

    def _add(self, group: QActionGroup, title: str, *, ticked: bool) -> QAction:
        action = group.addAction(title)
        action.setCheckable(True)
        action.setChecked(ticked)
        self.addAction(action)
        return action
