"""Folds divided among two processes, which speak over gloo; scripts in place of trainings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from detcore.errors import ConfigError
from detcore.jobs.child.handing import write_files
from detcore.jobs.config import TrainConfig
from detcore.jobs.crossval import CrossValidationJob
from detcore.jobs.events import Log
from detcore.jobs.preparing.folds import create_cross_validation
from detcore.project.cross_validation import fold_folder
from detcore.project.project import Project
from detcore.project.runs import (
    RunFolder,
    RunState,
    load_detections,
    predicted_images,
    read_events,
    read_run,
)
from tests.detcore.jobs.fold_worker import worker
from tests.detcore.two_processes import two_processes

CHILD = """
import json, os, sys
from pathlib import Path
from tempfile import TemporaryDirectory
from detcore.jobs.child.handing import Order, take_in
from detcore.jobs.child.shared_folds import follow_folds, lead_folds
from detcore.jobs.worker_process import StopFlags
from detcore.project.project import Project
from detcore.project.runs import RunFolder
from detcore.training.distributed import joined_group
from tests.detcore.jobs.fold_worker import worker

for job, behaviours in enumerate((("", "warn 2"), ("wait 1", "fail 2"))):
    command = worker(behaviours[int(os.environ["RANK"])])
    with joined_group() as group, TemporaryDirectory() as folder:
        if group.leads:
            order = Order(verb="folds", device="cpu")
            run = RunFolder(Path(sys.argv[1 + job]))
            end = lead_folds(run, order, group, say=lambda event: None, flags=StopFlags(), command=command)
            print(json.dumps([end.state, end.text]))
        else:
            run = RunFolder(Path(folder))
            order = take_in(group, run, images=None)
            follow_folds(run, order, group, flags=StopFlags(), command=command)
            print(json.dumps(sorted(path.parent.name for path in run.path.rglob("asked.txt"))))
"""


def together(*runs: RunFolder) -> list[list[list[str]]]:
    """What the first process and the other one say of the job of each run."""
    said = two_processes(CHILD, *(str(run.path) for run in runs))
    return [[json.loads(line) for line in out.splitlines()] for out in said]


def test_folds_divided_among_processes_find_and_warn_of_what_those_of_one_do_and_one_that_fails_ends_all(
    project: Project,
) -> None:
    alone, shared, failing = (create_cross_validation(project, TrainConfig(), folds=3) for _ in range(3))
    job = CrossValidationJob(alone, on_event=lambda _event: None, command=worker())
    job.start()
    job.wait(60)
    ends, done_by_other = together(shared, failing)
    assert ends == [["completed", "cross-validation completed"], ["failed", "process 2 of 2: no good"]]
    own = [n + 1 for n in range(3) if (fold_folder(shared, n).path / "asked.txt").is_file()]
    assert (own, done_by_other[0]) == ([1, 3], ["2"])
    for name in ("image_ids", "labels", "boxes", "scores"):
        np.testing.assert_array_equal(
            getattr(load_detections(shared), name), getattr(load_detections(alone), name)
        )
    one, two = read_run(alone), read_run(shared)
    assert (two.state, two.best_ap, two.step, two.seconds) == (one.state, one.best_ap, one.step, one.seconds)
    assert predicted_images(shared) == predicted_images(alone) == set(project.image_ids()[:18])
    warned = [
        event.text
        for event in read_events(shared.events)
        if isinstance(event, Log) and event.level == "warning"
    ]
    assert warned == ["Fold 2 of 3: process 2 of 2: Left out: a.jpg: broken."]
    assert (read_run(failing).state, read_run(failing).message) == (
        RunState.FAILED,
        "process 2 of 2: no good",
    )


def test_what_is_handed_over_stays_in_the_folder_of_the_run(tmp_path: Path) -> None:
    write_files(tmp_path / "run", {"folds/2/config.json": b"{}"})
    assert (tmp_path / "run" / "folds" / "2" / "config.json").read_bytes() == b"{}"
    with pytest.raises(ConfigError, match="no file of a run"):
        write_files(tmp_path / "run", {"../beside.txt": b""})
    assert not (tmp_path / "beside.txt").exists()
