"""VGG Image Annotator: regions of any shape, and which of their attributes is the class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from detcore.formats import detect_format
from detcore.formats.common.shapes import shape_of
from detcore.formats.via import VIA, ViaReading
from tests.detcore.formats.json_samples import Json, boxes, read, region, via, write

CIRCLE = {"name": "circle", "cx": 50, "cy": 40, "r": 5}


@pytest.mark.parametrize(
    ("drawn", "bounds", "kind"),
    [
        ({"name": "rect", "x": 10, "y": 20, "width": 5, "height": 7}, (10, 20, 15, 27), None),
        (CIRCLE, (45, 35, 55, 45), "ellipse"),
        ({"name": "ellipse", "cx": 50, "cy": 40, "rx": 20, "ry": 10}, (30, 30, 70, 50), "ellipse"),
        # A quarter turn swaps the radii; one eighth gives the root of (20² + 10²) / 2, which is 15.811.
        ({"name": "ellipse", "cx": 50, "cy": 40, "rx": 20, "ry": 10, "theta": 1.5707963267948966}, (40, 20, 60, 60), "ellipse"),
        (
            {"name": "ellipse", "cx": 50, "cy": 40, "rx": 20, "ry": 10, "theta": 0.7853981633974483},
            (34.18861, 24.18861, 65.81139, 55.81139),
            None,
        ),
        ({"name": "polygon", "all_points_x": [10, 30, 15], "all_points_y": [20, 25, 60]}, (10, 20, 30, 60), "polygon"),
        ({"name": "polyline", "all_points_x": [10, 30], "all_points_y": [20, 60]}, (10, 20, 30, 60), "line"),
    ],
)  # fmt: skip
def test_every_region_becomes_the_box_around_it(
    drawn: Json, bounds: tuple[float, ...], kind: str | None, tmp_path: Path
):
    dataset, problems = read("via", write(tmp_path, via(region(drawn))))
    assert boxes(dataset) == [("cat", pytest.approx(bounds, abs=1e-5))]
    found = shape_of(dataset.images[0].boxes[0])
    assert (found and found.kind) == kind
    assert problems == []


def test_version_1_counts_its_regions(tmp_path: Path):
    content = via(
        regions={"0": region(), "1": region(CIRCLE, name="dog")}, base64_img_data="AAAA", fileref=""
    )
    dataset, problems = read("via", write(tmp_path, content))
    assert [name for name, _ in boxes(dataset)] == ["cat", "dog"]
    assert problems == []


def project(*regions: Json, **attributes: Any) -> Json:
    return {
        "_via_settings": {"core": {}},
        "_via_img_metadata": via(*regions),
        "_via_attributes": {"region": attributes, "file": {}},
        "_via_data_format_version": "2.0.10",
    }


def test_the_attribute_with_options_is_the_class_and_that_is_told(tmp_path: Path):
    kind = {"type": "dropdown", "options": {"cat": "", "dog": ""}, "default_options": {}}
    content = project(
        region(note="left", kind="dog", name="Rex"),
        region(note="right", kind="cat", name="Tom"),
        note={"type": "text"},
        kind=kind,
    )
    dataset, problems = read("via", write(tmp_path, content))
    assert [name for name, _ in boxes(dataset)] == ["dog", "cat"]
    assert [problem.message for problem in problems] == [
        "the attribute “kind” was taken for the class; others are “note”, “name”"
    ]
    assert dataset.images[0].boxes[0].extra["via"]["region_attributes"] == {"note": "left", "name": "Rex"}


def test_without_options_it_is_the_one_that_most_regions_have(tmp_path: Path):
    regions = [region(name="", quality="good"), region(name="", quality="bad"), region(name="cat")]
    dataset, problems = read("via", write(tmp_path, via(*regions)))
    assert [name for name, _ in boxes(dataset)] == ["good", "bad", "object"]
    assert "“quality” was taken" in problems[0].message
    assert "without a value of “quality”: of the class “object”" in problems[1].message


def test_the_attribute_can_be_named(tmp_path: Path):
    folder = write(tmp_path, via(region(name="", quality="good"), region(name="cat", quality="bad")))
    dataset, _ = VIA.read(folder, options=ViaReading(attribute="name"))
    assert [name for name, _ in boxes(dataset)] == ["object", "cat"]


def test_regions_without_attributes_are_of_one_class(tmp_path: Path):
    dataset, problems = read("via", write(tmp_path, via({**region(), "region_attributes": {}})))
    assert boxes(dataset) == [("object", (10, 20, 30, 40))]
    assert [problem.message for problem in problems] == [
        "the regions have no attributes: all are of the class “object”"
    ]


def test_a_ticked_box_and_flags_are_understood(tmp_path: Path):
    content = via(region(name={"cat": False, "dog": True}, occluded="yes", truncated="0"))
    dataset, _ = read("via", write(tmp_path, content))
    (found,) = dataset.images[0].boxes
    assert (boxes(dataset)[0][0], found.occluded, found.truncated) == ("dog", True, False)


def test_version_3_has_views_of_files_and_numbers_for_shapes_and_options(tmp_path: Path):
    options = {"7": "cat", "8": "dog"}
    said = {
        "note": {"aname": "note", "type": 1, "options": {}},
        "kind": {"aname": "kind", "type": 4, "options": options},
    }
    metadata = {
        "m1": {"vid": "1", "z": [], "xy": [2, 10, 20, 20, 20], "av": {"note": "left", "kind": "7"}},
        "m2": {"vid": "1", "z": [], "xy": [7, 10, 20, 30, 25, 15, 60], "av": {"kind": "8"}},
        "m3": {"vid": "1", "z": [1.5, 2.5], "xy": [], "av": {"kind": "8"}},
        "m4": {"vid": "9", "z": [], "xy": [3, 50, 40, 5], "av": {"kind": "8"}},
    }
    content = {
        "project": {"pid": "__VIA_PROJECT_ID__", "vid_list": ["1"]},
        "config": {},
        "attribute": said,
        "file": {"4": {"fid": "4", "fname": "a.jpg", "type": 2, "src": ""}},
        "metadata": metadata,
        "view": {"1": {"fid_list": ["4"]}, "2": {"fid_list": []}},
    }
    folder = write(tmp_path, content)
    dataset, problems = read("via", folder)
    assert detect_format(folder) == "via"
    assert boxes(dataset) == [("cat", (10, 20, 30, 40)), ("dog", (10, 20, 30, 60))]
    assert dataset.images[0].boxes[0].extra["via"]["region_attributes"] == {"note": "left"}
    assert [problem.message for problem in problems] == [
        "the attribute “kind” was taken for the class; others are “note”"
    ]
