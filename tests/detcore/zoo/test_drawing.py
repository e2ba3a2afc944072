"""The drawing of an outline: what stands where."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

from detcore.cli import main
from detcore.zoo.drawing import IMAGE, Box, Drawing, amount_text, draw, svg
from detcore.zoo.outline import Outline, Stage


def stage(role: str, channels: int, side: int, *, macs: int = 10, columns: int | None = None) -> Stage:
    return Stage(
        role=role,
        channels=channels,
        rows=side,
        columns=side if columns is None else columns,
        layers={"Conv2d": 2},
        parameters=1000,
        macs=macs,
    )


OUTLINE = Outline(
    model="toy",
    classes=3,
    height=64,
    width=64,
    parameters=6000,
    macs=100,
    values=1,
    stages=(
        stage("Backbone", 16, 32, macs=60),
        stage("Backbone", 64, 16),
        stage("Neck", 64, 16),
        stage("Heads", 7, 16),
        stage("Second stage", 20, 300, columns=1),
    ),
    links=((0, 1), (1, 2), (2, 3), (3, 4), (2, 4)),
)


@pytest.fixture
def drawing() -> Drawing:
    return draw(OUTLINE)


def box_of(drawing: Drawing, row: int) -> Box:
    return next(box for box in drawing.boxes if box.stage == row)


def test_columns_follow_the_roles_and_maps_of_one_size_stand_in_one_row(drawing: Drawing) -> None:
    assert [heading.role for heading in drawing.headings] == [
        "Image",
        "Backbone",
        "Neck",
        "Heads",
        "Second stage",
    ]
    image, fine, coarse, neck, head, regions = (box_of(drawing, row) for row in (IMAGE, 0, 1, 2, 3, 4))
    assert image.x < fine.x < neck.x < head.x < regions.x
    assert fine.middle[0] == coarse.middle[0]
    assert fine.y < coarse.y == neck.y == head.y < regions.y
    assert image.middle[1] == fine.middle[1]


def test_boxes_are_wider_with_channels_higher_with_places_and_never_overlap(drawing: Drawing) -> None:
    fine, coarse = box_of(drawing, 0), box_of(drawing, 1)
    assert fine.width < coarse.width
    assert fine.height > coarse.height
    assert fine.share == 0.6
    for one, other in combinations(drawing.boxes, 2):
        beside = one.x + one.width < other.x or other.x + other.width < one.x
        assert beside or one.y + one.height < other.y or other.y + other.height < one.y
    for box in drawing.boxes:
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= drawing.width
        assert box.y + box.height <= drawing.height


def test_arrows_go_from_box_to_box_and_what_reads_nothing_reads_the_image(drawing: Drawing) -> None:
    assert {(arrow.source, arrow.target) for arrow in drawing.arrows} == {(IMAGE, 0), *OUTLINE.links}
    for arrow in drawing.arrows:
        for row, (x, y) in ((arrow.source, arrow.points[0]), (arrow.target, arrow.points[3])):
            box = box_of(drawing, row)
            at_side = x in (box.x, box.x + box.width) and box.y <= y <= box.y + box.height
            at_end = y in (box.y, box.y + box.height) and box.x <= x <= box.x + box.width
            assert at_side or at_end


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00 K"),
        (12_345, "12.3 K"),
        (999_600, "1.00 M"),
        (340e6, "340 M"),
        (90.72e9, "90.7 G"),
    ],
)
def test_large_numbers_are_short(number: float, text: str) -> None:
    assert amount_text(number) == text


def test_the_picture_is_svg_with_every_shape() -> None:
    root = ElementTree.fromstring(svg(OUTLINE, "Toy & Co"))
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"3 × 64 × 64", "16 × 32 × 32", "64 × 16 × 16", "7 × 16 × 16", "20 × 300"} <= set(words)
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "Toy & Co"


def test_the_command_draws_a_detector(tmp_path: Path) -> None:
    file = tmp_path / "n.svg"
    assert main(["model-info", "reticle-n", "--image-size", "64", "--drawing", str(file)]) == 0
    told = file.read_text(encoding="utf-8")
    assert "8 × 32 × 32" in told  # 8 channels of the first convolution, with a stride of 2
    assert main(["model-info", "reticle-n", "--drawing", str(file.with_suffix(".png"))]) == 1
