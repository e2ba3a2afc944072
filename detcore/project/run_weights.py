"""Which step the weights of a run are of, read from the head of its checkpoints, without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from detcore.project.run_folder import RunFolder
from detcore.untrusted_json import fits, parse_json

_LENGTH_BYTES = 8
_MOST_HEAD = 100_000_000


def weights_step(run: RunFolder) -> int | None:
    """The step of the weights that the run predicts with: the best, else the newest that are whole; ``None``
    without any."""
    for path in (run.best, run.last, run.previous):
        step = _step(path)
        if step is not None:
            return step
    return None


def _step(path: Path) -> int | None:
    """Of one safetensors file: a length of 8 bytes (little endian), so many bytes of JSON, then the
    tensors."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            head: Any = parse_json(file.read(min(length, _MOST_HEAD)))
        metadata = head.pop("__metadata__")
        whole = _LENGTH_BYTES + length + max((item["data_offsets"][1] for item in head.values()), default=0)
        step: Any = parse_json(metadata["reticle"])["state"]["step"]
        return step if fits(step, "int") and path.stat().st_size == whole else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None
