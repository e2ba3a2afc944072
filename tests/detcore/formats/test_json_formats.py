"""What holds for each format of JSON: a box, its sniffing, and what is odd without costing another box."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detcore.errors import FormatError
from detcore.formats import all_formats, detect_format
from tests.detcore.formats.json_samples import (
    MAKERS,
    bdd_label,
    boxes,
    centred,
    read,
    region,
    result,
    shape,
    sly_object,
    write,
)

CAT = ("cat", (10, 20, 30, 40))
HUGE = 10**30
each = pytest.mark.parametrize("name", list(MAKERS))


@each
def test_a_box_is_read_and_the_file_is_recognised(name: str, tmp_path: Path):
    whole, item = MAKERS[name]
    folder = write(tmp_path, whole(item()))
    dataset, problems = read(name, folder)
    assert boxes(dataset) == [CAT]
    assert problems == []
    assert detect_format(folder) == detect_format(folder / "a.json") == name
    assert not dataset.images[0].verified


@each
def test_no_box_means_verified_and_an_image_without_labels_is_unseen(name: str, tmp_path: Path):
    whole, _ = MAKERS[name]
    write(tmp_path, whole())
    shutil.copy(tmp_path / "a.jpg", tmp_path / "b.jpg")
    dataset, _ = read(name, tmp_path)
    first, *others = dataset.images
    assert (first.labelled, first.verified, first.boxes) == (True, True, [])
    assert all(not image.labelled for image in others)


ODD_ITEMS: dict[str, list[Any]] = {
    "labelme": [
        shape(points=[[float("nan"), 20], [30, 40]]),
        shape(points=[[1e400, 20], [30, 40]]),
        shape(points="10 20"),
        shape(points=[[10, 20, 5]]),
        shape(label=None),
        shape(label={"a": 1}),
        shape(points=[[10**400, 1], [2, 3]]),
        shape(points=[[10, 20]], shape_type="point"),
        7,
    ],
    "label-studio": [
        result({"x": float("nan"), "y": 2, "width": 3, "height": 4, "rectanglelabels": ["cat"]}),
        result(id=[1], value={"x": 1, "y": 2, "width": 0, "height": 4, "rectanglelabels": ["cat"]}),
        result({"x": "a", "y": 2, "width": 3, "height": 4, "rectanglelabels": ["cat"]}),
        result({"x": 10, "y": 20, "width": 0.5, "keypointlabels": ["cat"]}),
        result({"points": [[1, 2], 3], "polygonlabels": ["cat"]}),
        result({"format": "rle", "rle": [0, 0, 1], "brushlabels": ["cat"]}),
        result({"x": 1, "y": 2, "radiusX": float("inf"), "radiusY": 2, "ellipselabels": ["cat"]}),
        "text",
    ],
    "createml": [
        centred(coordinates={"x": float("nan"), "y": 1, "width": 2, "height": 2}),
        centred(coordinates=[1, 2, 3, 4]),
        centred(coordinates={"x": 10**400, "y": 1, "width": 2, "height": 2}),
        centred(label=None),
        [],
    ],
    "via": [
        region({"name": "rect", "x": float("nan"), "y": 20, "width": 1, "height": 1}),
        region({"name": "rect", "x": 1}),
        region({"name": "circle", "cx": 1, "cy": [], "r": 3}),
        region({"name": "ellipse", "cx": 1, "cy": 2, "rx": 3, "ry": 4, "theta": 1e308}),
        region({"name": "polygon", "all_points_x": [1, 2], "all_points_y": [1]}),
        region({"name": "spline"}),
        region({"name": "point", "cx": 3, "cy": 4}),
        None,
    ],
    "bdd100k": [
        bdd_label(box2d={"x1": float("nan"), "y1": 1, "x2": 3, "y2": 4}),
        bdd_label(box2d=None),
        bdd_label(category=["cat"]),
        bdd_label(box2d=None, poly2d=[{"vertices": "x"}]),
        0.5,
    ],
    "supervisely": [
        sly_object(points={"exterior": [[float("nan"), 1], [2, 3]]}),
        sly_object(points=None),
        sly_object(classTitle=""),
        sly_object(geometryType="cuboid"),
        sly_object(geometryType="bitmap", bitmap={"data": "x", "origin": [1, 2]}),
        sly_object(geometryType="bitmap", bitmap={"data": "eJwDAAAAAAE=", "origin": [1, 2]}),
        sly_object(geometryType="bitmap"),
        True,
    ],
}


@pytest.mark.parametrize(("name", "odd"), [(name, odd) for name, items in ODD_ITEMS.items() for odd in items])
def test_what_is_no_box_is_reported_with_its_file_and_the_rest_is_read(name: str, odd: Any, tmp_path: Path):
    whole, item = MAKERS[name]
    dataset, problems = read(name, write(tmp_path, whole(odd, item())))
    assert boxes(dataset) == [CAT]
    assert tmp_path / "a.json" in {problem.path for problem in problems}


@pytest.mark.parametrize("edge", [1e308, HUGE, -1e308])
@pytest.mark.parametrize("name", list(MAKERS))
def test_a_box_that_reaches_far_out_is_clipped_and_told(name: str, edge: float, tmp_path: Path):
    corners = [[10, 20], [edge, 40]]
    item = {
        "labelme": shape(points=corners),
        "label-studio": result(
            {"x": 10, "y": 25, "width": edge / 100, "height": 25, "rectanglelabels": ["cat"]}
        ),
        "createml": centred(coordinates={"x": 20, "y": 30, "width": edge, "height": 20}),
        "via": region({"name": "rect", "x": 10, "y": 20, "width": edge, "height": 20}),
        "bdd100k": bdd_label(box2d={"x1": 10, "y1": 20, "x2": edge, "y2": 40}),
        "supervisely": sly_object(points={"exterior": corners}),
    }[name]
    dataset, problems = read(name, write(tmp_path, MAKERS[name][0](item)))
    ((_, found),) = boxes(dataset)
    assert (found[1], found[3]) == (20, 40)
    assert found[2] == (10 if edge < 0 and name != "createml" else 100)
    assert "clipped" in problems[0].message


@each
@pytest.mark.parametrize(
    "broken",
    ["[" * 100_000, '{"a": ' * 100_000, "{", "null", "", "7", '[{"id": ' + "9" * 5000 + "}]", '{"x": []}'],
)
def test_a_file_that_is_none_is_reported_and_the_others_read(name: str, broken: str, tmp_path: Path):
    whole, item = MAKERS[name]
    write(tmp_path, whole(item()))
    write(tmp_path, broken, "broken.json")
    dataset, problems = read(name, tmp_path)
    assert boxes(dataset) == [CAT]
    assert {problem.path.name for problem in problems} <= {"broken.json"}
    assert problems or broken == "null"
    (tmp_path / "a.json").unlink()
    with pytest.raises(FormatError, match="here"):
        read(name, tmp_path)


@each
def test_numbers_of_any_size_beside_the_labels_are_only_kept(name: str, tmp_path: Path):
    whole, item = MAKERS[name]
    dataset, _ = read(name, write(tmp_path, whole(item(id=HUGE, note=float("inf")))))
    assert boxes(dataset) == [CAT]
    json.dumps([box.extra for box in dataset.images[0].boxes], allow_nan=False)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def mutated(draw: st.DrawFn, content: Any) -> Any:
    """The content with values anywhere in it replaced."""
    if draw(st.integers(0, 12)) == 0:
        return draw(values)
    if isinstance(content, dict):
        return {key: draw(mutated(value)) for key, value in content.items()}
    if isinstance(content, list):
        return [draw(mutated(value)) for value in content]
    return content


@each
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_values_in_a_file_give_labels_or_a_refusal(name: str, data: st.DataObject, tmp_path: Path):
    whole, item = MAKERS[name]
    home = Path(tempfile.mkdtemp(dir=tmp_path))
    folder = home / "in"
    write(folder, data.draw(mutated(whole(item(), item()))))
    detect_format(folder)
    try:
        dataset, _ = read(name, folder)
    except FormatError:
        return
    for image in dataset.images:
        for box in image.boxes:
            assert 0 <= box.x1 < box.x2 <= 100
            assert 0 <= box.y1 < box.y2 <= 80
    spec = all_formats()[name]
    if spec.writer is not None:
        spec.write(dataset, home / "out")
        again, _ = spec.read(home / "out")
        assert again.box_count == dataset.box_count
