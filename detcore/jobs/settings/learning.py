"""What the user can choose about what a run learns from, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from detcore.errors import ConfigError
from detcore.jobs.settings.headings import BASICS, ERRORS, LABELS, OPTIMISER, OVER_TIME
from detcore.options import check_options, option
from detcore.zoo.spec import SIDE_STEP

FROM_NOTHING = "none"
"""In place of weights: all is learnt anew."""
SMALLEST_TILE, LARGEST_TILE = 64, 16_384
"""Pixels of the original."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """How a run learns. ``None`` means: the detector's recipe, or the machine, decides.

    Exactly one of ``minutes`` (of learning; validation comes on top, with about a tenth of them) and ``epochs``
    is set. ``weights`` are published ones, by their name, a local file, or ``FROM_NOTHING``; where they know the task already,
    ``learning_rate`` ``None`` is a lower one.
    ``class_balance`` is the threshold of repeat factor sampling (``sampling.repeat_factors``).
    ``teacher`` is the name of a run, whose detections are in this one's folder (``lesson.npz``).
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
        help="Weights to start from: published ones (`weights list`), a file (safetensors or torch), or none. Auto: the "
        "project's newest run of the same detector and classes that has learnt from no image that judges, else what the "
        "detector's card names",
        group=BASICS,
    )
    teacher: str = option(
        "",
        label="Taught by",
        help="A run of the project whose detections are learnt as well, as far as they are sure: on images without labels, "
        "and beside the labels of others",
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
        help="The share of a training of so many minutes in which images are two thirds as large, so that more steps are made. "
        "Auto: as the detector's recipe says, and not where it starts from weights that know the task",
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
        only_for={"clip_gradient": (True,)},
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
        group=LABELS,
        unit="%",
    )
    difficult_boxes: str = option(
        "ignore",
        label="Difficult boxes",
        help="What is learnt where a label is marked as difficult",
        choices={"ignore": "Nothing", "learn": "An object", "drop": "Background"},
        group=LABELS,
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
        help="So many times more often are images drawn, or tiles of them, in which an earlier run took an average number "
        "of times background for objects",
        low=0,
        group=ERRORS,
    )
    oversample: float = option(
        0.0,
        label="Missed objects",
        help="So many times more often are images drawn, or tiles of them, in which an earlier run missed an average "
        "number of objects",
        low=0,
        group=ERRORS,
    )

    def __post_init__(self) -> None:
        """Raises ConfigError for values that make no sense, naming the field."""
        check_options(self, "learning")
        _check_tiles(self.tiles)
        if (self.minutes is None) == (self.epochs is None):
            raise ConfigError("set either minutes or epochs, not both")
        read_freeze(self.freeze or "")


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


def _check_tiles(tiles: str) -> None:
    """Raises ConfigError unless it is auto, off or a length that a tile can have."""
    if tiles in ("auto", "off"):
        return
    length = int(tiles) if tiles.isascii() and tiles.isdecimal() and len(tiles) < 6 else 0
    if not SMALLEST_TILE <= length <= LARGEST_TILE:
        hint = f"Use auto, off, or the side of a tile in pixels, {SMALLEST_TILE} to {LARGEST_TILE:,}"
        raise ConfigError(f"learning.tiles is {tiles!r}", hint=hint)
