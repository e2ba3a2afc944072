"""preview-training writes what a training would see."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detcore.cli.main import main
from detcore.data.augmentation.labelled import Labelled
from detcore.data.preview import contact_sheet
from detcore.project.edits import update_boxes
from detcore.sample.project import create_sample_project


def test_a_contact_sheet_has_boxes_in_the_colours_of_their_labels() -> None:
    item = Labelled(
        image=np.zeros((160, 320, 3), np.uint8),
        boxes=np.array([[10, 20, 100, 90]], np.float32),
        labels=np.array([1], np.int64),
        ignore=np.array([[200, 50, 260, 120]], np.float32),
    )
    sheet = contact_sheet([item, item, item], ["#ffffff", "#00ff80"], columns=2)
    assert sheet.shape == (2 * 184 + 8, 2 * 328 + 8, 3)
    # a gap of 8, then the frame of the box at its corner
    assert sheet[8 + 20, 8 + 10].tolist() == [0, 255, 128]
    assert sheet[8 + 89, 8 + 99].tolist() == [0, 255, 128]
    assert sheet[8 + 50, 8 + 200].tolist() == [114, 114, 114]
    assert sheet[8 + 20, 8 + 328 + 10].tolist() == [0, 255, 128]
    assert sheet[-1, -1].tolist() == sheet[8 + 184 + 20, 8 + 328 + 10].tolist() == [255, 255, 255]
    # a line below each, with its size, and none in the empty place
    below = sheet[8 + 160 : 8 + 160 + 16]
    assert (below[:, 8:88] < 200).any()
    assert (below[:, 336:416] < 200).any()
    assert (sheet[8 + 184 + 160 :, 336:] == 255).all()


def test_the_command_writes_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with create_sample_project(tmp_path, images=12) as sample:
        project = sample.folder
    out = tmp_path / "seen.png"
    assert main(["preview-training", str(project), "--out", str(out), "--count", "4"]) == 0
    picture = cv2.imread(str(out))
    assert picture is not None
    assert picture.shape[1] == 2 * 328 + 8
    assert "4 drawn from" in capsys.readouterr().out


def test_the_command_shows_areas_to_ignore_as_the_detector_gets_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with create_sample_project(tmp_path, images=12) as sample:
        sample.edit(
            update_boxes,
            [replace(box, difficult=True) for box in sample.all_boxes(sample.image_ids()) if box.id % 3],
        )
        project = sample.folder
    pictures: list[NDArray[np.uint8]] = []
    for detector, told in (("reticle-n", False), ("ssdlite320", True)):
        out = tmp_path / f"{detector}.png"
        arguments = ["preview-training", str(project), "--out", str(out), "--count", "9", "--model", detector]
        assert main(arguments) == 0
        assert ("painted over, since ssdlite320 cannot" in capsys.readouterr().out) == told
        picture = cv2.imread(str(out))
        assert picture is not None
        pictures.append(picture.astype(np.uint8))
    seen, painted = ((picture == 114).all(axis=2).sum() for picture in pictures)
    assert painted > 2 * seen  # which has the outlines of the areas alone


def test_only_pictures_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview-training", str(tmp_path), "--out", str(tmp_path / "seen.txt")]) == 1
    assert "neither PNG nor JPEG" in capsys.readouterr().err
