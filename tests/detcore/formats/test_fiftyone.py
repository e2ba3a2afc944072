"""Folders of FiftyOne: boxes come from one field, everything else is there again after an export."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from detcore.errors import FormatError
from detcore.formats import detect_format
from detcore.formats.base import Dataset, DatasetImage, Problem
from detcore.formats.fiftyone.reading import FIFTYONE, FiftyOneReading
from tests.detcore.formats.format_samples import box, dataset_of, save_image

BIRD = {
    "_id": {"$oid": "5f452489ef00e6374aad384a"},
    "_cls": "Detection",
    "attributes": {},
    "tags": ["checked"],
    "label": "bird",
    "bounding_box": [0.1, 0.25, 0.2, 0.5],
    "iscrowd": 0.0,
    "occluded": True,
}
SURE = {"_cls": "Detection", "label": "cat", "bounding_box": [0.3, 0.3, 0.1, 0.1], "confidence": 0.75}


def detections(*items: dict[str, Any]) -> dict[str, Any]:
    return {"_cls": "Detections", "detections": list(items)}


def sample(name: str = "a.jpg", **fields: Any) -> dict[str, Any]:
    size = {"_cls": "ImageMetadata", "mime_type": "image/jpeg", "width": 100, "height": 80}
    return {
        "_id": {"$oid": name},
        "filepath": f"data/{name}",
        "tags": ["validation"],
        "metadata": size,
        **fields,
    }


def write(folder: Path, *samples: dict[str, Any], **metadata: Any) -> Path:
    for item in samples:
        save_image(folder / item["filepath"])
    told = {"version": "0.21.4", "media_type": "image", "sample_fields": [], **metadata}
    (folder / "metadata.json").write_text(json.dumps(told))
    (folder / "samples.json").write_text(json.dumps({"samples": samples}))
    return folder


def read(folder: Path, field: str = "") -> tuple[Dataset, DatasetImage, list[Problem]]:
    dataset, problems = FIFTYONE.read(folder, options=FiftyOneReading(field=field))
    (image,) = dataset.images
    return dataset, image, problems


def test_shares_of_the_image_become_pixels_and_a_tag_the_split(tmp_path: Path):
    folder = write(tmp_path, sample(ground_truth=detections(BIRD)), default_classes=["cat", "bird"])
    assert detect_format(folder) == detect_format(folder / "metadata.json") == "fiftyone"
    for source in (folder, folder / "samples.json", folder / "metadata.json"):
        dataset, image, problems = read(source)
        assert [item.name for item in dataset.classes] == ["cat", "bird"]
        (found,) = image.boxes
        # 0.1 and 0.1 + 0.2 of 100 pixels, 0.25 and 0.75 of 80
        assert found.xyxy == pytest.approx((10, 20, 30, 60))
        assert (found.label, found.occluded, found.crowd) == (1, True, False)
        assert (image.split, image.width, image.height, problems) == ("val", 100, 80, [])


def test_an_untouched_set_goes_out_with_all_fields_that_it_came_with(tmp_path: Path):
    told = sample(
        ground_truth=detections(BIRD, {**SURE, "mask": {"$binary": "eJw="}}) | {"logits": None},
        predictions=detections(SURE),
        weather={"_cls": "Classification", "label": "fog"},
        uniqueness=0.5,
    )
    metadata = {"default_classes": [], "classes": {"ground_truth": ["bird"]}, "info": {"by": "me"}}
    folder = write(tmp_path / "in", told, **metadata)
    dataset, image, problems = read(folder)
    assert [problem.message for problem in problems] == [
        "labels read from the field 'ground_truth'; kept beside them: predictions"
    ]
    assert len(image.boxes) == 2
    report = FIFTYONE.write(dataset, tmp_path / "out")
    assert report.losses == ()
    for name in ("samples.json", "metadata.json"):
        before, after = (json.loads((path / name).read_text()) for path in (folder, tmp_path / "out"))
        assert after == before


def test_the_field_of_the_labels_can_be_named(tmp_path: Path):
    folder = write(tmp_path / "in", sample(ground_truth=detections(BIRD), predictions=detections(SURE)))
    dataset, image, _ = read(folder, "predictions")
    assert [dataset.classes[item.label].name for item in image.boxes] == ["cat"]
    FIFTYONE.write(dataset, tmp_path / "out")
    (after,) = json.loads((tmp_path / "out/samples.json").read_text())["samples"]
    assert after["predictions"] == detections(SURE)
    assert after["ground_truth"] == detections(BIRD)
    with pytest.raises(
        FormatError, match="no field of detections called 'nothing'.*ground_truth, predictions"
    ):
        read(folder, "nothing")


def test_of_fields_with_other_names_the_one_without_confidences_is_taken_and_two_are_asked_about(
    tmp_path: Path,
):
    folder = write(tmp_path / "one", sample(people=detections(BIRD), model=detections(SURE)))
    _, _, problems = read(folder)
    assert problems[0].message == "labels read from the field 'people', the one without confidences"
    folder = write(tmp_path / "two", sample(people=detections(BIRD), others=detections(BIRD)))
    with pytest.raises(FormatError, match="several fields hold detections.*--field; there is people, others"):
        read(folder)


def test_images_without_the_field_are_not_taken_for_empty(tmp_path: Path):
    folder = write(tmp_path, sample("a.jpg", ground_truth=detections()), sample("b.jpg", ground_truth=None))
    dataset, _ = FIFTYONE.read(folder)
    assert [(image.labelled, image.verified) for image in dataset.images] == [(True, True), (False, False)]


def test_a_moved_box_and_another_split_are_written_as_they_are_now(tmp_path: Path):
    dataset, image, _ = read(write(tmp_path / "in", sample(ground_truth=detections(BIRD))))
    moved = [dataclasses.replace(image.boxes[0], x1=20.0, crowd=True)]
    changed = dataclasses.replace(image, boxes=moved, split="train")
    FIFTYONE.write(dataclasses.replace(dataset, images=[changed]), tmp_path / "out")
    (after,) = json.loads((tmp_path / "out/samples.json").read_text())["samples"]
    (found,) = after["ground_truth"]["detections"]
    assert found["bounding_box"] == pytest.approx([0.2, 0.25, 0.1, 0.5])
    assert (found["iscrowd"], found["tags"], after["tags"]) == (1, ["checked"], ["train"])


def test_a_new_set_says_no_more_than_there_is(tmp_path: Path):
    FIFTYONE.write(dataset_of(tmp_path / "in", {"a.jpg": [box(1, 10, 20, 30, 60)]}), tmp_path / "out")
    told = json.loads((tmp_path / "out/metadata.json").read_text())
    assert "version" not in told  # what FiftyOne goes by when it reads documents of its own without one
    assert told["default_classes"] == ["cat", "dog"]
    assert json.loads((tmp_path / "out/samples.json").read_text()) == {
        "samples": [
            {
                "filepath": "data/a.jpg",
                "tags": ["train"],
                "metadata": {"_cls": "ImageMetadata", "width": 100, "height": 80},
                "ground_truth": detections(
                    {
                        "_cls": "Detection",
                        "label": "dog",
                        "bounding_box": pytest.approx([0.1, 0.25, 0.2, 0.5]),
                    }
                ),
            }
        ]
    }


def test_plain_labels_name_images_without_extension_and_classes_by_number(tmp_path: Path):
    for name in ("data/a.png", "data/cam/b.jpg"):
        save_image(tmp_path / name)
    labels = {
        "a": [{"label": 1, "bounding_box": [0.1, 0.25, 0.2, 0.5], "confidence": 0.5}],
        "cam/b": [{"label": "owl", "bounding_box": [0, 0, 1, 1]}],
    }
    (tmp_path / "labels.json").write_text(json.dumps({"classes": ["cat", "dog"], "labels": labels}))
    assert detect_format(tmp_path) == "fiftyone"
    dataset, problems = FIFTYONE.read(tmp_path)
    assert problems == []
    assert [item.name for item in dataset.classes] == ["cat", "dog", "owl"]
    assert [(image.name, image.boxes[0].label) for image in dataset.images] == [
        ("a.png", 1),
        ("cam/b.jpg", 2),
    ]
    assert dataset.images[0].boxes[0].xyxy == pytest.approx((10, 20, 30, 60))


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({**BIRD, "bounding_box": [0.1, 0.2, 0.3]}, "no bounding_box of four numbers: left out"),
        ({**BIRD, "bounding_box": "here"}, "no bounding_box of four numbers: left out"),
        ({**BIRD, "label": None}, "no label: left out"),
        (
            {**BIRD, "bounding_box": [2, 2, 0.1, 0.1]},
            "box outside of the image (200, 160, 210, 168): left out",
        ),
    ],
)
def test_what_is_no_box_is_left_out_by_its_place_and_the_rest_is_read(
    tmp_path: Path, entry: dict[str, Any], complaint: str
):
    _, image, problems = read(write(tmp_path, sample(ground_truth=detections(entry, BIRD))))
    assert len(image.boxes) == 1
    assert [problem.message for problem in problems] == [f"data/a.jpg, detection 1: {complaint}"]
