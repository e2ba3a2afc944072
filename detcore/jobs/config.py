"""What the user can choose about a training run.

Free of torch: the window and the command line read this without loading it.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from detcore.errors import ConfigError
from detcore.untrusted_json import fits, parse_json
from detcore.zoo.catalogue import DEFAULT_MODEL, find_detector
from detcore.zoo.spec import SIDE_STEP, DetectorSpec

PRECISIONS = ("auto", "fp32", "bf16")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """One training run. ``None`` means: the detector's recipe, or the machine, decides.

    ``model`` is the id of a detector and ``options`` are those of its own; both are looked at when a training
    starts, by ``check``, so that a run can be read whose detector is not installed.
    Exactly one of ``minutes`` (of learning; validation comes on top, with about a tenth of them) and ``epochs``
    is set.
    ``device`` is ``auto``, ``cpu``, ``cuda`` or ``cuda:N``. ``image_size`` is the longer side in pixels.
    ``weights`` to start from are published ones, by their name, or a local file; where they know the task already, ``learning_rate`` ``None`` is
    a lower one. ``scale_jitter`` 0.5 draws a zoom between 0.5 and 1.5.
    ``validate_every_seconds`` is a wish: validation never takes more than about a tenth of the time.
    ``hard_negatives`` and ``oversample`` let images be drawn more often in which an earlier run took
    background for objects, or missed some: so many times more with an average number of such errors
    (``emphasis.json`` in the run's folder holds them); 0 is off.
    """

    model: str = DEFAULT_MODEL
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    minutes: float | None = 10.0
    epochs: int | None = None
    device: str = "auto"
    seed: int = 0
    image_size: int | None = None
    batch_size: int | None = None
    accumulate: int = 1
    learning_rate: float | None = None
    weight_decay: float | None = None
    warmup_steps: int = 50
    max_gradient_norm: float = 10.0
    weights: str | None = None
    flip_horizontal: bool = True
    flip_vertical: bool = False
    scale_jitter: float = 0.5
    colour_jitter: bool = True
    mosaic: float = 0.0
    hard_negatives: float = 0.0
    oversample: float = 0.0
    ema: bool = True
    precision: str = "auto"
    threads: int | None = None
    validate_every_seconds: float | None = None
    checkpoint_every_seconds: float = 60.0
    predict_after: bool = True

    def __post_init__(self) -> None:
        """Raises ConfigError for values that make no sense, naming the field."""
        if (self.minutes is None) == (self.epochs is None):
            raise ConfigError("set either minutes or epochs, not both")
        if self.precision not in PRECISIONS:
            raise ConfigError(f"precision is {self.precision!r}", hint=f"Choose from {', '.join(PRECISIONS)}")
        if self.image_size is not None and not 64 <= self.image_size <= 4096:
            raise ConfigError(f"image_size is {self.image_size}, it must be 64 to 4096")
        for name, value in asdict(self).items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ConfigError(f"{name} is {value}, it must be a finite number")
        positive = ("minutes", "epochs", "batch_size", "accumulate", "learning_rate", "max_gradient_norm")
        for name in (*positive, "threads", "validate_every_seconds", "checkpoint_every_seconds"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{name} is {value}, it must be more than 0")
        for name in ("weight_decay", "warmup_steps", "seed", "hard_negatives", "oversample"):
            if (getattr(self, name) or 0) < 0:
                raise ConfigError(f"{name} is {getattr(self, name)}, it must not be negative")
        for name in ("scale_jitter", "mosaic"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}, it must be 0 to 1")
        if self.device not in ("auto", "cpu", "cuda") and not self.device.removeprefix("cuda:").isdigit():
            raise ConfigError(f"device is {self.device!r}", hint="Use auto, cpu, cuda or cuda:0, cuda:1 …")

    @property
    def spec(self) -> DetectorSpec:
        """The detector. Raises ConfigError where it is not installed."""
        return find_detector(self.model)

    def check(self) -> None:
        """Raises ConfigError when the detector is not installed or does not have these options."""
        self.spec.read_options(self.options)

    def size(self) -> int:
        """The longer side of a training image, in pixels, a multiple of ``SIDE_STEP``."""
        wanted = self.image_size or self.spec.input.image_size
        return max(SIDE_STEP * 2, round(wanted / SIDE_STEP) * SIDE_STEP)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2) + "\n"

    @classmethod
    def load(cls, path: Path) -> TrainConfig:
        """The config in a file. Raises ConfigError as ``from_json`` does, and where the file cannot be read."""
        try:
            return cls.from_json(path.read_bytes(), path=path)
        except OSError as error:
            raise ConfigError(f"cannot read the run's settings ({error.strerror})", path=path) from error

    @classmethod
    def from_json(cls, text: str | bytes, *, path: str | Path | None = None) -> TrainConfig:
        """The config in a JSON object; fields that are not there take their defaults.

        Raises:
            ConfigError: no JSON object, a field that is unknown or of the wrong kind, or values that
                make no sense.
        """
        try:
            record: Any = parse_json(text)
        except ValueError as error:
            raise ConfigError(f"not JSON ({error})", path=path) from error
        if not isinstance(record, dict):
            raise ConfigError("the file holds no JSON object", path=path)
        return cls.from_dict(record, path=path)  # pyright: ignore[reportUnknownArgumentType]

    @classmethod
    def from_dict(cls, record: dict[str, Any], *, path: str | Path | None = None) -> TrainConfig:
        """As ``from_json``, of the object itself."""
        kinds = {item.name: str(item.type) for item in fields(cls)}
        for name, value in record.items():
            if name not in kinds:
                raise ConfigError(f"there is no training setting {name!r}", path=path)
            if not fits(value, kinds[name]):
                raise ConfigError(f"{name} is {value!r}, expected {kinds[name]}", path=path)
        try:
            return cls(**record)
        except ConfigError as error:
            raise ConfigError(error.message, path=path, hint=error.hint) from error
