"""The detectors to choose from: in which group each is listed, in which words, and what it lacks here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from detcore.jobs.program import missing_for
from detcore.zoo.spec import DetectorSpec

OWN, PLUG_INS = "Reticle", "Plug-ins"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorChoice:
    """One row of the list of detectors. ``missing`` says what to install before it can be trained; "" where
    nothing is missing."""

    spec: DetectorSpec
    group: str
    missing: str = ""

    @property
    def size(self) -> str:
        return f"{self.spec.parameters:g} M"

    def holds(self, words: Iterable[str]) -> bool:
        """Whether all the words, in lower case, are in what is said of it."""
        spec = self.spec
        said = f"{spec.id} {spec.title} {self.group} {spec.licence} {spec.text}".lower()
        return all(word in said for word in words)

    def __str__(self) -> str:
        """The row as it is read out."""
        text = self.missing or self.spec.text
        return f"{self.spec.title}, {self.group}. {text} {self.size} parameters, {self.spec.licence}"


def figures_text(spec: DetectorSpec) -> str:
    return f"{spec.parameters:g} M parameters · {spec.input.image_size} px · {spec.licence}"


def detector_choices(specs: Iterable[DetectorSpec]) -> list[DetectorChoice]:
    """A row for each, group by group in the order in which groups come; plug-ins are the last."""
    rows: dict[str, list[DetectorChoice]] = {}
    for spec in specs:
        group = _group(spec)
        missing = missing_for(spec)
        row = DetectorChoice(spec=spec, group=group, missing="" if missing is None else str(missing))
        rows.setdefault(group, []).append(row)
    last = rows.pop(PLUG_INS, [])
    return [row for group in (*rows.values(), last) for row in group]


def _group(spec: DetectorSpec) -> str:
    return (spec.family or OWN) if spec.build.startswith("detcore.") else PLUG_INS
