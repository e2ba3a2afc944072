"""A worker that says what detectors are made of and how fast they are, as often as it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from queue import Empty
from typing import Any

from detcore.errors import ReticleError
from detcore.jobs.events import Described, Event
from detcore.jobs.worker_process import StopFlags
from detcore.untrusted_json import parse_json
from detcore.zoo.building import build_detector
from detcore.zoo.catalogue import find_detector
from detcore.zoo.outlining import outline_of
from detcore.zoo.running import choose_device, memory_watch
from detcore.zoo.summary import images_a_second

_WAIT_SECONDS = 0.1
_MEASURE_SECONDS = 3.0


def describe_detectors(say: Callable[[Event], None], flags: StopFlags) -> None:
    """Answer each line of JSON in ``flags.asked``, until a stop is asked for."""
    while not flags.stop.is_set():
        try:
            line = flags.asked.get(timeout=_WAIT_SECONDS)
        except Empty:
            continue
        request: dict[str, Any] = parse_json(line)
        number = int(request["number"])
        try:
            with memory_watch():
                result = _answer(request)
        except ReticleError as error:
            say(Described(number=number, fault=str(error)))
        else:
            say(Described(number=number, result=result))


def _answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ConfigError where the detector cannot be built."""
    model: str = request["model"]
    options: dict[str, Any] = request["options"]
    spec = find_detector(model).fitted_to(options)
    size = spec.input.image_size
    frame = spec.input.frame(size)
    detector = build_detector(model, num_classes=request["classes"], image_size=size, options=options)
    if request["measure"]:
        device = choose_device("auto")
        speed = images_a_second(detector, device, frame=frame, seconds=_MEASURE_SECONDS)
        return {"images_a_second": speed}
    return asdict(outline_of(detector, model=model, frame=frame))
