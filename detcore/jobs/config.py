"""What the user can choose about a training run, and the cards of the detectors there are.

Free of torch: the window and the command line read this without loading it.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from detcore.errors import ConfigError
from detcore.untrusted_json import fits, parse_json

PRECISIONS = ("auto", "fp32", "bf16")
SIZE_STEP = 32
"""Image sizes are multiples of this, the stride of the deepest feature map."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What the user needs to know to choose a detector.

    ``parameters`` in millions, for three classes; ``image_size`` and ``batch_size`` are the defaults;
    ``learning_rate`` is for a step of ``batch_size`` images; ``smallest_batch`` images at a time are the
    fewest that it can learn from.
    """

    name: str
    title: str
    text: str
    image_size: int
    batch_size: int
    learning_rate: float
    parameters: float
    weights_text: str
    smallest_batch: int = 1


MODELS: dict[str, ModelCard] = {
    card.name: card
    for card in (
        ModelCard(
            name="reticle-s",
            title="Reticle S",
            text="Compact and anchor-free, made to learn from some hundred images without pretrained "
            "weights. Trains in minutes on a processor. The right first choice.",
            image_size=320,
            batch_size=8,
            learning_rate=2.5e-3,
            parameters=1.2,
            weights_text="Starts from nothing, or from the best weights of an earlier run.",
        ),
        ModelCard(
            name="ssdlite320",
            title="SSDlite MobileNetV3 (torchvision)",
            text="Fast at prediction and widely deployed. Learns slowly from scratch: give it a "
            "torchvision weights file, or many images.",
            image_size=320,
            batch_size=16,
            learning_rate=2e-3,
            parameters=2.2,
            weights_text="Takes a torchvision file (COCO weights) or an earlier run; layers that do not "
            "fit are listed and start afresh.",
            # Its deepest maps are of one pixel, and there a batch norm knows no spread of a single image.
            smallest_batch=2,
        ),
    )
}
DEFAULT_MODEL = "reticle-s"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """One training run. ``None`` means: Reticle decides.

    Exactly one of ``minutes`` (of learning; validation comes on top, with about a tenth of them) and ``epochs``
    is set.
    ``device`` is ``auto``, ``cpu``, ``cuda`` or ``cuda:N``. ``image_size`` is the longer side in pixels.
    ``weights`` is a local file to start from; where they know the task already, ``learning_rate`` ``None`` is
    a lower one. ``scale_jitter`` 0.5 draws a zoom between 0.5 and 1.5.
    ``validate_every_seconds`` is a wish: validation never takes more than about a tenth of the time.
    ``hard_negatives`` and ``oversample`` let images be drawn more often in which an earlier run took
    background for objects, or missed some: so many times more with an average number of such errors
    (``emphasis.json`` in the run's folder holds them); 0 is off.
    """

    model: str = DEFAULT_MODEL
    minutes: float | None = 10.0
    epochs: int | None = None
    device: str = "auto"
    seed: int = 0
    image_size: int | None = None
    batch_size: int | None = None
    accumulate: int = 1
    learning_rate: float | None = None
    weight_decay: float = 0.05
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
        if self.model not in MODELS:
            raise ConfigError(f"there is no model {self.model!r}", hint=f"Choose from {', '.join(MODELS)}")
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
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} is {getattr(self, name)}, it must not be negative")
        for name in ("scale_jitter", "mosaic"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}, it must be 0 to 1")
        if self.device not in ("auto", "cpu", "cuda") and not self.device.removeprefix("cuda:").isdigit():
            raise ConfigError(f"device is {self.device!r}", hint="Use auto, cpu, cuda or cuda:0, cuda:1 …")

    @property
    def card(self) -> ModelCard:
        return MODELS[self.model]

    def size(self) -> int:
        """The longer side of a training image, in pixels, a multiple of ``SIZE_STEP``."""
        wanted = self.image_size or self.card.image_size
        return max(SIZE_STEP * 2, round(wanted / SIZE_STEP) * SIZE_STEP)

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
