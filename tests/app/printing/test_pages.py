"""What stands on which page, and how wide the columns of a table are."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QPainter

from app.printing.blocks import Columns, Flowing, Stack
from app.printing.pages import paginate
from app.printing.tables import fit_columns


class Bar:
    """A block of one height."""

    def __init__(self, height: float) -> None:
        self._height = height

    def height(self, width: float) -> float:
        return self._height

    def paint(self, painter: QPainter, x: float, y: float, width: float) -> None:
        raise AssertionError("nothing is painted here")


def places(flow: list[Flowing], height: float = 100.0) -> list[list[tuple[float, float]]]:
    """Of each page the tops and heights of its blocks."""
    pages = paginate(flow, width=50.0, height=height)
    return [[(one.y, one.block.height(50.0)) for one in page] for page in pages]


def test_a_block_that_does_not_fit_goes_to_the_next_page_whole_and_without_the_space_above_it() -> None:
    flow = [
        Flowing(block=Bar(60.0)),
        Flowing(block=Bar(30.0), space=10.0),
        Flowing(block=Bar(40.0), space=10.0),
    ]
    assert places(flow) == [[(0.0, 60.0), (70.0, 30.0)], [(0.0, 40.0)]]


def test_a_heading_goes_with_what_it_is_about() -> None:
    flow = [
        Flowing(block=Bar(70.0)),
        Flowing(block=Bar(10.0), space=5.0, with_next=True),
        Flowing(block=Bar(20.0), space=5.0),
    ]
    assert places(flow) == [[(0.0, 70.0)], [(0.0, 10.0), (15.0, 20.0)]]


def test_a_table_that_goes_on_has_its_heading_again() -> None:
    head = Bar(10.0)
    rows = [Flowing(block=Bar(30.0), head=head) for _ in range(5)]
    flow = [Flowing(block=head, with_next=True), *rows]
    assert places(flow) == [
        [(0.0, 10.0), (10.0, 30.0), (40.0, 30.0), (70.0, 30.0)],
        [(0.0, 10.0), (10.0, 30.0), (40.0, 30.0)],
    ]


def test_what_is_higher_than_a_page_has_one_to_itself() -> None:
    flow = [Flowing(block=Bar(20.0)), Flowing(block=Bar(130.0)), Flowing(block=Bar(20.0))]
    assert places(flow) == [[(0.0, 20.0)], [(0.0, 130.0)], [(0.0, 20.0)]]


def test_blocks_in_a_stack_and_in_columns_are_as_high_as_together_they_are() -> None:
    stack = Stack([Flowing(block=Bar(10.0), space=99.0), Flowing(block=Bar(20.0), space=5.0)])
    assert stack.height(50.0) == 35.0
    assert Columns([stack, Bar(60.0)], count=2, gap=4.0).height(50.0) == 60.0


@pytest.mark.parametrize(
    ("natural", "roomy", "expected"),
    [
        ([1000.0, 500.0, 500.0], None, [2000.0, 1000.0, 1000.0]),
        ([1000.0, 500.0, 500.0], 1, [1000.0, 2500.0, 500.0]),
        ([9000.0, 500.0, 500.0], None, [3000.0, 500.0, 500.0]),
        ([9000.0, 500.0, 8000.0], None, [1750.0, 500.0, 1750.0]),
    ],
    ids=["room for all", "one takes it", "the widest gives way", "the two widest give way"],
)
def test_columns_fill_the_width(natural: list[float], roomy: int | None, expected: list[float]) -> None:
    assert fit_columns(natural, 4000.0, roomy=roomy) == pytest.approx(expected, abs=0.01)
