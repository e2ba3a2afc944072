"""A process that works on a run, and what it writes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from detcore.jobs.events import Ended, EndReason, Event, Started, Step, encode
from detcore.project.runs import RunFolder, write_pid

WAIT = 20_000


@contextmanager
def working_on(run: RunFolder) -> Iterator[None]:
    """Another process has begun with the run and works on it inside the block; after it has completed it."""
    write(run, Started(time=0.0, device="cpu", device_name="CPU", batch_size=8))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        write_pid(run, process.pid)
        yield
        write(run, Ended(reason=EndReason.COMPLETED, time=100.0, result={}))
        process.kill()


def write(run: RunFolder, *events: Event) -> None:
    with run.events.open("a", encoding="utf-8") as file:
        file.writelines(f"{encode(event)}\n" for event in events)


def step(number: int) -> Step:
    return Step(
        step=number,
        epoch=1,
        time=float(number),
        fraction=number / 100,
        remaining=0.0,
        learning_rate=0.001,
        losses={"total": 1.0},
        images_per_second=10.0,
    )
