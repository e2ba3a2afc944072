"""LabelMe's JSON of any age, and X-AnyLabeling's: what is drawn becomes boxes and comes out as it went in."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from detcore.formats import all_formats
from detcore.formats.base import DatasetBox
from detcore.formats.common.shapes import shape_of
from detcore.formats.labelme.reading import LABELME
from tests.detcore.formats.format_samples import box, dataset_of, save_image
from tests.detcore.formats.json_samples import Json, boxes, labelme, read, shape, write

TURNED = {"shape_type": "rotation", "points": [[40, 10], [55, 30], [51, 33], [36, 13]], "direction": 0.9273}
SHAPES: list[tuple[Json, tuple[float, ...], str | None]] = [
    ({"points": [[30, 40], [10, 20.5]]}, (10, 20.5, 30, 40), None),
    ({"points": [[10, 20], [30, 20], [30, 40], [10, 40]]}, (10, 20, 30, 40), None),
    ({"shape_type": "polygon", "points": [[10, 20], [30, 25], [15, 60]]}, (10, 20, 30, 60), "polygon"),
    # A point on the circle is 3 to the right of its centre and 4 below: the radius is 5.
    ({"shape_type": "circle", "points": [[50, 40], [53, 44]]}, (45, 35, 55, 45), "ellipse"),
    (TURNED, (36, 10, 55, 33), "rotated"),
    ({"shape_type": "line", "points": [[10, 20], [30, 40]]}, (10, 20, 30, 40), "line"),
    ({"shape_type": "linestrip", "points": [[10, 20], [30, 40], [20, 60]]}, (10, 20, 30, 60), "line"),
    ({"shape_type": "points", "points": [[10, 20], [30, 40]]}, (10, 20, 30, 40), "points"),
    # The last pixel of the mask counts.
    ({"shape_type": "mask", "points": [[10, 20], [29, 39]], "mask": "iVBORw"}, (10, 20, 30, 40), None),
    ({"shape_type": "cuboid", "points": [[10, 20], [30, 20], [35, 45]]}, (10, 20, 35, 45), "polygon"),
]
ANYLABELING = {"score": 0.5, "difficult": True, "attributes": {"colour": "red"}, "kie_linking": [[1, 2]]}


def export(folder: Path, out: Path) -> Json:
    dataset, _ = LABELME.read(folder)
    LABELME.write(dataset, out)
    return json.loads((out / "a.json").read_text())


@pytest.mark.parametrize(("drawn", "bounds", "kind"), SHAPES)
def test_whatever_is_drawn_becomes_the_box_around_it_and_comes_out_as_it_was(
    drawn: Json, bounds: tuple[float, ...], kind: str | None, tmp_path: Path
):
    told = shape(**drawn)
    dataset, problems = read("labelme", write(tmp_path / "in", labelme(told)))
    assert problems == []
    assert boxes(dataset) == [("cat", pytest.approx(bounds))]
    found = shape_of(dataset.images[0].boxes[0])
    assert (found and found.kind) == kind
    (after,) = export(tmp_path / "in", tmp_path / "out")["shapes"]
    assert {key: after[key] for key in told} == told


def test_an_untouched_file_goes_out_with_all_that_it_came_with(tmp_path: Path):
    point = shape(shape_type="point", points=[[5, 6]], group_id=3)
    shapes = [
        point,
        shape(**ANYLABELING, group_id=3, description="left", flags={"truncated": True, "blurred": False}),
        shape(label="", note=1),
    ]
    told = labelme(*shapes, flags={"day": True}, checked=True, description="x", lineColor=[0, 255, 0, 128])
    after = export(write(tmp_path / "in", told), tmp_path / "out")
    assert [
        {key: item[key] for key in before} for item, before in zip(after["shapes"], shapes, strict=True)
    ] == shapes
    assert after["flags"].pop("verified")
    assert {key: after[key] for key in told if key != "shapes"} == {
        key: told[key] for key in told if key != "shapes"
    }
    assert (tmp_path / "out/a.jpg").is_file()


def test_flags_and_difficult_are_those_of_the_box(tmp_path: Path):
    told = [shape(difficult=True), shape(flags={"occluded": True, "truncated": False, "day": True})]
    dataset, _ = read("labelme", write(tmp_path, labelme(*told)))
    first, second = dataset.images[0].boxes
    assert (first.difficult, first.occluded) == (True, False)
    assert (second.difficult, second.occluded, second.truncated) == (False, True, False)


@pytest.mark.parametrize(
    ("fields", "verified"), [({"checked": True}, True), ({"flags": {"verified": True}}, True), ({}, False)]
)
def test_a_checked_image_is_verified(fields: Json, verified: bool, tmp_path: Path):
    dataset, _ = read("labelme", write(tmp_path, labelme(shape(), **fields)))
    assert dataset.images[0].verified == verified


def test_files_of_old_have_no_kinds_of_shapes(tmp_path: Path):
    two = {"label": "cat", "points": [[30, 40], [10, 20]], "line_color": None, "fill_color": [1, 2, 3, 4]}
    three = {"label": "dog", "points": [[10, 20], [30, 25], [15, 60]], "line_color": None, "fill_color": None}
    told = {"shapes": [two, three], "imagePath": "a.jpg", "imageData": "AAAA", "lineColor": [0, 255, 0, 128]}
    dataset, problems = read("labelme", write(tmp_path, told))
    assert problems == []
    assert boxes(dataset) == [("cat", (10, 20, 30, 40)), ("dog", (10, 20, 30, 60))]
    assert dataset.images[0].boxes[0].extra["labelme"]["fill_color"] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "written", ["..\\images\\a.jpg", "C:\\Users\\me\\images\\a.jpg", "a.jpg", "../images/a.jpg"]
)
def test_the_image_is_found_by_whatever_path(written: str, tmp_path: Path):
    save_image(tmp_path / "images/a.jpg")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/x.json").write_text(json.dumps(labelme(shape(), imagePath=written)))
    dataset, problems = LABELME.read(tmp_path)
    assert [image.path for image in dataset.images] == [tmp_path / "images/a.jpg"]
    assert problems == []


@pytest.mark.parametrize("written", ["before it was renamed.jpg", "", None, 5])
def test_the_image_of_the_same_name_stands_in_for_one_that_is_not_there(written: Any, tmp_path: Path):
    dataset, _ = read("labelme", write(tmp_path, labelme(shape(), imagePath=written)))
    assert [image.path for image in dataset.images] == [tmp_path / "a.jpg"]


def test_an_image_without_a_file_beside_it_is_unseen(tmp_path: Path):
    write(tmp_path, labelme(shape()))
    save_image(tmp_path / "b.jpg")
    dataset, problems = LABELME.read(tmp_path)
    assert [(image.name, image.labelled) for image in dataset.images] == [("a.jpg", True), ("b.jpg", False)]
    assert "1 image without annotation" in problems[0].message


def test_outlines_drawn_before_the_rotation_of_the_image_are_turned_with_it(tmp_path: Path):
    save_image(tmp_path / "a.jpg", (40, 30), 6)
    polygon = shape(shape_type="polygon", points=[[5, 10], [15, 10], [5, 20]])
    dataset, _ = read("labelme", write(tmp_path, labelme(polygon, imageWidth=40, imageHeight=30)))
    # Shown it is 30 wide: a point at (x, y) goes to (30 - y, x).
    assert boxes(dataset) == [("cat", (10, 5, 20, 15))]
    found = shape_of(dataset.images[0].boxes[0])
    assert found is not None
    assert found.parts == (((20, 5), (20, 15), (10, 5)),)


def test_a_moved_box_is_drawn_as_a_box_and_keeps_what_else_was_said(tmp_path: Path):
    folder = write(
        tmp_path / "in", labelme(shape(**TURNED, **ANYLABELING), shape(shape_type="mask", mask="iVB"))
    )
    dataset, _ = LABELME.read(folder)
    (image,) = dataset.images
    moved = [dataclasses.replace(item, x2=item.x2 + 5) for item in image.boxes]
    LABELME.write(
        dataclasses.replace(dataset, images=[dataclasses.replace(image, boxes=moved)]), tmp_path / "out"
    )
    first, second = json.loads((tmp_path / "out/a.json").read_text())["shapes"]
    assert first["shape_type"] == second["shape_type"] == "rectangle"
    assert first["points"] == [[36, 10], [60, 33]]
    assert (first["attributes"], second["mask"]) == ({"colour": "red"}, None)
    assert "direction" not in first


def test_a_polygon_of_coco_goes_out_in_labelme_its_parts_joined_without_adding_to_its_area(tmp_path: Path):
    parts = [[10.0, 20.0, 20.0, 20.0, 20.0, 30.0], [30.0, 40.0, 40.0, 40.0, 40.0, 60.0]]
    kept = {"coco": {"segmentation": parts, "bbox": [10.0, 20.0, 30.0, 40.0]}}
    report = LABELME.write(
        dataset_of(tmp_path / "in", {"a.jpg": [box(0, 10, 20, 40, 60, extra=kept)]}, split=None),
        tmp_path / "out",
    )
    assert report.losses == ()
    (polygon,) = json.loads((tmp_path / "out/a.json").read_text())["shapes"]
    # There and back along the line from (10, 20) to (30, 40).
    first, second = [[10, 20], [20, 20], [20, 30]], [[30, 40], [40, 40], [40, 60]]
    assert polygon["points"] == [*first, [10, 20], *second, [30, 40]]


@pytest.mark.parametrize("moved", [0.0, 0.5])
def test_a_polygon_of_labelme_goes_out_in_coco_until_its_box_is_moved(moved: float, tmp_path: Path):
    polygon = shape(shape_type="polygon", points=[[10, 20], [30, 25], [15, 60]])
    dataset, _ = LABELME.read(write(tmp_path / "in", labelme(polygon)))
    (image,) = dataset.images
    found: list[DatasetBox] = [dataclasses.replace(item, x2=item.x2 + moved) for item in image.boxes]
    dataset = dataclasses.replace(dataset, images=[dataclasses.replace(image, boxes=found)])
    all_formats()["coco"].write(dataset, tmp_path / "out")
    (written,) = json.loads((tmp_path / "out/annotations/instances_default.json").read_text())["annotations"]
    assert written["segmentation"] == ([] if moved else [[10, 20, 30, 25, 15, 60]])
    again, _ = all_formats()["coco"].read(tmp_path / "out")
    outline = shape_of(again.images[0].boxes[0])
    assert (outline is None) == bool(moved)


def test_splits_are_folders_and_the_json_lies_beside_its_image(tmp_path: Path):
    dataset = dataset_of(tmp_path / "in", {"x/a.jpg": [box(0, 1, 2, 3, 4)], "y/a.jpg": []}, split="val")
    LABELME.write(dataset, tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out/val").iterdir())
    assert names == ["x__a.jpg", "x__a.json", "y__a.jpg", "y__a.json"]
    content = json.loads((tmp_path / "out/val/x__a.json").read_text())
    assert (content["imagePath"], content["imageData"]) == ("x__a.jpg", None)
    assert (content["imageWidth"], content["imageHeight"]) == (100, 80)


def test_an_image_that_is_only_inside_its_file_is_told_with_what_to_do(tmp_path: Path):
    (tmp_path / "a.json").write_text(json.dumps(labelme(shape(), imageData="AAAA")))
    dataset, problems = LABELME.read(tmp_path)
    assert (boxes(dataset), dataset.images[0].missing) == ([("cat", (10, 20, 30, 40))], True)
    assert any("save it as a.jpg beside it" in problem.message for problem in problems)
