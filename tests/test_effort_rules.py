"""What the simulated user of the benchmark of effort does, counted by hand."""

from __future__ import annotations

import pytest

from tests.benchmarks.effort_user import (
    Does,
    Effort,
    Seen,
    Step,
    Thing,
    corners_to_drag,
    in_labelimg,
    judge,
    plan,
    total,
)

CELL, PLATELET, BLOB = 1, 2, 3
HERE, THERE, YONDER = (10, 10, 40, 40), (60, 20, 90, 60), (100, 70, 140, 110)
Xyxy = tuple[float, float, float, float]


def thing(class_id: int, xyxy: Xyxy, id: int = 0) -> Thing:
    return Thing(class_id=class_id, xyxy=xyxy, id=id)


def seen(objects: list[Thing], proposals: list[Thing], *, class_id: int = CELL) -> Seen:
    return Seen(objects=objects, labels=[], proposals=proposals, class_id=class_id)


def done(steps: list[Step]) -> list[Does]:
    return [step.does for step in steps]


def effort(steps: list[Step]) -> Effort:
    return total([step.effort for step in steps])


def test_without_proposals_objects_are_drawn_class_by_class_from_the_one_in_use() -> None:
    objects = [thing(CELL, HERE), thing(PLATELET, THERE), thing(CELL, YONDER)]
    steps = plan(seen(objects, [], class_id=PLATELET))
    assert [step.target.class_id for step in steps if step.target] == [PLATELET, CELL, CELL]
    # three drags, the key of the cells once, and Space
    assert effort(steps) == Effort(drags=3, keys=2)


def test_an_image_with_nothing_on_it_is_one_key() -> None:
    assert done(plan(seen([], []))) == [Does.VERIFY]


def test_where_all_is_right_one_key_is_enough() -> None:
    # IoU 0.9 and 0.7
    proposals = [thing(CELL, (10, 10, 40, 37), -1), thing(PLATELET, (60, 20, 90, 48), -2)]
    assert done(plan(seen([thing(CELL, HERE), thing(PLATELET, THERE)], proposals))) == [Does.ACCEPT_ALL]


def test_few_wrong_ones_are_rejected_and_of_many_the_right_ones_accepted() -> None:
    objects = [thing(CELL, HERE), thing(PLATELET, THERE)]
    right = [thing(CELL, HERE, -1), thing(PLATELET, THERE, -2)]
    wrong = [thing(BLOB, (10 + 40 * n, 90, 30 + 40 * n, 110), -3 - n) for n in range(3)]
    few = plan(seen(objects, right + wrong[:1]))
    assert done(few) == [Does.REJECT, Does.ACCEPT_ALL]
    assert effort(few) == Effort(points=1, keys=2)
    many = plan(seen(objects, right + wrong))
    assert done(many) == [Does.ACCEPT, Does.ACCEPT, Does.VERIFY]
    assert effort(many) == Effort(clicks=2, keys=1)


def test_a_loose_one_is_drawn_anew_where_that_takes_it_away() -> None:
    # half of the height: IoU 0.5, from which on nothing is proposed where a label is
    proposals = [thing(CELL, HERE, -1), thing(CELL, (100, 70, 140, 90), -2)]
    steps = plan(seen([thing(CELL, HERE), thing(CELL, YONDER)], proposals))
    assert done(steps) == [Does.DRAW, Does.ACCEPT_ALL]


def test_a_loose_one_that_would_stay_is_dragged_by_a_corner() -> None:
    # IoU 0.45: a new box, and the old one rejected, would be two actions as well, and longer
    right = [thing(CELL, HERE), thing(PLATELET, THERE)]
    proposals = [thing(CELL, HERE, -1), thing(PLATELET, THERE, -2), thing(CELL, (100, 70, 140, 88), -3)]
    steps = plan(seen([*right, thing(CELL, YONDER)], proposals))
    assert done(steps) == [Does.ADJUST, Does.ACCEPT_ALL]
    assert effort(steps) == Effort(clicks=1, drags=1, keys=1)


@pytest.mark.parametrize(
    ("box", "corners"),
    [
        ((0, 0, 100, 60), [(0, 1)]),  # IoU 0.6, the lower edge is off: the lower left corner
        ((40, 40, 100, 100), [(0, 0)]),
        ((20, 20, 80, 80), [(0, 0), (1, 1)]),  # after one corner the IoU is 0.64
    ],
)
def test_as_many_corners_are_dragged_as_it_takes(box: Xyxy, corners: list[tuple[int, int]]) -> None:
    assert corners_to_drag(box, (0, 0, 100, 100)) == corners


def test_another_class_is_a_click_and_a_key_or_a_new_box_where_its_class_is_in_use() -> None:
    objects = [thing(CELL, HERE), thing(PLATELET, THERE)]
    proposals = [thing(CELL, HERE, -1), thing(BLOB, THERE, -2)]
    named = plan(seen(objects, proposals))
    assert done(named) == [Does.NAME, Does.ACCEPT_ALL]
    assert effort(named) == Effort(clicks=1, keys=2)
    assert done(plan(seen(objects, proposals, class_id=PLATELET))) == [Does.DRAW, Does.ACCEPT_ALL]


def test_the_key_of_a_class_is_pressed_once_for_all_that_are_drawn_anew() -> None:
    objects = [thing(PLATELET, HERE), thing(PLATELET, THERE), thing(PLATELET, YONDER)]
    steps = plan(seen(objects, [thing(BLOB, one.xyxy, -number) for number, one in enumerate(objects, 1)]))
    assert done(steps) == [Does.DRAW, Does.DRAW, Does.DRAW, Does.VERIFY]
    assert effort(steps) == Effort(drags=3, keys=2)


def test_of_two_proposals_for_an_object_one_is_wrong() -> None:
    proposals = [thing(CELL, (10, 10, 40, 36), -1), thing(CELL, HERE, -2)]
    judged = judge(seen([thing(CELL, HERE)], proposals))
    assert [proposal.id for proposal, _ in judged.right] == [-2]
    assert [proposal.id for proposal in judged.wrong] == [-1]


def test_what_has_a_label_is_settled_each_object_by_one() -> None:
    twice = [thing(CELL, HERE), thing(CELL, HERE)]
    view = Seen(objects=twice, labels=[thing(CELL, HERE, 7)], proposals=[], class_id=CELL)
    assert done(plan(view)) == [Does.DRAW, Does.VERIFY]


def test_seconds_are_those_of_the_model() -> None:
    effort = Effort(keys=3, clicks=2, drags=4, points=1, images=1, boxes=5)
    assert effort.actions == 9
    # 3 · 0.28 + (2 + 1) · 1.1 + 4 · 1.5 + 1.2 + 5 · 0.2
    assert effort.seconds == pytest.approx(12.34)


def test_labelimg_takes_three_actions_a_box_and_one_an_image() -> None:
    first, second, empty = in_labelimg([[CELL, PLATELET, CELL], [CELL, PLATELET], []])
    # W and a drag each; both cells and the platelet are chosen, the second cell by Enter; D
    assert first == Effort(keys=3 + 1 + 1, drags=3, clicks=2, images=1, boxes=3)
    # the platelet first, as it was the last one
    assert second == Effort(keys=2 + 1 + 1, drags=2, clicks=1, images=1, boxes=2)
    assert empty == Effort(keys=1, images=1)
