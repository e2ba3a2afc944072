"""Folders of runs that never trained go; whatever else is in one keeps it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.folds import create_cross_validation
from detcore.jobs.settings.learning import Learning
from detcore.project.edits import add_boxes, add_class, add_images
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, hold_run, list_runs, write_pid
from detcore.project.snapshot import Snapshot, take_snapshot
from detcore.project.unused_runs import remove_unused, whole_or_gone
from detcore.types import Box, Image


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Ten images with a box each."""
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path) as made:
        made.edit(add_images, [Image(id=0, path=f"{n}.jpg", width=90, height=90) for n in range(10)])
        made.edit(add_class, "cat")
        ids = made.image_ids()
        made.edit(add_boxes, [Box(id=0, image_id=i, class_id=1, x1=1, y1=1, x2=9, y2=9) for i in ids])
        yield made


@pytest.fixture
def run(project: Project) -> RunFolder:
    made = create_run(project, "reticle-s")
    made.config.write_text(TrainConfig(learning=Learning(minutes=1)).to_json())
    take_snapshot(project).save(made.snapshot)
    return made


def test_a_run_that_never_trained_goes_without_a_trace(project: Project, run: RunFolder) -> None:
    with hold_run(run):
        pass  # leaves its lock file
    assert remove_unused(run)
    assert not run.path.exists()
    assert list_runs(project) == []


def test_a_cross_validation_that_never_began_goes_with_its_folds(project: Project) -> None:
    run = create_cross_validation(project, TrainConfig(learning=Learning(minutes=1)), folds=2)
    assert (run.path / "folds" / "2" / "snapshot.npz").is_file()
    assert remove_unused(run)
    assert not run.path.exists()


@pytest.mark.parametrize(
    "name",
    [
        *("events.jsonl", "last.safetensors", "previous.safetensors", "best.safetensors", "detections.npz"),
        *("notes.txt", "mine/config.json", "folds/1/events.jsonl", "folds/1/mine/config.json"),
    ],
)
def test_a_run_with_anything_else_in_it_stays_as_it_is(run: RunFolder, name: str) -> None:
    file = run.path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("")
    before = sorted(run.path.rglob("*"))
    assert not remove_unused(run)
    assert sorted(run.path.rglob("*")) == before


def test_a_run_with_a_process_stays(run: RunFolder) -> None:
    write_pid(run, os.getpid())
    assert not remove_unused(run)
    assert run.snapshot.is_file()


def test_links_lead_nowhere(run: RunFolder, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "config.json").write_text("")
    try:
        (run.path / "folds").symlink_to(mine, target_is_directory=True)
    except OSError:
        pytest.skip("no right to make links")
    remove_unused(run)
    assert (mine / "config.json").is_file()


def test_a_run_that_cannot_be_written_whole_leaves_no_folder(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    run = create_run(project, "reticle-s")
    with pytest.raises(OSError, match="disk full"), whole_or_gone(run):
        fail()
    monkeypatch.setattr(Snapshot, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        create_cross_validation(project, TrainConfig(learning=Learning(minutes=1)), folds=2)
    assert list(project.runs_folder.iterdir()) == []
