"""The owner's side of a worker, tried on small scripts that play the worker."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from detcore.errors import JobError
from detcore.jobs import program
from detcore.jobs.events import Checkpoint, Command, EndReason, Event, FailureKind, Heartbeat, Log
from detcore.jobs.owner import (
    ExitCode,
    Outcome,
    OutcomeState,
    Timeouts,
    TrainingJob,
    WorkerJob,
    worker_command,
)

PRELUDE = """
import json, os, signal, sys, time
def say(**fields): print(json.dumps(fields), flush=True)
def ended(reason): say(event="ended", reason=reason, time=0.0, result={"best_AP": 0.5})
"""


def script(body: str) -> list[str]:
    return [sys.executable, "-c", PRELUDE + body]


def run(
    body: str, *, timeouts: Timeouts | None = None, after_first: Command | None = None
) -> tuple[WorkerJob, Outcome, list[Event]]:
    heard: list[Event] = []
    ready = threading.Event()

    def hear(event: Event) -> None:
        heard.append(event)
        ready.set()

    job = WorkerJob(script(body), on_event=hear, timeouts=timeouts)
    job.start()
    if after_first is not None:
        assert ready.wait(20)
        job.request(after_first)
    outcome = job.wait(30)
    assert outcome is not None
    return job, outcome, heard


def test_events_arrive_in_order_and_the_end_is_completed() -> None:
    _, outcome, heard = run(
        "say(event='heartbeat', time=1.0); say(event='heartbeat', time=2.0); ended('completed')"
    )
    assert [event.time for event in heard if isinstance(event, Heartbeat)] == [1.0, 2.0]
    assert outcome.state is OutcomeState.COMPLETED
    assert outcome.good
    assert outcome.ended is not None
    assert outcome.ended.result == {"best_AP": 0.5}


def test_what_libraries_print_is_no_event_and_is_kept_for_the_log() -> None:
    job, outcome, heard = run(
        "print('hello from a library'); print('oops', file=sys.stderr); ended('completed')"
    )
    assert outcome.good
    assert len(heard) == 1
    assert set(job.stderr_tail().splitlines()) == {"hello from a library", "oops"}


def test_a_command_reaches_the_worker() -> None:
    body = "say(event='heartbeat', time=1.0); word = sys.stdin.readline().strip(); ended({'finish': 'finished_early'}[word])"
    _, outcome, _ = run(body, after_first=Command.FINISH)
    assert outcome.state is OutcomeState.FINISHED_EARLY


def test_a_long_line_is_told_at_once_to_a_worker_that_reads_only_later(tmp_path: Path) -> None:
    begin = tmp_path / "begin"
    body = f"""
for _ in range(1000):
    if os.path.exists({str(begin)!r}): break
    time.sleep(0.02)
else: sys.exit('nobody let it begin')
say(event='log', level='info', text=str(len(sys.stdin.readline().strip()))); ended('completed')
"""
    heard: list[Event] = []
    job = WorkerJob(script(body), on_event=heard.append)
    job.start()
    job.tell("x" * 1_000_000)  # far more than any pipe has room for
    begin.touch()
    outcome = job.wait(30)
    assert outcome is not None
    assert outcome.good, outcome.text
    assert [event.text for event in heard if isinstance(event, Log)] == ["1000000"]


def test_a_failure_says_what_the_worker_said() -> None:
    body = "say(event='failed', failure='non_finite_loss', message='a.png', hint='look'); sys.exit(76)"
    _, outcome, _ = run(body)
    assert outcome.state is OutcomeState.FAILED
    assert (outcome.text, outcome.hint, outcome.failure) == ("a.png", "look", FailureKind.NON_FINITE_LOSS)


def test_a_worker_that_dies_of_an_exception_is_told_by_its_last_words() -> None:
    _, outcome, _ = run("raise ValueError('the reason')")
    assert outcome.state is OutcomeState.FAILED
    assert "ended with code 1 (ValueError: the reason)" in outcome.text


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_killed_worker_is_told_with_its_last_checkpoint() -> None:
    body = "say(event='checkpoint', step=40, file='last'); os.kill(os.getpid(), signal.SIGKILL)"
    _, outcome, heard = run(body)
    assert isinstance(heard[0], Checkpoint)
    assert outcome.state is OutcomeState.KILLED
    assert outcome.text == "the worker process was killed (signal 9); the last checkpoint is of step 40"


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_worker_that_does_not_listen_is_terminated_then_killed() -> None:
    heard = threading.Event()
    body = "signal.signal(signal.SIGTERM, signal.SIG_IGN); say(event='heartbeat', time=1.0); time.sleep(60)"
    job = WorkerJob(
        script(body), on_event=lambda _event: heard.set(), timeouts=Timeouts(ask=0.2, terminate=0.2)
    )
    job.start()
    assert heard.wait(20)
    begin = time.monotonic()
    job.stop()
    outcome = job.wait(20)
    assert outcome is not None
    assert time.monotonic() - begin < 10
    assert outcome.state is OutcomeState.STOPPED
    assert outcome.exit_code == -signal.SIGKILL


def test_silence_is_reported_once_as_long_as_it_lasts() -> None:
    _, _, heard = run(
        "say(event='heartbeat', time=1.0); time.sleep(1.5); ended('completed')",
        timeouts=Timeouts(silence=0.4),
    )
    warnings = [event for event in heard if isinstance(event, Log)]
    assert 1 <= len(warnings) <= 2  # the interpreter's own start may count as silence too
    assert "No sign of life" in warnings[0].text


def test_a_program_that_does_not_exist_is_a_job_error() -> None:
    job = WorkerJob(["/nowhere/at/all"], on_event=lambda _event: None)
    with pytest.raises(JobError, match="could not be started"):
        job.start()


def test_the_outcome_is_told_after_the_last_event() -> None:
    order: list[str] = []
    job = WorkerJob(
        script("ended('completed')"),
        on_event=lambda _event: order.append("event"),
        on_end=lambda outcome: order.append(outcome.state.value),
    )
    job.start()
    assert job.wait(20) is not None
    assert order == ["event", "completed"]


def test_a_listener_that_fails_is_logged_and_the_job_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_event: Event) -> None:
        raise ValueError("a bug in the window")

    job = WorkerJob(script("say(event='heartbeat', time=1.0); ended('completed')"), on_event=fail)
    job.start()
    outcome = job.wait(20)
    assert outcome is not None
    assert outcome.good
    assert "a bug in the window" in caplog.text


def test_the_worker_is_started_through_the_program_itself() -> None:
    command = worker_command("train", "RUN")
    assert command[0] == sys.executable
    assert command[-3:] == ["worker", "train", "RUN"]


def test_a_packaged_program_starts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert worker_command("train", "RUN") == [sys.executable, "worker", "train", "RUN"]


def test_beside_an_installed_package_no_strangers_main_is_started(tmp_path: Path) -> None:
    shutil.copytree(Path(program.__file__).parents[1], tmp_path / "site" / "detcore")
    (tmp_path / "site" / "main.py").write_text("print('a stranger')")
    (tmp_path / "site" / "pyproject.toml").write_text("[project]\nname = 'stranger'\n")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "json.py").write_text("raise SystemExit('what lies in the current folder was run')")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from detcore.jobs.owner import worker_command\n"
        "print('\\n'.join(worker_command('crossval', sys.argv[2])))"
    )
    asked = [sys.executable, "-P", "-c", code, str(tmp_path / "site"), str(tmp_path / "no run")]
    command = subprocess.run(
        asked, capture_output=True, text=True, check=True, timeout=60
    ).stdout.splitlines()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path / "here",
        env=environment,
    )
    assert done.returncode == ExitCode.BAD_INPUT
    assert "there is no such run" in done.stdout
    assert "stranger" not in done.stdout
    assert "current folder" not in done.stderr


def test_whoever_waits_for_a_job_whose_conclusion_fails_hears_of_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_arguments: object, **_more: object) -> Outcome:
        raise ValueError("a bug in the judge")

    monkeypatch.setattr("detcore.jobs.owner.judge", fail)
    told: list[Outcome] = []
    for job in (
        WorkerJob(script("ended('completed')"), on_event=lambda _event: None, on_end=told.append),
        TrainingJob(script("ended('completed')"), on_event=lambda _event: None, on_end=told.append),
    ):
        job.start()
        outcome = job.wait(20)
        assert outcome is not None
        assert not job.running
        assert (outcome.state, outcome.failure) == (OutcomeState.FAILED, FailureKind.BUG)
        assert outcome.text == "ValueError: a bug in the judge"
        assert told.pop() is outcome
    assert "a bug in the judge" in caplog.text


def test_a_training_that_cannot_begin_anew_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = WorkerJob.start
    starts: list[WorkerJob] = []

    def start(self: WorkerJob) -> None:
        starts.append(self)
        if len(starts) > 1:
            raise RuntimeError("can't start new thread")
        plain(self)

    monkeypatch.setattr(WorkerJob, "start", start)
    outcome, _ = train(1)
    assert outcome.state is OutcomeState.FAILED
    assert "can't start new thread" in outcome.text


def test_an_owner_that_fails_at_the_end_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)

    def fail(_outcome: Outcome) -> None:
        raise ValueError("a bug in the window")

    for job in (
        WorkerJob(script("ended('completed')"), on_event=lambda _event: None, on_end=fail),
        TrainingJob(script("ended('completed')"), on_event=lambda _event: None, on_end=fail),
    ):
        job.start()
        outcome = job.wait(20)
        assert outcome is not None
        assert outcome.good
    until = time.monotonic() + 20
    while len(raised) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert [str(one.exc_value) for one in raised] == ["a bug in the window"] * 2


def test_a_path_that_no_system_takes_is_a_job_error() -> None:
    job = WorkerJob([sys.executable, "a\0b"], on_event=lambda _event: None)
    with pytest.raises(JobError, match="could not be started"):
        job.start()


OUT_OF_MEMORY = f"""
attempt = int(sys.argv[sys.argv.index('--attempt') + 1])
say(event='log', level='info', text=f'attempt {{attempt}}')
if attempt < WANTED:
    say(event='failed', failure='out_of_memory', message='memory ran out', hint='smaller')
    sys.exit({int(ExitCode.OUT_OF_MEMORY)})
ended('completed')
"""


def train(wanted: int) -> tuple[Outcome, list[str]]:
    texts: list[str] = []
    job = TrainingJob(
        script(OUT_OF_MEMORY.replace("WANTED", str(wanted))),
        on_event=lambda event: texts.append(event.text if isinstance(event, Log) else event.kind),
    )
    job.start()
    outcome = job.wait(60)
    assert outcome is not None
    return outcome, texts


def test_training_out_of_memory_starts_again_with_the_next_attempt() -> None:
    outcome, texts = train(2)
    assert outcome.state is OutcomeState.COMPLETED
    assert [text for text in texts if text.startswith("attempt")] == ["attempt 0", "attempt 1", "attempt 2"]
    assert "failed" not in texts


def test_training_gives_up_after_four_restarts() -> None:
    outcome, texts = train(99)
    assert outcome.state is OutcomeState.FAILED
    assert outcome.failure is FailureKind.OUT_OF_MEMORY
    assert len([text for text in texts if text.startswith("attempt")]) == 5
    assert texts[-1] == "failed"


def test_a_stop_between_two_tries_ends_the_training_as_stopped() -> None:
    texts: list[str] = []

    def hear(event: Event) -> None:
        texts.append(event.text if isinstance(event, Log) else event.kind)
        if texts[-1].startswith("Out of memory"):
            job.stop()

    job = TrainingJob(script(OUT_OF_MEMORY.replace("WANTED", "99")), on_event=hear)
    job.start()
    outcome = job.wait(60)
    assert outcome is not None
    assert outcome.state is OutcomeState.STOPPED
    assert [text for text in texts if text.startswith("attempt")] == ["attempt 0"]


def test_a_stop_while_the_next_try_starts_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = WorkerJob.start
    starts: list[WorkerJob] = []
    stopper: list[threading.Thread] = []

    def start(self: WorkerJob) -> None:
        starts.append(self)
        if len(starts) == 2:
            stopper.append(threading.Thread(target=job.stop))
            stopper[0].start()
            stopper[0].join(0.3)
        plain(self)

    monkeypatch.setattr(WorkerJob, "start", start)
    body = OUT_OF_MEMORY.replace("WANTED", "1").replace(
        "ended('completed')", "ended({'stop': 'stopped'}[sys.stdin.readline().strip()])"
    )
    job = TrainingJob(script(body), on_event=lambda _event: None)
    job.start()
    outcome = job.wait(60)
    stopper[0].join(20)
    if outcome is None:
        job.kill()
    assert outcome is not None
    assert outcome.state is OutcomeState.STOPPED


def test_a_finish_between_two_tries_reaches_the_next() -> None:
    texts: list[str] = []

    def hear(event: Event) -> None:
        texts.append(event.text if isinstance(event, Log) else event.kind)
        if texts[-1].startswith("Out of memory"):
            job.finish()

    body = OUT_OF_MEMORY.replace("WANTED", "2").replace(
        "ended('completed')", "ended({'finish': 'finished_early'}[sys.stdin.readline().strip()])"
    )
    job = TrainingJob(script(body), on_event=hear)
    job.start()
    outcome = job.wait(60)
    if outcome is None:
        job.kill()
    assert outcome is not None
    assert outcome.ended is not None
    assert outcome.ended.reason is EndReason.FINISHED_EARLY
    assert [text for text in texts if text.startswith("attempt")] == ["attempt 0", "attempt 1", "attempt 2"]


def test_memory_that_runs_out_after_a_resume_adds_to_the_times_before() -> None:
    texts: list[str] = []
    body = OUT_OF_MEMORY.replace("WANTED", "4").replace("hint='smaller'", "hint='', attempt=max(attempt, 2)")
    job = TrainingJob(
        script(body), on_event=lambda event: texts.append(event.text if isinstance(event, Log) else "")
    )
    job.start()
    outcome = job.wait(60)
    assert outcome is not None
    assert outcome.good
    assert [text for text in texts if text.startswith("attempt")] == ["attempt 0", "attempt 3", "attempt 4"]


def test_jobs_load_no_torch(tmp_path: Path) -> None:
    code = "import sys, detcore.jobs.owner, detcore.jobs.config; assert 'torch' not in sys.modules"
    job = WorkerJob([sys.executable, "-c", code], on_event=lambda _event: None)
    job.start()
    outcome = job.wait(30)
    assert outcome is not None
    assert outcome.exit_code == 0, job.stderr_tail()


LARGE_PAGES = """
import re
def kilobytes(name):
    return int(re.search(name + r":\\s+(\\d+)", open("/proc/self/smaps_rollup").read())[1])
blocks = [bytearray(32 << 20) for _ in range(8)]
large = kilobytes("AnonHugePages")
del blocks
say(event="log", level="info", text=json.dumps([large, kilobytes("Rss")]))
ended("completed")
"""
"""Takes 256 MB and gives it back: how much of it lay in large pages, and what is held then."""


def has_large_pages() -> bool:
    """Whether this system gives large pages to a program whose C library asks for them."""
    switch = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    return switch.is_file() and "[never]" not in switch.read_text() and program.glibc_version() >= (2, 35)


@pytest.mark.skipif(not has_large_pages(), reason="no large pages")
def test_a_worker_has_its_memory_in_large_pages_and_keeps_it_unless_its_user_wants_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: dict[str, tuple[int, int]] = {}
    for own in ("", "glibc.malloc.hugetlb=0:glibc.malloc.mmap_threshold=1048576"):
        monkeypatch.setenv("GLIBC_TUNABLES", own)
        _, _, heard = run(LARGE_PAGES)
        found[own] = json.loads(next(event.text for event in heard if isinstance(event, Log)))
    (large, kept), (no_large, given_back) = found.values()
    assert large > no_large + (64 << 10)
    assert kept > 256 << 10
    assert given_back < 128 << 10


@pytest.mark.parametrize("version", [(), (2, 34)])
def test_a_c_library_that_does_not_know_all_of_it_is_asked_for_nothing(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]
) -> None:
    monkeypatch.setattr(program, "glibc_version", lambda: version)
    assert "GLIBC_TUNABLES" not in program.worker_environment({"PATH": "/bin"})


def test_workers_of_workers_are_asked_once() -> None:
    first = program.worker_environment({"PATH": "/bin"})
    assert program.worker_environment(first) == first
