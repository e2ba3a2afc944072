"""Anchors are found from the boxes of a training before the run begins, and printed by a command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from detcore.cli.main import main
from detcore.errors import Cancelled, ConfigError
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.runs import prepare_cross_validation, prepare_run
from detcore.jobs.settings.learning import Learning
from detcore.project.cross_validation import fold_folders
from detcore.project.edits import add_boxes, add_class, add_images, set_split
from detcore.project.project import Project
from detcore.types import Box, Image

KMEANS = {"head": "grid", "assigner": "neighbours", "anchors": "kmeans"}


def project_of(folder: Path, sides: list[tuple[int, int]], *, divided: bool = True) -> Path:
    """A box of each of these widths and heights in an image of its own, of 320 × 160 pixels; the last image is held out."""
    with Project.create(folder / "a.reticle", image_root=folder) as made:
        names = [f"{number}.jpg" for number in range(len(sides))]
        made.edit(add_images, [Image(id=0, path=name, width=320, height=160) for name in names])
        made.edit(add_class, "cell")
        label, ids = made.classes()[0].id, made.image_ids()
        corners = [(10, 10, 10 + width, 10 + height) for width, height in sides]
        boxes = [
            Box(id=0, image_id=image_id, class_id=label, x1=x1, y1=y1, x2=x2, y2=y2)
            for image_id, (x1, y1, x2, y2) in zip(ids, corners, strict=True)
        ]
        made.edit(add_boxes, boxes)
        if divided:
            made.edit(set_split, {image_id: "train" for image_id in ids[:-1]} | {ids[-1]: "test"})
        return made.folder


def config(**options: str) -> TrainConfig:
    return TrainConfig(detector="compose", options={**KMEANS, **options}, learning=Learning(image_size=320))


NINE = [(8, 8), (8, 16), (16, 8), (24, 24), (32, 40), (40, 32), (60, 60), (80, 100), (120, 90)]


def test_a_run_has_the_anchors_that_were_found(tmp_path: Path) -> None:
    with Project.open(project_of(tmp_path, [*NINE * 3, (300, 9)])) as project:
        prepared = prepare_run(project, config())
    # nine anchors for boxes of nine sizes: they are these, by area
    wanted = "8,8, 8,16, 16,8, 24,24, 32,40, 40,32, 60,60, 80,100, 120,90"
    options = TrainConfig.load(prepared.run.config).options
    assert sorted(options["anchors"].split(", ")) == sorted(wanted.split(", "))
    assert options["anchors"].endswith("60,60, 80,100, 120,90")
    assert "mean IoU 1.00" in prepared.notes[0]
    assert options["head"] == "grid"


def test_too_few_boxes_are_told_before_there_is_a_run(tmp_path: Path) -> None:
    with Project.open(project_of(tmp_path, NINE)) as project:
        with pytest.raises(ConfigError, match=r"9 anchors need boxes of as many unlike sizes.*label more"):
            prepare_run(project, config())
        assert list(project.runs_folder.glob("*")) == []


def test_anchors_are_those_of_the_images_that_an_undivided_project_is_to_learn_from(tmp_path: Path) -> None:
    sides = [(8 + 6 * number, 10 + 4 * number) for number in range(13)]
    with Project.open(project_of(tmp_path, sides, divided=False)) as project:
        prepared = prepare_run(project, config())
        images = [image.split for image in project.images()]
    # seven in ten of thirteen are nine: so many anchors are exactly their sizes
    learnt = [f"{w},{h}" for (w, h), split in zip(sides, images, strict=True) if split == "train"]
    assert len(learnt) == 9
    assert TrainConfig.load(prepared.run.config).options["anchors"].split(", ") == learnt


def test_cancelled_while_anchors_are_found_nothing_was_changed(tmp_path: Path) -> None:
    sides = [(8 + 6 * number, 10 + 4 * number) for number in range(30)]
    told: list[tuple[int, int]] = []
    with Project.open(project_of(tmp_path, sides, divided=False)) as project:
        with pytest.raises(Cancelled):
            prepare_run(project, config(), progress=lambda done, total: bool(told.append((done, total))))
        with pytest.raises(Cancelled):
            prepare_cross_validation(project, config(), folds=2, progress=lambda _done, _total: False)
        assert {image.split for image in project.images()} == {None}
        assert list(project.runs_folder.glob("*")) == []
    assert told == [(0, told[0][1])]


def test_each_fold_finds_its_anchors_from_what_it_learns_from(tmp_path: Path) -> None:
    sides = [(8 + 6 * number, 10 + 4 * number) for number in range(30)]
    with Project.open(project_of(tmp_path, sides)) as project:
        run = prepare_cross_validation(project, config(), folds=2).run
    found = [TrainConfig.load(fold.config).options["anchors"] for fold in fold_folders(run)]
    assert "kmeans" not in found
    assert found[0] != found[1]


def test_numbers_and_formulas_stay_as_they_are(tmp_path: Path) -> None:
    with Project.open(project_of(tmp_path, NINE)) as project:
        prepared = prepare_run(project, config(anchors=""))
    assert TrainConfig.load(prepared.run.config).options["anchors"] == ""
    assert prepared.notes == ()


def test_the_command_prints_anchors_and_how_well_they_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(project_of(tmp_path, [(10, 10), (20, 20), (300, 9)]))
    # One anchor for 10×10 and 20×20 is their median, 15×15, with IoU of 100/225 and 225/400; the last is held out.
    assert main(["anchors", folder, "--clusters", "1", "--image-size", "320"]) == 0
    told = capsys.readouterr().out
    assert told.splitlines()[0] == "15,15"
    assert f"mean IoU {(100 / 225 + 225 / 400) / 2:.3f} with 2 boxes" in told
    # in images of half the size
    assert main(["anchors", folder, "--clusters", "1", "--image-size", "160", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["anchors"] == [[7.5, 7.5]]
    assert (record["image_size"], record["boxes"]) == (160, 2)


def test_the_command_says_how_many_there_can_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["anchors", str(project_of(tmp_path, [(10, 10), (20, 20)]))]) == 1
    assert "Ask for fewer with --clusters" in capsys.readouterr().err
