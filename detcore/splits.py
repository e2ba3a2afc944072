"""Dividing images into splits."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence

from detcore.errors import ConfigError
from detcore.types import Image


def make_splits(
    image_ids: Iterable[int],
    ratios: Mapping[str, float],
    *,
    seed: int = 0,
    groups: Mapping[int, str | None] | None = None,
) -> dict[int, str]:
    """A split for every image, the same for the same seed whatever the order of ``image_ids``.

    ``ratios`` are weights, such as ``{"train": 0.8, "val": 0.2}``. Images of one group (frames of a
    video, photos of a patient) stay together, so that no split holds the neighbours of another's images.
    As long as there are enough groups, no split with a weight stays empty.

    Raises:
        ConfigError: a weight is negative or not a number, or none is positive.
    """
    weights = {split: float(weight) for split, weight in ratios.items()}
    if any(not math.isfinite(weight) or weight < 0 for weight in weights.values()):
        raise ConfigError(f"the shares of the splits must be numbers from 0: {weights}")
    weights = {split: weight for split, weight in weights.items() if weight > 0}
    if not weights:
        raise ConfigError("at least one split needs a share above 0")
    bundles = _bundles(image_ids, groups or {})
    random.Random(seed).shuffle(bundles)
    bundles.sort(key=len, reverse=True)  # large groups first: the small ones then even things out
    assigned = _assign(bundles, weights)
    return {image_id: split for split, parts in assigned.items() for part in parts for image_id in part}


def divide_images(images: Sequence[Image], ratios: Mapping[str, float], *, seed: int = 0) -> dict[int, str]:
    """A split for every image by id, whatever split it has now. Raises ConfigError as ``make_splits``
    does."""
    groups = {image.id: image.group for image in images if image.group is not None}
    return make_splits((image.id for image in images), ratios, seed=seed, groups=groups)


def fill_splits(images: Sequence[Image], ratios: Mapping[str, float], *, seed: int = 0) -> dict[int, str]:
    """A split for every image that has none. One of a group that is in a split already follows it; the shares
    are those of the rest. Raises ConfigError as ``make_splits`` does."""
    taken = {image.group: image.split for image in images if image.group is not None and image.split}
    free = [image for image in images if image.split is None]
    follow = {image.id: taken[image.group] for image in free if image.group in taken}
    rest = [image for image in free if image.id not in follow]
    return {**follow, **divide_images(rest, ratios, seed=seed)}


def _bundles(image_ids: Iterable[int], groups: Mapping[int, str | None]) -> list[list[int]]:
    bundles: dict[tuple[str, int | str], list[int]] = {}
    for image_id in sorted(set(image_ids)):
        group = groups.get(image_id)
        bundles.setdefault(("image", image_id) if group is None else ("group", group), []).append(image_id)
    return list(bundles.values())


def _assign(bundles: list[list[int]], weights: Mapping[str, float]) -> dict[str, list[list[int]]]:
    total = sum(len(bundle) for bundle in bundles)
    missing = {split: total * weight / sum(weights.values()) for split, weight in weights.items()}
    assigned: dict[str, list[list[int]]] = {split: [] for split in weights}
    for bundle in bundles:
        split = max(missing, key=lambda name: missing[name])
        assigned[split].append(bundle)
        missing[split] -= len(bundle)
    for parts in assigned.values():
        donor = max(assigned.values(), key=len)
        if not parts and len(donor) > 1:
            parts.append(donor.pop())
    return assigned
