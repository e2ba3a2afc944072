"""Label Studio's tasks: per cents become pixels, the newest annotation counts, and all else is there again."""

from __future__ import annotations

import base64
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from detcore.formats.base import no_progress
from detcore.formats.common.json_files import nearly_equal
from detcore.formats.common.shapes import shape_of
from detcore.formats.label_studio.reading import LABEL_STUDIO, read_predictions
from tests.detcore.formats.format_samples import box, dataset_of, save_image
from tests.detcore.formats.json_samples import Json, boxes, read, result, task, write


def rectangle(
    x: float, y: float, width: float, height: float, rotation: float = 0, name: str = "cat"
) -> Json:
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": rotation}
    return result({**value, "rectanglelabels": [name]})


def other(kind: str, **value: Any) -> Json:
    return result({**value, kind: ["cat"]}, type=kind)


def annotation(identity: int, *results: Json, **fields: Any) -> Json:
    return {"id": identity, "result": [*results], "was_cancelled": False, "ground_truth": False, **fields}


def brush(*runs: tuple[int, int], size: int, words: int = 8) -> list[int]:
    """The code of runs of one byte each, as (bytes, value): all four lengths are of 4 bits."""
    bits = f"{size:032b}{words - 1:05b}" + f"{3:04b}" * 4
    bits += "".join(f"100{count - 1:04b}{value:08b}" for count, value in runs)
    bits += "0" * (-len(bits) % 8)
    return [int(bits[start : start + 8], 2) for start in range(0, len(bits), 8)]


@pytest.mark.parametrize(
    ("told", "bounds", "kind"),
    [
        (rectangle(12.5, 25, 20, 50), (12.5, 20, 32.5, 60), None),
        # In pixels a corner at (50, 40) and sides of 20 by 20; a quarter turn puts it to the left of that corner.
        (rectangle(50, 50, 20, 25, 90), (30, 40, 50, 60), "rotated"),
        # Sides of 25 and 5 pixels along (0.8, 0.6) and (-0.6, 0.8).
        (rectangle(40, 50, 25, 6.25, 36.86989764584402), (37, 40, 60, 59), "rotated"),
        (other("polygonlabels", points=[[10, 25], [30, 50], [20, 75]], closed=True), (10, 20, 30, 60), "polygon"),
        (other("ellipselabels", x=50, y=50, radiusX=20, radiusY=10, rotation=0), (30, 32, 70, 48), "ellipse"),
        (other("ellipselabels", x=50, y=50, radiusX=20, radiusY=10, rotation=90), (42, 20, 58, 60), "ellipse"),
    ],
)  # fmt: skip
def test_every_region_becomes_the_box_around_it_and_comes_out_as_it_was(
    told: Json, bounds: tuple[float, ...], kind: str | None, tmp_path: Path
):
    dataset, problems = read("label-studio", write(tmp_path / "in", [task(told)]))
    assert problems == []
    assert boxes(dataset) == [("cat", pytest.approx(bounds))]
    found = shape_of(dataset.images[0].boxes[0])
    assert (found and found.kind) == kind
    LABEL_STUDIO.write(dataset, tmp_path / "out")
    (after,) = json.loads((tmp_path / "out/tasks.json").read_text())
    (again,) = after["annotations"][0]["result"]
    assert without_value(again) == without_value(told)
    assert nearly_equal(again["value"], told["value"])


def without_value(told: Json) -> Json:
    return {key: value for key, value in told.items() if key != "value"}


def test_a_painted_mask_gives_the_edges_of_its_pixels(tmp_path: Path):
    """Of 4 by 2 pixels painted are the third and fourth of the first row and the second of the other."""
    code = brush((8, 0), (8, 255), (4, 0), (4, 255), (12, 0), size=32)
    told = other("brushlabels", format="rle", rle=code) | {"original_width": 4, "original_height": 2}
    save_image(tmp_path / "in/a.jpg", (4, 2))
    dataset, problems = read("label-studio", write(tmp_path / "in", [task(told)]))
    assert boxes(dataset) == [("cat", (1, 0, 4, 2))]
    assert problems == []
    LABEL_STUDIO.write(dataset, tmp_path / "out")
    (after,) = json.loads((tmp_path / "out/tasks.json").read_text())
    assert after["annotations"][0]["result"] == [told]


@pytest.mark.parametrize(
    "code",
    [[255] * 9, brush((8, 0), size=64), brush((8, 0), size=32), brush(*[(16, 0)] * 2, size=32), [300], []],
)
def test_a_mask_that_is_none_is_left_out(code: list[int], tmp_path: Path):
    told = other("brushlabels", format="rle", rle=code) | {"original_width": 4, "original_height": 2}
    save_image(tmp_path / "a.jpg", (4, 2))
    dataset, problems = read("label-studio", write(tmp_path, [task(told)]))
    assert boxes(dataset) == []
    assert "its mask" in problems[0].message


def test_the_newest_annotation_that_is_not_cancelled_counts_and_the_others_are_kept(tmp_path: Path):
    told = task(
        annotations=[
            annotation(1, rectangle(10, 25, 20, 25, name="old"), updated_at="2023-01-01T10:00:00Z"),
            annotation(2, rectangle(10, 25, 20, 25, name="new"), updated_at="2023-01-01T12:00:00+01:00"),
            annotation(3, updated_at="2024-01-01T10:00:00Z", was_cancelled=True),
        ],
        predictions=[{"id": 9, "result": [rectangle(1, 2, 3, 4)], "score": 0.5}],
        meta={"camera": 3},
    )
    dataset, problems = read("label-studio", write(tmp_path / "in", [told]))
    assert [name for name, _ in boxes(dataset)] == ["new"]
    assert [problem.message for problem in problems] == [
        "task 1: 3 annotations: the newest (2) counts, the others are only kept"
    ]
    LABEL_STUDIO.write(dataset, tmp_path / "out")
    assert json.loads((tmp_path / "out/tasks.json").read_text()) == [told]


def test_what_says_something_of_the_image_is_kept_and_does_not_make_it_empty(tmp_path: Path):
    choice = {
        "id": "c",
        "type": "choices",
        "from_name": "sky",
        "to_name": "image",
        "value": {"choices": ["grey"]},
    }
    told = [task(choice), task(rectangle(10, 25, 20, 25), choice)]
    told[1]["data"] = {"image": "/data/upload/3/b.jpg"}
    save_image(tmp_path / "in/b.jpg")
    dataset, _ = read("label-studio", write(tmp_path / "in", told))
    assert [(image.labelled, image.verified) for image in dataset.images] == [(False, False), (True, False)]
    LABEL_STUDIO.write(dataset, tmp_path / "out")
    assert json.loads((tmp_path / "out/tasks.json").read_text()) == [
        {**item, "predictions": []} for item in told
    ]


@pytest.mark.parametrize(
    "written",
    [
        "/data/upload/3/0a1b2c3d-a.jpg",
        "/data/local-files/?d=folder%20one/images/a.jpg",
        "s3://bucket/deep/images/a.jpg",
        "https://example.org/images/a.jpg?token=x",
        "/tasks/1/resolve/?fileuri=" + base64.b64encode(b"s3://bucket/images/a.jpg").decode().rstrip("="),
        "C:\\images\\a.jpg",
        "images/a.jpg",
    ],
)
def test_the_image_is_found_by_its_name_wherever_label_studio_keeps_it(written: str, tmp_path: Path):
    save_image(tmp_path / "images/a.jpg")
    told = task(rectangle(10, 25, 20, 25), data={"text": "a cat", "picture": written})
    (tmp_path / "export.json").write_text(json.dumps([told]))
    dataset, problems = LABEL_STUDIO.read(tmp_path)
    assert [image.path for image in dataset.images] == [tmp_path / "images/a.jpg"]
    assert problems == []


def test_the_name_of_the_upload_helps_where_the_address_has_none(tmp_path: Path):
    told = task(rectangle(10, 25, 20, 25), data={"image": "/image2"}, file_upload="e97d4735-a.jpg")
    dataset, _ = read("label-studio", write(tmp_path, [told]))
    assert [image.path for image in dataset.images] == [tmp_path / "a.jpg"]


def test_per_cents_fit_an_image_that_was_made_smaller_since(tmp_path: Path):
    told = rectangle(10, 25, 20, 25) | {"original_width": 1000, "original_height": 800}
    dataset, problems = read("label-studio", write(tmp_path, [task(told)]))
    assert boxes(dataset) == [("cat", (10, 20, 30, 40))]
    assert "the annotation says 1000×800" in problems[0].message


def test_rows_of_json_min_are_annotations(tmp_path: Path):
    region = {
        "x": 10,
        "y": 25,
        "width": 20,
        "height": 25,
        "rotation": 0,
        "original_width": 100,
        "original_height": 80,
    }
    row = {"image": "/data/upload/3/a.jpg", "id": 5, "sky": "grey", "lead_time": 3.2, "annotator": 1}
    rows = [
        {**row, "label": [{**region, "rectanglelabels": ["old"]}], "annotation_id": 7, "updated_at": "2023-01-01T10:00:00Z"},
        {**row, "label": [{**region, "rectanglelabels": ["new"]}], "annotation_id": 8, "updated_at": "2023-01-02T10:00:00Z"},
    ]  # fmt: skip
    dataset, problems = read("label-studio", write(tmp_path, rows))
    assert boxes(dataset) == [("new", (10, 20, 30, 40))]
    assert "2 annotations: the newest (8)" in problems[0].message
    assert dataset.images[0].extra["label-studio"]["data"] == {"image": row["image"], "sky": "grey"}


def test_labels_beside_a_plain_rectangle_and_choices_of_a_region_are_one_box(tmp_path: Path):
    value = {"x": 10, "y": 25, "width": 20, "height": 25, "rotation": 0}
    results = [
        result({**value, "labels": ["cat"]}, type="labels"),
        result(value, type="rectangle", from_name="box"),
        result({**value, "taxonomy": [["Animal"]]}, type="taxonomy", from_name="kind"),
    ]
    dataset, problems = read("label-studio", write(tmp_path / "in", [task(*results)]))
    assert (boxes(dataset), problems) == ([("cat", (10, 20, 30, 40))], [])
    LABEL_STUDIO.write(dataset, tmp_path / "out")
    (after,) = json.loads((tmp_path / "out/tasks.json").read_text())
    assert after["annotations"][0]["result"] == results


def test_a_region_of_several_labels_is_of_the_first(tmp_path: Path):
    told = result({"x": 10, "y": 25, "width": 20, "height": 25, "rectanglelabels": ["cat", "tabby"]})
    dataset, problems = read("label-studio", write(tmp_path / "in", [task(told)]))
    assert boxes(dataset) == [("cat", (10, 20, 30, 40))]
    assert "the labels cat, tabby: the first is its class" in problems[0].message
    LABEL_STUDIO.write(dataset, tmp_path / "out")
    (after,) = json.loads((tmp_path / "out/tasks.json").read_text())
    assert after["annotations"][0]["result"][0]["value"]["rectanglelabels"] == ["cat", "tabby"]


def test_predictions_are_read_by_model_with_the_scores_of_their_regions(tmp_path: Path):
    scored = rectangle(10, 25, 20, 25) | {"score": 0.25}
    never = rectangle(10, 25, 20, 25) | {"score": 0.0}
    told = task(
        rectangle(50, 50, 20, 25),
        predictions=[
            {"model_version": "one", "score": 0.5, "created_at": "2023-01-02T10:00:00Z", "result": [scored, rectangle(0, 0, 10, 10), never]},
            {"model_version": "one", "created_at": "2023-01-01T10:00:00Z", "result": []},
            {"model_version": "two", "result": [rectangle(0, 0, 10, 10, name="dog"), other("choices")]},
        ],
    )  # fmt: skip
    folder = write(tmp_path, [told])
    found, problems = read_predictions(folder, image_folder=None, progress=no_progress)
    assert problems == []
    assert [(item.image.name, item.model, item.boxes) for item in found] == [
        (
            "a.jpg",
            "one",
            (("cat", (10, 20, 30, 40), 0.25), ("cat", (0, 0, 10, 8), 0.5), ("cat", (10, 20, 30, 40), 0.0)),
        ),
        ("a.jpg", "two", (("dog", (0, 0, 10, 8), 1.0),)),
    ]


def test_a_new_export_can_be_imported_with_its_images_and_its_set_up(tmp_path: Path):
    flagged = box(1, 10, 20, 30, 40, difficult=True, occluded=True)
    dataset = dataset_of(tmp_path / "in", {"a b.jpg": [flagged], "c.jpg": []}, split="val")
    LABEL_STUDIO.write(dataset, tmp_path / "out")
    first, second = json.loads((tmp_path / "out/tasks.json").read_text())
    assert first["data"] == {"image": "/data/local-files/?d=images/val/a%20b.jpg", "split": "val"}
    region, flags = first["annotations"][0]["result"]
    assert region["value"] == {
        "x": 10,
        "y": 25,
        "width": 20,
        "height": 25,
        "rotation": 0,
        "rectanglelabels": ["dog"],
    }
    assert (region["original_width"], region["original_height"], region["id"]) == (100, 80, flags["id"])
    assert flags["value"]["choices"] == ["difficult", "occluded"]
    assert (first["predictions"], second["annotations"][0]["result"]) == ([], [])
    set_up = (tmp_path / "out/label_config.xml").read_text()
    assert '<RectangleLabels name="label" toName="image">' in set_up
    assert '<Label value="dog"/>' in set_up
    assert '<Choices name="flags" toName="image" perRegion="true" choice="multiple">' in set_up


def test_a_moved_region_is_written_as_a_box_by_the_set_up_that_has_boxes(tmp_path: Path):
    told = other("polygonlabels", points=[[10, 25], [30, 50], [20, 75]]) | {"from_name": "outline", "note": 1}
    dataset, _ = read("label-studio", write(tmp_path / "in", [task(told)]))
    (image,) = dataset.images
    moved = dataclasses.replace(image.boxes[0], x1=5.0)
    dataset = dataclasses.replace(dataset, images=[dataclasses.replace(image, boxes=[moved])])
    LABEL_STUDIO.write(dataset, tmp_path / "out")
    (after,) = json.loads((tmp_path / "out/tasks.json").read_text())
    (region,) = after["annotations"][0]["result"]
    assert (region["type"], region["from_name"], region["note"]) == ("rectanglelabels", "label", 1)
    assert region["value"]["x"] == 5


def test_an_image_of_another_name_gets_an_address_of_its_own(tmp_path: Path):
    for folder in ("one", "two"):
        save_image(tmp_path / f"in/{folder}/a.jpg")
    told = [
        task(rectangle(10, 25, 20, 25), data={"image": f"/data/local-files/?d={folder}/a.jpg"})
        for folder in ("one", "two")
    ]
    (tmp_path / "in/export.json").write_text(json.dumps(told))
    dataset, _ = LABEL_STUDIO.read(tmp_path / "in")
    LABEL_STUDIO.write(dataset, tmp_path / "out")
    again, problems = LABEL_STUDIO.read(tmp_path / "out")
    assert [image.path.name for image in again.images] == ["one__a.jpg", "two__a.jpg"]
    assert again.box_count == 2
    assert problems == []
