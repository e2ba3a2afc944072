"""The detectors to choose from: in which group each is listed, in which words, and what it lacks here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.services.figures import ratio_text
from detcore.weights.cache import WeightsCache
from detcore.weights.catalogue import weights_for
from detcore.zoo.installed import missing_for
from detcore.zoo.spec import DetectorSpec, Wants

GROUPS: dict[Wants, str] = {
    "nothing": "From nothing, on a processor",
    "weights": "With published weights",
    "gpu": "Wants a GPU",
}
NOT_INSTALLED = "Needs an install"
OWN, PLUG_IN = "Reticle", "Plug-in"
HERE, ELSEWHERE = "on disk", "to get"
NONE = "–"
_BYTES, _COPIES = 4, 4
"""Of a number, and how many of each parameter there are in a training: it, its gradient, and two means of that."""
_PROGRAM = 0.9e9
"""Bytes of PyTorch and what else a worker needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorChoice:
    """One row of the list of detectors. ``missing`` says what to install before it can be trained; "" where
    nothing is missing. ``weights`` says whether published ones are here."""

    spec: DetectorSpec
    group: str
    missing: str = ""
    weights: str = NONE

    @property
    def family(self) -> str:
        """Whose it is."""
        return self.spec.family or (OWN if self.spec.build.startswith("detcore.") else PLUG_IN)

    @property
    def size(self) -> str:
        return f"{ratio_text(self.spec.parameters, digits=1)} M"

    @property
    def arithmetic(self) -> str:
        """Multiply-adds of an image of its own size."""
        macs = self.spec.cost.macs
        return f"{ratio_text(macs, digits=0 if macs >= 10 else 1)} G" if macs else NONE

    @property
    def memory(self) -> str:
        """About how much a training takes."""
        needed = training_memory(self.spec)
        return f"{ratio_text(needed / 1e9, digits=1)} GB" if needed else NONE

    def holds(self, words: Iterable[str]) -> bool:
        """Whether all the words, in lower case, are in what is said of it."""
        spec = self.spec
        said = f"{spec.id} {spec.title} {self.family} {self.group} {spec.licence} {spec.text}".lower()
        return all(word in said for word in words)

    def __str__(self) -> str:
        """The row as it is read out."""
        text = self.missing or self.spec.text
        return (
            f"{self.spec.title}, {self.family}, {self.group}. {text} {self.size} parameters, {self.arithmetic} multiply-adds, "
            f"{self.memory} of memory to train, weights {self.weights}, {self.spec.licence}"
        )


def figures_text(spec: DetectorSpec) -> str:
    return f"{spec.parameters:g} M parameters · {spec.input.image_size} px · {spec.licence}"


def speed_text(images_a_second: float | None) -> str:
    """Images a second, or that nobody has measured them."""
    if images_a_second is None:
        return NONE
    return ratio_text(images_a_second, digits=0 if images_a_second >= 10 else 1)


def training_memory(spec: DetectorSpec) -> float:
    """About how many bytes a training takes with the batch of the recipe, in 32 bit and with two means for each parameter; 0 where what
    its layers give has not been counted."""
    if not spec.cost.values:
        return 0.0
    numbers = _COPIES * spec.parameters + spec.recipe.batch_size * spec.cost.values
    return _BYTES * numbers * 1e6 + _PROGRAM


def detector_choices(specs: Iterable[DetectorSpec], cache: WeightsCache) -> list[DetectorChoice]:
    """A row for each, by what the user needs to have; what cannot be trained here comes last."""
    rows: dict[str, list[DetectorChoice]] = {group: [] for group in (*GROUPS.values(), NOT_INSTALLED)}
    for spec in specs:
        missing = missing_for(spec)
        group = GROUPS[spec.wants] if missing is None else NOT_INSTALLED
        files = weights_for(spec.id)
        here = HERE if any(cache.has(file) for file in files) else ELSEWHERE if files else NONE
        text = "" if missing is None else str(missing)
        rows[group].append(DetectorChoice(spec=spec, group=group, missing=text, weights=here))
    return [row for group in rows.values() for row in group]
