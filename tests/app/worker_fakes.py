"""Putting the fake worker in the place of the real one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.services import training_worker

FAKE = Path(__file__).with_name("fake_worker.py")
ROOT = FAKE.parents[2]


def fake_workers(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that makes every worker started from then on a fake of that behaviour."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def use(behaviour: str) -> None:
        def command(*arguments: str) -> list[str]:
            return [sys.executable, str(FAKE), behaviour, *arguments]

        monkeypatch.setattr(training_worker, "worker_command", command)

    return use
