"""What stands on which page, and how wide the columns of a table are."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QPainter

from app.printing.blocks import Columns, Flowing, Stack
from app.printing.report_pdf import paginate
from app.printing.tables import fit_columns, narrow_rows


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
    pages = paginate([flow], width=50.0, height=height)
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


def sections(*heights: float) -> list[list[Flowing]]:
    return [[Flowing(block=Bar(height), space=10.0)] for height in heights]


def section_heights(parts: list[list[Flowing]]) -> list[list[float]]:
    pages = paginate(parts, width=50.0, height=100.0)
    return [[one.block.height(50.0) for one in page] for page in pages]


def test_a_section_that_fits_whole_fills_the_page_that_another_has_to_leave() -> None:
    # 60 + 10 + 30 fill the page that 70 does not fit on; 25 stands below 70 after it
    assert section_heights(sections(60.0, 70.0, 30.0, 15.0, 5.0)) == [[60.0, 30.0], [70.0, 15.0], [5.0]]


def test_what_comes_last_stays_last_and_what_fits_in_turn_stays_in_turn() -> None:
    assert section_heights(sections(60.0, 70.0, 20.0)) == [[60.0], [70.0, 20.0]]
    assert section_heights(sections(20.0, 20.0, 20.0, 90.0)) == [[20.0, 20.0, 20.0], [90.0]]
    # too far on to come forward
    assert section_heights(sections(60.0, 80.0, 81.0, 82.0, 83.0, 20.0, 5.0))[0] == [60.0]


def test_only_a_whole_section_comes_forward() -> None:
    long = [Flowing(block=Bar(20.0), space=10.0) for _ in range(3)]
    parts = [*sections(60.0, 70.0), long, *sections(5.0)]
    assert section_heights(parts)[:2] == [[60.0], [70.0, 20.0]]


class Cell(Bar):
    """A cell of one width."""

    def __init__(self, width: float) -> None:
        super().__init__(10.0)
        self._natural = width

    def natural_width(self) -> float:
        return self._natural


@pytest.mark.parametrize(("name", "number", "lines"), [(2000.0, 100.0, 4), (100.0, 1500.0, 7)])
def test_short_rows_stand_side_by_side_where_their_numbers_have_room(
    name: float, number: float, lines: int
) -> None:
    rows = [[Cell(name), Cell(number), Cell(number)] for _ in range(7)]
    head, *flow = narrow_rows(rows[0], rows, width=5000.0, gap=200.0)
    # seven rows, two to a line but for the last
    assert len(flow) == lines
    assert head.with_next
    assert all(line.head is head.block for line in flow)


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
