"""Classes that come and go while a review is loaded."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.services.context import AppContext
from detcore.project.edits import add_class, delete_class


def test_a_class_added_deleted_and_brought_back_follows_in_the_class_table(
    page: ReviewPage, context: AppContext, qtbot: QtBot
) -> None:
    document = context.document
    rows = page.figures.classes.rowCount()
    document.edit(add_class, "late")
    qtbot.waitUntil(lambda: page.figures.classes.rowCount() == rows + 1, timeout=5000)
    late = next(item.id for item in document.project.classes() if item.name == "late")
    document.edit(delete_class, late)
    qtbot.waitUntil(lambda: page.figures.classes.rowCount() == rows, timeout=5000)
    document.undo()
    qtbot.waitUntil(lambda: page.figures.classes.rowCount() == rows + 1, timeout=5000)
