"""What the user can choose about the way from gradients to steps: optimiser, learning rate over the run, its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from detcore.errors import ConfigError
from detcore.jobs.settings.expression import Expression
from detcore.jobs.settings.headings import KEPT, LABELS, OPTIMISER, OVER_TIME
from detcore.options import check_options, option
from detcore.zoo.spec import OptimiserName, Recipe, Schedule

OPTIMISERS: Mapping[OptimiserName, str] = {
    "muon": "Muon",
    "adamw": "AdamW",
    "sgd": "SGD",
    "adam": "Adam",
    "nadam": "NAdam",
    "radam": "RAdam",
    "adamax": "Adamax",
    "rmsprop": "RMSprop",
    "adagrad": "Adagrad",
    "adadelta": "Adadelta",
    "adafactor": "Adafactor",
    "asgd": "ASGD",
    "rprop": "Rprop",
}
SCHEDULES: Mapping[Schedule, str] = {
    "hold": "Hold, then fall",
    "cosine": "Cosine",
    "linear": "Linear",
    "steps": "Steps",
    "one-cycle": "One cycle",
    "plateau": "Plateau",
    "constant": "Constant",
    "expression": "Expression",
}
_ALIKE = frozenset({"adamw", "muon"})
_USUAL: Mapping[OptimiserName, tuple[float, float]] = {
    "sgd": (1e-2, 5e-4),
    "adamw": (1e-3, 0.05),
    "muon": (1e-3, 0.05),
    "adam": (1e-3, 0.0),
    "nadam": (1e-3, 0.05),
    "radam": (1e-3, 0.05),
    "adamax": (2e-3, 0.0),
    "rmsprop": (1e-3, 0.0),
    "adagrad": (1e-2, 0.0),
    "adadelta": (1.0, 0.0),
    "adafactor": (1e-2, 0.0),
    "asgd": (5e-2, 5e-4),
    "rprop": (1e-2, 0.0),
}
"""Learning rate and weight decay of optimisers that the detector's recipe says nothing of. Decay is apart from the
gradient with AdamW, Muon, NAdam, RAdam and Adafactor; with the others it is part of it, and all of these but SGD and ASGD are
better without. ASGD has no momentum, and wants several times the rate of SGD. Rprop, which goes by the signs of gradients
alone, has no decay."""
DEFAULT_MILESTONES = "0.615, 0.846"


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimisation:
    """How gradients become steps. ``None`` means: the detector's recipe decides.

    ``milestones`` are shares of the run, as text, "" for those of torchvision's reference (epochs 16 and 22 of 26);
    ``rate_groups`` are factors of the learning rate by the beginnings of parameters' names, as text.
    """

    optimiser: str | None = option(
        None,
        auto=str,
        label="Optimiser",
        help="What turns gradients into steps",
        choices=cast("Mapping[str, str]", OPTIMISERS),
        group=OPTIMISER,
    )
    momentum: float | None = option(
        None,
        auto=float,
        label="Momentum",
        help="Of SGD",
        low=0,
        high=0.999,
        step=0.01,
        only_for={"optimiser": ("sgd",)},
        group=OPTIMISER,
    )
    nesterov: bool | None = option(
        None,
        auto=bool,
        label="Nesterov",
        help="Let SGD's momentum look ahead",
        only_for={"optimiser": ("sgd",)},
        group=OPTIMISER,
    )
    rho: float | None = option(
        None,
        auto=float,
        label="Memory of means",
        help="Of Adadelta: the share of its means that is kept at a step",
        low=0,
        high=0.999,
        step=0.01,
        only_for={"optimiser": ("adadelta",)},
        group=OPTIMISER,
    )
    largest_step: float | None = option(
        None,
        auto=float,
        label="Largest step",
        help="Of Rprop, whose steps grow and shrink by themselves: the first of each layer is as long as the learning rate says "
        "when it begins to learn, without a warm-up; later the rate does nothing",
        low=0,
        above=True,
        step=0.01,
        only_for={"optimiser": ("rprop",)},
        group=OPTIMISER,
    )
    rate_groups: str = option(
        "",
        label="Rates by layer",
        help="Factors of the learning rate by the beginnings of parameters' names, such as backbone.=0.1, heads.=2",
        group=OPTIMISER,
    )
    clip_gradient: bool = option(
        True, label="Cut long gradients", help="To the length given", group=OPTIMISER
    )
    ema_decay: float = option(
        0.9998,
        label="Average over",
        help="The share that the average keeps at a step, once it has run in; 0.9998 goes over some 5000 steps",
        only_for={"ema": (True,)},
        low=0,
        high=0.999999,
        step=0.0001,
        group=OPTIMISER,
    )
    schedule: str | None = option(
        None,
        auto=str,
        label="Course",
        help="How the learning rate goes on after the warm-up. Steps falls at milestones, Plateau when the AP of "
        "validations no longer grows, and never where validation images with boxes are missing",
        choices=cast("Mapping[str, str]", SCHEDULES),
        group=OVER_TIME,
    )
    rate_floor: float = option(
        0.01,
        label="Lowest",
        help="Of the full learning rate: where Hold, Cosine, Linear and One cycle end and Plateau stops",
        low=0,
        high=1,
        step=0.01,
        unit="%",
        only_for={"schedule": ("hold", "cosine", "linear", "one-cycle", "plateau")},
        group=OVER_TIME,
    )
    hold_until: float = option(
        0.5,
        label="Holds until",
        help="The share of the run until which Hold, then fall stays at the full learning rate",
        low=0,
        high=1,
        step=0.1,
        unit="%",
        only_for={"schedule": ("hold",)},
        group=OVER_TIME,
    )
    milestones: str = option(
        "",
        label="Milestones",
        help=f"Where Steps falls, as shares of the run (default {DEFAULT_MILESTONES})",
        only_for={"schedule": ("steps",)},
        group=OVER_TIME,
    )
    rate_drop: float = option(
        0.1,
        label="Falls to",
        help="What Steps and Plateau leave of the learning rate each time",
        low=0,
        above=True,
        high=1,
        step=0.05,
        unit="%",
        only_for={"schedule": ("steps", "plateau")},
        group=OVER_TIME,
    )
    plateau_patience: int = option(
        3,
        label="Patience",
        help="So many validations without a better AP does Plateau bear",
        low=0,
        only_for={"schedule": ("plateau",)},
        group=OVER_TIME,
    )
    rate_expression: str = option(
        "",
        label="Expression",
        help="Of the full learning rate, for Expression: such as (1 - t) ** 2, with t from 0 to 1 and step",
        only_for={"schedule": ("expression",)},
        group=OVER_TIME,
    )
    stop_after: int | None = option(
        None,
        auto=int,
        label="Stop after",
        help="End the training when so many validations in a row bring no better AP (default: never); it "
        "needs validation images with boxes",
        low=1,
        unit="validations",
        group=KEPT,
    )
    label_smoothing: float = option(
        0.0,
        label="Soft labels",
        help="The share of each label that is spread over all classes, for labels of doubtful classes. Only of "
        "detectors that know it: Reticle's own",
        low=0,
        high=0.5,
        step=0.05,
        unit="%",
        group=LABELS,
    )

    def __post_init__(self) -> None:
        """Raises ConfigError for values that make no sense, naming the field."""
        check_options(self, "optimisation")
        self.milestone_shares()
        self.groups()
        if self.nesterov and self.momentum == 0:
            raise ConfigError("optimisation.nesterov needs a momentum above 0")
        if self.rate_expression or self.schedule == "expression":
            self.expression()

    def expression(self) -> Expression:
        """The learning rate as an expression. Raises ConfigError where it is none."""
        return Expression(self.rate_expression)

    def milestone_shares(self) -> tuple[float, ...]:
        """Where the learning rate falls, in shares of the run. Raises ConfigError."""
        if not self.milestones.strip():
            return (16 / 26, 22 / 26)
        hint = f"Give shares of the run that rise, such as {DEFAULT_MILESTONES}"
        try:
            shares = tuple(float(word) for word in self.milestones.split(","))
        except ValueError as error:
            raise ConfigError(f"optimisation.milestones is {self.milestones!r}", hint=hint) from error
        if list(shares) != sorted(set(shares)) or not all(0 < share < 1 for share in shares):
            raise ConfigError(f"optimisation.milestones is {self.milestones!r}", hint=hint)
        return shares

    def groups(self) -> Mapping[str, float]:
        """Factors of the learning rate by the beginnings of parameters' names. Raises ConfigError."""
        found: dict[str, float] = {}
        for entry in filter(None, (word.strip() for word in self.rate_groups.split(","))):
            start, _, factor = (word.strip() for word in entry.partition("="))
            try:
                found[start] = float(factor)
            except ValueError:
                found[start] = -1.0
            if not start or not 0 <= found[start] <= 1000:
                hint = "Give beginnings of names and factors, such as backbone.=0.1, heads.=2"
                raise ConfigError(f"optimisation.rate_groups has {entry!r}", hint=hint)
        return found

    def applied_to(self, recipe: Recipe) -> Recipe:
        """A detector's recipe with what was chosen in place of its own. An optimiser of another kind than the
        recipe's brings its usual learning rate and weight decay."""
        chosen = cast("OptimiserName", self.optimiser or recipe.optimiser)
        rate, decay = recipe.learning_rate, recipe.weight_decay
        if chosen != recipe.optimiser and not {chosen, recipe.optimiser} <= _ALIKE:
            rate, decay = _USUAL[chosen]
        return replace(
            recipe,
            optimiser=chosen,
            learning_rate=rate,
            weight_decay=decay,
            momentum=recipe.momentum if self.momentum is None else self.momentum,
            nesterov=recipe.nesterov if self.nesterov is None else self.nesterov,
            rho=recipe.rho if self.rho is None else self.rho,
            largest_step=recipe.largest_step if self.largest_step is None else self.largest_step,
            schedule=cast("Schedule", self.schedule or recipe.schedule),
            rate_groups={**recipe.rate_groups, **self.groups()},
        )
