"""Runs that were not trained here: whole or not there, and without weights for everything that wants some."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from detcore.errors import ConfigError, ProjectError
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.live import prepare_live
from detcore.jobs.preparing.model_export import ModelExport, check_model_export
from detcore.jobs.preparing.runs import prepare_prediction, prepare_resume
from detcore.jobs.preparing.warm_start import earlier_run
from detcore.project.imported_run import ImportedFrom, imported_from
from detcore.project.project import Project
from detcore.project.runs import (
    RunFolder,
    RunState,
    create_run,
    discard,
    list_runs,
    make_imported_run,
    read_run,
    restore,
    save_detections,
)
from detcore.project.scope import trained_images
from detcore.project.snapshot import take_snapshot
from detcore.types import Detections
from tests.detcore.exchange.others import make_project

ORIGIN = ImportedFrom(source="dt.json", format="COCO results (JSON)", by_person=False)
REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with make_project(tmp_path) as project:
        yield project


def nothing_found(run: RunFolder) -> None:
    save_detections(run, Detections.empty(), image_ids=[1, 2])


def test_an_imported_run_says_where_it_came_from_and_has_no_weights(project: Project):
    create_run(project, "reticle-s")
    run = make_imported_run(project, "their detector", ORIGIN, nothing_found)
    assert run.name == "002-their detector"
    info = read_run(run)
    assert (info.state, info.imported, info.has_checkpoint) == (RunState.IMPORTED, ORIGIN, False)
    assert info.has_detections
    assert trained_images(run, project.image_list()).tolist() == []
    assert [item.name for item in list_runs(project)] == ["002-their detector", "001-reticle-s"]


def test_it_is_discarded_and_restored_as_any_other_run(project: Project):
    run = make_imported_run(project, "theirs", ORIGIN, nothing_found)
    discard(project, run.name)
    assert list_runs(project) == []
    assert restore(project, run.name) == run
    assert read_run(run).imported == ORIGIN


def test_an_origin_that_is_damaged_is_none(project: Project):
    run = make_imported_run(project, "theirs", ORIGIN, nothing_found)
    run.info.write_text(json.dumps({"imported": {"source": 1}}))
    assert imported_from(run) is None


def test_a_full_disk_leaves_no_run(project: Project):
    def fail(run: RunFolder) -> None:
        nothing_found(run)
        raise OSError(28, "No space left on device")

    with pytest.raises(ProjectError, match="No space left on device.*Free some space"):
        make_imported_run(project, "theirs", ORIGIN, fail)
    assert list(project.runs_folder.iterdir()) == []


SCRIPT = """
import os, signal, sys
from pathlib import Path
from detcore.project.imported_run import ImportedFrom
from detcore.project.project import Project
from detcore.project.runs import make_imported_run, save_detections
from detcore.types import Detections

def die(run):
    save_detections(run, Detections.empty(), image_ids=[1])
    os.kill(os.getpid(), signal.SIGKILL)

with Project.open(Path(sys.argv[1])) as project:
    make_imported_run(project, "theirs", ImportedFrom(source="a", format="b", by_person=False), die)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_kill_leaves_no_run_and_what_it_leaves_goes_after_an_hour(tmp_path: Path):
    with make_project(tmp_path) as made:
        folder = made.folder
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(folder)], cwd=REPOSITORY, check=False)
    assert done.returncode == -signal.SIGKILL
    with Project.open(folder) as project:
        assert list_runs(project) == []
        (left,) = project.runs_folder.iterdir()  # another process might be at work on it
        before = time.time() - 7200
        os.utime(left, (before, before))
    with Project.open(folder) as project:
        assert list(project.runs_folder.iterdir()) == []


@pytest.mark.parametrize(
    "use",
    [
        lambda project, run: prepare_resume(project, run),
        lambda project, run: prepare_prediction(run, take_snapshot(project)),
        lambda project, run: check_model_export(run, ModelExport(format="onnx", nms=False, out=Path("out"))),
    ],
)
def test_what_needs_weights_is_refused(
    project: Project, use: Callable[[Project, RunFolder], object], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("detcore.jobs.preparing.runs.check_can_train", lambda: None)
    run = make_imported_run(project, "theirs", ORIGIN, nothing_found)
    with pytest.raises(ConfigError, match="001-theirs was imported and has no weights"):
        use(project, run)


def test_no_training_and_no_learner_starts_from_it(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("detcore.jobs.preparing.live.check_can_train", lambda: None)
    make_imported_run(project, "theirs", ORIGIN, nothing_found)
    assert earlier_run(project, TrainConfig(), take_snapshot(project)) is None
    assert TrainConfig.load(prepare_live(project).config).learning.weights is None
