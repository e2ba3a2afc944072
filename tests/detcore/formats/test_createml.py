"""CreateML's JSON: centres and sizes in pixels, one file a folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from detcore.formats.createml import CREATEML
from tests.detcore.formats.format_samples import box, dataset_of, save_image
from tests.detcore.formats.json_samples import boxes, centred, createml, read, write


def test_a_box_is_its_centre_and_its_size(tmp_path: Path):
    item = centred(coordinates={"x": 20.5, "y": 30, "width": 11, "height": 20})
    dataset, problems = read("createml", write(tmp_path, [createml(item)]))
    assert boxes(dataset) == [("cat", (15, 20, 26, 40))]
    assert problems == []


@pytest.mark.parametrize("name", ["image", "imagefilename"])
@pytest.mark.parametrize("items", ["annotations", "annotation"])
def test_both_spellings_of_apple_are_read(name: str, items: str, tmp_path: Path):
    dataset, _ = read("createml", write(tmp_path, [{name: "a.jpg", items: [centred()]}]))
    assert boxes(dataset) == [("cat", (10, 20, 30, 40))]


@pytest.mark.parametrize("verified", [True, False])
def test_what_labelimg_says_of_an_image_is_read_and_written_again(verified: bool, tmp_path: Path):
    told = [createml(centred(note="x"), {"label": "dog"}, verified=verified, by="me")]
    dataset, _ = read("createml", write(tmp_path / "in", told))
    assert dataset.images[0].verified == verified
    CREATEML.write(dataset, tmp_path / "out")
    assert json.loads((tmp_path / "out/_annotations.createml.json").read_text()) == told


def test_each_split_is_a_folder_with_its_images_and_its_file(tmp_path: Path):
    for split in ("train", "valid"):
        save_image(tmp_path / f"in/{split}/{split}.jpg")
        content = [{"image": f"{split}.jpg", "annotations": [centred()]}]
        (tmp_path / f"in/{split}/_annotations.createml.json").write_text(json.dumps(content))
    dataset, problems = CREATEML.read(tmp_path / "in")
    assert [(image.name, image.split) for image in dataset.images] == [
        ("train/train.jpg", "train"),
        ("valid/valid.jpg", "val"),
    ]
    assert problems == []
    CREATEML.write(dataset, tmp_path / "out")
    names = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert names == [
        "reticle.json",
        "train/_annotations.createml.json",
        "train/train.jpg",
        "val/_annotations.createml.json",
        "val/valid.jpg",
    ]


def test_flags_that_it_has_no_place_for_are_told(tmp_path: Path):
    dataset = dataset_of(tmp_path / "in", {"a.jpg": [box(0, 1, 2, 3, 4, difficult=True)]})
    report = CREATEML.write(dataset, tmp_path / "out")
    assert report.losses == ("CreateML has no field for “difficult”: 1 box loses that.",)


@pytest.mark.parametrize(("second", "told"), [((90, 70), False), ((0, 0), True)])
def test_boxes_that_fit_only_from_corners_are_pointed_out(
    second: tuple[int, int], told: bool, tmp_path: Path
):
    corners = [(0, 0), second, (50, 40)]
    items = [centred(coordinates={"x": x, "y": y, "width": 30, "height": 20}) for x, y in corners]
    _, problems = read("createml", write(tmp_path, [createml(*items)]))
    hints = [problem.message for problem in problems if "corner" in problem.message]
    expected = (
        "2 of 3 boxes reach out of the image around the centres that are written, and none would from corners: look "
        "whether x and y are those of a corner"
    )
    assert hints == ([expected] if told else [])
