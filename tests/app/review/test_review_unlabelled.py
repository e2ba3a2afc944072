"""Images without labels: what the run sees there is listed as unjudged, and no figure knows of it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.canvas.display import LineStyle
from app.review.page import ReviewPage
from app.review.widgets.error_list import row_texts
from app.services.context import AppContext
from detcore.project.edits import delete_boxes, set_status
from detcore.project.project import Project
from detcore.project.runs import RunFolder, load_detections
from detcore.project.scope import Scope
from detcore.review.filter import SortOrder
from detcore.review.kinds import ErrorKind, ItemType
from detcore.types import Box, Origin, Status
from tests.app.review.reloading import show_scope
from tests.app.review.review_driving import choose_order, click_row, drag_slider, keys, press, undo


@pytest.fixture
def bare(labelled: Project, run: RunFolder) -> list[int]:
    """The last two of the six images after their labels, on which ``run`` was made, have been deleted."""
    images = labelled.image_ids()[4:]
    labelled.edit(delete_boxes, [box.id for image_id in images for box in labelled.boxes(image_id)])
    return images


@pytest.fixture
def mixed(bare: list[int], page: ReviewPage) -> ReviewPage:
    """The page with the run open, when those have no labels any more."""
    return page


@pytest.fixture
def unjudged(mixed: ReviewPage, qtbot: QtBot) -> ReviewPage:
    """The page over the images without labels, at a low threshold."""
    show_scope(mixed, Scope.UNLABELLED, qtbot)
    drag_slider(mixed, 0.1, qtbot)
    mixed.queue_panel.list.setFocus()
    return mixed


def rows_seen(run: RunFolder, images: list[int], threshold: float) -> list[int]:
    """Rows of the run on the images from the threshold on, the surest first."""
    found = load_detections(run)
    rows = np.flatnonzero(np.isin(found.image_ids, images) & (found.scores >= threshold))
    return rows[np.argsort(-found.scores[rows], kind="stable")].tolist()


def rows_listed(page: ReviewPage) -> list[int | None]:
    return [page.errors.entry(row).run_row for row in range(page.queue.count)]


def boxes_of(project: Project, images: list[int]) -> list[Box]:
    return [box for image_id in images for box in project.boxes(image_id)]


def test_they_are_images_to_choose_and_part_of_no_others(mixed: ReviewPage) -> None:
    box = mixed.choice.scope
    assert [box.itemText(row) for row in range(box.count())] == [
        "Not trained on (1)",
        "Validation (1)",
        "Training (3)",
        "All images (4)",
        "Without labels (2)",
    ]


def test_all_that_the_run_sees_on_them_is_listed_as_unjudged(
    unjudged: ReviewPage, run: RunFolder, bare: list[int]
) -> None:
    threshold = unjudged.live.threshold
    assert rows_listed(unjudged) == rows_seen(run, bare, threshold)
    entries = [unjudged.errors.entry(row) for row in range(unjudged.queue.count)]
    assert {(entry.kind, entry.type) for entry in entries} == {(ErrorKind.UNJUDGED, ItemType.UNJUDGED)}
    assert {row_texts(entry, unjudged.errors.rows.order)[0] for entry in entries} == {"Unjudged"}
    assert "Unjudged" in unjudged.image.details.text()


def test_the_list_follows_the_threshold(
    unjudged: ReviewPage, run: RunFolder, bare: list[int], qtbot: QtBot
) -> None:
    drag_slider(unjudged, 0.6, qtbot)
    threshold = unjudged.live.threshold
    wanted = rows_seen(run, bare, threshold)
    assert 0 < len(wanted) < len(rows_seen(run, bare, 0.1))
    qtbot.waitUntil(lambda: rows_listed(unjudged) == wanted)


def test_over_the_image_they_have_a_line_of_their_own(unjudged: ReviewPage) -> None:
    shown = unjudged.image.canvas._stage.boxes
    assert len(shown)
    assert set(shown.styles.tolist()) == {LineStyle.DASH_DOTTED}
    legend = unjudged.image.legend
    assert [kind for kind, entry in legend.entries.items() if entry.isVisible()] == [ErrorKind.UNJUDGED]
    assert legend.entries[ErrorKind.UNJUDGED].text() == f"Unjudged {len(shown)}"
    QTest.mouseClick(legend.entries[ErrorKind.UNJUDGED], Qt.MouseButton.LeftButton)
    assert len(unjudged.image.canvas._stage.boxes) == 0


def test_no_figure_is_shown_and_a_sentence_says_why(
    unjudged: ReviewPage, context: AppContext, qtbot: QtBot
) -> None:
    page = unjudged
    assert page.header.note.text() == (
        "These images have no labels yet: nothing is right or wrong, and no figure counts them."
    )
    figures = [page.header.tiles, page.figures.table, page.figures.tabs]
    assert not any(widget.isVisible() for widget in figures)
    offered = {panel.windowTitle() for panel in page.panels() if panel.toggleViewAction().isEnabled()}
    assert offered == {"Queue"}
    assert not any(button.isVisible() for button in page.queue_panel.kind_buttons.values())
    assert not page.queue_panel.type.isEnabled()
    assert not context.actions["review.send"].isEnabled()
    assert not context.actions["review.report"].isEnabled()
    show_scope(page, Scope.ALL, qtbot)
    assert page.header.tiles.isVisible()
    assert page.figures.table.isVisible()
    assert page.figures.tabs.isVisible()
    assert all(button.isVisible() for button in page.queue_panel.kind_buttons.values())
    assert context.actions["review.send"].isEnabled()
    assert [kind for kind, entry in page.image.legend.entries.items() if entry.isVisible()] == [
        ErrorKind.TP,
        ErrorKind.FP,
        ErrorKind.FN,
    ]


def test_the_figures_of_all_images_are_of_those_with_labels(
    mixed: ReviewPage, run: RunFolder, labelled: Project, qtbot: QtBot
) -> None:
    show_scope(mixed, Scope.ALL, qtbot)
    drag_slider(mixed, 0.1, qtbot)
    tiles = mixed.header.tiles.tiles
    found, false, missed = (int(tiles[name].text()) for name in ("tp", "fp", "fn"))
    assert found + missed == 4 * 4 + 2 * 2
    assert found + false == len(rows_seen(run, labelled.image_ids()[:4], mixed.live.threshold))


def test_all_images_tell_of_them_and_lead_there(mixed: ReviewPage, qtbot: QtBot) -> None:
    show_scope(mixed, Scope.ALL, qtbot)
    note = mixed.header.note
    assert "2 more images have no labels" in note.text()
    note.setFocus()
    QTest.keyClick(note, Qt.Key.Key_Tab)
    with qtbot.waitSignal(mixed.live.loaded, timeout=5000):
        QTest.keyClick(note, Qt.Key.Key_Return)
    assert mixed.choice.scope.currentText() == "Without labels (2)"
    assert mixed.queue.count


def test_y_makes_a_label_and_the_others_on_the_image_stay_unjudged(
    unjudged: ReviewPage, labelled: Project, run: RunFolder, bare: list[int]
) -> None:
    before = keys(unjudged)
    click_row(unjudged, 0)
    entry = unjudged.queue.current
    assert entry is not None
    press(unjudged, Qt.Key.Key_Y)
    (label,) = boxes_of(labelled, bare)
    assert label.xyxy == pytest.approx(entry.xyxy)
    assert (label.origin, label.run, label.class_id) == (Origin.MODEL, run.name, entry.class_id)
    assert keys(unjudged) == before[1:]
    assert {unjudged.errors.entry(row).kind for row in range(unjudged.queue.count)} == {ErrorKind.UNJUDGED}
    assert unjudged.queue.current is not None
    assert unjudged.queue.current.key == before[1]
    # over the image the label is in the place of its detection
    click_row(
        unjudged,
        next(row for row in range(len(before) - 1) if unjudged.errors.entry(row).image_id == entry.image_id),
    )
    shown = unjudged.image.canvas._stage.boxes
    assert label.id in shown.ids
    assert entry.key not in shown.ids
    assert shown.styles[shown.ids == label.id].tolist() == [LineStyle.SOLID]
    undo(unjudged)
    assert keys(unjudged) == before
    assert boxes_of(labelled, bare) == []


@pytest.mark.parametrize("key", [Qt.Key.Key_X, Qt.Key.Key_Delete, Qt.Key.Key_B, Qt.Key.Key_D])
def test_what_is_about_labels_does_nothing(
    unjudged: ReviewPage, labelled: Project, bare: list[int], key: Qt.Key
) -> None:
    before = keys(unjudged)
    press(unjudged, key)
    assert keys(unjudged) == before
    assert boxes_of(labelled, bare) == []


def test_a_verdict_against_the_model_takes_it_off_the_list(
    unjudged: ReviewPage, labelled: Project, bare: list[int]
) -> None:
    before = keys(unjudged)
    press(unjudged, Qt.Key.Key_M)
    assert keys(unjudged) == before[1:]
    assert boxes_of(labelled, bare) == []


def test_an_image_with_its_first_label_counts_when_the_page_is_shown_again(
    unjudged: ReviewPage, bare: list[int], qtbot: QtBot
) -> None:
    press(unjudged, Qt.Key.Key_Y)
    with qtbot.waitSignal(unjudged.live.loaded, timeout=5000):
        unjudged.entered()
    assert unjudged.choice.scope.currentText() == "Without labels (1)"
    show_scope(unjudged, Scope.ALL, qtbot)
    assert unjudged.choice.scope.currentText() == "All images (5)"


def test_an_image_that_is_verified_without_boxes_is_none_of_them(
    unjudged: ReviewPage, context: AppContext, labelled: Project, bare: list[int], qtbot: QtBot
) -> None:
    context.document.edit(set_status, bare[:1], Status.VERIFIED)
    with qtbot.waitSignal(unjudged.live.loaded, timeout=5000):
        unjudged.entered()
    review = unjudged.live.review
    assert review is not None
    assert review.scopes[Scope.UNLABELLED].tolist() == bare[1:]
    assert review.scopes[Scope.ALL].tolist() == labelled.image_ids()[:5]


def test_orders_that_are_of_labels_give_way_and_come_back(mixed: ReviewPage, qtbot: QtBot) -> None:
    choose_order(mixed, SortOrder.COST)
    show_scope(mixed, Scope.UNLABELLED, qtbot)
    order = mixed.queue_panel.order
    assert order.currentText() == "Highest confidence"
    scores = [mixed.errors.entry(row).score or 0.0 for row in range(mixed.queue.count)]
    assert scores == sorted(scores, reverse=True)
    show_scope(mixed, Scope.ALL, qtbot)
    assert order.currentText() == "Costliest first"


def test_what_a_number_counts_is_not_asked_for_there(
    mixed: ReviewPage, bare: list[int], run: RunFolder, qtbot: QtBot
) -> None:
    QTest.mouseClick(mixed.header.tiles.tiles["tp"], Qt.MouseButton.LeftButton)
    show_scope(mixed, Scope.UNLABELLED, qtbot)
    assert not mixed.queue.filter.exact
    assert rows_listed(mixed) == rows_seen(run, bare, mixed.live.threshold)


def test_an_empty_list_speaks_of_detections(unjudged: ReviewPage, qtbot: QtBot) -> None:
    drag_slider(unjudged, 1.0, qtbot)
    qtbot.waitUntil(lambda: unjudged.queue.count == 0)
    assert "There are no detections at this threshold" in unjudged.queue_panel.list._empty_text
