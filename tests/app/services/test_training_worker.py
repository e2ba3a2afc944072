"""Worker processes as the window sees them; the children here are fakes that behave badly on purpose."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from pytestqt.qtbot import QtBot

from app.services import training_worker
from app.services.training_worker import Jobs
from detcore.jobs.events import Checkpoint, Command, Event, Log, Step
from detcore.jobs.owner import Outcome, OutcomeState, Timeouts
from tests.app.worker_fakes import fake_workers


@pytest.fixture
def behave(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return fake_workers(monkeypatch)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "001-reticle-s"
    folder.mkdir()
    return folder


class Listener:
    def __init__(self, jobs: Jobs) -> None:
        self.batches: list[tuple[float, list[Event]]] = []
        self.outcomes: list[Outcome] = []
        jobs.events.connect(lambda _name, events: self.batches.append((time.monotonic(), events)))
        jobs.ended.connect(lambda _name, outcome: self.outcomes.append(outcome))

    def heard(self, kind: type[Event]) -> list[Event]:
        return [event for _, events in self.batches for event in events if isinstance(event, kind)]


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[Jobs]:
    jobs = Jobs(timeouts=Timeouts(ask=0.5, terminate=0.5, silence=1.0))
    yield jobs
    jobs.shut_down()


@pytest.fixture
def listener(jobs: Jobs) -> Listener:
    return Listener(jobs)


def test_events_arrive_in_order_in_at_most_ten_batches_a_second_and_before_the_end(
    qtbot: QtBot, jobs: Jobs, listener: Listener, run: Path, behave: Callable[[str], None]
) -> None:
    behave("good")
    jobs.train(run)
    assert jobs.active() == [run]
    assert jobs.training(run.parent) == run
    assert jobs.training(run.parent.parent) is None
    qtbot.waitUntil(lambda: bool(listener.outcomes), timeout=20_000)
    steps = [event.step for event in listener.heard(Step) if isinstance(event, Step)]
    assert steps == list(range(1, 41))
    times = [at for at, _ in listener.batches]
    assert len(times) <= 10 * (times[-1] - times[0]) + 2
    assert len(times) < len(steps)
    assert listener.outcomes[0].state is OutcomeState.COMPLETED
    assert jobs.active() == []


def test_stop_lets_the_child_write_its_checkpoint(
    qtbot: QtBot, jobs: Jobs, listener: Listener, run: Path, behave: Callable[[str], None]
) -> None:
    behave("long")
    jobs.train(run)
    qtbot.waitUntil(lambda: len(listener.heard(Step)) > 5, timeout=20_000)
    jobs.stop(run)
    qtbot.waitUntil(lambda: bool(listener.outcomes), timeout=20_000)
    assert listener.outcomes[0].state is OutcomeState.STOPPED
    assert listener.heard(Checkpoint)


def test_finish_now_is_told_apart_from_a_stop(
    qtbot: QtBot, jobs: Jobs, listener: Listener, run: Path, behave: Callable[[str], None]
) -> None:
    behave("long")
    jobs.train(run)
    qtbot.waitUntil(lambda: len(listener.heard(Step)) > 5, timeout=20_000)
    jobs.request(run, Command.FINISH)
    qtbot.waitUntil(lambda: bool(listener.outcomes), timeout=20_000)
    assert listener.outcomes[0].state is OutcomeState.FINISHED_EARLY


@pytest.mark.parametrize(
    ("behaviour", "state", "words"),
    [
        ("crash", OutcomeState.FAILED, "device-side assert"),
        ("killed", OutcomeState.KILLED, "last checkpoint is of step 10"),
    ],
)
def test_a_child_that_dies_is_reported_with_the_reason(
    qtbot: QtBot,
    jobs: Jobs,
    listener: Listener,
    run: Path,
    behave: Callable[[str], None],
    behaviour: str,
    state: OutcomeState,
    words: str,
) -> None:
    behave(behaviour)
    jobs.train(run)
    qtbot.waitUntil(lambda: bool(listener.outcomes), timeout=20_000)
    assert listener.outcomes[0].state is state
    assert words in listener.outcomes[0].text
    assert jobs.active() == []


def test_a_child_killed_from_outside_can_be_started_again(
    qtbot: QtBot, jobs: Jobs, listener: Listener, run: Path, behave: Callable[[str], None]
) -> None:
    behave("long")
    jobs.train(run)
    qtbot.waitUntil(lambda: len(listener.heard(Checkpoint)) >= 1, timeout=20_000)
    pid = jobs.pid(run)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: bool(listener.outcomes), timeout=20_000)
    assert listener.outcomes[0].state is OutcomeState.KILLED
    before = len(listener.heard(Step))
    behave("good")
    jobs.train(run)
    qtbot.waitUntil(lambda: len(listener.outcomes) == 2, timeout=20_000)
    resumed = listener.heard(Step)[before]
    assert isinstance(resumed, Step)
    assert resumed.step >= 11


def test_lines_that_are_no_events_are_skipped(
    qtbot: QtBot, jobs: Jobs, listener: Listener, run: Path, behave: Callable[[str], None]
) -> None:
    behave("garbage")
    jobs.train(run)
    qtbot.waitUntil(lambda: bool(listener.outcomes), timeout=20_000)
    assert listener.outcomes[0].state is OutcomeState.COMPLETED


def test_out_of_memory_starts_the_training_again_and_says_so(
    qtbot: QtBot, jobs: Jobs, listener: Listener, run: Path, behave: Callable[[str], None]
) -> None:
    behave("memory")
    jobs.train(run)
    qtbot.waitUntil(lambda: bool(listener.outcomes), timeout=20_000)
    warnings = [event for event in listener.heard(Log) if isinstance(event, Log) and event.level == "warning"]
    assert [event.text.startswith("Out of memory") for event in warnings] == [True, True]
    assert listener.outcomes[0].state is OutcomeState.COMPLETED


def test_a_silent_child_is_reported_and_can_be_ended(
    qtbot: QtBot, jobs: Jobs, listener: Listener, run: Path, behave: Callable[[str], None]
) -> None:
    behave("silent")
    jobs.train(run)
    qtbot.waitUntil(lambda: any("No sign of life" in str(e) for e in listener.heard(Log)), timeout=20_000)
    jobs.stop(run)
    qtbot.waitUntil(lambda: bool(listener.outcomes), timeout=20_000)
    assert listener.outcomes[0].state is OutcomeState.STOPPED


def test_shut_down_ends_even_a_child_that_ignores_everything_in_bounded_time(
    qtbot: QtBot, run: Path, behave: Callable[[str], None]
) -> None:
    behave("deaf")
    jobs = Jobs(timeouts=Timeouts(ask=30.0, terminate=30.0, silence=60.0))
    jobs.train(run)
    qtbot.waitUntil(lambda: jobs.pid(run) is not None, timeout=20_000)
    pid = jobs.pid(run)
    began = time.monotonic()
    jobs.shut_down(timeout=1.0)
    assert time.monotonic() - began < 5.0
    assert not psutil.pid_exists(pid or 0)


def test_a_program_that_is_not_there_ends_the_run_as_failed(
    qtbot: QtBot, jobs: Jobs, listener: Listener, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_worker, "worker_command", lambda *_a, **_k: ["/nonexistent/program"])
    jobs.train(run)
    qtbot.waitUntil(lambda: bool(listener.outcomes), timeout=20_000)
    assert listener.outcomes[0].state is OutcomeState.FAILED
    assert "could not be started" in listener.outcomes[0].text


def test_devices_are_asked_for_once(qtbot: QtBot, jobs: Jobs, behave: Callable[[str], None]) -> None:
    behave("good")
    with qtbot.waitSignal(jobs.devices_found, timeout=20_000):
        jobs.look_for_devices()
        jobs.look_for_devices()
    assert [device.id for device in jobs.devices] == ["cpu"]
    assert jobs.active() == []


def test_without_an_answer_the_processor_is_the_device(
    qtbot: QtBot, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_worker, "worker_command", lambda *_a, **_k: ["/nonexistent/program"])
    with qtbot.waitSignal(jobs.devices_found, timeout=20_000):
        jobs.look_for_devices()
    assert [device.id for device in jobs.devices] == ["cpu"]


def test_whoever_shuts_down_hears_nothing_more(
    qtbot: QtBot, jobs: Jobs, listener: Listener, run: Path, behave: Callable[[str], None]
) -> None:
    behave("good")
    jobs.train(run)
    # events and end are there together when the window has its turn again
    assert jobs._running[run].job.wait(20.0) is not None
    jobs.events.connect(lambda _run, _events: jobs.shut_down())
    qtbot.waitUntil(lambda: bool(listener.batches), timeout=20_000)
    qtbot.wait(300)
    assert listener.heard(Step)
    assert listener.outcomes == []


@pytest.mark.timeout(60)
def test_nobody_waits_at_the_end_for_the_process_that_looks_for_devices(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It loads the model code for seconds before it hears of anything; here for good."""
    forever = [sys.executable, "-c", "import time; time.sleep(1000)"]
    monkeypatch.setattr(training_worker, "worker_command", lambda *_arguments: forever)
    jobs = Jobs(timeouts=Timeouts(ask=1000, terminate=1000))
    jobs.look_for_devices()
    children = psutil.Process().children()
    jobs.shut_down(timeout=1000)
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive
