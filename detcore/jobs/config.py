"""The settings of a training run, together.

Free of torch, as all in ``settings`` is: the window and the command line read this without loading it. A new setting
is one field, declared by ``option`` in the section there that it belongs to (``learning``, ``optimisation``,
``augmentation`` or ``runtime``): what it is called, which values it takes, what users read of it and under which
heading. Files, checks, flags and the window's form are made from that.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from detcore.atomic import atomic_write
from detcore.errors import ConfigError
from detcore.jobs.settings.augmentation import Augmentation
from detcore.jobs.settings.expression import Expression
from detcore.jobs.settings.form import VERSION, read_form
from detcore.jobs.settings.learning import FROM_NOTHING, Learning, read_freeze
from detcore.jobs.settings.optimisation import Optimisation
from detcore.jobs.settings.runtime import Runtime
from detcore.jobs.settings.sections import PLACES, SETTINGS
from detcore.untrusted_json import parse_json
from detcore.zoo.catalogue import DEFAULT_MODEL, find_detector
from detcore.zoo.spec import SIDE_STEP, DetectorSpec, Recipe


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
        """The detector with these options. Raises ConfigError where it is not installed, or cannot be with them."""
        return find_detector(self.detector).fitted_to(self.options)

    @property
    def first_weights(self) -> str | None:
        """What the training starts from: as chosen, or else what the detector's card names for these options."""
        chosen, spec = self.learning.weights, self.spec
        if chosen is not None:
            return None if chosen == FROM_NOTHING else chosen
        options = asdict(spec.read_options(self.options))
        return next(
            (
                file.name
                for file in spec.weights.files
                if file.name == spec.weights.start and file.fits(options)
            ),
            None,
        )

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
    def looks(self) -> int:
        """How often an image is looked at to predict. In mirror images nothing is found by who has seen none."""
        return 2 if self.runtime.look_twice and self.augmentation.flip_horizontal else 1

    @property
    def longest_gradient(self) -> float:
        """The length that gradients are cut to; infinite where they are not."""
        return self.learning.max_gradient_norm if self.optimisation.clip_gradient else math.inf

    @property
    def recipe(self) -> Recipe:
        """How it is trained: as the detector's card says, with what was chosen in place of that."""
        return self.optimisation.applied_to(self.spec.recipe)

    @property
    def expression(self) -> Expression:
        """The learning rate as an expression: as chosen, or as the recipe says. Raises ConfigError where it is none."""
        return Expression(self.optimisation.rate_expression or self.recipe.expression)

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
        if self.runtime.compile and self.runtime.checkpoint_activations:
            raise ConfigError(
                "compile and checkpoint_activations do not go together",
                hint="Compiled stages choose themselves what to compute again",
            )
        if self.learning.weight_decay and self.recipe.optimiser == "rprop":
            raise ConfigError("Rprop has no weight decay", hint="Leave weight_decay alone, or at 0")
        if self.optimisation.label_smoothing and not spec.smooths_labels:
            hint = "Leave label_smoothing at 0, or train one of Reticle's own"
            raise ConfigError(f"{spec.id} cannot smooth labels", hint=hint)
        if spec.input.one_size and (self.learning.multi_scale or self.learning.small_until):
            raise ConfigError(
                f"{spec.id} makes a frame of one size of every image",
                hint="Leave small_until and multi_scale alone",
            )

    def size(self) -> int:
        """The longer side of a training image, in pixels, a multiple of ``SIDE_STEP``."""
        wanted = self.learning.image_size or self.spec.input.image_size
        return max(SIDE_STEP * 2, round(wanted / SIDE_STEP) * SIDE_STEP)

    def settings(self) -> dict[str, Any]:
        """The values of all ``SETTINGS`` by their names."""
        return {name: getattr(getattr(self, place), name) for name, place in PLACES.items()}

    def with_settings(self, settings: Mapping[str, Any]) -> TrainConfig:
        """The config with these in place of its own, whichever section they are in. Raises ConfigError."""
        changed: dict[str, dict[str, Any]] = {}
        for name, value in settings.items():
            changed.setdefault(PLACES[name], {})[name] = value
        return replace(
            self, **{place: replace(getattr(self, place), **values) for place, values in changed.items()}
        )

    def for_detector(self, detector: str, options: Mapping[str, Any]) -> TrainConfig:
        """These settings for a detector with these options: what was as the card of the one before says becomes as its
        card says.

        Raises:
            ConfigError: it is not installed, or cannot be with these options.
        """
        before, after = self.spec.settings, find_detector(detector).fitted_to(options).settings
        mine = self.settings()
        usual = {name: SETTINGS[name].default for name in {*before, *after}}
        changed = {
            name: after.get(name, default)
            for name, default in usual.items()
            if mine[name] == before.get(name, default)
        }
        return replace(self, detector=detector, options=dict(options)).with_settings(changed)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2) + "\n"

    def save(self, path: Path) -> None:
        """Write what ``load`` reads, all of it or nothing."""
        with atomic_write(path) as temporary:
            temporary.write_text(self.to_json(), encoding="utf-8")

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
            return cls(**read_form(record))
        except ConfigError as error:
            raise ConfigError(error.message, path=path, hint=error.hint) from error
