"""Checkpoints: everything that a run needs to go on, in safetensors files without pickle.

Tensors are named ``weights.…``, ``ema.…`` (in runs with a moving average), ``optimiser.<parameter>.<moment>``
``random.…`` and ``scaler.…`` (in runs in fp16); the rest is JSON in the file's metadata.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType]
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler

from detcore.atomic import atomic_write, sync_folder
from detcore.errors import ConfigError
from detcore.images.tiles import Tiling
from detcore.untrusted_json import fits, parse_json

_KEY = "reticle"
_VERSION = 1
_RECORD_KINDS = {
    "model": "str",
    "class_ids": "list[int]",
    "image_size": "int",
    "config": "dict[str, Any]",
}
_LATER_KINDS = {
    "options": "dict[str, Any]",
    "input": "dict[str, Any]",
    "class_names": "list[str]",
    "tiling": "dict[str, int]",
}
"""What the checkpoints of 0.1 do not have."""
_SCALER = {"scale": "scale", "steps": "_growth_tracker"}
"""Our names of what torch's scaler keeps."""


@dataclass(slots=True, kw_only=True)
class RunState:
    """How far a run has come. ``drawn`` images of the stream were used, ``seconds`` spent learning (what
    validation takes is not among them), resumed ones included; ``attempt`` counts the times memory ran out;
    ``precision`` was chosen on ``device_type``. ``fine_tuning``: it began with weights that know the task, whose AP
    is ``start_ap``. Validation looks at ``judged_images``, once that is decided, and is due at ``judge_at`` seconds, or
    epochs in a run that is to repeat exactly.
    A step holds ``batch_size`` images ``accumulate`` times. Image number ``full_from`` is the first of full size, ``whole_from`` that from
    which on none is mixed of several.
    ``complete``: it has come to its end; trained for longer, it begins a stretch (``detcore.training.stretch``) at
    ``from_step``, ``from_drawn`` and ``from_seconds``.
    ``unimproved`` validations in a row brought no AP above ``patient_ap``, and ``waited`` of them none since the learning
    rate last fell, which it did ``rate_drops`` times."""

    step: int = 0
    drawn: int = 0
    seconds: float = 0.0
    best_ap: float | None = None
    best_step: int = 0
    attempt: int = 0
    device_type: str = ""
    precision: str | None = None
    fine_tuning: bool = False
    start_ap: float | None = None
    judged_images: int | None = None
    judge_at: float | None = None
    batch_size: int = 0
    accumulate: int = 1
    full_from: int | None = None
    whole_from: int | None = None
    complete: bool = False
    from_step: int = 0
    from_drawn: int = 0
    from_seconds: float = 0.0
    patient_ap: float | None = None
    unimproved: int = 0
    waited: int = 0
    rate_drops: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """``tensors`` by full name; ``model`` with its ``options``, ``class_ids`` and ``config`` say what they belong to.

    ``input_rule`` is how images come to the network (``InputRule`` as JSON; empty in files of 0.1), so that others
    can use the weights without the detector's card; ``class_names`` go with ``class_ids`` (none in files of 0.1), so that
    other projects can start from it. With a ``tiling`` it sees large images in tiles, each at ``image_size``.
    """

    state: RunState
    model: str
    class_ids: tuple[int, ...]
    image_size: int
    config: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    input_rule: dict[str, Any] = field(default_factory=dict[str, Any])
    class_names: tuple[str, ...] = ()
    tiling: Tiling | None = None
    tensors: dict[str, Tensor] = field(repr=False)

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors of one part, such as ``ema``, under their names without it."""
        start = f"{prefix}."
        return {
            name.removeprefix(start): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(start)
        }

    def kept(self) -> dict[str, Tensor]:
        """The weights that are judged and used: the moving average, or without one the trained ones."""
        return self.part("ema") or self.part("weights")


def write_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write it all or nothing.

    Raises:
        ConfigError: there is no room, or the folder cannot be written to.
    """
    record = {
        "version": _VERSION,
        "state": asdict(checkpoint.state),
        "model": checkpoint.model,
        "class_ids": list(checkpoint.class_ids),
        "image_size": checkpoint.image_size,
        "config": checkpoint.config,
        "options": checkpoint.options,
        "input": checkpoint.input_rule,
        "class_names": list(checkpoint.class_names),
        "tiling": {} if checkpoint.tiling is None else asdict(checkpoint.tiling),
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    with _told(path), atomic_write(path) as temporary:
        save_file(tensors, temporary, metadata={_KEY: json.dumps(record)})


def rotate_checkpoint(checkpoint: Checkpoint, *, staged: Path, last: Path, previous: Path) -> None:
    """Write ``last``; the one that was there becomes ``previous``. The new one lies whole at ``staged`` before it takes
    its place: what is there is the newest. Raises as ``write_checkpoint``."""
    write_checkpoint(checkpoint, staged)
    with _told(last):
        if last.exists():
            os.replace(last, previous)
        os.replace(staged, last)
        sync_folder(last.parent)


@contextmanager
def _told(path: Path) -> Generator[None, None, None]:
    """What keeps a checkpoint from being written, as a ConfigError."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        raise ConfigError(
            f"the checkpoint cannot be written ({error})",
            path=path,
            hint="Free some space, then go on with the run",
        ) from error


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        ConfigError: the file is missing, damaged, or not a checkpoint of ours.
    """
    try:
        with cast("Any", safe_open(path, framework="pt")) as handle:
            metadata = cast("dict[str, str] | None", handle.metadata())
            tensors: dict[str, Tensor] = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118
        record: dict[str, Any] = parse_json((metadata or {})[_KEY])
        known = {item.name: str(item.type) for item in fields(RunState)}
        state = {name: value for name, value in _current(record["state"]).items() if name in known}
        wrong = [name for name, value in state.items() if not fits(value, known[name])]
        wrong += [name for name, kind in _RECORD_KINDS.items() if not fits(record[name], kind)]
        wrong += [
            name for name, kind in _LATER_KINDS.items() if name in record and not fits(record[name], kind)
        ]
        if wrong:
            raise ValueError(f"{wrong[0]} is of a wrong kind")
        return Checkpoint(
            state=RunState(**state),
            model=record["model"],
            class_ids=tuple(record["class_ids"]),
            image_size=record["image_size"],
            config=record["config"],
            options=record.get("options", {}),
            input_rule=record.get("input", {}),
            class_names=tuple(record.get("class_names", ())),
            tiling=Tiling(**record["tiling"]) if record.get("tiling") else None,
            tensors=tensors,
        )
    except FileNotFoundError as error:
        raise ConfigError("checkpoint not found", path=path) from error
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"not a whole checkpoint ({error})", path=path) from error


def _current(state: dict[str, Any]) -> dict[str, Any]:
    """A run's state under today's names: before there was fp16, it said whether it was ``bf16``."""
    short = state.get("bf16")
    return state if short is None else {"precision": "bf16" if short else "fp32", **state}


def newest_checkpoint(paths: Sequence[Path]) -> tuple[Checkpoint | None, list[ConfigError]]:
    """The first of the files that can be read, ``None`` when there is none; and what was wrong with those
    before it. Missing files are no fault."""
    problems: list[ConfigError] = []
    for path in paths:
        if not path.exists():
            continue
        try:
            return read_checkpoint(path), problems
        except ConfigError as error:
            problems.append(error)
    return None, problems


def optimiser_tensors(optimiser: torch.optim.Optimizer, detector: nn.Module) -> dict[str, Tensor]:
    """The moments of every parameter, as ``<number>.<moment>``."""
    return {
        f"{number}.{name}": value if isinstance(value, Tensor) else torch.tensor(float(value))
        for number, parameter in enumerate(_numbered(detector))
        for name, value in cast("dict[str, Any]", optimiser.state.get(parameter, {})).items()
    }


def restore_optimiser(
    optimiser: torch.optim.Optimizer, detector: nn.Module, tensors: dict[str, Tensor]
) -> None:
    """Put back what ``optimiser_tensors`` gave.

    Moments are laid out in memory as their parameters are: the fused kernels go by address.
    """
    parameters = _numbered(detector)
    own: list[Tensor] = [item for group in optimiser.param_groups for item in group["params"]]
    places = {id(parameter): place for place, parameter in enumerate(own)}
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, _, moment = name.partition(".")
        parameter = parameters[int(number)]
        if tensor.shape == parameter.shape:
            tensor = torch.empty_like(parameter).copy_(tensor)
        state.setdefault(places[id(parameter)], {})[moment] = tensor
    record = optimiser.state_dict()
    optimiser.load_state_dict({**record, "state": state})


def _numbered(detector: nn.Module) -> list[nn.Parameter]:
    """The parameters in the order of files, whatever groups an optimiser has: matrices first, as in 0.1."""
    return sorted(detector.parameters(), key=lambda parameter: parameter.ndim <= 1)


def scaler_tensors(scaler: GradScaler) -> dict[str, Tensor]:
    """The factor of the loss, and the steps since it last changed; nothing where there is none."""
    state = cast("dict[str, float]", scaler.state_dict())
    return {name: torch.tensor(float(state[key])) for name, key in _SCALER.items() if key in state}


def restore_scaler(scaler: GradScaler, tensors: dict[str, Tensor]) -> None:
    """Put back what ``scaler_tensors`` gave, unless the precision is another by now."""
    if scaler.is_enabled() and tensors.keys() >= _SCALER.keys():
        scale, steps = (tensors[name] for name in _SCALER)
        scaler.load_state_dict(
            {**scaler.state_dict(), _SCALER["scale"]: float(scale), _SCALER["steps"]: int(steps)}
        )


def random_tensors() -> dict[str, Tensor]:
    """The state of torch's generators. (Images are drawn by number, which needs no state.)"""
    found = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.get_rng_state()
    return found


def restore_random(tensors: dict[str, Tensor]) -> None:
    """Put back what ``random_tensors`` gave, as far as the devices are the same."""
    if "cpu" in tensors:
        torch.set_rng_state(tensors["cpu"])
    if "cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["cuda"])
