"""Runs describe themselves: what became of each is read from its folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from detcore.errors import ProjectError
from detcore.jobs.events import (
    Ended,
    EndReason,
    Event,
    Failed,
    FailureKind,
    Heartbeat,
    Log,
    Started,
    Step,
    Validation,
    encode,
)
from detcore.project.project import Project
from detcore.project.runs import (
    RunFolder,
    RunState,
    create_run,
    discard,
    find_run,
    hold_run,
    is_running,
    left_out_images,
    list_runs,
    load_detections,
    merge_detections,
    predicted_images,
    read_events,
    read_run,
    restore,
    save_detections,
    write_pid,
)
from detcore.types import Detections

STARTED = Started(time=1.0, device="cpu", device_name="Some CPU")
COMPLETED = Ended(reason=EndReason.COMPLETED, time=9.0)


def step(number: int) -> Step:
    return Step(
        step=number,
        epoch=number / 10,
        time=number * 2.0,
        fraction=number / 100,
        remaining=None,
        learning_rate=0.1,
        losses={"box": 1.5},
        images_per_second=3.0,
    )


def validation(number: int, ap: float) -> Validation:
    return Validation(
        step=number, epoch=number / 10, time=number * 2.0, metrics={"AP": ap}, per_class={}, best=False
    )


def write_events(run: RunFolder, *events: Event) -> None:
    run.events.write_text("".join(encode(event) + "\n" for event in events), encoding="utf-8")


def detections(*rows: tuple[int, int, float]) -> Detections:
    """Of (image, class, score)."""
    return Detections(
        image_ids=np.array([row[0] for row in rows], np.int64),
        labels=np.array([row[1] for row in rows], np.int64),
        boxes=np.array([[0.1, 1 / 3, 5.5, 7.0]] * len(rows), np.float64).reshape(-1, 4),
        scores=np.array([row[2] for row in rows], np.float64),
    )


def test_runs_are_numbered_and_listed_newest_first(project: Project) -> None:
    names = [create_run(project, model).name for model in ("reticle-s", "reticle-n")]
    assert names == ["001-reticle-s", "002-reticle-n"]
    infos = list_runs(project)
    assert [(info.name, info.model, info.state) for info in infos] == [
        ("002-reticle-n", "reticle-n", RunState.NEW),
        ("001-reticle-s", "reticle-s", RunState.NEW),
    ]
    assert infos[0].created > 1e9
    assert infos[0].best_ap is None


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], RunState.NEW),
        ([STARTED, step(1)], RunState.INTERRUPTED),
        ([STARTED, step(1), COMPLETED], RunState.COMPLETED),
        ([STARTED, Ended(reason=EndReason.FINISHED_EARLY, time=1.0)], RunState.COMPLETED),
        ([STARTED, Ended(reason=EndReason.STOPPED, time=1.0)], RunState.STOPPED),
        ([STARTED, Failed(failure=FailureKind.BUG, message="no")], RunState.FAILED),
        ([STARTED, Failed(failure=FailureKind.BUG, message="no"), STARTED, step(5)], RunState.INTERRUPTED),
        ([STARTED, Ended(reason=EndReason.STOPPED, time=1.0), STARTED, COMPLETED], RunState.COMPLETED),
    ],
)
def test_the_state_of_a_run_is_that_of_its_last_start(
    project: Project, events: list[Event], state: RunState
) -> None:
    run = create_run(project, "reticle-s")
    write_events(run, *events)
    assert read_run(run).state == state


def test_a_list_of_runs_says_whose_errors_they_learn_from_without_reading_those(project: Project) -> None:
    create_run(project, "reticle-s")
    run = create_run(project, "reticle-s", learns_from="001-reticle-s")
    run.emphasis.write_text("not read", encoding="utf-8")
    assert [info.learns_from for info in list_runs(project)] == ["001-reticle-s", ""]
    run.info.unlink()
    assert read_run(run).learns_from == ""


def test_a_run_tells_its_figures_from_its_events(project: Project) -> None:
    run = create_run(project, "reticle-s")
    write_events(
        run,
        STARTED,
        step(1),
        validation(10, 0.3),
        step(20),
        validation(30, 0.5),
        validation(40, 0.4),
        step(41),
    )
    info = list_runs(project)[0]
    assert (info.best_ap, info.seconds, info.epochs, info.step) == (0.5, 82.0, 4.1, 41)
    assert (info.fraction, info.device, info.has_checkpoint) == (0.41, "Some CPU", False)
    run.last.write_bytes(b"x")
    write_events(
        run, STARTED, step(1), validation(2, float("nan")), Failed(failure=FailureKind.BUG, message="Oh")
    )
    info = read_run(run)
    assert (info.best_ap, info.message, info.has_checkpoint) == (None, "Oh", True)


def test_the_list_is_made_of_the_folders_alone(project: Project) -> None:
    run = create_run(project, "reticle-s")
    write_events(run, STARTED, COMPLETED)
    run.info.write_text("{ torn")
    (project.runs_folder / "notes").mkdir()
    (project.runs_folder / "file.txt").write_text("x")
    infos = list_runs(project)
    assert [(info.name, info.model, info.state) for info in infos] == [
        ("001-reticle-s", "reticle-s", RunState.COMPLETED)
    ]
    (project.folder / "runs" / "001-reticle-s").rename(project.folder / "runs" / "007-copy")
    assert [info.name for info in list_runs(project)] == ["007-copy"]
    assert create_run(project, "x").name == "008-x"


def test_a_run_is_running_while_its_process_lives(project: Project) -> None:
    run = create_run(project, "reticle-s")
    write_events(run, STARTED, step(1))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        write_pid(run, process.pid)
        assert read_run(run).state == RunState.RUNNING
        with pytest.raises(ProjectError, match="still running"):
            discard(project, run.name)
        process.kill()
    assert read_run(run).state == RunState.INTERRUPTED


def test_a_process_number_that_was_given_to_another_process_does_not_count(project: Project) -> None:
    run = create_run(project, "reticle-s")
    write_pid(run, psutil.Process().pid)
    assert is_running(run)
    record = json.loads(run.pid.read_text())
    run.pid.write_text(json.dumps({**record, "created": record["created"] - 100}))
    assert not is_running(run)
    for odd in ("", "[]", '{"pid": "x"}', '{"pid": -1, "created": 0}', '{"pid": 1}'):
        run.pid.write_text(odd)
        assert not is_running(run)


def test_a_torn_last_line_costs_that_line_only(project: Project) -> None:
    run = create_run(project, "reticle-s")
    write_events(run, STARTED, step(1), step(2))
    with run.events.open("a") as file:
        file.write(encode(step(3))[:40])
    assert read_events(run.events) == [STARTED, step(1), step(2)]
    with run.events.open("a") as file:
        file.write(encode(STARTED) + "\n" + encode(step(4)) + "\nsome library's print\n\n")
    assert read_events(run.events) == [STARTED, step(1), step(2), STARTED, step(4)]
    assert read_events(run.path / "missing.jsonl") == []


def test_milestones_leave_out_steps_that_another_follows(project: Project) -> None:
    run = create_run(project, "reticle-s")
    log = Log(level="info", text="hello")
    write_events(run, STARTED, step(1), step(2), Heartbeat(time=1.0), step(3), log, step(4), step(5))
    assert read_events(run.events, milestones=True)[-3:] == [step(3), log, step(5)]
    assert Heartbeat(time=1.0) not in read_events(run.events, milestones=True)
    assert len(read_events(run.events)) == 8


def test_detections_come_back_exactly(project: Project) -> None:
    run = create_run(project, "reticle-s")
    with pytest.raises(ProjectError, match="missing"):
        load_detections(run)
    for saved in (detections((3, 1, 0.1), (1, 2, 1 / 3)), Detections.empty()):
        save_detections(run, saved)
        loaded = load_detections(run)
        for name in ("image_ids", "labels", "boxes", "scores"):
            np.testing.assert_array_equal(getattr(loaded, name), getattr(saved, name))
            assert getattr(loaded, name).dtype == getattr(saved, name).dtype
    assert read_run(run).has_detections


def test_detections_remember_images_without_any(project: Project) -> None:
    run = create_run(project, "reticle-s")
    save_detections(run, detections((1, 1, 0.5), (2, 1, 0.6)), image_ids=[1, 2, 3])
    merge_detections(run, detections((2, 2, 0.9), (4, 1, 0.8)), image_ids=[2, 4, 5])
    loaded = load_detections(run)
    assert sorted(zip(loaded.image_ids.tolist(), loaded.scores.tolist(), strict=True)) == [
        (1, 0.5),
        (2, 0.9),
        (4, 0.8),
    ]
    assert predicted_images(run) == {1, 2, 3, 4, 5}


def test_an_image_that_cannot_be_read_any_more_is_no_longer_looked_at_until_it_can_again(
    project: Project,
) -> None:
    run = create_run(project, "reticle-s")
    save_detections(run, detections((1, 1, 0.5), (2, 1, 0.6)), image_ids=[1, 2])
    assert left_out_images(run) == set()
    merge_detections(run, detections((3, 1, 0.7)), image_ids=[3], left_out=[2])
    assert (predicted_images(run), left_out_images(run)) == ({1, 3}, {2})
    assert load_detections(run).image_ids.tolist() == [1, 3]
    merge_detections(run, detections((2, 1, 0.9)), image_ids=[2])
    assert (predicted_images(run), left_out_images(run)) == ({1, 2, 3}, set())


def test_detections_written_before_steps_were_kept_still_count(project: Project) -> None:
    run = create_run(project, "reticle-s")
    found = detections((1, 1, 0.5))
    columns = {name: getattr(found, name) for name in ("image_ids", "labels", "boxes", "scores")}
    np.savez(run.detections, **columns, looked_at=np.array([1, 2]))
    assert (predicted_images(run), left_out_images(run)) == ({1, 2}, set())
    assert read_run(run).has_detections


def test_a_run_of_which_only_the_previous_checkpoint_is_left_can_go_on(project: Project) -> None:
    run = create_run(project, "reticle-s")
    assert not read_run(run).has_checkpoint
    run.previous.write_bytes(b"weights")
    assert read_run(run).has_checkpoint


def test_detections_that_could_run_code_are_refused(project: Project) -> None:
    run = create_run(project, "reticle-s")
    good = detections((1, 1, 0.5))
    np.savez(
        run.detections,
        image_ids=np.array([{"a": 1}], dtype=object),
        labels=good.labels,
        boxes=good.boxes,
        scores=good.scores,
    )
    with pytest.raises(ProjectError, match="not written by Reticle"):
        load_detections(run)
    np.save(run.path / "x.npy", np.array([print], dtype=object), allow_pickle=True)
    (run.path / "x.npy").rename(run.detections)
    with pytest.raises(ProjectError):
        load_detections(run)


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"scores": np.array(["0.5"])},
        {"boxes": np.zeros((1, 3))},
        {"boxes": np.zeros(4)},
        {"scores": np.zeros(2)},
        {"scores": np.zeros((1, 1))},
        {"labels": np.zeros(1)},
    ],
)
def test_damaged_detections_are_refused(project: Project, columns: dict[str, np.ndarray]) -> None:
    run = create_run(project, "reticle-s")
    good = detections((1, 1, 0.5))
    whole = {name: getattr(good, name) for name in ("image_ids", "labels", "boxes", "scores")}
    if columns:
        np.savez(run.detections, **{**whole, **columns})
    else:
        run.detections.write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(ProjectError):
        load_detections(run)


def test_a_run_that_a_process_has_only_begun_to_work_on_is_not_discarded(project: Project) -> None:
    run = create_run(project, "reticle-s")
    with hold_run(run):
        assert not run.pid.exists()
        with pytest.raises(ProjectError, match="another process"):
            discard(project, run.name)
        with pytest.raises(ProjectError, match="another process"), hold_run(run):
            pass
    assert discard(project, run.name).is_dir()


def test_a_discarded_run_goes_to_the_trash_and_comes_back(project: Project) -> None:
    run = create_run(project, "reticle-s")
    run.best.write_bytes(b"weights")
    kept = discard(project, run.name)
    assert list_runs(project) == []
    assert (kept / "best.safetensors").read_bytes() == b"weights"
    assert create_run(project, "reticle-s").name == "002-reticle-s"
    assert restore(project, run.name).best.read_bytes() == b"weights"
    assert [info.name for info in list_runs(project)] == ["002-reticle-s", "001-reticle-s"]


@pytest.mark.parametrize("name", ["", "..", "../runs", "001-nothing", "/etc", "001-../../x"])
def test_only_runs_of_the_project_are_found(project: Project, name: str) -> None:
    for action in (find_run, discard, restore):
        with pytest.raises(ProjectError, match="no run"):
            action(project, name)
    assert project.runs_folder.is_dir()


def test_a_run_is_found_by_name_or_number_and_an_unknown_one_names_those_there_are(project: Project) -> None:
    run = create_run(project, "reticle-s")
    assert find_run(project, "001-reticle-s") == run
    assert find_run(project, "001") == run
    with pytest.raises(ProjectError, match="There are: 001-reticle-s"):
        find_run(project, "002")
    assert run.path == Path(project.folder, "runs", "001-reticle-s")
