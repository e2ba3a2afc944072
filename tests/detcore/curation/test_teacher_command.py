"""`train --teacher`: what the new run is taught, and when the teacher looks at the images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detcore.cli import main
from detcore.curation.emphasis import NotLookedAtError
from detcore.curation.lesson import Lesson, find_lesson
from detcore.errors import ConfigError
from detcore.jobs.child.handing import training_files
from detcore.jobs.config import TrainConfig
from detcore.jobs.outcomes import Outcome, OutcomeState
from detcore.jobs.preparing.runs import prepare_cross_validation, prepare_run
from detcore.project.edits import add_boxes, add_class, set_split
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, find_run, read_run, save_detections
from detcore.project.snapshot import Snapshot, take_snapshot
from detcore.project.unused_runs import remove_unused
from detcore.types import Box, Detections

COMPLETED = Outcome(state=OutcomeState.COMPLETED, text="training completed")
BOX = (10.0, 10.0, 40.0, 40.0)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Images 1 to 4 have labels, 4 of them is held out; 5 and 6 have none, 6 is held out. A run has found a thing in each
    of all but the fifth, which it has not looked at; it has learnt from the images 1 and 4."""
    names = [f"{number}.png" for number in range(1, 7)]
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path, image_paths=names) as project:
        project.edit(add_class, "thing")
        x1, y1, x2, y2 = BOX
        boxes = [Box(id=0, image_id=i, class_id=1, x1=x1, y1=y1, x2=x2, y2=y2) for i in range(1, 5)]
        project.edit(add_boxes, boxes)
        project.edit(set_split, {i: "train" for i in (1, 2, 3, 5)} | {4: "val", 6: "test"})
        run = create_run(project, "reticle-s")
        seen = [1, 2, 3, 4, 6]
        look(run, seen)
        snapshot = take_snapshot(project).only([1, 4])
        learnt = tuple(replace(image, split="train") for image in snapshot.images)
        replace(snapshot, images=learnt).save(run.snapshot)
    return project


def look(run: RunFolder, image_ids: list[int]) -> None:
    found = Detections(
        image_ids=np.array(image_ids),
        labels=np.ones(len(image_ids), np.int64),
        boxes=np.tile(BOX, (len(image_ids), 1)),
        scores=np.full(len(image_ids), 0.6),
    )
    save_detections(run, found, image_ids=image_ids)


def with_teacher(name: str) -> TrainConfig:
    return TrainConfig().with_settings({"minutes": None, "epochs": 1, "teacher": name})


def test_a_teacher_looks_at_what_it_has_not_seen_and_its_detections_go_into_the_run(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[list[int]] = []

    def predict(_make: Callable[..., object]) -> Outcome:
        teacher = RunFolder(project.runs_folder / "001-reticle-s")
        asked.append([image.id for image in Snapshot.load(teacher.predict_snapshot).images])
        look(teacher, [1, 2, 3, 4, 5, 6])
        return COMPLETED

    monkeypatch.setattr("detcore.cli.predicting.watch_job", predict)
    monkeypatch.setattr("detcore.cli.model_commands.watch_job", lambda _make: COMPLETED)
    for _ in range(2):
        assert main(["train", str(project.folder), "--epochs", "1", "--teacher", "001"]) == 0
    assert asked == [[5]]
    words = capsys.readouterr().out
    assert words.count("001-reticle-s looks at 1 image first.") == 1
    assert "001-reticle-s has learnt from 1 image that this run is judged by" in words
    with Project.open(project.folder) as opened:
        run = find_run(opened, "002")
    assert read_run(run).teacher == "001-reticle-s"
    assert TrainConfig.load(run.config).learning.teacher == "001-reticle-s"
    lesson = Lesson.load(run.lesson)
    assert lesson.looked_at.tolist() == [1, 2, 3, 5]
    assert sorted(lesson.detections.image_ids.tolist()) == [1, 2, 3, 5]
    assert run.lesson in training_files(run).values()  # processes elsewhere need it
    remove_unused(run)
    assert not run.path.exists()


def test_without_all_that_is_to_be_learnt_there_is_no_lesson_and_no_run(project: Project) -> None:
    with Project.open(project.folder) as opened:
        with pytest.raises(NotLookedAtError, match="has not looked at 1 image to learn from"):
            prepare_run(opened, with_teacher("001"))
        assert len(list(opened.runs_folder.iterdir())) == 1


def test_folds_that_judge_labels_have_no_teacher_and_are_none(project: Project) -> None:
    with Project.open(project.folder) as opened:
        prepared = prepare_cross_validation(opened, with_teacher("001"), folds=2)
        assert prepared.notes == (
            "The folds have no teacher: a run of this project has learnt the labels to be judged.",
        )
        assert TrainConfig.load(prepared.run.config).learning.teacher == ""
        with pytest.raises(ConfigError, match="is a cross-validation, which cannot look at new images"):
            find_lesson(prepared.run, take_snapshot(opened))
