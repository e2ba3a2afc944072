"""What a deletion leaves behind: a detection that still has to be judged, an image without labels."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from detcore.project.edits import delete_boxes
from detcore.project.scope import Scope
from detcore.review.entries import ErrorEntry
from detcore.review.filter import SortOrder
from detcore.review.kinds import ErrorKind, ItemType
from tests.app.review.reloading import current, row_where, show_scope
from tests.app.review.review_driving import choose_order, click_row, press, undo

SOON = 5000


@pytest.fixture
def at_a_pair(everything: ReviewPage, qtbot: QtBot) -> tuple[ReviewPage, int]:
    """By label errors, on a label with a detection of another class; and the key of what follows. Without its
    label the detection comes last."""
    choose_order(everything, SortOrder.LABEL_ERRORS)
    qtbot.waitUntil(lambda: everything.queue.current is not None and everything.order.reached is not None)

    def is_pair(entry: ErrorEntry) -> bool:
        return entry.type is ItemType.CLASS and entry.is_detection and entry.partner is not None

    row = row_where(everything, is_pair)
    click_row(everything, row)
    return everything, int(everything.errors.rows.keys[row + 1])


@pytest.mark.parametrize("key", [Qt.Key.Key_M, Qt.Key.Key_Space])
def test_after_the_detection_of_a_deleted_label_comes_what_followed_the_pair(
    at_a_pair: tuple[ReviewPage, int], key: Qt.Key, qtbot: QtBot
) -> None:
    page, following = at_a_pair
    pair = current(page)
    press(page, Qt.Key.Key_X)
    left = current(page)
    assert (left.key, left.kind, left.partner) == (pair.key, ErrorKind.FP, None)
    press(page, key)
    assert current(page).key == following


def images_shown(page: ReviewPage) -> int:
    return 0 if page.live.review is None else page.live.review.image_count


def test_an_image_without_labels_is_left_out_when_the_page_is_shown_again(
    everything: ReviewPage, qtbot: QtBot
) -> None:
    document = everything.context.document
    (image_id, *_), before = document.project.image_ids(), images_shown(everything)
    document.edit(delete_boxes, [box.id for box in document.project.boxes(image_id)])
    # nothing jumps while somebody is at it
    assert images_shown(everything) == before
    everything.entered()
    qtbot.waitUntil(lambda: images_shown(everything) == before - 1, timeout=SOON)


def test_undo_on_the_page_brings_an_image_back_with_its_labels(everything: ReviewPage, qtbot: QtBot) -> None:
    document = everything.context.document
    (image_id, *_), before = document.project.image_ids(), images_shown(everything)
    counts = everything.live.review.evaluation.counts(0.1)  # type: ignore[union-attr]
    document.edit(delete_boxes, [box.id for box in document.project.boxes(image_id)])
    everything.entered()
    qtbot.waitUntil(lambda: images_shown(everything) == before - 1, timeout=SOON)
    undo(everything)
    qtbot.waitUntil(lambda: images_shown(everything) == before, timeout=SOON)
    assert everything.live.review.evaluation.counts(0.1) == counts  # type: ignore[union-attr]


def test_the_last_false_positive_of_all_images_is_no_item_of_fewer(
    everything: ReviewPage, qtbot: QtBot
) -> None:
    choose_order(everything, SortOrder.IMAGE)
    page = everything
    last = min(int(key) for key in page.errors.rows.keys)
    page.queue.go_to(last)
    show_scope(page, Scope.TRAIN, qtbot)
    assert page.queue.current is not None
    assert page.queue.current.key in page.errors.rows.keys
