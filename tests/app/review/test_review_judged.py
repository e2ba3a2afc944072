"""Verdicts lie over the boxes that they were given for, also in another run; pairs are one item."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from detcore.curation.judged_items import JudgedItems
from detcore.evaluation.error_links import ErrorLinks
from detcore.evaluation.label_errors import rank_label_errors
from detcore.evaluation.live import LiveEvaluation
from detcore.project.verdict_rows import Verdict, VerdictKind
from detcore.review.filter import ErrorFilter, SortOrder
from detcore.review.items import ErrorItem, ErrorRows
from detcore.review.kinds import EVERY_KIND, ErrorKind, ItemType
from detcore.review.query import ErrorSource, find_item, find_items
from detcore.types import Box, Detections, GroundTruth
from tests.columns import ground_truth

CAT, DOG = 1, 2
Edges = tuple[float, float, float, float]


def labels(*boxes: tuple[int, int, Edges]) -> GroundTruth:
    """From (id, class, edges), all on image 1."""
    return ground_truth(
        [
            Box(id=box_id, image_id=1, class_id=label, x1=x1, y1=y1, x2=x2, y2=y2)
            for box_id, label, (x1, y1, x2, y2) in boxes
        ]
    )


def detections(*rows: tuple[int, Edges, float]) -> Detections:
    """From (class, edges, score), all on image 1."""
    return Detections(
        image_ids=np.ones(len(rows), np.int64),
        labels=np.array([row[0] for row in rows]),
        boxes=np.array([row[1] for row in rows], np.float64).reshape(-1, 4),
        scores=np.array([row[2] for row in rows]),
    )


def verdict(
    number: int, *, run: str = "old", row: int | None = None, box_id: int | None = None, **fields: object
) -> Verdict:
    x1, y1, x2, y2 = fields.pop("xyxy", (0.0, 0.0, 10.0, 10.0))  # type: ignore[misc]
    values = {"kind": VerdictKind.MODEL_WRONG, "class_id": CAT, "image_id": 1, **fields}
    return Verdict(  # type: ignore[arg-type]
        id=number, run=run, x1=x1, y1=y1, x2=x2, y2=y2, detection_row=row, box_id=box_id, **values
    )


def source(gt: GroundTruth, dets: Detections, verdicts: Sequence[Verdict] = ()) -> ErrorSource:
    evaluation = LiveEvaluation(gt, dets, class_ids=[CAT, DOG], image_ids=[1])
    return ErrorSource(
        fingerprint="",
        evaluation=evaluation,
        links=ErrorLinks(evaluation),
        run_rows=np.arange(len(dets)),
        judged=JudgedItems(evaluation, "now", np.arange(len(dets)), verdicts),
    )


def listed(found: ErrorRows) -> dict[int, tuple[ItemType, int]]:
    """Type and partner of each item by its key."""
    return {item.key: (item.type, item.partner) for item in (found[row] for row in range(len(found)))}


def errors(where: ErrorSource, wanted: ErrorFilter | None = None, *, threshold: float = 0.5) -> ErrorRows:
    return find_items(where, wanted or ErrorFilter(), SortOrder.WORST, threshold).at(threshold)


# Labels: a cat taken for a dog (8), a dog that is badly placed (9), a cat that nothing comes near (10), a cat that
# is found (11) and found again.
GT = labels(
    (8, CAT, (0, 0, 10, 10)),
    (9, DOG, (50, 0, 60, 10)),
    (10, CAT, (0, 50, 9, 59)),
    (11, CAT, (90, 90, 99, 99)),
)
DETS = detections(
    (DOG, (0, 0, 10, 11), 0.9),
    (DOG, (55, 0, 65, 10), 0.8),
    (CAT, (90, 90, 99, 99), 0.95),
    (CAT, (90, 90, 99, 98), 0.7),
    (DOG, (200, 200, 210, 210), 0.6),
)


def test_a_missed_label_and_what_was_meant_for_it_are_one_item() -> None:
    assert listed(errors(source(GT, DETS))) == {
        -1: (ItemType.CLASS, 8),
        -2: (ItemType.LOCATION, 9),
        10: (ItemType.MISSED, 0),
        -4: (ItemType.DUPLICATE, 11),
        -5: (ItemType.BACKGROUND, 0),
    }


def test_a_number_opens_each_box_for_itself() -> None:
    where = source(GT, DETS)
    missed = errors(where, ErrorFilter().counted(frozenset({ErrorKind.FN})))
    assert listed(missed) == {
        8: (ItemType.CLASS, -1),
        9: (ItemType.LOCATION, -2),
        10: (ItemType.MISSED, 0),
    }
    counts = where.evaluation.counts(0.5)
    assert len(errors(where, ErrorFilter().counted(EVERY_KIND))) == counts.tp + counts.fp + counts.fn


def test_below_the_threshold_nothing_was_meant_for_a_label() -> None:
    found = listed(errors(source(GT, DETS), threshold=0.85))
    assert found == {
        -1: (ItemType.CLASS, 8),
        9: (ItemType.MISSED, 0),
        10: (ItemType.MISSED, 0),
    }


def test_a_label_of_another_class_has_its_detection_though_that_touches_a_label_of_its_class() -> None:
    """The figures count the detection as a badly placed one of the neighbour: an IoU of 160 / 700."""
    gt = labels((8, CAT, (0, 0, 20, 20)), (9, DOG, (12, 0, 34, 20)))
    dets = detections((DOG, (0, 0, 20, 21), 0.8), (DOG, (12, 0, 34, 20), 0.95))
    where = source(gt, dets)
    assert listed(errors(where)) == {-1: (ItemType.LOCATION, 9), 8: (ItemType.MISSED, 0)}
    ranked = rank_label_errors(gt, dets, image_ids=[1], class_ids=[CAT, DOG])
    where.suspicions.take(ranked, gt.ids)
    by_label = find_items(where, ErrorFilter(), SortOrder.LABEL_ERRORS, 0.5).at(0.5)
    assert listed(by_label)[8] == (ItemType.CLASS, -1)
    # above the score of the detection there is nothing to take a class from
    higher = find_items(where, ErrorFilter(), SortOrder.LABEL_ERRORS, 0.9).at(0.9)
    assert listed(higher)[8] == (ItemType.MISSED, 0)


@pytest.mark.parametrize("item_type", [ItemType.CLASS, ItemType.MISSED, ItemType.DUPLICATE])
def test_a_type_lists_its_items_alone(item_type: ItemType) -> None:
    found = errors(source(GT, DETS), ErrorFilter().with_type(item_type))
    assert [found[row].type for row in range(len(found))] == [item_type]


def test_one_item_is_described_whether_a_list_holds_it_or_not() -> None:
    where = source(GT, DETS)
    for key, (item_type, partner) in listed(errors(where)).items():
        kind = ErrorKind.FP if key < 0 else ErrorKind.FN
        assert find_item(where, 0.5, key) == ErrorItem(key=key, kind=kind, type=item_type, partner=partner)
    assert find_item(where, 0.5, 11) == ErrorItem(key=11, kind=ErrorKind.TP, type=ItemType.FOUND, partner=-3)
    assert find_item(where, 0.5, 77) is None


def test_a_verdict_takes_its_pair_off_the_list_and_no_number_changes() -> None:
    where = source(GT, DETS, [verdict(1, run="now", row=0, box_id=8, class_id=DOG, xyxy=(0, 0, 10, 11))])
    assert sorted(listed(errors(where))) == [-5, -4, -2, 10]
    assert sorted(listed(errors(where, ErrorFilter().with_judged_toggled()))) == [-5, -4, -2, -1, 10]
    assert len(errors(where, ErrorFilter().counted(frozenset({ErrorKind.FP})))) == 4
    only_missed = ErrorFilter().with_kinds(frozenset({ErrorKind.FN}))
    assert sorted(listed(errors(where, only_missed))) == [9, 10]


@pytest.mark.parametrize(
    ("edges", "class_id", "again"),
    [
        ((2.0, 0.0, 10.0, 10.0), CAT, False),  # IoU 0.8
        ((5.0, 0.0, 10.0, 10.0), CAT, False),  # IoU 0.5
        ((5.1, 0.0, 10.0, 10.0), CAT, True),
        ((0.0, 0.0, 10.0, 10.0), DOG, True),
        ((100.0, 0.0, 110.0, 10.0), CAT, True),
    ],
)
def test_in_another_run_a_verdict_holds_for_the_same_class_in_the_same_place(
    edges: Edges, class_id: int, again: bool
) -> None:
    where = source(labels(), detections((class_id, edges, 0.9)), [verdict(1, row=40)])
    assert (len(errors(where)) == 1) is again
    assert (where.judged.of(-1, 1) is None) is again


def test_in_its_own_run_a_verdict_is_about_one_detection() -> None:
    dets = detections((CAT, (0, 0, 10, 10), 0.9), (CAT, (0, 0, 10, 9), 0.8))
    own = source(labels(), dets, [verdict(1, run="now", row=0)])
    assert own.judged.detection.tolist() == [1, 0]
    # the prediction was made again: row 0 is something else now
    renewed = source(labels(), dets, [verdict(1, run="now", row=0, xyxy=(1, 0, 10, 10))])
    assert renewed.judged.detection.tolist() == [1, 1]


def test_a_judged_label_stays_judged_wherever_it_is_moved() -> None:
    given = [verdict(1, box_id=8)]
    assert not len(errors(source(labels((8, CAT, (0, 0, 10, 10))), detections(), given)))
    assert not len(errors(source(labels((8, DOG, (70, 70, 90, 90))), detections(), given)))
    # the same label, imported anew
    assert not len(errors(source(labels((30, CAT, (0, 0, 10, 9))), detections(), given)))
    assert len(errors(source(labels((30, CAT, (60, 0, 70, 9))), detections(), given))) == 1


def test_where_a_label_was_deleted_detections_do_not_come_up_again() -> None:
    given = [verdict(1, box_id=8, kind=VerdictKind.DELETE)]
    where = source(labels(), detections((CAT, (0, 0, 10, 9), 0.9), (DOG, (0, 0, 10, 9), 0.9)), given)
    assert where.judged.detection.tolist() == [1, 0]
    # a label that somebody draws there later is another one
    assert len(errors(source(labels((30, CAT, (0, 0, 10, 9))), detections(), given))) == 1


def test_verdicts_come_and_go() -> None:
    where = source(GT, DETS)
    first = verdict(5, run="now", row=4, class_id=DOG, xyxy=(200, 200, 210, 210))
    where.judged.replace([5], [first])
    assert where.judged.of(-5, 1) == first
    later = verdict(6, run="now", row=4, class_id=DOG, xyxy=(200, 200, 210, 210), kind=VerdictKind.AMBIGUOUS)
    where.judged.replace([6], [later])
    assert where.judged.of(-5, 1) == later
    where.judged.replace([6], [])
    assert where.judged.of(-5, 1) == first
    where.judged.replace([5], [])
    assert (where.judged.of(-5, 1), len(where.judged), 5 in where.judged) == (None, 0, False)


def test_verdicts_are_counted_from_a_time_on() -> None:
    given = [verdict(number, row=number, time=float(number)) for number in range(1, 6)]
    judged = source(GT, DETS, given).judged
    assert (len(judged), judged.count_since(3.0)) == (5, 3)
