"""Where the files of a run are, and whether a process works on them."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from detcore.atomic import atomic_write
from detcore.errors import ProjectError
from detcore.untrusted_json import fits, read_object

_PID_SLACK = 2.0
"""Seconds by which two readings of the time at which a process was created may differ."""
_PID_LIMIT = 2**31
"""No system has process ids beyond, nor takes them."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where the files of a run are. Only the run's own process writes them while it lives."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def info(self) -> Path:
        """Model, time of creation, whose errors it learns from, who teaches it, of which run it was pruned; written by ``create_run``."""
        return self.path / "run.json"

    @property
    def config(self) -> Path:
        return self.path / "config.json"

    @property
    def snapshot(self) -> Path:
        return self.path / "snapshot.npz"

    @property
    def learnt(self) -> Path:
        """Which images the learner beside the window has ever learnt from; other runs have none."""
        return self.path / "learnt.json"

    @property
    def before(self) -> RunFolder:
        """What the learner beside the window had found on all images with its weights of some time before."""
        return RunFolder(self.path / "before")

    @property
    def emphasis(self) -> Path:
        """Errors of an earlier run that this one is to learn from; only where its config says so."""
        return self.path / "emphasis.json"

    @property
    def lesson(self) -> Path:
        """What a teacher has found in the images to learn from; only where the config names one."""
        return self.path / "lesson.npz"

    @property
    def start(self) -> Path:
        """Weights that it starts from, where they were made for it alone."""
        return self.path / "start.safetensors"

    @property
    def plan(self) -> Path:
        """Which images each fold of a cross-validation leaves out; other runs have none."""
        return self.path / "folds.json"

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def last(self) -> Path:
        """The newest checkpoint; ``previous`` is the one before, for the case that this one is damaged."""
        return self.path / "last.safetensors"

    @property
    def previous(self) -> Path:
        return self.path / "previous.safetensors"

    @property
    def next(self) -> Path:
        """A checkpoint newer than ``last``, whose place it is about to take; it stays when the process dies then."""
        return self.path / "next.safetensors"

    @property
    def best(self) -> Path:
        return self.path / "best.safetensors"

    @property
    def detections(self) -> Path:
        return self.path / "detections.npz"

    @property
    def predict_snapshot(self) -> Path:
        """The project as it was when predictions were asked for; images may have come since training."""
        return self.path / "predict_snapshot.npz"

    @property
    def pid(self) -> Path:
        return self.path / "worker.pid"

    @property
    def lock(self) -> Path:
        """Held by the process that works on the run, as long as it lives."""
        return self.path / "worker.lock"


@contextmanager
def hold_run(run: RunFolder, *, timeout: float = 0.0) -> Generator[None, None, None]:
    """Keep all others from working on the run while the block lasts; the system lets go when the process
    dies.

    ``timeout`` in seconds, for others that only look.

    Raises:
        ProjectError: another process works on it, or the folder cannot be written to.
    """
    lock = FileLock(run.lock, timeout=timeout, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise ProjectError(
            "another process works on this run", path=run.path, hint="Stop it first"
        ) from error
    except (OSError, NotImplementedError) as error:
        raise ProjectError(
            f"cannot lock the run ({error})", path=run.path, hint="Check that you may write to this folder"
        ) from error
    try:
        yield
    finally:
        lock.release()


def write_pid(run: RunFolder, pid: int) -> None:
    """Say which process works on the run, so that any process can tell whether it still does."""
    created = psutil.Process(pid).create_time()
    with atomic_write(run.pid) as temporary:
        temporary.write_text(json.dumps({"pid": pid, "created": created}), encoding="utf-8")


def is_running(run: RunFolder) -> bool:
    """Whether the process that works on the run is alive; a pid that another process got later does not
    count."""
    record = read_json(run.pid)
    pid: Any = record.get("pid")
    created: Any = record.get("created")
    if not fits(pid, "int") or not fits(created, "float") or not 0 < pid < _PID_LIMIT:
        return False
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - created) < _PID_SLACK
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def read_json(path: Path) -> dict[str, Any]:
    """An object in a file; empty when it is missing or damaged, since folders are described as they are."""
    try:
        return read_object(path)
    except (OSError, ValueError):
        return {}
