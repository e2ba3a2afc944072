"""A run that is being made or read in the pool, before its process is started."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from app.train.run_history import RunHistory
from detcore.jobs.preparing.runs import PreparedRun
from detcore.project.project import Project
from detcore.project.runs import read_events
from detcore.project.unused_runs import remove_unused


@dataclass(frozen=True, kw_only=True)
class ReadyRun:
    """A run that can be trained, and what it has said so far."""

    prepared: PreparedRun
    history: RunHistory


class Preparation:
    """The making of a run, which may be left at any moment: then no folder of a run that never trains
    stays."""

    def __init__(self, project: Project, work: Callable[[], PreparedRun]) -> None:
        self.project = project
        self._work = work
        self._lock = threading.Lock()
        self._made: PreparedRun | None = None
        self._left = False

    def make(self) -> ReadyRun:
        """For the pool. Raises what the work raises."""
        made = self._work()
        with self._lock:
            self._made = made
            left = self._left
        if left:
            _remove(made)
        return ReadyRun(prepared=made, history=RunHistory(read_events(made.run.events)))

    def leave(self) -> None:
        """The project is closed: the run will not train."""
        with self._lock:
            self._left = True
            made = self._made
        if made is not None:
            _remove(made)


def _remove(made: PreparedRun) -> None:
    if made.new:
        remove_unused(made.run)
