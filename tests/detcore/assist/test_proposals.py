"""What is proposed where boxes and verdicts are, by hand arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from detcore.assist.proposals import Found, Thresholds, proposed_rows
from detcore.project.verdict_rows import Verdict, VerdictKind
from detcore.types import Box, Detections

Edges = tuple[float, float, float, float]
Row = tuple[int, int, Edges, float]
"""Image, class, edges, score."""
CELL, PLATELET = 1, 2
HERE = 7
PLACE = (0.0, 0.0, 10.0, 10.0)


def found(*rows: Row) -> Found:
    dets = Detections(
        image_ids=np.array([row[0] for row in rows], np.int64),
        labels=np.array([row[1] for row in rows], np.int64),
        boxes=np.array([row[2] for row in rows], np.float64).reshape(-1, 4),
        scores=np.array([row[3] for row in rows], np.float64),
    )
    return Found("001-x", dets, {row[0] for row in rows})


def box(
    edges: Edges, class_id: int = CELL, *, crowd: bool = False, run: str = "", score: float | None = None
) -> Box:
    x1, y1, x2, y2 = edges
    return Box(
        id=1, image_id=HERE, class_id=class_id, x1=x1, y1=y1, x2=x2, y2=y2, crowd=crowd, run=run, score=score
    )


def verdict(kind: VerdictKind, edges: Edges, class_id: int = CELL) -> Verdict:
    x1, y1, x2, y2 = edges
    return Verdict(id=1, image_id=HERE, run="000-y", kind=kind, class_id=class_id, x1=x1, y1=y1, x2=x2, y2=y2)


def proposed(
    *rows: Row,
    boxes: Sequence[Box] = (),
    verdicts: Sequence[Verdict] = (),
    overall: float = 0.3,
    by_class: dict[int, float] | None = None,
) -> list[int]:
    return proposed_rows(
        found(*rows),
        HERE,
        boxes=boxes,
        verdicts=verdicts,
        thresholds=Thresholds(overall=overall, by_class=by_class or {}),
        class_ids=(CELL, PLATELET),
    ).tolist()


def along(by: float) -> Edges:
    """``PLACE`` moved to the right: its IoU with that is (10 - by) / (10 + by)."""
    return (by, 0.0, by + 10.0, 10.0)


def test_of_the_image_the_surest_come_first_from_the_threshold_on_and_of_known_classes() -> None:
    rows = (
        (HERE, CELL, along(0), 0.5),
        (HERE + 1, CELL, along(0), 0.9),
        (HERE, PLATELET, along(40), 0.8),
        (HERE, CELL, along(80), 0.29),
        (HERE, 99, along(120), 0.9),
        (HERE, CELL, along(160), 0.3),
    )
    assert proposed(*rows) == [2, 0, 5]


def test_a_class_may_have_a_score_of_its_own() -> None:
    rows = ((HERE, CELL, along(0), 0.5), (HERE, PLATELET, along(40), 0.5))
    assert proposed(*rows, by_class={CELL: 0.6}) == [1]
    assert proposed(*rows, overall=0.6, by_class={CELL: 0.4}) == [0]


def test_scores_of_classes_keep_their_distance_when_all_are_moved() -> None:
    moved = Thresholds(overall=0.4, by_class={CELL: 0.5, PLATELET: 0.1}).moved_to(0.2)
    assert moved.overall == 0.2
    assert moved.by_class == pytest.approx({CELL: 0.3, PLATELET: 0.0})


@pytest.mark.parametrize(
    ("class_id", "by", "there"),
    [(CELL, 3.0, False), (CELL, 4.0, True), (PLATELET, 1.5, False), (PLATELET, 3.0, True)],
)
def test_nothing_is_proposed_on_a_label_of_its_class_or_closer_on_any(
    class_id: int, by: float, there: bool
) -> None:
    """IoU 0.538, 0.429 of one class, 0.739, 0.538 of another."""
    assert proposed((HERE, class_id, along(by), 0.9), boxes=[box(PLACE)]) == ([0] if there else [])


def test_of_two_proposals_for_one_object_the_surer_one_stays() -> None:
    rows = ((HERE, PLATELET, along(1.0), 0.6), (HERE, CELL, along(0), 0.8), (HERE, PLATELET, along(4.0), 0.5))
    # 1 and 0 have an IoU of 0.818; 2 has 0.538 with 0, which is gone, and 0.429 with 1
    assert proposed(*rows) == [1, 2]


def test_a_crowd_has_what_lies_in_it() -> None:
    crowd = box((0, 0, 100, 100), crowd=True)
    rows = (
        (HERE, CELL, (10, 10, 20, 20), 0.9),
        (HERE, CELL, (94, 0, 104, 10), 0.8),
        (HERE, CELL, (96, 0, 106, 10), 0.7),
    )
    assert proposed(*rows, boxes=[crowd]) == [2]


@pytest.mark.parametrize(
    ("kind", "stays"),
    [
        (VerdictKind.MODEL_WRONG, False),
        (VerdictKind.AMBIGUOUS, False),
        (VerdictKind.DELETE, False),
        (VerdictKind.ACCEPT, True),
        (VerdictKind.BOX, True),
    ],
)
def test_what_somebody_has_spoken_against_is_not_proposed_again(kind: VerdictKind, stays: bool) -> None:
    said = [verdict(kind, PLACE)]
    assert proposed((HERE, CELL, along(3.0), 0.9), verdicts=said) == ([0] if stays else [])
    assert proposed((HERE, CELL, along(4.0), 0.9), verdicts=said) == [0]
    assert proposed((HERE, PLATELET, PLACE, 0.9), verdicts=said) == [0]


def test_a_run_that_has_found_nothing_proposes_nothing() -> None:
    assert proposed() == []


def test_what_became_a_label_stays_one_when_that_is_moved_or_named_otherwise() -> None:
    moved = box(along(8.0), PLATELET, run="001-x", score=0.9)  # its IoU with the detection is 1/9
    assert proposed((HERE, CELL, PLACE, 0.9), (HERE, CELL, along(40), 0.8), boxes=[moved]) == [1]
    of_another = box(along(8.0), PLATELET, run="002-x", score=0.9)
    assert proposed((HERE, CELL, PLACE, 0.9), boxes=[of_another]) == [0]


def test_what_others_propose_lies_behind_the_runs_and_each_row_says_who() -> None:
    own = found((HERE, CELL, along(0), 0.5), (HERE + 1, CELL, along(0), 0.4))
    twins = found((HERE, CELL, along(40), 0.9), (HERE, CELL, along(80), 0.1)).detections
    shapes = found((HERE + 1, PLATELET, along(40), 0.2)).detections
    both = own.with_others({"similar": twins, "sequence": shapes})
    assert [both.source(row) for row in range(5)] == ["001-x", "001-x", "similar", "similar", "sequence"]
    assert (both.run, both.own, len(both.detections)) == ("001-x", 2, 5)
    assert both.rows(HERE).tolist() == [2, 0, 3]
    assert both.rows(HERE + 1).tolist() == [1, 4]
    fewer = both.with_others({"sequence": shapes})
    assert fewer.rows(HERE).tolist() == [0]
    assert fewer.source(2) == "sequence"


def test_what_became_a_label_is_known_by_who_proposed_it() -> None:
    twins = found((HERE, CELL, PLACE, 0.9)).detections
    both = found((HERE, CELL, along(9), 0.9)).with_others({"similar": twins})
    label = box((8.0, 0.0, 30.0, 10.0), run="similar", score=0.9)
    rows = proposed_rows(
        both, HERE, boxes=[label], verdicts=[], thresholds=Thresholds(overall=0.95), class_ids=(CELL,)
    )
    assert rows.tolist() == []
    rows = proposed_rows(
        both, HERE, boxes=[label], verdicts=[], thresholds=Thresholds(overall=0.5), class_ids=(CELL,)
    )
    assert rows.tolist() == [0]


def test_an_object_is_found_again_among_others_by_class_and_place() -> None:
    before = found((HERE, CELL, PLACE, 0.9))
    after = found(
        (HERE + 1, CELL, PLACE, 0.9),
        (HERE, PLATELET, PLACE, 0.9),
        (HERE, CELL, along(4), 0.9),
        (HERE, CELL, along(2), 0.2),
    )
    assert after.same_row(before, 0) == 3
    assert found((HERE, CELL, along(4), 0.9)).same_row(before, 0) is None
