"""Files that anybody may have written cannot harm: what is odd is reported, and nothing leaves its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from detcore.errors import FormatError
from detcore.formats import FORMATS
from detcore.formats.base import Dataset
from detcore.formats.staging import Staging
from tests.detcore.formats.format_samples import box, dataset_of, hashes


def marked_export(tmp_path: Path, mark: dict[str, Any]) -> Dataset:
    """A YOLO export read back after somebody changed what its sidecar says of the image."""
    out = tmp_path / "foreign"
    FORMATS["yolo"].write(dataset_of(tmp_path / "in", {"a.jpg": [box(0, 1, 2, 30, 40)]}), out)
    path = out / "reticle.json"
    content = json.loads(path.read_text())
    content["images"]["images/train/a.jpg"] |= mark
    path.write_text(json.dumps(content))
    return FORMATS["yolo"].read(out)[0]


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
    FORMATS["yolo"].write(dataset, out)
    (out / "reticle.json").write_text(json.dumps({"reticle_export": 1, **content}))
    assert FORMATS["yolo"].read(out)[0].box_count == 1
    with pytest.raises(FormatError, match="which no export wrote"):
        FORMATS["yolo"].write(dataset, out)


@pytest.mark.parametrize("name", ["../a.txt", "a/../../b.txt", "/tmp/reticle_escaped.txt"])
def test_an_export_never_writes_outside_of_its_folder(name: str, tmp_path: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(FormatError, match="outside"):
        Staging(folder).write_text(name, "x")
    assert hashes(tmp_path) == {}


@pytest.mark.parametrize("format_name", list(FORMATS))
def test_a_dataset_with_a_split_that_leaves_the_folder_is_not_exported(format_name: str, tmp_path: Path):
    dataset = dataset_of(tmp_path / "in", {"a.jpg": [box(0, 1, 2, 30, 40)]}, split="../../escaped")
    with pytest.raises(FormatError, match="outside"):
        FORMATS[format_name].write(dataset, tmp_path / "out" / "deeper")
    assert list(hashes(tmp_path)) == ["in/a.jpg"]
    assert not (tmp_path / "escaped").exists()
