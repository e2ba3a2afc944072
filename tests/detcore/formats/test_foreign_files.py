"""Files that anybody may have written cannot harm: what is odd is reported, and nothing leaves its folder."""

from __future__ import annotations

import json
import math
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detcore.errors import FormatError
from detcore.exchange import ImportOptions, ImportReport, export_dataset, import_dataset
from detcore.formats import all_formats
from detcore.formats.base import Dataset, ExportOptions
from detcore.formats.common.staging import Staging
from detcore.project.project import Project
from tests.detcore.formats.format_samples import WRITABLE, box, dataset_of, hashes, save_image

COCO_KEYS = (
    "info",
    "licenses",
    "license",
    "attributes",
    "segmentation",
    "area",
    "iscrowd",
    "ignore",
    "supercategory",
)


def marked_export(tmp_path: Path, mark: dict[str, Any]) -> Dataset:
    """A YOLO export read back after somebody changed what its sidecar says of the image."""
    out = tmp_path / "foreign"
    all_formats()["yolo"].write(dataset_of(tmp_path / "in", {"a.jpg": [box(0, 1, 2, 30, 40)]}), out)
    path = out / "reticle.json"
    content = json.loads(path.read_text())
    content["images"]["images/train/a.jpg"] |= mark
    path.write_text(json.dumps(content))
    return all_formats()["yolo"].read(out)[0]


@pytest.mark.parametrize("split", ["../../../escaped", "..", "/tmp", "a/b", 3, ["train"], {}])
def test_a_sidecar_cannot_name_splits_that_are_none(split: Any, tmp_path: Path):
    (image,) = marked_export(tmp_path, {"split": split}).images
    assert image.split == "train"  # that of the folder


@pytest.mark.parametrize("boxes", [[3], 3, None, {"line": 1}, ["0 1 2 3 4"], [[]]])
def test_a_sidecar_with_senseless_boxes_is_passed_over(boxes: Any, tmp_path: Path):
    (image,) = marked_export(tmp_path, {"boxes": boxes, "verified": "perhaps"}).images
    assert len(image.boxes) == 1
    assert not image.verified


@pytest.mark.parametrize("content", [{"images": [3]}, {"images": {"a": 3}}, {"yaml": 3}, {"files": 3}])
def test_a_sidecar_of_the_wrong_shape_does_not_stop_the_import(content: dict[str, Any], tmp_path: Path):
    out = tmp_path / "out"
    dataset = dataset_of(tmp_path / "in", {"a.jpg": [box(0, 1, 2, 30, 40)]})
    all_formats()["yolo"].write(dataset, out)
    (out / "reticle.json").write_text(json.dumps({"reticle_export": 1, **content}))
    assert all_formats()["yolo"].read(out)[0].box_count == 1
    with pytest.raises(FormatError, match="which no export wrote"):
        all_formats()["yolo"].write(dataset, out)


@pytest.mark.parametrize("name", ["../a.txt", "a/../../b.txt", "/tmp/reticle_escaped.txt"])
def test_an_export_never_writes_outside_of_its_folder(name: str, tmp_path: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(FormatError, match="outside"):
        Staging(folder).write_text(name, "x")
    assert hashes(tmp_path) == {}


@pytest.mark.parametrize("format_name", WRITABLE)
def test_a_split_that_leaves_the_folder_leads_nowhere(format_name: str, tmp_path: Path):
    dataset = dataset_of(tmp_path / "in", {"a.jpg": [box(0, 1, 2, 30, 40)]}, split="../../escaped")
    with suppress(FormatError):  # of formats whose folders or files are called after splits
        all_formats()[format_name].write(dataset, tmp_path / "out" / "deeper")
    assert [name for name in hashes(tmp_path) if not name.startswith("out/deeper/")] == ["in/a.jpg"]


def write_coco(folder: Path, **fields: Any) -> Path:
    """One annotation of an image that is not there, with these parts in place of the usual ones."""
    content: dict[str, Any] = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 30, 40]}],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "data.json"
    path.write_text(json.dumps(content | fields))
    return path


def import_and_export(format_name: str, source: Path, tmp_path: Path) -> tuple[ImportReport, int]:
    """What the import into a new project said, and how many boxes come out of an export as COCO."""
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path / "elsewhere") as project:
        report = import_dataset(project, format_name, source, options=ImportOptions(missing=True))
        everything = ExportOptions(outside=True)
        if not report.boxes:
            return report, 0
        boxes = export_dataset(project, "coco", tmp_path / "out", options=everything).box_count
    return report, boxes


def one_annotation(**fields: Any) -> dict[str, Any]:
    usual = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 30, 40]}
    return {"annotations": [usual | fields]}


HUGE = 10**30
ODD_NUMBERS = {
    "category id": {
        "categories": [{"id": HUGE, "name": "cat"}],
        **one_annotation(category_id=HUGE),
    },
    "unknown category id": one_annotation(category_id=HUGE),
    "image id": {"images": [{"id": HUGE, "file_name": "a.jpg"}], **one_annotation(image_id=HUGE)},
    "id of many digits": one_annotation(id="9" * 5000),
    "width": {"images": [{"id": 1, "file_name": "a.jpg", "width": HUGE, "height": 80}]},
    "area": one_annotation(area=10**400),
    "edge": one_annotation(bbox=[1, 1, 1e10, 9]),
    "edge of an image without size": {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        **one_annotation(bbox=[1, 1, 1e10, 9]),
    },
}


@pytest.mark.parametrize("case", list(ODD_NUMBERS))
def test_one_odd_number_does_not_stop_an_import_of_coco(case: str, tmp_path: Path):
    source = write_coco(tmp_path / "in", **ODD_NUMBERS[case])
    report, _ = import_and_export("coco", source, tmp_path)
    assert report.boxes == 1
    assert report.problems


def test_one_odd_number_does_not_stop_an_import_of_yolo(tmp_path: Path):
    save_image(tmp_path / "in/a.jpg")
    (tmp_path / "in/a.txt").write_text("1e30 .5 .5 .1 .1\n0 .5 .5 .1 .1\n9223372036854775808 .5 .5 .1 .1\n")
    (tmp_path / "in/data.yaml").write_text(f"names: {{0: cat, {HUGE}: dog}}\n")
    report, exported = import_and_export("yolo", tmp_path / "in", tmp_path)
    assert (report.boxes, exported) == (1, 1)
    assert len([problem for problem in report.problems if problem.line in {1, 3}]) == 2
    assert any("beyond all measure" in problem.message for problem in report.problems)


def test_an_annotation_nested_without_end_is_reported_and_the_others_read(tmp_path: Path):
    save_image(tmp_path / "in/a.jpg")
    save_image(tmp_path / "in/b.jpg")
    bounds = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox>"
    item = f"<object><name>cat</name>{bounds}</object>"
    (tmp_path / "in/a.xml").write_text(f"<annotation>{'<x>' * 3000}{'</x>' * 3000}{item}</annotation>")
    (tmp_path / "in/b.xml").write_text(f"<annotation>{item}</annotation>")
    report, exported = import_and_export("voc", tmp_path / "in", tmp_path)
    assert (report.boxes, exported) == (1, 1)
    assert any("nested" in problem.message for problem in report.problems)


ODD_FIELDS = {
    "NaN": one_annotation(mood=math.nan),
    "infinity in the whole": {"info": {"year": math.inf}},
    "half a character": one_annotation(note="\ud800", **{"\udfff": 1}),
    "licences of text": {"licenses": ["CC-BY"]},
    "licence as text": {"licenses": "CC-BY"},
    "box of nothing with an outline": one_annotation(
        bbox=[None] * 4, segmentation=[[10, 20, 40, 20, 40, 60, 10, 60]]
    ),
    "box as text": one_annotation(bbox=["10", "20", "30", "40"], segmentation=[[10, 20, 40, 20, 40, 60]]),
    "deep": one_annotation(mood=json.loads("[" * 400 + "]" * 400)),
}


@pytest.mark.parametrize("case", list(ODD_FIELDS))
def test_odd_fields_are_mended_at_the_import_so_that_the_export_works(case: str, tmp_path: Path):
    source = write_coco(tmp_path / "in", **ODD_FIELDS[case])
    report, exported = import_and_export("coco", source, tmp_path)
    assert (report.boxes, exported) == (1, 1)
    if case != "box as text":
        assert [problem for problem in report.problems if "not found" not in problem.message]
    (path,) = (tmp_path / "out/annotations").iterdir()
    assert json.loads(path.read_text())["annotations"][0]["bbox"][2:] == [30, 40]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[]), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
json_objects = st.dictionaries(st.text(max_size=8) | st.sampled_from(COCO_KEYS), json_values, max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.tuples(json_objects, json_objects, json_objects, json_objects))
def test_any_json_beside_the_labels_survives_import_and_export(parts, tmp_path: Path):
    whole, image, category, annotation = parts
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    usual = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 30, 40]}
    source = write_coco(
        folder / "in",
        **{
            **{
                f"x{key}" if key in {"images", "annotations", "categories"} else key: whole[key]
                for key in whole
            },
            "images": [{**image, "id": 1, "file_name": "a.jpg", "width": 100, "height": 80}],
            "categories": [{**category, "id": 1, "name": "cat"}],
            "annotations": [{**annotation, **usual}],
        },
    )
    first, _ = all_formats()["coco"].read(source)
    all_formats()["coco"].write(first, folder / "out")
    again, problems = all_formats()["coco"].read(folder / "out")
    assert again.box_count == 1
    assert not any("only keeps" in problem.message for problem in problems)
    kept = {key: value for key, value in first.extra["coco"].items() if key != "licenses" and value}
    assert {key: again.extra["coco"][key] for key in kept} == kept
    assert again.images[0].extra["coco"].items() >= first.images[0].extra["coco"].items()
    assert again.classes[0].extra == first.classes[0].extra
