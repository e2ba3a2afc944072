"""All settings of a training, by their names: what the sections declare, together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detcore.jobs.settings.augmentation import Augmentation
from detcore.jobs.settings.headings import BASICS, OPTIMISER
from detcore.jobs.settings.learning import Learning
from detcore.jobs.settings.optimisation import Optimisation
from detcore.jobs.settings.runtime import Runtime
from detcore.options import Option, options_of

SECTIONS: Mapping[str, type[Any]] = {
    "optimisation": Optimisation,
    "learning": Learning,
    "augmentation": Augmentation,
    "runtime": Runtime,
}
SETTINGS: Mapping[str, Option] = {
    item.name: item for section in SECTIONS.values() for item in options_of(section)
}
"""Everything that can be set, by its name, which no two sections share."""
PLACES = {item.name: place for place, section in SECTIONS.items() for item in options_of(section)}
"""The section of each."""
_TITLES = {
    "learning": "Learning",
    "optimisation": OPTIMISER,
    "augmentation": "Changes to images",
    "runtime": "Machine",
}


def _groups() -> Mapping[str, tuple[Option, ...]]:
    found: dict[str, list[Option]] = {BASICS: []}
    for item in SETTINGS.values():
        found.setdefault(item.group or _TITLES[PLACES[item.name]], []).append(item)
    return {title: tuple(items) for title, items in found.items()}


GROUPS = _groups()
"""The settings under the headings of forms and help: their own, or that of their section."""
