"""What the weights of a run are, read from the heads of its checkpoints, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from detcore.project.run_folder import RunFolder
from detcore.untrusted_json import fits, parse_json

_LENGTH_BYTES = 8
_MOST_HEAD = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BestFigure:
    """The ``ap`` of a run's best weights on its validation images, and the ``step`` that they are of."""

    ap: float
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorOfWeights:
    """Which detector weights are of: the ``id`` of its card, and its ``options``."""

    id: str
    options: Mapping[str, Any]


def is_of_run(weights: Path, runs_folder: Path) -> bool:
    """Whether a file lies in a run of that folder, or in a fold of one."""
    path = weights.resolve()
    return path.is_relative_to(runs_folder.resolve()) and RunFolder(path.parent).config.is_file()


def weights_files(run: RunFolder) -> tuple[Path, ...]:
    """Where weights to predict with may lie, in the order in which they are wanted: the best ones, as long as
    a figure says that they are, else the newest."""
    newest = (run.last, run.previous)
    return (*newest, run.best) if best_figure(run) is None else (run.best, *newest)


def weights_step(run: RunFolder) -> int | None:
    """The step of the first of these that are whole; ``None`` without any."""
    states = (_state(path) for path in weights_files(run))
    return next((state["step"] for state in states if state is not None), None)


def best_figure(run: RunFolder) -> BestFigure | None:
    """What the best weights were judged to be when they were written; ``None`` when there are none, or nothing
    could be judged."""
    state = _state(run.best)
    ap: Any = None if state is None else state.get("best_ap")
    if state is None or ap is None or not fits(ap, "float"):
        return None
    return BestFigure(ap=float(ap), step=state["step"])


def detector_of(weights: Path) -> DetectorOfWeights | None:
    """What a weights file of a run says of its detector; ``None`` for other files, and for damaged ones."""
    record = _record(weights)
    model, options = (None, None) if record is None else (record.get("model"), record.get("options"))
    if not isinstance(model, str) or not fits(options, "dict[str, Any]"):
        return None
    return DetectorOfWeights(id=model, options=cast("dict[str, Any]", options))


def _state(path: Path) -> dict[str, Any] | None:
    """The state in a checkpoint that is whole."""
    record = _record(path)
    return None if record is None else record["state"]


def _record(path: Path) -> dict[str, Any] | None:
    """What is said in the head of one safetensors file, which is a length of 8 bytes (little endian), so many bytes of JSON,
    then the tensors. ``None`` unless it is whole and names its step."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            head: Any = parse_json(file.read(min(length, _MOST_HEAD)))
        metadata = head.pop("__metadata__")
        whole = _LENGTH_BYTES + length + max((item["data_offsets"][1] for item in head.values()), default=0)
        record: Any = parse_json(metadata["reticle"])
        return record if fits(record["state"]["step"], "int") and path.stat().st_size == whole else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None
