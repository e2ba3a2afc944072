"""CVAT's XML: what it draws becomes boxes, and what it says besides is there again after an export."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from xml.etree import ElementTree

import pytest

from detcore.errors import FormatError
from detcore.formats.base import Dataset, DatasetImage, Problem
from detcore.formats.common.shapes import shape_of
from detcore.formats.cvat.reading import CVAT
from tests.detcore.formats.format_samples import save_image

META = (
    "<meta><task><id>7</id><name>cells</name><labels><label><name>dog</name><color>#112233</color><attributes>"
    "<attribute><name>breed</name><mutable>False</mutable><input_type>text</input_type></attribute></attributes>"
    "</label><label><name>cat</name><color>#445566</color><type>any</type></label></labels></task>"
    "<dumped>2024-05-01</dumped></meta>"
)
BOX = '<box label="cat" source="manual" occluded="1" xtl="10" ytl="20" xbr="30.5" ybr="40" z_order="2">'


def write(folder: Path, *figures: str, meta: str = META, image: str = "", rest: str = "") -> Path:
    save_image(folder / "images/a.jpg")
    head = f'<image id="3" name="a.jpg" width="100" height="80"{image}>'
    text = f"<annotations><version>1.1</version>{meta}{head}{''.join(figures)}</image>{rest}</annotations>"
    (folder / "annotations.xml").write_text(text, encoding="utf-8")
    return folder


def read(folder: Path) -> tuple[Dataset, DatasetImage, list[Problem]]:
    dataset, problems = CVAT.read(folder)
    (image,) = dataset.images
    return dataset, image, problems


def elements(path: Path) -> list[tuple[str, dict[str, str], str]]:
    """Tag, attributes (numbers as numbers) and text of all elements, in their order."""

    def value(text: str) -> object:
        try:
            return float(text)
        except ValueError:
            return text

    return [
        (node.tag, {key: value(text) for key, text in node.attrib.items()}, (node.text or "").strip())
        for node in ElementTree.parse(path).iter()
    ]


def test_boxes_keep_their_edges_flags_and_the_order_of_labels(tmp_path: Path):
    dataset, image, problems = read(write(tmp_path, BOX + '<attribute name="breed">Tabby</attribute></box>'))
    assert [item.name for item in dataset.classes] == ["dog", "cat"]
    (box,) = image.boxes
    assert (box.label, box.xyxy, box.occluded, box.difficult) == (1, (10, 20, 30.5, 40), True, False)
    assert (image.width, image.height, image.verified, problems) == (100, 80, False, [])


# Corners of a box of 40 by 20 about (50, 40), turned by a right angle: 20 by 40. By 30 degrees its half sides are
# 20 cos 30 + 10 sin 30 and 20 sin 30 + 10 cos 30; those of an ellipse the roots of (20 cos 30)² + (10 sin 30)² and
# (20 sin 30)² + (10 cos 30)².
COS, SIN = math.sqrt(3) / 2, 0.5
TURNED = (20 * COS + 10 * SIN, 20 * SIN + 10 * COS)
OVAL = (math.hypot(20 * COS, 10 * SIN), math.hypot(20 * SIN, 10 * COS))


@pytest.mark.parametrize(
    ("figure", "bounds", "kind"),
    [
        (
            '<box label="cat" xtl="30" ytl="30" xbr="70" ybr="50" rotation="90.00"/>',
            (40, 20, 60, 60),
            "rotated",
        ),
        (
            '<box label="cat" xtl="30" ytl="30" xbr="70" ybr="50" rotation="30"/>',
            (50 - TURNED[0], 40 - TURNED[1], 50 + TURNED[0], 40 + TURNED[1]),
            "rotated",
        ),
        ('<polygon label="cat" points="10,20;30.5,22;15,40"/>', (10, 20, 30.5, 40), "polygon"),
        ('<polyline label="cat" points="10,20;30,22"/>', (10, 20, 30, 22), "line"),
        ('<points label="cat" points="10,20;30,22"/>', (10, 20, 30, 22), "points"),
        ('<ellipse label="cat" cx="50" cy="40" rx="20" ry="10"/>', (30, 30, 70, 50), "ellipse"),
        (
            '<ellipse label="cat" cx="50" cy="40" rx="20" ry="10" rotation="30"/>',
            (50 - OVAL[0], 40 - OVAL[1], 50 + OVAL[0], 40 + OVAL[1]),
            None,
        ),
        ('<mask label="cat" rle="1, 2, 3" left="5" top="6" width="3" height="2"/>', (5, 6, 8, 8), None),
        (
            '<skeleton label="cat"><points label="nose" outside="0" points="5,6"/>'
            '<points label="tail" outside="0" points="15,26"/><points label="ear" outside="1" points="90,70"/></skeleton>',
            (5, 6, 15, 26),
            "points",
        ),
    ],
)
def test_every_figure_becomes_the_box_around_it_and_comes_out_as_it_went_in(
    tmp_path: Path, figure: str, bounds: tuple[float, ...], kind: str | None
):
    folder = write(tmp_path / "in", figure)
    dataset, image, problems = read(folder)
    assert problems == []
    (box,) = image.boxes
    assert box.xyxy == pytest.approx(bounds)
    shape = shape_of(box)
    assert (shape and shape.kind) == kind
    CVAT.write(dataset, tmp_path / "out")
    figures = [
        ElementTree.parse(path / "annotations.xml").find("image")[0] for path in (folder, tmp_path / "out")
    ]
    before, after = ({**node.attrib, "occluded": "0"} for node in figures)
    assert figures[0].tag == figures[1].tag
    assert before.keys() == after.keys()
    for key, text in before.items():
        if key in {"label", "points", "rle"}:
            assert after[key].replace(".0", "") == text
        else:
            assert float(after[key]) == pytest.approx(float(text), abs=1e-5)
    assert [node.attrib for node in figures[0]] == [node.attrib for node in figures[1]]


def test_outlines_drawn_before_the_exif_rotation_are_turned_with_the_image(tmp_path: Path):
    save_image(
        tmp_path / "a.jpg", (100, 60), orientation=6
    )  # shown as 60 by 100: x becomes y, y becomes 60 - x
    figures = '<polygon label="cat" points="30,10;70,10;70,20"/><ellipse label="cat" cx="50" cy="30" rx="20" ry="10"/>'
    image = f'<image name="a.jpg" width="100" height="60">{figures}</image>'
    (tmp_path / "a.xml").write_text(f"<annotations>{image}</annotations>")
    _, image, problems = read(tmp_path)
    assert "EXIF" in problems[0].message
    assert [box.xyxy for box in image.boxes] == [(40, 30, 50, 70), (20, 30, 40, 70)]
    assert [shape_of(box).parts for box in image.boxes] == [
        (((50, 30), (50, 70), (40, 70)),),
        (((30, 50), (10, 20)),),
    ]


def test_an_untouched_set_goes_out_with_all_that_it_came_with(tmp_path: Path):
    figures = [
        BOX
        + '<attribute name="breed">Tabby &amp; co</attribute><attribute name="difficult">false</attribute></box>',
        '<polygon label="dog" source="auto" occluded="0" points="1,2;30,4;5,60" z_order="1" group_id="4"/>',
        '<tag label="dog" source="manual"><attribute name="weather">fog</attribute></tag>',
        '<points label="" points="7,8" z_order="0"/>',
    ]
    folder = write(tmp_path / "in", *figures, image=' subset="Validation" task_id="7"')
    dataset, image, problems = read(folder)
    assert (image.split, len(image.boxes)) == ("val", 2)
    assert [problem.message for problem in problems] == ["<points> without a label: left out"]
    report = CVAT.write(dataset, tmp_path / "out")
    assert report.losses == ()
    assert (tmp_path / "out/images/Validation/a.jpg").is_file()
    before, after = (elements(path / "annotations.xml") for path in (folder, tmp_path / "out"))
    before = [(tag, {"occluded": 0.0} | at if tag == "points" else at, text) for tag, at, text in before]
    after = [(tag, {"occluded": 0.0} | at if tag == "points" else at, text) for tag, at, text in after]
    assert after == before


def test_a_changed_box_leaves_its_outline_behind_and_says_so(tmp_path: Path):
    dataset, image, _ = read(
        write(tmp_path / "in", '<polygon label="cat" points="10,20;30,22;15,40" z_order="5"/>')
    )
    moved = [dataclasses.replace(image.boxes[0], x1=12.0)]
    changed = dataclasses.replace(dataset, images=[dataclasses.replace(image, boxes=moved)])
    report = CVAT.write(changed, tmp_path / "out")
    assert report.losses == ("1 box was changed after the outline was drawn: written without it.",)
    (node,) = ElementTree.parse(tmp_path / "out/annotations.xml").find("image")
    assert node.tag == "box"
    edges = {"xtl": "12", "ytl": "20", "xbr": "30", "ybr": "40"}
    assert node.attrib == {"label": "cat", "occluded": "0", "z_order": "5", **edges}


def test_flags_without_a_field_are_attributes_that_the_labels_declare(tmp_path: Path):
    dataset, image, _ = read(
        write(tmp_path / "in", BOX + '<attribute name="truncated">true</attribute></box>')
    )
    assert image.boxes[0].truncated
    flagged = [dataclasses.replace(image.boxes[0], truncated=False, crowd=True)]
    changed = dataclasses.replace(dataset, images=[dataclasses.replace(image, boxes=flagged)])
    CVAT.write(changed, tmp_path / "out")
    root = ElementTree.parse(tmp_path / "out/annotations.xml")
    assert [(node.get("name"), node.text) for node in root.find("image")[0]] == [
        ("truncated", "false"),
        ("crowd", "true"),
    ]
    declared = [[item.findtext("name") for item in label.iter("attribute")] for label in root.iter("label")]
    assert declared == [["breed", "crowd"], ["crowd"]]


def test_subsets_with_images_of_one_name_are_kept_apart(tmp_path: Path):
    for subset in ("Train", "Test"):
        save_image(tmp_path / "in/images" / subset / "a.jpg")
    images = "".join(
        f'<image id="0" name="a.jpg" subset="{subset}" task_id="{number}" width="100" height="80"/>'
        for number, subset in enumerate(("Train", "Test"))
    )
    (tmp_path / "in/annotations.xml").write_text(f"<annotations>{images}</annotations>")
    dataset, problems = CVAT.read(tmp_path / "in")
    assert problems == []
    assert [(image.name, image.split, image.verified) for image in dataset.images] == [
        ("Test/a.jpg", "test", True),
        ("Train/a.jpg", "train", True),
    ]
    CVAT.write(dataset, tmp_path / "out")
    found = ElementTree.parse(tmp_path / "out/annotations.xml").findall("image")
    assert sorted((node.get("name"), node.get("subset"), node.get("id")) for node in found) == [
        ("a.jpg", "Test", "0"),
        ("a.jpg", "Train", "0"),
    ]


def test_a_video_gives_the_boxes_that_stand_in_it_frame_by_frame(tmp_path: Path):
    for number in (0, 1, 2):
        save_image(tmp_path / f"images/frame_{number:06d}.png")
    edges = 'xtl="10" ytl="20" xbr="30" ybr="40"'
    boxes = [
        f'<box frame="{n}" outside="{int(n == 2)}" keyframe="1" occluded="0" {edges}/>' for n in (0, 1, 2)
    ]
    size = "<original_size><width>100</width><height>80</height></original_size>"
    text = f'<meta><task>{size}</task></meta><track id="0" label="cat">{"".join(boxes)}</track>'
    (tmp_path / "a.xml").write_text(f"<annotations>{text}</annotations>")
    dataset, problems = CVAT.read(tmp_path)
    assert [(image.path.name, len(image.boxes), image.labelled) for image in dataset.images] == [
        ("frame_000000.png", 1, True),
        ("frame_000001.png", 1, True),
        ("frame_000002.png", 0, False),
    ]
    assert "nothing is put between them" in problems[0].message


@pytest.mark.parametrize(
    ("figure", "complaint"),
    [
        (
            '<box label="cat" xtl="x" ytl="2" xbr="3" ybr="4"/>',
            "<box> of 'cat': xtl is 'x', no number: left out",
        ),
        (
            '<box label="cat" xtl="1" ytl="2" xbr="nan" ybr="4"/>',
            "a coordinate is not a number: box left out",
        ),
        ('<polygon label="cat" points="1,2;3"/>', "<polygon> of 'cat': '3' is no point: left out"),
        ('<points label="cat" points="1,2"/>', "box without area (1, 2, 1, 2): left out"),
        ('<box xtl="1" ytl="2" xbr="3" ybr="4"/>', "<box> without a label: left out"),
    ],
)
def test_what_is_no_box_is_left_out_by_line_and_the_rest_is_read(tmp_path: Path, figure: str, complaint: str):
    _, image, problems = read(write(tmp_path, f"\n{figure}", f"{BOX}</box>"))
    assert len(image.boxes) == 1
    assert [(problem.message, problem.line) for problem in problems] == [(complaint, 2)]


def test_a_file_that_ends_early_gives_what_is_whole_and_is_not_taken_for_empty(tmp_path: Path):
    folder = write(tmp_path, BOX + "</box>", rest='<image id="4" name="b.jpg" width="100" height="80">')
    save_image(tmp_path / "images/b.jpg")
    path = folder / "annotations.xml"
    path.write_text(path.read_text()[: -len("</annotations>")])
    dataset, problems = CVAT.read(folder)
    assert [(image.name, image.labelled, image.verified, len(image.boxes)) for image in dataset.images] == [
        ("a.jpg", True, False, 1),
        ("b.jpg", False, False, 0),
    ]
    assert "broken XML" in problems[0].message


def test_entities_are_refused(tmp_path: Path):
    (tmp_path / "a.xml").write_text(
        '<!DOCTYPE a [<!ENTITY b "c">]><annotations><image name="&b;"/></annotations>'
    )
    with pytest.raises(FormatError, match="declares entities"):
        CVAT.read(tmp_path)
