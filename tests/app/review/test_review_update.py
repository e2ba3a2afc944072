"""The items of a queue at every threshold, and after an edit of one image without finding all of them anew."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from detcore.curation.judged_items import JudgedItems
from detcore.evaluation.error_links import ErrorLinks
from detcore.evaluation.label_errors import rank_label_errors
from detcore.evaluation.live import LiveEvaluation
from detcore.project.verdict_rows import Verdict, VerdictKind
from detcore.review.filter import ErrorFilter, SortOrder
from detcore.review.items import ErrorItems
from detcore.review.kinds import ERRORS, EVERY_KIND, ErrorKind, ItemType
from detcore.review.picked import PickedBoxes
from detcore.review.query import ErrorSource, find_items
from detcore.review.suspicions import LabelSuspicions
from detcore.review.update import update_items
from detcore.types import Box, Detections
from tests.columns import ground_truth

CLASSES, IMAGES = (1, 2, 3), tuple(range(1, 9))
FILTERS = (
    ErrorFilter(),
    ErrorFilter(kinds=EVERY_KIND, judged=True),
    ErrorFilter(kinds=frozenset({ErrorKind.FN})),
    ErrorFilter(class_id=2),
    ErrorFilter(type=ItemType.CLASS),
    ErrorFilter(image_id=3),
    ErrorFilter(kinds=ERRORS, exact=True),
    ErrorFilter(kinds=EVERY_KIND, exact=True),
    ErrorFilter(suspects=False),
)
ORDERS = tuple(order for order in SortOrder if order is not SortOrder.COST)


def random_boxes(random: np.random.Generator, image_id: int, first_id: int) -> list[Box]:
    """Few sides and places: many boxes overlap, and areas are often equal."""
    boxes: list[Box] = []
    for number in range(int(random.integers(0, 7))):
        x, y = random.integers(0, 4, 2) * 12.0
        side = float(random.choice([16.0, 24.0]))
        boxes.append(
            Box(
                id=first_id + number,
                image_id=image_id,
                class_id=int(random.choice(CLASSES)),
                x1=x,
                y1=y,
                x2=x + side,
                y2=y + side,
                difficult=bool(random.random() < 0.1),
            )
        )
    return boxes


def random_detections(random: np.random.Generator, count: int) -> Detections:
    """Scores of one decimal: most are equal to many others."""
    corners = random.integers(0, 4, (count, 2)) * 12.0 + random.integers(0, 3, (count, 2))
    return Detections(
        image_ids=np.sort(random.choice(IMAGES, count)),
        labels=random.choice(CLASSES, count),
        boxes=np.concatenate([corners, corners + random.choice([16.0, 24.0], (count, 1))], axis=1).astype(
            np.float64
        ),
        scores=random.integers(1, 10, count) / 10,
    )


def random_source(random: np.random.Generator) -> ErrorSource:
    truth = ground_truth(
        [box for image_id in IMAGES for box in random_boxes(random, image_id, 10 * image_id)]
    )
    dets = random_detections(random, 120)
    evaluation = LiveEvaluation(truth, dets, class_ids=CLASSES, image_ids=IMAGES)
    rows = np.arange(len(dets))
    suspicions = LabelSuspicions()
    errors = rank_label_errors(truth, dets, image_ids=IMAGES, class_ids=CLASSES)
    # many equal ones
    suspicions.take(replace(errors, scores=np.ceil(5 * errors.scores) / 5), truth.ids)
    return ErrorSource(
        fingerprint="",
        evaluation=evaluation,
        run_rows=rows,
        links=ErrorLinks(evaluation),
        judged=JudgedItems(evaluation, "run", rows, []),
        suspicions=suspicions,
    )


def judge_something(random: np.random.Generator, source: ErrorSource, number: int) -> int:
    """A verdict on a detection or a label, and often other labels on its image; returns the image."""
    evaluation = source.evaluation
    gt, dets = evaluation.gt, evaluation.dets
    on_label = bool(len(gt)) and random.random() < 0.5
    columns = gt if on_label else dets
    row = int(random.integers(0, len(columns)))
    image_id = int(columns.image_ids[row])
    x1, y1, x2, y2 = columns.boxes[row].tolist()
    given = Verdict(
        id=number,
        image_id=image_id,
        run="run",
        kind=VerdictKind.MODEL_WRONG,
        box_id=int(gt.ids[row]) if on_label else None,
        detection_row=None if on_label else row,
        class_id=int(columns.labels[row]),
        x1=x1,
        y1=y1,
        x2=x2,
        y2=y2,
        threshold=0.5,
    )
    if random.random() < 0.6:
        fresh = random_boxes(random, image_id, 1000 * number)
        mine = gt.take((gt.image_ids == image_id) & (random.random(len(gt)) < 0.7))
        kept = [
            Box(id=int(key), image_id=image_id, class_id=int(label), x1=a, y1=b, x2=c, y2=d)
            for key, label, (a, b, c, d) in zip(mine.ids, mine.labels, mine.boxes.tolist(), strict=True)
        ]
        evaluation.replace_image(image_id, ground_truth([*kept, *fresh]))
        source.links.update(image_id)
        source.judged.update(image_id)
    # a verdict of earlier goes where this one comes, as undo lets it
    gone = [number - 3] if random.random() < 0.3 else []
    others = source.judged.replace(gone, []) - {image_id}
    assert source.judged.replace([], [given]) == {image_id}
    return image_id if not others else -1


def assert_same(found: ErrorItems, expected: ErrorItems) -> None:
    for field in fields(ErrorItems):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name), field.name)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("wanted", FILTERS, ids=range(len(FILTERS)))
def test_after_random_verdicts_the_updated_list_is_the_one_found_anew(
    order: SortOrder, wanted: ErrorFilter
) -> None:
    random = np.random.default_rng(ORDERS.index(order))
    updated = 0
    for threshold in (0.0, 0.35, 0.6):
        source = random_source(random)
        items = find_items(source, wanted, order, threshold)
        for number in range(1, 16):
            image_id = judge_something(random, source, number)
            expected = find_items(source, wanted, order, threshold)
            if image_id > 0:
                items = update_items(source, items, wanted, threshold, image_id)
                assert_same(items, expected)
                updated += 1
            items = expected
    assert updated > 20


def test_a_filter_for_another_image_keeps_its_items() -> None:
    source = random_source(np.random.default_rng(5))
    wanted = replace(ErrorFilter(), image_id=3)
    items = find_items(source, wanted, SortOrder.WORST, 0.0)
    assert_same(update_items(source, items, wanted, 0.0, 4), items)


@pytest.mark.parametrize("threshold", [-1.0, 0.0, 0.1, 0.3, 0.35, 0.5, 0.9, 1.0])
def test_the_items_of_any_threshold_are_what_counts_there(threshold: float) -> None:
    """Found once, at another threshold."""
    source = random_source(np.random.default_rng(7))
    evaluation = source.evaluation
    every = ErrorFilter(kinds=EVERY_KIND, exact=True)
    rows = find_items(source, every, SortOrder.WORST, 0.8).at(threshold)
    false, found, missed = (
        evaluation.false_positives(threshold),
        evaluation.true_positives(threshold),
        evaluation.gt.ids[evaluation.missed(threshold)],
    )
    assert sorted(rows.keys.tolist()) == sorted([*(-false - 1), *(-found - 1), *missed])
    # a label that something was meant for is one item with it
    rows = find_items(source, ErrorFilter(), SortOrder.WORST, 0.8).at(threshold)
    alone = set(missed.tolist()) - set(source.links.target[false].tolist())
    assert sorted(rows.keys.tolist()) == sorted([*(-false - 1), *alone])
    items = [rows[row] for row in range(len(rows))]
    assert all(item.partner == 0 for item in items if item.kind is ErrorKind.FN)


SIZED = ErrorFilter().counted(frozenset({ErrorKind.FP})).of_size(0)
PICKED = ErrorFilter().of(
    PickedBoxes(name="some", fingerprint="", labels=frozenset(range(10, 60)), detections=frozenset(range(30)))
)


@pytest.mark.parametrize("order", [order for order in ORDERS if order is not SortOrder.LABEL_ERRORS])
@pytest.mark.parametrize("wanted", [*FILTERS, SIZED, PICKED], ids=range(len(FILTERS) + 2))
def test_items_found_at_one_threshold_are_listed_at_another_as_if_found_there(
    order: SortOrder, wanted: ErrorFilter
) -> None:
    source = random_source(np.random.default_rng(11))
    for number in range(1, 6):
        judge_something(np.random.default_rng(number), source, number)
    once = find_items(source, wanted, order, 0.5)
    for threshold in (0.0, 0.1, 0.35, 0.6, 0.9, 1.0):
        there = find_items(source, wanted, order, threshold).at(threshold)
        here = once.at(threshold)
        assert [here[row] for row in range(len(here))] == [there[row] for row in range(len(there))]
        listed = {*(-source.evaluation.false_positives(threshold) - 1)}
        listed |= {*(-source.evaluation.true_positives(threshold) - 1)}
        listed |= {*source.evaluation.gt.ids[source.evaluation.missed(threshold)]}
        assert {*here.keys.tolist()} <= listed


def test_an_item_for_itself_names_what_was_meant_for_it_only_while_that_counts() -> None:
    source = random_source(np.random.default_rng(7))
    dets, links = source.evaluation.dets, source.links
    items = find_items(source, ErrorFilter(kinds=ERRORS, exact=True), SortOrder.WORST, 0.5)
    claimed = 0
    for threshold in (0.0, 0.2, 0.45, 0.7):
        false = source.evaluation.false_positives(threshold)
        rows = items.at(threshold)
        for item in (rows[number] for number in range(len(rows))):
            if item.kind is not ErrorKind.FN:
                continue
            meant = false[links.target[false] == item.key]
            best = max(meant.tolist(), key=lambda row: dets.scores[row], default=None)
            assert (item.partner == 0) == (best is None)
            if best is not None:
                assert dets.scores[-item.partner - 1] == dets.scores[best]
                claimed += 1
    assert claimed > 5
