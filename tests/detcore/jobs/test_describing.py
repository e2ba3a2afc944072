"""The worker that describes detectors, in a thread of the test."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from io import StringIO
from queue import SimpleQueue
from typing import Any

import pytest
import torch

from detcore.jobs.child.worker import work
from detcore.jobs.events import Described, Ended, Event, decode
from detcore.jobs.outcomes import ExitCode
from detcore.jobs.worker_process import EventWriter, StopFlags
from detcore.zoo import summary
from detcore.zoo.building import build_detector
from detcore.zoo.outline import Outline

Ask = Callable[..., Described]


class Lines(StringIO):
    """What a worker says, an event at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.told: SimpleQueue[Event | None] = SimpleQueue()

    def write(self, line: str) -> int:
        self.told.put(decode(line))
        return len(line)


@pytest.fixture
def ask() -> Iterator[Ask]:
    flags, out = StopFlags(), Lines()
    codes: list[ExitCode] = []
    worker = threading.Thread(target=lambda: codes.append(work(["describe"], EventWriter(out, flags), flags)))
    worker.start()

    def ask(model: str, **options: Any) -> Described:
        request = {"number": 7, "model": model, "options": options, "classes": 3, "measure": False}
        flags.asked.put(json.dumps(request))
        answer = out.told.get(timeout=60)
        assert isinstance(answer, Described)
        assert answer.number == 7
        return answer

    yield ask
    flags.stop.set()
    worker.join()
    assert isinstance(out.told.get(timeout=5), Ended)
    assert codes == [ExitCode.DONE]


def test_it_answers_as_often_as_it_is_asked_and_a_fault_is_an_answer(ask: Ask) -> None:
    answer = ask("reticle-n")
    assert not answer.fault
    outline = Outline.from_dict(answer.result)
    assert outline.model == "reticle-n"
    assert outline.parameters == sum(stage.parameters for stage in outline.stages)
    assert "has no option" in ask("reticle-n", neck="pan").fault
    assert "fcos" in ask("compose", head="fcos", assigner="max-iou").fault
    wider = Outline.from_dict(ask("compose", width=96).result)
    assert {stage.channels for stage in wider.stages if stage.role == "Neck"} == {96}


def test_images_a_second_are_those_of_the_best_stretch(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = build_detector("reticle-n", num_classes=3, image_size=64)
    clock = [0.0]
    spent = iter([9.0, *[0.5, 0.5], *[0.25] * 4, *[0.5, 0.5], *[1.0], *[1.0]])  # the first is to warm up

    def look(_images: object) -> list[object]:
        clock[0] += next(spent)
        return []

    monkeypatch.setattr(detector, "look", look)
    monkeypatch.setattr(summary.time, "perf_counter", lambda: clock[0])
    speed = summary.images_a_second(detector, torch.device("cpu"), frame=(64, 64), seconds=5.0)
    assert speed == 4.0
