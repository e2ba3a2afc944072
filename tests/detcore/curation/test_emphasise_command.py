"""`train --emphasise`: what the new run is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detcore.cli import main
from detcore.jobs.config import TrainConfig
from detcore.jobs.outcomes import Outcome, OutcomeState
from detcore.jobs.preparing.sent_errors import SentErrors, keep_sent, read_sent
from detcore.project.edits import add_boxes, add_class, add_verdicts, set_split
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, read_run, save_detections
from detcore.project.verdict_rows import Verdict, VerdictKind
from detcore.types import Box, Detections

SENT = SentErrors(
    run="001-reticle-s", threshold=0.5, iou_threshold=0.5, images=2, false_positives=1, misses=1
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two labelled images; a run has missed the object of the first and seen a ghost in the second."""
    with Project.create(
        tmp_path / "p.reticle", image_root=tmp_path, image_paths=["a.png", "b.png"]
    ) as project:
        project.edit(add_class, "thing")
        boxes = [Box(id=0, image_id=i, class_id=1, x1=10, y1=10, x2=40, y2=40) for i in (1, 2)]
        project.edit(add_boxes, boxes)
        project.edit(set_split, {1: "train", 2: "train"})
        found = Detections(
            image_ids=np.array([2, 2]),
            labels=np.array([1, 1]),
            boxes=np.array([[10.0, 10, 40, 40], [60, 60, 90, 90]]),
            scores=np.array([0.9, 0.95]),
        )
        save_detections(create_run(project, "reticle-s"), found, image_ids=[1, 2])
    return project


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def finished(_make: Callable[..., object]) -> Outcome:
        return Outcome(state=OutcomeState.COMPLETED, text="training completed")

    monkeypatch.setattr("detcore.cli.model_commands.watch_job", finished)


@pytest.mark.usefixtures("no_worker")
def test_the_new_run_keeps_the_errors_and_how_much_they_weigh(project: Project) -> None:
    assert main(["train", str(project.folder), "--epochs", "1", "--emphasise", "001-reticle-s"]) == 0
    run = RunFolder(project.runs_folder / "002-reticle-s")
    config = TrainConfig.from_json(run.config.read_text())
    assert (config.learning.hard_negatives, config.learning.oversample) == (0.5, 0.5)
    record = json.loads(run.emphasis.read_text())
    assert record["run"] == "001-reticle-s"
    assert read_run(run).learns_from == "001-reticle-s"
    assert record["images"] == {
        "1": {"false_positives": 0, "misses": 1},
        "2": {"false_positives": 1, "misses": 0},
    }


@pytest.mark.usefixtures("no_worker")
def test_what_was_judged_ambiguous_is_left_out(project: Project) -> None:
    unsure = Verdict(
        id=0,
        image_id=2,
        run="001-reticle-s",
        kind=VerdictKind.AMBIGUOUS,
        class_id=1,
        x1=60,
        y1=60,
        x2=90,
        y2=90,
        detection_row=1,
    )
    with Project.open(project.folder) as opened:
        opened.edit(add_verdicts, [unsure])
    assert main(["train", str(project.folder), "--epochs", "1", "--emphasise", "001-reticle-s"]) == 0
    run = RunFolder(project.runs_folder / "002-reticle-s")
    record = json.loads(run.emphasis.read_text())
    assert record["images"] == {"1": {"false_positives": 0, "misses": 1}}


@pytest.mark.usefixtures("no_worker")
@pytest.mark.parametrize(("run", "stays"), [("001-reticle-s", False), ("000-other", True)])
def test_errors_that_were_sent_in_the_window_are_used_up_by_a_training_that_learns_from_them(
    project: Project, run: str, stays: bool
) -> None:
    sent = replace(SENT, run=run)
    with Project.open(project.folder) as opened:
        keep_sent(opened, sent)
    assert main(["train", str(project.folder), "--epochs", "1", "--emphasise", "001-reticle-s"]) == 0
    with Project.open(project.folder) as opened:
        assert read_sent(opened) == (sent if stays else None)


@pytest.mark.usefixtures("no_worker")
def test_a_training_takes_the_errors_that_were_sent_in_the_window(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(project.folder) as opened:
        keep_sent(opened, replace(SENT, oversample=0.8))
    assert main(["train", str(project.folder), "--epochs", "1"]) == 0
    run = RunFolder(project.runs_folder / "002-reticle-s")
    config = TrainConfig.from_json(run.config.read_text())
    assert (config.learning.hard_negatives, config.learning.oversample) == (0.5, 0.8)
    assert json.loads(run.emphasis.read_text())["images"] == {
        "1": {"false_positives": 0, "misses": 1},
        "2": {"false_positives": 1, "misses": 0},
    }
    words = capsys.readouterr().out
    assert (
        "Learns more from 001-reticle-s: 2 training images with 1 false alarm and 1 missed object." in words
    )
    with Project.open(project.folder) as opened:
        assert read_sent(opened) is None


@pytest.mark.usefixtures("no_worker")
def test_without_it_nothing_weighs_more(project: Project) -> None:
    assert main(["train", str(project.folder), "--epochs", "1"]) == 0
    run = RunFolder(project.runs_folder / "002-reticle-s")
    config = TrainConfig.from_json(run.config.read_text())
    assert (config.learning.hard_negatives, config.learning.oversample) == (0.0, 0.0)
    assert not run.emphasis.exists()
    assert read_run(run).learns_from == ""


def test_a_run_that_is_not_there_makes_no_run(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(project.folder), "--epochs", "1", "--emphasise", "009-none"]) == 1
    assert "009-none" in capsys.readouterr().err
    assert [path.name for path in project.runs_folder.iterdir()] == ["001-reticle-s"]
