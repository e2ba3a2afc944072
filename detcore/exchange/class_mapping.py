"""The classes of a dataset under the names that a project has for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from detcore.errors import ConfigError
from detcore.formats.base import Dataset, DatasetBox, DatasetClass
from detcore.formats.box_columns import BoxColumns, BoxRows

ClassMapping = Mapping[str, str | None]
"""The new names of classes by their old ones; ``None`` leaves the boxes of a class out."""


def with_classes(dataset: Dataset, mapping: ClassMapping, *, source: Path) -> Dataset:
    """The dataset with classes renamed, joined where they get one name, or left out with their boxes.

    Raises:
        ConfigError: the dataset has no such class, or a new name is empty.
    """
    known = {item.name for item in dataset.classes}
    strange = next((name for name in mapping if name not in known), None)
    if strange is not None:
        names = ", ".join(sorted(known))
        raise ConfigError(f"the dataset has no class {strange!r}", path=source, hint=f"It has {names}")
    if any(name is not None and not name.strip() for name in mapping.values()):
        raise ConfigError("a class cannot have an empty name", path=source)
    classes: dict[str, DatasetClass] = {}
    places: list[int | None] = []
    for item in dataset.classes:
        name = mapping.get(item.name, item.name)
        name = name if name is None or item.name not in mapping else name.strip()
        if name is None:
            places.append(None)
            continue
        classes.setdefault(name, replace(item, name=name))
        places.append(list(classes).index(name))
    relabel = _Relabelling(places)
    images = [replace(image, boxes=relabel.boxes(image.boxes)) for image in dataset.images]
    drawn = {path: replace(boxes, boxes=relabel.boxes(boxes.boxes)) for path, boxes in dataset.drawn.items()}
    return replace(dataset, classes=tuple(classes.values()), images=images, drawn=drawn)


class _Relabelling:
    """Gives boxes the places that their classes have in a new list."""

    def __init__(self, places: Sequence[int | None]) -> None:
        self._places = places
        self._kept = [place for place in places if place is not None]
        self._columns: dict[int, BoxColumns] = {}

    def boxes(self, boxes: Sequence[DatasetBox]) -> Sequence[DatasetBox]:
        if isinstance(boxes, BoxRows) and len(self._kept) == len(self._places):
            return BoxRows(self._relabelled(boxes.columns), boxes.start, boxes.stop)
        return [replace(box, label=place) for box in boxes if (place := self._places[box.label]) is not None]

    def _relabelled(self, columns: BoxColumns) -> BoxColumns:
        found = self._columns.get(id(columns))
        if found is None:
            labels = [self._kept[label] for label in columns.labels]
            found = self._columns[id(columns)] = replace(columns, labels=labels)
        return found
