"""Cross-validation as one job, with scripts in place of trainings."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detcore.errors import ConfigError, ProjectError
from detcore.jobs.child.crossval import lead
from detcore.jobs.config import TrainConfig
from detcore.jobs.crossval import CrossValidationJob
from detcore.jobs.events import (
    Ended,
    EndReason,
    Event,
    Failed,
    Log,
    Progress,
    Started,
    Step,
    Validation,
    decode,
)
from detcore.jobs.owner import ExitCode, OutcomeState
from detcore.jobs.preparing.folds import create_cross_validation
from detcore.jobs.settings.runtime import Runtime
from detcore.jobs.worker_process import StopFlags
from detcore.project.cross_validation import fold_folder, is_cross_validation, read_plan, trained_images
from detcore.project.project import Project
from detcore.project.runs import (
    RunFolder,
    RunState,
    create_run,
    hold_run,
    list_runs,
    load_answers,
    load_detections,
    predicted_images,
    read_run,
    save_detections,
)
from detcore.project.snapshot import Snapshot, take_snapshot
from detcore.types import Detections
from tests.detcore.jobs.fold_worker import worker

REPOSITORY = Path(__file__).resolve().parents[3]

SEEDED = TrainConfig(runtime=Runtime(seed=1))


def run_job(run: RunFolder, behaviour: str = "") -> tuple[CrossValidationJob, list[Event]]:
    heard: list[Event] = []
    job = CrossValidationJob(run, on_event=heard.append, command=worker(behaviour))
    job.start()
    assert job.wait(60) is not None
    return job, heard


def test_every_labelled_image_is_left_out_once_and_groups_stay_together(project: Project):
    run = create_cross_validation(project, SEEDED, folds=3)
    folds = read_plan(run).held_out
    labelled = project.image_ids()[:18]
    assert sorted(image_id for fold in folds for image_id in fold) == labelled
    assert [len(fold) for fold in folds] == [6, 6, 6]
    for fold in folds:
        places = {labelled.index(image_id) // 2 for image_id in fold}
        assert len(places) == 3


def test_a_fold_trains_on_all_the_others_and_on_none_of_its_own(project: Project):
    run = create_cross_validation(project, SEEDED, folds=3)
    for number, held_out in enumerate(read_plan(run).held_out):
        snapshot = Snapshot.load(fold_folder(run, number).snapshot)
        splits = {image.id: image.split for image in snapshot.images}
        assert {image_id for image_id, split in splits.items() if split == "test"} == set(held_out)
        assert set(splits.values()) == {"train", "val", "test"}
        assert len(splits) == 18
        assert not trained_images(fold_folder(run, number)) & set(held_out)
    config = TrainConfig.load(fold_folder(run, 0).config)
    assert config == replace(SEEDED, runtime=Runtime(seed=1, predict_after=False))


def test_the_whole_is_one_run_with_detections_on_every_labelled_image(project: Project):
    run = create_cross_validation(project, TrainConfig(), folds=3)
    job, heard = run_job(run)
    assert job.outcome is not None
    assert job.outcome.state is OutcomeState.COMPLETED
    assert predicted_images(run) == set(project.image_ids()[:18])
    assert len(load_detections(run)) == 18
    answers = load_answers(run)
    assert answers is not None
    assert sorted(answers.label_ids.tolist()) == sorted(project.ground_truth().ids.tolist())
    [info] = list_runs(project)
    # the detections are the objects themselves
    assert (info.name, info.state, info.best_ap) == ("001-crossval", RunState.COMPLETED, pytest.approx(1.0))
    assert (info.step, info.seconds) == (6, 60.0)
    steps = [(event.step, event.fraction) for event in heard if isinstance(event, Step)]
    assert steps == [(n, pytest.approx(n / 6)) for n in range(1, 7)]
    assert [(event.done, event.total) for event in heard if isinstance(event, Progress)] == [
        (1, 6),
        (3, 6),
        (5, 6),
    ]
    assert len([event for event in heard if isinstance(event, Validation)]) == 1
    assert "Fold 2 of 3: AP 0.250" in [event.text for event in heard if isinstance(event, Log)]
    assert is_cross_validation(run)
    assert trained_images(run) == set()


def test_a_stopped_job_goes_on_where_it_was(project: Project):
    run = create_cross_validation(project, TrainConfig(), folds=3)
    heard: list[Event] = []
    job = CrossValidationJob(run, on_event=heard.append, command=worker("wait 2"))
    job.start()
    while sum(isinstance(event, Step) for event in heard) < 4:
        assert job.wait(0.02) is None
    assert read_run(run).state == RunState.RUNNING
    with pytest.raises(ProjectError, match="works on this run"):
        CrossValidationJob(run, on_event=heard.append).start()
    job.stop()
    outcome = job.wait(60)
    assert outcome is not None
    assert outcome.state is OutcomeState.STOPPED
    assert read_run(run).state == RunState.STOPPED
    assert len(predicted_images(run)) == 6

    run_job(run)
    assert read_run(run).state == RunState.COMPLETED
    assert len(predicted_images(run)) == 18
    asked = [(fold_folder(run, n).path / "asked.txt").read_text().split() for n in range(3)]
    assert asked == [["train", "predict"], ["train", "train", "predict"], ["train", "predict"]]


def test_an_image_that_cannot_be_read_is_not_judged_and_not_asked_for_again(project: Project):
    run = create_cross_validation(project, TrainConfig(), folds=3)
    blind = project.image_ids()[5]
    job, _ = run_job(run, f"blind {blind}")
    assert job.outcome is not None
    assert job.outcome.ended is not None
    assert job.outcome.ended.result["best_AP"] == pytest.approx(1.0)
    assert job.outcome.ended.result["images"] == 17
    assert blind not in predicted_images(run)
    asked = [(fold_folder(run, n).path / "asked.txt").read_text() for n in range(3)]
    job, _ = run_job(run, f"blind {blind}")
    assert [(fold_folder(run, n).path / "asked.txt").read_text() for n in range(3)] == asked


def test_a_fold_that_fails_ends_the_job_and_says_why(project: Project):
    run = create_cross_validation(project, TrainConfig(), folds=3)
    job, _ = run_job(run, "fail 2")
    assert job.outcome is not None
    assert (job.outcome.state, job.outcome.text) == (OutcomeState.FAILED, "no good")
    assert (read_run(run).state, read_run(run).message) == (RunState.FAILED, "no good")
    assert len(predicted_images(run)) == 6


def test_a_job_that_cannot_write_its_history_ends_and_says_why(project: Project):
    run = create_cross_validation(project, TrainConfig(), folds=3)
    run.events.mkdir()
    job, _ = run_job(run)
    assert job.outcome is not None
    assert job.outcome.state == OutcomeState.FAILED
    assert str(run.events) in job.outcome.text
    assert not run.pid.exists()


@pytest.mark.parametrize(("folds", "what"), [(1, "at least 2"), (10, "too few for 10 folds")])
def test_folds_that_make_no_sense_are_refused(project: Project, folds: int, what: str):
    with pytest.raises(ConfigError, match=what):
        create_cross_validation(project, TrainConfig(), folds=folds)
    assert list_runs(project) == []


def test_too_many_folds_are_refused_with_a_hint(project: Project):
    with pytest.raises(ConfigError) as caught:
        create_cross_validation(project, TrainConfig(), folds=10)
    assert caught.value.hint == "Take fewer folds, or label more images"


def test_a_plain_run_has_learnt_from_its_training_images(project: Project):
    run = create_run(project, "reticle-s")
    take_snapshot(project).save(run.snapshot)
    assert trained_images(run) == set(project.image_ids()[4:18])
    with pytest.raises(ProjectError, match="not a cross-validation"):
        read_plan(run)
    assert not np.isin(project.image_ids()[:4], list(trained_images(run))).any()


def test_what_a_job_goes_on_with_is_counted_on_from_what_was_trained(project: Project):
    run = create_cross_validation(project, TrainConfig(), folds=3)
    run_job(run, "fail 2")
    _, heard = run_job(run)
    steps = [event for event in heard if isinstance(event, Step)]
    assert [step.step for step in steps] == [3, 4, 5, 6]
    assert [step.part for step in steps] == ["Fold 2 of 3"] * 2 + ["Fold 3 of 3"] * 2
    assert [event.step for event in heard if isinstance(event, Started)] == [2]
    assert (read_run(run).step, read_run(run).seconds) == (6, 60.0)


def test_a_leader_stops_its_folds_when_its_owner_wishes_it(project: Project):
    run = create_cross_validation(project, TrainConfig(), folds=3)
    flags, heard = StopFlags(), list[Event]()

    def hear(event: Event) -> None:
        heard.append(event)
        if isinstance(event, Step):
            flags.stop.set()

    assert lead(run, hear, flags, command=worker("wait 1")) is ExitCode.DONE
    assert isinstance(heard[-1], Ended)
    assert heard[-1].reason is EndReason.STOPPED
    assert read_run(run).state is RunState.STOPPED


def test_a_leader_ends_with_the_code_of_what_failed(project: Project):
    run = create_cross_validation(project, TrainConfig(), folds=3)
    assert lead(run, lambda _event: None, StopFlags(), command=worker("fail 1")) is ExitCode.BAD_INPUT
    assert read_run(run).message == "no good"
    heard: list[Event] = []
    assert lead(RunFolder(run.path / "nowhere"), heard.append, StopFlags()) is ExitCode.BAD_INPUT
    assert [event.message for event in heard if isinstance(event, Failed)] == [
        f"{run.path / 'nowhere'}: there is no such run"
    ]


def test_nobody_leads_a_run_that_has_a_leader(project: Project):
    run = create_cross_validation(project, TrainConfig(), folds=3)
    with hold_run(run):
        heard: list[Event] = []
        assert lead(run, heard.append, StopFlags()) is ExitCode.BAD_INPUT
    assert [event.hint for event in heard if isinstance(event, Failed)] == ["Stop it first"]


def test_the_worker_of_a_cross_validation_loads_no_torch(project: Project):
    run = create_cross_validation(project, TrainConfig(), folds=3)
    save_detections(run, Detections.empty(), image_ids=project.image_ids()[:18])
    script = (
        "import sys; sys.modules['torch'] = None\n"
        f"from detcore.cli import main; sys.exit(main(['worker', 'crossval', {str(run.path)!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        input="",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    last = decode(done.stdout.splitlines()[-1])
    assert isinstance(last, Ended)
    # all folds have looked already, so what is left is to judge
    assert (last.reason, last.result["images"]) == (EndReason.COMPLETED, 18)


def test_folds_are_divided_among_devices_and_find_what_they_find_one_by_one(project: Project):
    one, two = (
        create_cross_validation(project, TrainConfig(runtime=Runtime(device=device)), folds=3)
        for device in ("cpu", "cpu,cpu")
    )
    for run in (one, two):
        job, heard = run_job(run)
        assert job.outcome is not None
        assert job.outcome.state is OutcomeState.COMPLETED
    for name in ("image_ids", "labels", "boxes", "scores"):
        np.testing.assert_array_equal(
            getattr(load_detections(two), name), getattr(load_detections(one), name)
        )
    steps = [event for event in heard if isinstance(event, Step)]
    assert max(event.step for event in steps) == 6
    assert max(event.fraction for event in steps) == 1.0


def test_a_fold_that_fails_ends_those_beside_it_and_is_what_is_told(project: Project):
    config = TrainConfig(runtime=Runtime(device="cpu,cpu"))
    job, _ = run_job(create_cross_validation(project, config, folds=3), "fail 2")
    assert job.outcome is not None
    assert job.outcome.state is OutcomeState.FAILED
    assert "no good" in job.outcome.text
