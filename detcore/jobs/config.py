"""What the user can choose about a training run.

Free of torch: the window and the command line read this without loading it. A field is declared once, by ``option``
in one of four sections: what it is called, which values it takes, what users read of it and under which heading;
files, checks, flags and the window's form are made from that.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from detcore.errors import ConfigError
from detcore.jobs.devices import device_names
from detcore.jobs.optimisation import OPTIMISER, OVER_TIME, Optimisation
from detcore.options import Option, check_options, option, options_of
from detcore.untrusted_json import fits, parse_json
from detcore.zoo.catalogue import DEFAULT_MODEL, find_detector
from detcore.zoo.spec import SIDE_STEP, DetectorSpec, Recipe

VERSION = 2
"""Of the form in files. 1, that of Reticle 0.1, has all settings side by side and no ``version``."""

SMALLEST_TILE, LARGEST_TILE = 64, 16_384
"""Pixels of the original."""


BASICS = "Basics"
"""The group that a form shows first; it folds the others."""
_KEPT = "Validating and saving"
_ERRORS = "Errors of an earlier run"
_LABELS = "Labels and classes"
_PLACE, _PIXELS, _MIXING = "Images moved and turned", "Colours and quality", "Images mixed"


def read_freeze(text: str) -> dict[str, float]:
    """Shares of the run by beginnings of names, of such a text as ``backbone.stem, backbone.stage3=0.5``; without a
    share it is the whole run. Nothing for ``none``.

    Raises:
        ConfigError: a share is no number from 0 to 1, or its name is missing.
    """
    found: dict[str, float] = {}
    for part in text.split(",") if text.strip() not in ("", "none") else ():
        name, _, word = (piece.strip() for piece in part.partition("="))
        try:
            share = float(word or 1)
        except ValueError:
            share = -1.0
        if not name or not 0.0 <= share <= 1.0:
            raise ConfigError(
                f"learning.freeze has {part.strip()!r}",
                hint="Write names of layers with a share from 0 to 1, such as backbone.stem, backbone.stage3=0.5",
            )
        found[name] = share
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """How a run learns. ``None`` means: the detector's recipe, or the machine, decides.

    Exactly one of ``minutes`` (of learning; validation comes on top, with about a tenth of them) and ``epochs``
    is set. ``weights`` are published ones, by their name, or a local file; where they know the task already,
    ``learning_rate`` ``None`` is a lower one.
    ``class_balance`` is the threshold of repeat factor sampling (``sampling.repeat_factors``).
    ``hard_negatives`` and ``oversample`` need the errors of an earlier run (``emphasis.json`` in the run's folder).
    """

    minutes: float | None = option(
        10.0, auto=float, label="Minutes", help="Time of a training (default 10)", low=0, above=True
    )
    epochs: int | None = option(
        None, auto=int, label="Epochs", help="Times through the training images", low=1
    )
    weights: str | None = option(
        None,
        auto=str,
        label="Start from",
        help="Weights to start from: published ones (`weights list`), or a file (safetensors or torch)",
        group=BASICS,
    )
    image_size: int | None = option(
        None,
        auto=int,
        label="Image size",
        help="Longer side of a training image",
        low=64,
        high=4096,
        step=SIDE_STEP,
        group=BASICS,
        unit="px",
    )
    small_until: float | None = option(
        None,
        auto=float,
        label="Small until",
        help="The share of a training of so many minutes in which images are two thirds as large, so that more steps are made",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=OVER_TIME,
    )
    multi_scale: float = option(
        0.0,
        label="Many sizes",
        help="Each batch has a size of its own, so much smaller or larger at most",
        low=0,
        high=0.5,
        step=0.1,
        unit="%",
        group=OVER_TIME,
    )
    tiles: str = option(
        "auto",
        label="Tiles",
        help="Look at large images in tiles of so many pixels of the original; auto chooses by the sizes of images and "
        "boxes, off always looks at whole images",
        group=BASICS,
    )
    batch_size: int | None = option(
        None, auto=int, label="Images a step", help="Images that are held at a time", low=1, group=BASICS
    )
    learning_rate: float | None = option(
        None,
        auto=float,
        label="Learning rate",
        help="Full size of a step",
        low=0,
        above=True,
        step=0.0005,
        group=BASICS,
    )
    accumulate: int = option(
        1, label="Batches a step", help="Batches that are added up in a step", low=1, group=OPTIMISER
    )
    weight_decay: float | None = option(
        None,
        auto=float,
        label="Weight decay",
        help="How strongly weights are drawn to nothing",
        low=0,
        step=0.01,
        group=OPTIMISER,
    )
    max_gradient_norm: float = option(
        10.0,
        label="Gradient up to",
        help="Longer gradients are cut to this length",
        low=0,
        above=True,
        group=OPTIMISER,
    )
    ema: bool = option(
        True,
        label="Average the weights",
        help="Keep a running average of the weights; it detects better than the last ones.",
        group=OPTIMISER,
    )
    warmup_steps: int = option(
        50,
        label="Warm-up",
        help="Steps in which the learning rate rises to its full value",
        low=0,
        step=10,
        group=OVER_TIME,
        unit="steps",
    )
    class_balance: float = option(
        0.0,
        label="Rare classes",
        help="Images with a class that a smaller share of the images has than this are drawn more often: twice as "
        "often where four times fewer have it",
        low=0,
        high=1,
        step=0.05,
        group=_LABELS,
        unit="%",
    )
    difficult_boxes: str = option(
        "ignore",
        label="Difficult boxes",
        help="What is learnt where a label is marked as difficult",
        choices={"ignore": "Nothing", "learn": "An object", "drop": "Background"},
        group=_LABELS,
    )
    freeze: str | None = option(
        None,
        auto=str,
        label="Freeze",
        help="Layers that stay as they are, by the beginnings of their names, with the share of the run until which "
        "they do: backbone.stem, backbone.stage3=0.5. Nothing is frozen with none",
        group=OPTIMISER,
    )
    hard_negatives: float = option(
        0.0,
        label="False alarms",
        help="So many times more often are images drawn in which an earlier run took an average number of times "
        "background for objects",
        low=0,
        group=_ERRORS,
    )
    oversample: float = option(
        0.0,
        label="Missed objects",
        help="So many times more often are images drawn in which an earlier run missed an average number of objects",
        low=0,
        group=_ERRORS,
    )

    def __post_init__(self) -> None:
        """Raises ConfigError for values that make no sense, naming the field."""
        check_options(self, "learning")
        _check_tiles(self.tiles)
        if (self.minutes is None) == (self.epochs is None):
            raise ConfigError("set either minutes or epochs, not both")
        read_freeze(self.freeze or "")


def _check_tiles(tiles: str) -> None:
    """Raises ConfigError unless it is auto, off or a length that a tile can have."""
    if tiles in ("auto", "off"):
        return
    length = int(tiles) if tiles.isascii() and tiles.isdecimal() and len(tiles) < 6 else 0
    if not SMALLEST_TILE <= length <= LARGEST_TILE:
        hint = f"Use auto, off, or the side of a tile in pixels, {SMALLEST_TILE} to {LARGEST_TILE:,}"
        raise ConfigError(f"learning.tiles is {tiles!r}", hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """Which random changes are made to training images."""

    flip_horizontal: bool = option(True, label="Flip left and right", group=_PLACE)
    flip_vertical: bool = option(False, label="Flip top and bottom", group=_PLACE)
    scale_jitter: float = option(
        0.5,
        label="Vary size",
        help="0.5 draws a zoom between 0.5 and 1.5",
        low=0,
        high=1,
        step=0.05,
        unit="%",
        group=_PLACE,
    )
    quarter_turns: bool = option(
        False,
        label="Turn by quarters",
        help="For images that have no top, such as those from above",
        group=_PLACE,
    )
    rotation: float = option(
        0.0,
        label="Turn a little",
        help="Degrees to either side, at most; a box becomes the upright one about its turned corners",
        low=0,
        high=45,
        step=5,
        unit="°",
        group=_PLACE,
    )
    crop: float = option(
        0.0,
        label="Cut out",
        help="The share of images of which a part is cut out and enlarged, as SSD does",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=_PLACE,
    )
    zoom_out: float = option(
        0.0,
        label="Make small",
        help="The share of images that become up to four times smaller, for small objects",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=_PLACE,
    )
    colour_jitter: bool = option(True, label="Vary colours", group=_PIXELS)
    hue: float = option(
        0.0,
        label="Hue",
        help="At most so much of the colour circle to either side, beyond what Vary colours does",
        low=0,
        high=0.5,
        step=0.01,
        unit="%",
        group=_PIXELS,
    )
    saturation: float = option(
        0.0,
        label="Saturation",
        help="Colours become at most so much stronger or weaker, beyond what Vary colours does",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=_PIXELS,
    )
    brightness: float = option(
        0.0,
        label="Brightness",
        help="Images become at most so much lighter or darker, beyond what Vary colours does",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=_PIXELS,
    )
    blur: float = option(
        0.0,
        label="Blur",
        help="The share of images out of focus",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=_PIXELS,
    )
    noise: float = option(
        0.0,
        label="Noise",
        help="The share of images with the noise of a sensor",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=_PIXELS,
    )
    jpeg: float = option(
        0.0,
        label="JPEG",
        help="The share of images that are compressed badly",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=_PIXELS,
    )
    erase: float = option(
        0.0,
        label="Erase",
        help="The share of images of which a rectangle is painted over",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=_PIXELS,
    )
    mosaic: float = option(
        0.0,
        label="Mosaic",
        help="The share of images that are put together from four",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=_MIXING,
    )
    mixup: float = option(
        0.0,
        label="Mixup",
        help="The share of images through which another one shines",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=_MIXING,
    )
    cutmix: float = option(
        0.0,
        label="Cutmix",
        help="The share of images of which a rectangle is another image's",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=_MIXING,
    )
    copy_paste: float = option(
        0.0,
        label="Copy-paste",
        help="The share of images that get objects of others, those of rare classes first",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=_MIXING,
    )
    close_after: float = option(
        0.8,
        label="Mix until",
        help="The share of the training after which images are no longer mixed: no mosaic, mixup, cutmix or pasting",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        group=_MIXING,
    )

    def unmixed(self) -> Augmentation:
        """These changes without those that make one image of several."""
        return replace(self, mosaic=0.0, mixup=0.0, cutmix=0.0, copy_paste=0.0)

    def __post_init__(self) -> None:
        """Raises ConfigError as ``Learning`` does."""
        check_options(self, "augmentation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Where and how a run is computed, kept and judged; none of it is meant to change what it learns.

    ``validate_every_seconds`` is a wish: validation never takes more than about a tenth of the time.
    """

    device: str = option(
        "auto", label="Device", help="auto, cpu, cuda:N; 0,1 for two GPUs, cpu,cpu for two processes"
    )
    seed: int = option(0, label="Random seed", help="Seed of all that is drawn", low=0)
    precision: str = option(
        "auto",
        label="Precision",
        help="Of numbers while computing",
        choices={"auto": "Auto", "fp32": "32 bit", "bf16": "16 bit (bf16)"},
    )
    threads: int | None = option(None, auto=int, label="Threads", help="Threads of the processor", low=1)
    validate_every_seconds: float | None = option(
        None,
        auto=float,
        label="Validate every",
        help="Seconds between two validations",
        low=0,
        above=True,
        step=10,
        group=_KEPT,
        unit="s",
    )
    checkpoint_every_seconds: float = option(
        60.0,
        label="Save every",
        help="Seconds between two checkpoints",
        low=0,
        above=True,
        step=10,
        group=_KEPT,
        unit="s",
    )
    predict_after: bool = option(
        True,
        label="Predict when done",
        help="Find objects in all images with the best weights, for the Review page.",
        group=_KEPT,
    )
    look_twice: bool = option(
        False,
        label="Look twice when predicting",
        help="Find objects in each image and in its mirror image, which takes twice as long and is right a little more "
        "often. Only with Flip left and right.",
        group=_KEPT,
    )

    def __post_init__(self) -> None:
        """Raises ConfigError as ``Learning`` does."""
        check_options(self, "runtime")
        try:
            device_names(self.device)
        except ConfigError as error:
            raise ConfigError(f"runtime.device is {self.device!r}", hint=error.hint) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """One training run.

    ``detector`` is the id of one and ``options`` are those of its own. They and ``version`` are looked at when a
    training starts, by ``check``: a run can be read whose detector is not installed, and one that a later Reticle
    made, of which only what is known here is kept.
    """

    version: int = VERSION
    detector: str = DEFAULT_MODEL
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    learning: Learning = Learning()
    optimisation: Optimisation = Optimisation()
    augmentation: Augmentation = Augmentation()
    runtime: Runtime = Runtime()

    @property
    def spec(self) -> DetectorSpec:
        """The detector. Raises ConfigError where it is not installed."""
        return find_detector(self.detector)

    @property
    def first_weights(self) -> str | None:
        """What the training starts from: as chosen, or else what the detector's card names."""
        return self.learning.weights or self.spec.weights.start or None

    @property
    def frozen(self) -> Mapping[str, float]:
        """Until which share of the run layers are frozen, as ``Recipe.frozen``: as chosen, or as the recipe says."""
        freeze = self.learning.freeze
        return self.spec.recipe.frozen if freeze is None else read_freeze(freeze)

    @property
    def small_until(self) -> float:
        """Until which share of the run images are small: as chosen, or as the recipe says. In a run of so many passes they
        never are, since it would see less in as many steps."""
        if self.learning.minutes is None:
            return 0.0
        chosen = self.learning.small_until
        return self.spec.recipe.small_until if chosen is None else chosen

    @property
    def longest_gradient(self) -> float:
        """The length that gradients are cut to; infinite where they are not."""
        return self.learning.max_gradient_norm if self.optimisation.clip_gradient else math.inf

    @property
    def recipe(self) -> Recipe:
        """How it is trained: as the detector's card says, with what was chosen in place of that."""
        return self.optimisation.applied_to(self.spec.recipe)

    def check(self) -> None:
        """Whether a training can start from this.

        Raises:
            ConfigError: a later Reticle wrote it, or the detector is not installed or does not have these options.
        """
        if self.version > VERSION:
            raise ConfigError(
                f"these training settings are of a later Reticle (version {self.version} of their form, "
                f"this one knows {VERSION})",
                hint="Train with that Reticle, or start a new run here",
            )
        spec = self.spec
        spec.read_options(self.options)
        if self.optimisation.label_smoothing and not spec.smooths_labels:
            hint = "Leave label_smoothing at 0, or train Reticle S"
            raise ConfigError(f"{spec.id} cannot smooth labels", hint=hint)
        if spec.input.resize == "stretch" and (self.learning.multi_scale or self.learning.small_until):
            raise ConfigError(
                f"{spec.id} makes a square of one size of every image",
                hint="Leave small_until and multi_scale alone",
            )

    def size(self) -> int:
        """The longer side of a training image, in pixels, a multiple of ``SIDE_STEP``."""
        wanted = self.learning.image_size or self.spec.input.image_size
        return max(SIDE_STEP * 2, round(wanted / SIDE_STEP) * SIDE_STEP)

    def settings(self) -> dict[str, Any]:
        """The values of all ``SETTINGS`` by their names."""
        return {name: getattr(getattr(self, place), name) for name, place in _PLACES.items()}

    def with_settings(self, settings: Mapping[str, Any]) -> TrainConfig:
        """The config with these in place of its own, whichever section they are in. Raises ConfigError."""
        changed: dict[str, dict[str, Any]] = {}
        for name, value in settings.items():
            changed.setdefault(_PLACES[name], {})[name] = value
        return replace(
            self, **{place: replace(getattr(self, place), **values) for place, values in changed.items()}
        )

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
            ConfigError: no JSON object, a field of the wrong kind, or values that make no sense; or a field that is
                unknown, unless a later Reticle wrote it.
        """
        try:
            record: Any = parse_json(text)
        except ValueError as error:
            raise ConfigError(f"not JSON ({error})", path=path) from error
        if not isinstance(record, dict):
            raise ConfigError("the file holds no JSON object", path=path)
        return cls.from_dict(cast("dict[str, Any]", record), path=path)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any], *, path: str | Path | None = None) -> TrainConfig:
        """As ``from_json``, of the object itself."""
        try:
            return cls(**_read(record))
        except ConfigError as error:
            raise ConfigError(error.message, path=path, hint=error.hint) from error


_SECTIONS: Mapping[str, type[Any]] = {
    "optimisation": Optimisation,
    "learning": Learning,
    "augmentation": Augmentation,
    "runtime": Runtime,
}
_BESIDE = {"detector": "str", "options": "dict[str, Any]"}
SETTINGS: Mapping[str, Option] = {
    item.name: item for section in _SECTIONS.values() for item in options_of(section)
}
"""Everything that can be set, by its name, which no two sections share."""
_PLACES = {item.name: place for place, section in _SECTIONS.items() for item in options_of(section)}
_TITLES = {
    "learning": "Learning",
    "optimisation": OPTIMISER,
    "augmentation": "Changes to images",
    "runtime": "Machine",
}


def _groups() -> Mapping[str, tuple[Option, ...]]:
    found: dict[str, list[Option]] = {BASICS: []}
    for item in SETTINGS.values():
        found.setdefault(item.group or _TITLES[_PLACES[item.name]], []).append(item)
    return {title: tuple(items) for title, items in found.items()}


GROUPS = _groups()
"""The settings under the headings of forms and help: their own, or that of their section."""


def _read(record: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a ``TrainConfig`` that a file holds, in any version. Raises ConfigError as ``from_json``."""
    version = record.get("version", 1)
    if not fits(version, "int"):
        raise ConfigError(f"version is {version!r}, expected a whole number")
    later = version > VERSION
    values: dict[str, Any] = {"version": max(version, VERSION)}
    for name, value in (record if version >= VERSION else _nested(record)).items():
        if name in _SECTIONS:
            values[name] = _read_section(name, value, later=later)
        elif name in _BESIDE and fits(value, _BESIDE[name]):
            values[name] = value
        elif name in _BESIDE and not later:
            expected = "an object" if name == "options" else "a text"
            raise ConfigError(f"{name} is {value!r}, expected {expected}")
        elif name != "version" and not later:
            raise _unknown(name)
    return values


def _read_section(name: str, record: object, *, later: bool) -> Any:
    """One section; in the file of a ``later`` version what is not known or allowed here is passed over."""
    kind = _SECTIONS[name]
    if not isinstance(record, dict):
        if later:
            return kind()
        raise ConfigError(f"{name} is {record!r}, expected an object")
    known = {item.name: item for item in options_of(kind)}
    values = cast("dict[str, Any]", record)
    if later:
        values = {key: value for key, value in values.items() if key in known and known[key].accepts(value)}
    for key in values:
        if key not in known:
            raise _unknown(f"{name}.{key}")
    try:
        return kind(**values)
    except ConfigError:
        if later:
            return kind()
        raise


def _nested(record: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of version 1, which lie side by side, in their sections."""
    sections: dict[str, dict[str, Any]] = {name: {} for name in _SECTIONS}
    beside: dict[str, Any] = {}
    for name, value in record.items():
        if name in _PLACES:
            sections[_PLACES[name]][name] = value
        elif name in ("model", "options"):
            beside["detector" if name == "model" else name] = value
        elif name != "version":
            raise _unknown(name)
    return {**beside, **sections}


def _unknown(name: str) -> ConfigError:
    return ConfigError(f"there is no training setting {name!r}")
