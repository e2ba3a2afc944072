"""The learner beside the window, from a project that somebody else edits meanwhile."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import psutil
import pytest

from detcore.data.samples import Sample
from detcore.errors import Cancelled
from detcore.jobs import events
from detcore.jobs.child.learning import learn
from detcore.jobs.config import TrainConfig
from detcore.jobs.device_use import training_on
from detcore.jobs.events import Doing, Event
from detcore.jobs.lineage import images_learnt
from detcore.jobs.preparing.live import prepare_live
from detcore.jobs.wishes import Wish
from detcore.jobs.worker_process import EventWriter, StopFlags
from detcore.project.class_edits import delete_class, update_class
from detcore.project.edits import add_boxes, add_class, set_split, set_status
from detcore.project.project import Project
from detcore.project.runs import (
    RunFolder,
    is_live,
    load_detections,
    predicted_images,
    read_events,
    save_detections,
)
from detcore.project.snapshot import Snapshot, SnapshotImage, take_snapshot
from detcore.project.verified import VerifiedImages
from detcore.training.distributed import Group
from detcore.training.live.data import Roles
from detcore.training.live.judging import fair_sample
from detcore.training.live.looking import Looking, LookingAtAll
from detcore.training.live.room import Room
from detcore.training.live.session import LiveSession
from detcore.training.telling import Telling
from detcore.training.trainer import Trainer
from detcore.types import Box, Detections, GroundTruth, Status
from detcore.zoo.checkpoint import read_checkpoint
from tests.columns import ground_truth
from tests.detcore.conftest import draw_images
from tests.settings_of_runs import change_settings

Kind = TypeVar("Kind", bound=Event)
SECONDS = 60.0
ROOT = Path(__file__).parents[3]


class Learner:
    """A learner on a thread of this process, and what it has told."""

    def __init__(self, folder: Path, run: RunFolder) -> None:
        self.flags = StopFlags()
        self.heard: list[Event] = []
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, args=(folder, run))
        self._thread.start()

    def _work(self, folder: Path, run: RunFolder) -> None:
        try:
            with Project.open(folder, read_only=True) as project:
                LiveSession(project, run, emit=self._hear, flags=self.flags).run()
        except BaseException as error:  # noqa: BLE001 - shown by the test
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _hear(self, event: Event) -> None:
        with self._changed:
            self.heard.append(event)
            self._changed.notify_all()

    def wish(self, wish: Wish) -> None:
        self.flags.asked.put(wish.encode())

    def wait(self, kind: type[Kind], that: Callable[[Kind], bool] = lambda _event: True) -> Kind:
        """The newest event of a kind for which something holds, as soon as there is one."""

        def found() -> Kind | None:
            if self._error is not None:
                raise self._error
            return next((one for one in reversed(self.heard) if isinstance(one, kind) and that(one)), None)

        with self._changed:
            event = self._changed.wait_for(found, SECONDS)
        assert event is not None, [one for one in self.heard if not isinstance(one, events.Step)]
        return event

    def stop(self) -> None:
        self.flags.stop.set()
        self._thread.join(SECONDS)
        if self._error is not None:
            raise self._error


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Twelve images with boxes of two classes, none of them verified."""
    (tmp_path / "images").mkdir()
    paths, boxes = draw_images(tmp_path / "images", count=12, width=96, height=64, classes=2)
    project = Project.create(
        tmp_path / "p.reticle", image_root=tmp_path / "images", image_paths=[path.name for path in paths]
    )
    ids = project.image_ids()
    classes = [min(project.edit(add_class, f"kind {row}").classes) for row in range(2)]
    made = [
        Box(
            id=0,
            image_id=ids[box.image_id - 1],
            class_id=classes[box.class_id - 11],
            x1=box.x1,
            y1=box.y1,
            x2=box.x2,
            y2=box.y2,
        )
        for box in boxes
    ]
    project.edit(add_boxes, made)
    yield project
    project.close()


@pytest.fixture
def run(project: Project) -> RunFolder:
    run = prepare_live(project, device="cpu")
    change_settings(run, image_size=96, batch_size=4, precision="fp32", threads=1)
    config = replace(TrainConfig.load(run.config), detector="reticle-n")
    run.config.write_text(config.to_json(), encoding="utf-8")
    return run


@pytest.fixture
def learner(project: Project, run: RunFolder) -> Iterator[Learner]:
    learner = Learner(project.folder, run)
    yield learner
    learner.stop()


def verify(project: Project, count: int, *, first: int = 0) -> None:
    project.edit(set_status, project.image_ids()[first : first + count], Status.VERIFIED)


def test_it_waits_for_something_to_learn_from_and_takes_in_what_is_verified_within_a_second(
    project: Project, run: RunFolder, learner: Learner
) -> None:
    learner.wait(events.Live, lambda event: event.doing is Doing.WAITING)
    verify(project, 5)
    assert learner.wait(events.Live, lambda event: event.doing is Doing.LEARNING).learnt == 4
    learner.wait(events.Step)
    begin = time.monotonic()
    verify(project, 1, first=5)
    learner.wait(events.Live, lambda event: event.learnt == 5)
    assert time.monotonic() - begin < SECONDS / 2  # its own thread may have to wait for a busy machine
    snapshot = Snapshot.load(run.snapshot)
    assert [image.split for image in snapshot.images] == ["train"] * 4 + ["val", "train"]


def test_it_proposes_on_the_images_that_are_wanted_and_again_on_those_to_come_as_it_learns(
    project: Project, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detcore.training.live.looking.PUBLISH_SECONDS", 0.2)
    verify(project, 4)
    open_now, following = project.image_ids()[5:7]
    learner.wish(Wish(images=[open_now, following, 10**6]))  # the last one is gone
    first = learner.wait(events.Proposed, lambda event: event.image == following)
    assert first.labels == [] or set(first.labels) <= {item.id for item in project.classes()}
    learner.wait(events.Proposed, lambda event: event.image == following and event.step > first.step)
    told = [event for event in learner.heard if isinstance(event, events.Proposed)]
    assert len([event for event in told if event.image == open_now]) == 1  # nothing moves under the hand
    assert {event.image for event in told} == {open_now, following}


def test_it_learns_to_find_what_was_verified(
    project: Project, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detcore.training.live.looking.PUBLISH_SECONDS", 0.5)
    verify(project, 3)
    other, image_id = project.image_ids()[3], project.image_ids()[0]
    truth = sorted((box.class_id, *box.xyxy) for box in project.boxes(image_id))

    def finds_it(event: events.Proposed) -> bool:
        rows = [row for row, score in enumerate(event.scores) if score >= 0.3]
        found = sorted((event.labels[row], *event.boxes[row]) for row in rows)
        return event.image == image_id and len(found) == len(truth) and np.allclose(found, truth, atol=8)

    learner.wish(Wish(images=[other, image_id]))
    learner.wait(events.Proposed, finds_it)


def test_classes_may_come_and_go_and_be_renamed_while_it_learns(
    project: Project, run: RunFolder, learner: Learner
) -> None:
    verify(project, 6)
    learner.wait(events.Step)
    (new,) = project.edit(add_class, "kind 2").classes
    image_id = project.image_ids()[1]
    project.edit(add_boxes, [Box(id=0, image_id=image_id, class_id=new, x1=4, y1=4, x2=30, y2=30)])
    learner.wait(events.Started, lambda event: event.step > 0)
    gone = project.classes()[0].id
    project.edit(update_class, replace(project.classes()[2], name="another"))
    step = learner.wait(events.Step).step
    project.edit(delete_class, gone, delete_boxes=True)
    learner.wait(events.Step, lambda event: event.step > step + 2)
    learner.stop()
    kept = read_checkpoint(run.last)
    names = tuple(item.name for item in project.classes())
    assert (kept.class_names, names) == (names, ("kind 1", "another"))
    assert kept.class_ids == tuple(item.id for item in project.classes())
    assert gone not in kept.class_ids


def test_where_all_that_was_verified_is_taken_back_it_waits_again(project: Project, learner: Learner) -> None:
    verify(project, 3)
    learner.wait(events.Step)
    project.edit(set_status, project.image_ids()[:3], Status.IN_PROGRESS)
    learner.wait(events.Live, lambda event: event.doing is Doing.WAITING and event.learnt == 0)
    verify(project, 3)
    learner.wait(events.Live, lambda event: event.doing is Doing.LEARNING and event.learnt == 3)


def test_paused_it_makes_no_step_but_answers(project: Project, learner: Learner) -> None:
    verify(project, 4)
    learner.wait(events.Step)
    learner.wish(Wish(pause=True))
    learner.wait(events.Live, lambda event: event.doing is Doing.PAUSED)
    steps = len([event for event in learner.heard if isinstance(event, events.Step)])
    learner.wish(Wish(images=[project.image_ids()[6]]))
    learner.wait(events.Proposed)
    verify(project, 1, first=5)
    learner.wait(events.Live, lambda event: event.doing is Doing.PAUSED and event.learnt + event.judged == 5)
    time.sleep(0.5)
    assert len([event for event in learner.heard if isinstance(event, events.Step)]) == steps
    learner.wish(Wish(pause=False))
    learner.wait(
        events.Live, lambda event: event.doing is Doing.LEARNING and event.learnt + event.judged == 5
    )


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """It judges and comes to rest within seconds."""
    monkeypatch.setattr("detcore.training.live.judging._SECONDS", 0.05)
    monkeypatch.setattr("detcore.training.live.judging._SHARE", 1.0)
    monkeypatch.setattr("detcore.training.live.hook._DROP_SECONDS", 0.05)
    monkeypatch.setattr("detcore.training.live.hook._CALM_SECONDS", 0.5)


@pytest.mark.parametrize("count", [3, 10])
def test_where_nothing_is_new_it_rests_looks_at_all_images_and_wakes_with_the_next_one(
    project: Project, run: RunFolder, hasty: None, learner: Learner, count: int
) -> None:
    """With three images there is none to judge by."""
    verify(project, count)
    learner.wait(events.Live, lambda event: event.doing is Doing.RESTING)
    learner.wait(events.Checkpoint, lambda event: event.file == run.detections.name)
    assert predicted_images(run) == set(project.image_ids())
    assert set(load_detections(run).labels.tolist()) <= {item.id for item in project.classes()}
    figures = [event for event in learner.heard if isinstance(event, events.Validation)]
    assert bool(figures) == (count == 10)
    assert all(0 <= event.metrics["F1"] <= 1 and 0 <= event.metrics["threshold"] <= 1 for event in figures)
    project.edit(set_status, project.image_ids()[-1:], Status.IN_PROGRESS)
    time.sleep(0.5)
    assert learner.wait(events.Live).doing is Doing.RESTING  # what is not verified wakes nobody
    verify(project, 1, first=count)
    learner.wait(
        events.Live, lambda event: event.doing is Doing.LEARNING and event.learnt + event.judged == count + 1
    )


def test_stopped_it_keeps_what_it_has_learnt_and_goes_on_from_there(project: Project, run: RunFolder) -> None:
    verify(project, 6)
    first = Learner(project.folder, run)
    first.wait(events.Step, lambda event: event.step >= 3)
    first.stop()
    step = read_checkpoint(run.last).state.step
    assert step >= 3
    assert prepare_live(project, device="cpu").path == run.path
    verify(project, 4, first=6)
    second = Learner(project.folder, run)
    assert second.wait(events.Started).step == step
    assert second.wait(events.Live, lambda event: event.doing is Doing.LEARNING).judged == 2
    second.stop()


def test_a_run_that_has_learnt_since_is_what_the_next_learner_starts_from(
    project: Project, run: RunFolder, learner: Learner
) -> None:
    verify(project, 5)
    learner.wait(events.Step)
    learner.stop()
    trained = RunFolder(project.runs_folder / "002-reticle-s")
    trained.path.mkdir()
    for file in (run.config, run.snapshot, run.last):
        (trained.path / file.name).write_bytes(file.read_bytes())
    trained.info.write_text('{"model": "reticle-n"}', encoding="utf-8")
    again = prepare_live(project, device="cpu")
    assert again.name == "003-live"
    assert is_live(again)
    assert TrainConfig.load(again.config).learning.weights == str(trained.last)


def snapshot_of(*images: tuple[int, str | None]) -> Snapshot:
    """Images with these ids and splits, without boxes."""
    return Snapshot(
        classes=(),
        images=tuple(
            SnapshotImage(id=row, path=f"{row}.png", width=9, height=9, split=split, status=Status.VERIFIED)
            for row, split in images
        ),
        ground_truth=ground_truth([]),
    )


def test_of_many_images_a_fair_sample_judges_that_stays_much_the_same() -> None:
    def drawn(count: int) -> list[int]:
        nothing = np.zeros((0, 4), np.float32)
        none = np.zeros(0, np.int64)
        samples = [
            Sample(image_id=row, path="", boxes=nothing, labels=none, ignore=nothing) for row in range(count)
        ]
        return [sample.image_id for sample in fair_sample(samples)]

    assert drawn(60) == list(range(60))
    many = drawn(1000)
    assert len(many) == 60
    assert (
        min(sum(low <= row < low + 250 for row in many) for low in range(0, 1000, 250)) >= 8
    )  # 15 on average
    assert len(set(many) & set(drawn(1010))) >= 57


def splits(snapshot: Snapshot) -> dict[int, str | None]:
    return {image.id: image.split for image in snapshot.images}


def test_every_fifth_image_judges_whatever_comes_after_and_splits_of_the_user_hold() -> None:
    roles = Roles(None)
    assert splits(roles.divided(snapshot_of(*((row, None) for row in range(1, 5))))) == dict.fromkeys(
        range(1, 5), "train"
    )
    images = [(2, None), (3, "test"), (5, "val"), (8, None), (9, None), (7, "train")]
    assert splits(roles.divided(snapshot_of(*images))) == {
        2: "train",
        5: "val",
        8: "val",
        9: "train",
        7: "train",
    }
    assert splits(roles.divided(snapshot_of((8, None), (9, None)))) == {8: "val", 9: "train"}


def test_what_was_learnt_or_judged_before_stays_so_and_what_the_start_has_learnt_never_judges() -> None:
    before = snapshot_of((1, "val"), (2, "train"), (3, "train"), (4, "train"))
    roles = Roles(before, known={5})
    divided = roles.divided(snapshot_of(*((row, None) for row in range(1, 11))))
    assert splits(divided) == {1: "val", **dict.fromkeys(range(2, 10), "train"), 10: "val"}


@pytest.mark.parametrize(
    "wish",
    [Wish(images=[3, 4]), Wish(pause=True), Wish(), Wish(images=[], pause=False), Wish(everything=True)],
)
def test_a_wish_is_heard_as_it_was_said(wish: Wish) -> None:
    assert Wish.decode(wish.encode()) == wish


@pytest.mark.parametrize("line", ["", "stop", "[1]", '{"images": ["1"]}', '{"images": 3}', '{"pause": 1}'])
def test_other_lines_are_no_wishes(line: str) -> None:
    assert Wish.decode(line) is None


@pytest.mark.parametrize(
    ("place", "steps"),
    [
        ("detcore.training.live.looking.sweep", 1),
        ("detcore.training.live.judging.sweep", 1),
        ("detcore.training.run_data.RunData.views", 0),
        ("detcore.training.trainer.Trainer._backward", 0),
    ],
)
def test_a_stop_is_heeded_whatever_takes_long_and_what_was_learnt_is_kept(
    project: Project, run: RunFolder, monkeypatch: pytest.MonkeyPatch, place: str, steps: int
) -> None:
    reached, go_on, left = threading.Event(), threading.Event(), threading.Event()

    def slow(*_arguments: object, **_options: object) -> object:
        reached.set()
        assert go_on.wait(SECONDS)
        raise Cancelled("tested")

    monkeypatch.setattr(place, slow)
    monkeypatch.setattr("detcore.training.live.judging._SECONDS", 0.05)
    verify(project, 6)
    flags = StopFlags(may_end=True)
    flags.asked.put(Wish(images=project.image_ids()[7:8] if "looking" in place else []).encode())
    writer = EventWriter(io.StringIO(), flags)

    def work() -> None:
        with suppress(Cancelled):
            learn(run, writer, flags, lambda _result: left.set())

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert reached.wait(SECONDS)
        flags.stop.set()
        assert left.wait(SECONDS / 2)  # the other thread is still at it
        assert not steps or read_checkpoint(run.last).state.step >= steps
    finally:
        go_on.set()
        thread.join()
        writer.close()


class MadeUpLooking(Looking):
    """Finds one box on each image, two images at a time, and remembers which it was asked for."""

    batch_size = 2

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.files: dict[int, tuple[str, int, int]] = {}

    def file_of(self, image_id: int) -> tuple[str, int, int] | None:
        return self.files.get(image_id, (f"{image_id}.png", 0, 0))

    def find(self, image_ids: Sequence[int]) -> tuple[Detections, list[int]]:
        self.asked += image_ids
        ones = np.ones(len(image_ids))
        found = Detections(
            image_ids=np.array(image_ids, np.int64),
            labels=ones.astype(np.int64),
            boxes=np.tile([1.0, 2.0, 3.0, 4.0], (len(image_ids), 1)),
            scores=ones / 2,
        )
        return found, list(image_ids)


def test_at_rest_only_images_are_looked_at_whose_weights_or_files_are_others(
    project: Project, run: RunFolder
) -> None:
    looking, told = MadeUpLooking(), list[Event]()
    everything = LookingAtAll(
        project, run, looking, Telling(told.append, Group(), ()), Room(lambda text: pytest.fail(text))
    )

    def looked_at(*, step: int) -> list[int]:
        looking.asked = []
        everything.begin()
        while everything.go_on(step=step):
            pass
        return sorted(looking.asked)

    ids = project.image_ids()
    assert looked_at(step=5) == ids
    assert predicted_images(run) == set(ids)
    assert len(load_detections(run)) == len(ids)
    assert looked_at(step=5) == []
    looking.files[ids[2]] = ("2.png", 7, 9)
    assert looked_at(step=5) == [ids[2]]
    assert len(load_detections(run)) == len(ids)
    assert not run.before.detections.exists()
    assert [event.step for event in told if isinstance(event, events.Checkpoint)] == [5, 5]
    everything.begin()
    everything.go_on(step=6)  # two of them, then there is something new to be learnt
    assert looked_at(step=7) == ids
    assert looking.asked[-2:] == ids[:2]  # those that were looked at last come last
    assert predicted_images(run.before) == set(ids)


def test_what_was_found_on_all_images_is_written_once_there_is_room_for_it(
    project: Project, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking, said, tries = MadeUpLooking(), list[str](), list[RunFolder]()

    def full_at_first(run: RunFolder, found: Detections, **options: Any) -> None:
        tries.append(run)
        if len(tries) < 3:
            raise OSError(errno.ENOSPC, "No space left on device", str(run.detections))
        save_detections(run, found, **options)

    monkeypatch.setattr("detcore.training.live.looking.save_detections", full_at_first)
    monkeypatch.setattr("detcore.training.live.looking.TRY_AGAIN_SECONDS", 0.0)
    everything = LookingAtAll(
        project, run, looking, Telling(lambda _event: None, Group(), ()), Room(said.append)
    )
    everything.begin()
    for _ in range(12):  # six times two images, twice in vain, once well, then nothing
        everything.go_on(step=5)
    assert len(tries) == 3
    assert not everything.is_under_way
    assert len(looking.asked) == 12  # none was looked at twice
    assert predicted_images(run) == set(project.image_ids())
    assert len(said) == 1
    assert said[0].startswith(f"{run.detections}: No space left on device. What was found before stays,")


def test_what_is_wanted_of_all_images_is_there_while_it_learns_and_what_the_weights_before_found_stays(
    project: Project, run: RunFolder, learner: Learner
) -> None:
    verify(project, 4)
    learner.wait(events.Step)
    learner.wish(Wish(everything=True))
    first = learner.wait(events.Checkpoint, lambda event: event.file == run.detections.name)
    assert not run.before.detections.exists()
    learner.wait(events.Step, lambda event: event.step > first.step)
    learner.wish(Wish(everything=True))
    learner.wait(
        events.Checkpoint, lambda event: event.file == run.detections.name and event.step > first.step
    )
    assert predicted_images(run.before) == set(project.image_ids())
    assert predicted_images(run) == set(project.image_ids())


def test_where_the_disk_is_full_it_says_so_once_and_takes_in_what_came_once_there_is_room(
    project: Project, run: RunFolder, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detcore.training.live.hook.TRY_AGAIN_SECONDS", 0.1)
    verify(project, 3)
    learner.wait(events.Step)
    save, tries = Snapshot.save, list[Path]()

    def full(snapshot: Snapshot, path: Path) -> None:
        tries.append(path)
        if len(tries) <= 3:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        save(snapshot, path)

    monkeypatch.setattr(Snapshot, "save", full)
    verify(project, 1, first=3)
    assert learner.wait(events.Live, lambda event: event.learnt == 4).doing is Doing.LEARNING
    warnings = [one.text for one in learner.heard if isinstance(one, events.Log) and one.level == "warning"]
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{run.snapshot}: No space left on device.")
    assert len(Snapshot.load(run.snapshot).images) == 4


def test_where_memory_runs_out_it_goes_on_with_a_smaller_batch(
    project: Project, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_settings(run, checkpoint_every_seconds=0.05)
    verify(project, 6)
    learner = Learner(project.folder, run)
    assert learner.wait(events.Started).batch_size == 4
    learner.wait(events.Checkpoint)
    backward, failed = Trainer._backward, list[int]()

    def no_memory(trainer: Trainer, *arguments: Any) -> Any:
        if not failed:
            failed.append(trainer.state.step)
            raise MemoryError
        return backward(trainer, *arguments)

    monkeypatch.setattr(Trainer, "_backward", no_memory)
    again = learner.wait(events.Started, lambda event: event.batch_size == 2)
    assert again.step > 0
    learner.wait(events.Step, lambda event: event.step > again.step)
    learner.stop()
    assert read_checkpoint(run.last).state.attempt == 1


def test_it_waits_as_long_as_something_is_trained_on_its_device(
    project: Project, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detcore.jobs.device_use._LOOK_SECONDS", 0.05)
    verify(project, 4)
    learner.wait(events.Step)
    with training_on("cpu"):
        learner.wait(events.Live, lambda event: event.doing is Doing.YIELDING)
        steps = len([event for event in learner.heard if isinstance(event, events.Step)])
        learner.wish(Wish(images=[project.image_ids()[6]]))
        learner.wait(events.Proposed)  # which is no work worth the name
        assert len([event for event in learner.heard if isinstance(event, events.Step)]) == steps
    at = len(learner.heard)
    learner.wait(events.Step, lambda event: learner.heard.index(event) >= at)


def test_a_damaged_list_of_images_is_named_and_made_anew_and_what_may_have_been_learnt_never_judges(
    project: Project, run: RunFolder
) -> None:
    verify(project, 10)
    run.snapshot.write_bytes(b"not a snapshot")
    learner = Learner(project.folder, run)
    live = learner.wait(events.Live, lambda event: event.doing is Doing.LEARNING)
    assert (live.learnt, live.judged) == (10, 0)
    (warning,) = [one.text for one in learner.heard if isinstance(one, events.Log) and one.level == "warning"]
    assert warning.startswith(str(run.snapshot))
    learner.stop()
    assert len(Snapshot.load(run.snapshot).images) == 10


def test_what_it_has_ever_learnt_is_kept_and_is_never_judged_by(project: Project, run: RunFolder) -> None:
    verify(project, 6)
    first = Learner(project.folder, run)
    first.wait(events.Step)
    ids = project.image_ids()
    project.edit(set_split, {ids[0]: "val", ids[5]: "val"})
    live = first.wait(events.Live, lambda event: event.learnt == 3)
    assert live.judged == 1  # image 5, which never was anything else
    first.stop()
    second = Learner(project.folder, run)
    assert second.wait(events.Live, lambda event: event.doing is Doing.LEARNING) == live
    second.stop()
    assert images_learnt(run) == {*ids[:4], ids[5]}


def test_an_image_that_was_learnt_and_is_to_judge_does_neither() -> None:
    roles = Roles(None)
    roles.divided(snapshot_of((1, None), (2, "train"), (3, "val")))
    assert splits(roles.divided(snapshot_of((1, "val"), (2, None), (3, "val")))) == {2: "train", 3: "val"}
    roles.divided(snapshot_of((3, "train")))
    assert splits(roles.divided(snapshot_of((3, "val"), (4, "val")))) == {4: "val"}
    assert roles.learnt == {1, 2, 3}


def test_only_what_is_verified_is_news_and_only_once(project: Project) -> None:
    with Project.open(project.folder, read_only=True) as reader:
        verified = VerifiedImages(reader)
        first = verified.news()
        assert first is not None
        assert (first.classes, first.images, len(first.ground_truth)) == (tuple(project.classes()), (), 0)
        assert verified.news() is None
        verify(project, 2)
        time.sleep(0.2)
        news = verified.news()
        assert news is not None
        assert [image.id for image in news.images] == project.image_ids()[:2]
        assert set(news.ground_truth.image_ids.tolist()) <= set(project.image_ids()[:2])
        assert verified.news() is None


def test_news_are_what_reading_everything_would_give_and_only_what_has_changed_is_read(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detcore.project.verified._SHARE", 1.0)
    ids, (one, other) = project.image_ids(), [item.id for item in project.classes()]
    box = Box(id=0, image_id=ids[2], class_id=one, x1=1, y1=2, x2=30, y2=40)
    elsewhere = replace(box, image_id=ids[9])
    verify(project, 6)
    with Project.open(project.folder, read_only=True) as reader:
        verified, read = VerifiedImages(reader), list[list[int] | None]()
        ground_truth = reader.ground_truth
        assert verified.news() is not None

        def noted(image_ids: list[int] | None = None) -> GroundTruth:
            read.append(image_ids)
            return ground_truth(image_ids)

        def after(change: Callable[[], object]) -> list[int] | None:
            """Which images' boxes are read after it; all is as if all were read."""
            read.clear()
            change()
            monkeypatch.setattr(reader, "ground_truth", noted)
            news = verified.news()
            monkeypatch.setattr(reader, "ground_truth", ground_truth)
            now = take_snapshot(project, status=Status.VERIFIED)
            if news is not None:
                assert (news.images, news.classes) == (now.images, now.classes)
                for item in fields(GroundTruth):
                    np.testing.assert_array_equal(
                        getattr(news.ground_truth, item.name), getattr(now.ground_truth, item.name)
                    )
            return read[0] if read else None

        assert after(lambda: project.edit(add_boxes, [box])) == [ids[2]]
        assert after(lambda: project.edit(add_boxes, [elsewhere])) is None
        assert after(lambda: project.edit(set_status, [ids[9]], Status.VERIFIED)) == [ids[9]]
        assert after(lambda: project.edit(set_status, [ids[0]], Status.IN_PROGRESS)) == []
        assert after(project.undo) == [ids[0]]
        for _ in range(2):
            project.undo()
        assert after(project.undo) == [ids[2]]
        assert after(project.redo) == [ids[2]]
        project.undo()  # what was in force is forgotten by the next edit: all is read
        assert after(lambda: project.edit(set_status, [ids[9]], Status.VERIFIED)) == [*ids[:6], ids[9]]
        with_other = {item.image_id for item in project.all_boxes() if item.class_id == other}
        expected = [image_id for image_id in [*ids[:6], ids[9]] if image_id in with_other]
        assert after(lambda: project.edit(delete_class, other, delete_boxes=True)) == expected


def test_images_that_lie_elsewhere_by_now_are_news(project: Project, tmp_path: Path) -> None:
    verify(project, 2)
    with Project.open(project.folder, read_only=True) as reader:
        verified = VerifiedImages(reader)
        assert verified.news() is not None
        (tmp_path / "images").rename(tmp_path / "moved")
        project.set_image_root(tmp_path / "moved")
        time.sleep(0.2)
        news = verified.news()
        assert news is not None
        assert {Path(image.path).parent for image in news.images} == {tmp_path / "moved"}
        assert reader.image_path(reader.images()[0]).is_file()


@pytest.mark.skipif(os.name != "posix", reason="fork and signals")
def test_killed_at_ten_random_moments_it_goes_on_from_what_was_kept(project: Project, run: RunFolder) -> None:
    change_settings(run, checkpoint_every_seconds=0.05)
    verify(project, 6)
    first = Learner(project.folder, run)  # on a busy machine a short life keeps nothing
    first.wait(events.Checkpoint)
    first.stop()
    kept = read_checkpoint(run.last).state.step
    times = np.random.default_rng(3).uniform(0.1, 0.6, 10).round(2).tolist()
    command = [sys.executable, "-m", "tests.detcore.training.mortal", "learn", str(run.path), "after"]
    done = subprocess.run(
        [*command, *map(str, times)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "10"), done.stderr[-2000:]
    step = read_checkpoint(run.last).state.step
    assert step >= kept > 0
    learner = Learner(project.folder, run)
    assert learner.wait(events.Started).step >= step
    learner.wait(events.Step)
    learner.stop()


_OWNER = """
import sys, time
from detcore.jobs.owner import WorkerJob, worker_command
job = WorkerJob(worker_command("learn", sys.argv[1]), on_event=lambda event: None)
job.start()
print(job.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_where_the_window_is_killed_nobody_goes_on_learning(project: Project, run: RunFolder) -> None:
    verify(project, 6)
    owner = subprocess.Popen([sys.executable, "-c", _OWNER, str(run.path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert owner.stdout is not None
    learner = psutil.Process(int(owner.stdout.readline()))
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and not any(
        isinstance(one, events.Step) for one in read_events(run.events)
    ):
        time.sleep(0.1)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    gone, _ = psutil.wait_procs([learner], timeout=15)
    assert gone == [learner]
    assert read_checkpoint(run.last).state.step > 0
